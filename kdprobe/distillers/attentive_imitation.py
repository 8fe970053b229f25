"""Imitate most where the teacher is right (attentive imitation, Saputra et al. 2019)."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._truth_inputs import labelled_predictions


def _loss(student: View, teacher: View) -> torch.Tensor:
    """Φ·(f_S - f_T)², Φ = 1 - e_T/η with e_T the teacher's squared error and η the range of e_T over the batch; one value a row.

    The paper takes the range over all rows. Φ is below 0 where an error exceeds the range, which would push the student away from the
    teacher without bound: it is clamped at 0.
    """
    error = ((teacher.outputs - student.labels) ** 2).mean(dim=-1)
    span = error.amax(dim=-1, keepdim=True) - error.amin(dim=-1, keepdim=True)
    attention = (1 - error / span.clamp(min=1e-12)).clamp(min=0.0)
    return attention * ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)


def _oracle(student: View, teacher: View) -> np.ndarray:
    errors = np.array([np.mean((t - y) ** 2) for t, y in zip(teacher.outputs, student.labels, strict=True)])
    found = []
    for s, t, error in zip(student.outputs, teacher.outputs, errors, strict=True):
        found.append(max(0.0, 1 - error / (errors.max() - errors.min())) * np.mean((s - t) ** 2))
    return np.array(found)


ATTENTIVE_IMITATION = Distiller(
    name="attentive_imitation",
    title="attentive imitation",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(f_S - y)² + α·Φ·(f_S - f_T)², Φ = max(0, 1 - (f_T - y)²/η), η: the batch's range of (f_T - y)²",
    needs=("outputs", "labels"),
    batchwise=True,
    truths=(LossTruth(name="weights by hand", make=labelled_predictions, oracle=_oracle),),
    cites="arXiv:1908.00858",
)
