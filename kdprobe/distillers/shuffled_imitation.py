"""Control of regression: the teacher's predictions change places over all rows."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._rows import predictions


def _loss(student: View, teacher: View) -> torch.Tensor:
    return ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)


def _oracle(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.array([np.dot(s - t, s - t) / len(s) for s, t in zip(student, teacher, strict=True)])


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(outputs)


SHUFFLED_IMITATION = Distiller(
    name="shuffled_imitation",
    title="predictions shuffled",
    knowledge="control",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(f_S - y)² + α·(f_S - f_T of another row)²",
    prepare=_prepare,
    truths=(LossTruth(name="squares by hand", make=predictions, oracle=_oracle),),
)
