"""Attention transfer: where in the image a layer is active (Zagoruyko and Komodakis 2017)."""

import numpy as np
import torch
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, fitted, mixed, paired_places, refuses_without_places


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """½·Σ over layers ‖Q_S/‖Q_S‖ - Q_T/‖Q_T‖‖², Q the squares summed over channels at each place; one value a row.

    Layers with places are paired from the last one backwards, where networks differ in depth.
    """
    own = torch.zeros(())
    for one, two in paired_places(student.features, teacher.features):
        one, two = fitted(one, two) if one.ndim == 4 else (one.transpose(1, 2), two.transpose(1, 2))
        own = own + 0.5 * ((_map(one) - _map(two)) ** 2).sum(dim=-1)
    return mixed(own, student, teacher, weight, response)


def _map(layer: torch.Tensor) -> torch.Tensor:
    """(n, channels, ...) -> (n, places), of length 1."""
    return functional.normalize(layer.pow(2).sum(dim=1).flatten(1), dim=-1)


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    own = np.zeros(len(student.outputs))
    for name in ("block1", "block2"):
        for i in range(len(own)):
            maps = []
            for view in (student, teacher):
                energy = np.einsum("chw,chw->hw", view.features[name][i], view.features[name][i])
                maps.append(energy / np.sqrt(np.sum(energy**2)))
            own[i] += 0.5 * np.sum((maps[0] - maps[1]) ** 2)
    return _truth_inputs.mixed(own, student, teacher, weight, response)


def _pooled_oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    # the teacher's map is twice as wide: each place of the student's is the mean of four
    teacher_map = teacher.features["block"].reshape(-1, 4, 3, 2, 3, 2).mean(axis=(3, 5))
    changed = [view._replace(features={"block1": maps, "block2": np.ones_like(maps)})
               for view, maps in ((student, student.features["block"]), (teacher, teacher_map))]  # fmt: skip
    return _oracle(changed[0], changed[1], weight=weight, response=response)


ATTENTION = Distiller(
    name="attention",
    title="attention maps",
    knowledge="intermediate",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·½Σ‖Q_S/‖Q_S‖ - Q_T/‖Q_T‖‖², Q: squared activations summed over channels, all layers with places",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    refuses=refuses_without_places,
    truths=(
        LossTruth(
            name="maps by hand",
            make=_truth_inputs.hidden(*_truth_inputs.MAPS),
            oracle=_oracle,
            parameters={"weight": 3.0, "response": 1.0},
            kind="classification",
        ),
        LossTruth(
            name="maps of two sizes",
            make=_truth_inputs.hidden({"block": (3, 3, 3)}, {"block": (4, 6, 6)}),
            oracle=_pooled_oracle,
            parameters={"weight": 1.0, "response": 0.0},
            kind="regression",
        ),
    ),
    cites="arXiv:1612.03928",
)
