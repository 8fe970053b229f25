"""Whether two classifiers put the wrong classes in one order."""

import numpy as np
from scipy.stats import rankdata

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.left_out import LeftOut, mean_without
from kdprobe.measures.traces import NO_TARGET, beside_target, blocks, check_labels, check_paired, check_same_outputs, measured
from kdprobe.stats.intervals import FISHER, jackknife


def rank_agreement(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Mean over the rows of Spearman's correlation between what the two models give to the classes that are not the row's own.

    A row on which a model gives all of them the same has no order, and counts 0.
    """
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    labels = check_labels(target, student)
    c = student.outputs.shape[1]
    if c < 3:
        return Refusal(reason=f"{c} classes leave {max(c - 1, 0)} beside the true one: that has no order", advice="give 3 classes or more")
    ranks = _of_both(student, teacher, labels)
    for model, found in zip((student, teacher), ranks, strict=True):
        if model.n and not found.any():
            return Refusal(reason=f"{model.name} gives all wrong classes the same on every row: that has no order", advice="give logits")
    rows = _alike(*ranks)
    tied = int(sum((~found.any(axis=1)).sum() for found in ranks))
    note = f"in {tied} rows of either model all wrong classes are given the same: they count as no agreement"
    interval = jackknife(rows, blocks=blocks(student), transform=FISHER)
    return measured(interval, status="ties" if tied else "ok", notes=(note,) if tied else ())


def rank_agreement_without(student: Trace, teacher: Trace, target: np.ndarray) -> LeftOut:
    """The mean without each group of rows."""
    return mean_without(_alike(*_of_both(student, teacher, check_labels(target, student))), student)


def _of_both(student: Trace, teacher: Trace, labels: np.ndarray) -> list[np.ndarray]:
    return [
        beside_target(model, "order of the other classes", labels, lambda trace: _ranks(trace.raw, labels)) for model in (student, teacher)
    ]


def _alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.clip(np.einsum("nc,nc->n", one, other), -1.0, 1.0)


def _ranks(raw: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Ranks of the classes other than the row's own, centred and at unit length: (n, c - 1); 0 where all are tied."""
    n, c = raw.shape
    others = raw[np.arange(c) != labels[:, None]].reshape(n, c - 1)
    if not n:
        return np.zeros((0, c - 1))
    ranks = rankdata(others, axis=1) - c / 2
    lengths = np.sqrt(np.einsum("nc,nc->n", ranks, ranks))[:, None]
    return np.divide(ranks, lengths, out=np.zeros_like(ranks), where=lengths > 0)
