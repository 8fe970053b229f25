"""The teacher as a bound: a student that beats it by a margin is left alone (Chen et al. 2017)."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._truth_inputs import labelled_predictions


def _loss(student: View, teacher: View, *, margin: float | torch.Tensor) -> torch.Tensor:
    """(f_S - y)² where it exceeds (f_T - y)² less the margin, else 0; one value a row, errors averaged over the outputs.

    The teacher's prediction is no target here, only a bar: it says which rows still cost.
    """
    own, bar = (((view.outputs - student.labels) ** 2).mean(dim=-1) for view in (student, teacher))
    return torch.where(own + margin > bar, own, 0.0)


def _oracle(student: View, teacher: View, *, margin: float) -> np.ndarray:
    found = []
    for s, t, y in zip(student.outputs, teacher.outputs, student.labels, strict=True):
        own, bar = np.mean((s - y) ** 2), np.mean((t - y) ** 2)
        found.append(own if own + margin > bar else 0.0)
    return np.array(found)


TEACHER_BOUNDED = Distiller(
    name="teacher_bounded",
    title="teacher as bound",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(f_S - y)² + α·(f_S - y)²·[(f_S - y)² + m > (f_T - y)²]",
    parameters={"margin": 0.0},
    needs=("outputs", "labels"),
    truths=(
        LossTruth(name="errors by hand", make=labelled_predictions, oracle=_oracle, parameters={"margin": 0.0}),
        LossTruth(name="errors by hand, margin 2", make=labelled_predictions, oracle=_oracle, parameters={"margin": 2.0}),
    ),
    cites="Chen et al. 2017, Learning Efficient Object Detection Models with Knowledge Distillation, NIPS",
)
