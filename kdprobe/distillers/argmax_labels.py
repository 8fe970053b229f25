"""Control: the teacher's classes alone, as if they were labels. All that is soft in its outputs is gone."""

import numpy as np
import torch
from scipy.special import softmax

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._truth_inputs import logits


def _loss(student: View, teacher: View) -> torch.Tensor:
    """Cross-entropy of the class that the teacher finds most likely, one value a row."""
    first = teacher.outputs.argmax(dim=-1, keepdim=True)
    return -torch.log_softmax(student.outputs, dim=-1).gather(-1, first).squeeze(-1)


def _oracle(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.array([-np.log(softmax(s)[np.argmax(t)]) for s, t in zip(student, teacher, strict=True)])


ARGMAX_LABELS = Distiller(
    name="argmax_labels",
    title="argmax labels",
    knowledge="control",
    tasks=("classification",),
    loss=_loss,
    formula="(1-α)·CE(y) + α·CE(argmax z_T)",
    truths=(LossTruth(name="cross-entropy by hand", make=logits, oracle=_oracle),),
)
