"""Neuron selectivity: what each channel responds to, whichever channel it is (NST, Huang and Wang 2017)."""

import numpy as np
import torch
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, fitted, mixed, paired_places, refuses_without_places


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """Σ over layers of the squared maximum mean discrepancy between the two sets of channels, kernel (a·b)²; one value a row.

    A channel is its activations over all places, scaled to length 1. Layers are paired as in attention transfer.
    """
    own = torch.zeros(())
    for one, two in paired_places(student.features, teacher.features):
        one, two = fitted(one, two) if one.ndim == 4 else (one.transpose(1, 2), two.transpose(1, 2))
        one, two = (functional.normalize(maps.flatten(2), dim=-1) for maps in (one, two))
        own = own + _kernel(one, one) + _kernel(two, two) - 2 * _kernel(one, two)
    return mixed(own, student, teacher, weight, response)


def _kernel(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    return (one @ two.transpose(1, 2)).square().mean(dim=(1, 2))


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    own = np.zeros(len(student.outputs))
    for name in ("block1", "block2"):
        for i in range(len(own)):
            sets = []
            for view in (student, teacher):
                channels = view.features[name][i].reshape(view.features[name].shape[1], -1)
                sets.append([c / max(np.linalg.norm(c), 1e-12) for c in channels])
            s, t = sets
            own[i] += np.mean([(a @ b) ** 2 for a in s for b in s]) + np.mean([(a @ b) ** 2 for a in t for b in t])
            own[i] -= 2 * np.mean([(a @ b) ** 2 for a in s for b in t])
    return _truth_inputs.mixed(own, student, teacher, weight, response)


NST = Distiller(
    name="nst",
    title="neuron selectivity",
    knowledge="intermediate",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·Σ MMD²(channels of S, channels of T), kernel (a·b)², channels of length 1, all layers with places",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    refuses=refuses_without_places,
    truths=(
        LossTruth(
            name="channel by channel",
            make=_truth_inputs.hidden(*_truth_inputs.MAPS),
            oracle=_oracle,
            parameters={"weight": 2.0, "response": 0.5},
            kind="classification",
        ),
    ),
    cites="arXiv:1707.01219",
)
