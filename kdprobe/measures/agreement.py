"""Agreement of two models' outputs: of traces, each by itself, and of arrays, all at once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kdprobe.core.arguments import choice
from kdprobe.core.arrays import as_array
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind, Trace, are_probabilities
from kdprobe.measures.arrays import as_matrix, check_rows
from kdprobe.measures.rows import divergence, tied_rows, top
from kdprobe.measures.traces import (
    NO_TARGET,
    blocks,
    check_labels,
    check_paired,
    check_same_outputs,
    check_values,
    measured,
    two_classes,
)
from kdprobe.stats.intervals import BELOW_ONE, FISHER, LOG, jackknife, proportion


def top1(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """How often the two models name the same class."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if refusal := two_classes(student):
        return refusal
    tied = max(tied_rows(student), tied_rows(teacher))
    note = f"in {tied} of {student.n} rows several classes share the largest output: the first of them counts"
    interval = proportion(top(student) == top(teacher), blocks=blocks(student))
    return measured(interval, status="ties" if tied else "ok", details={"tied_rows": tied} if tied else {}, notes=(note,) if tied else ())


def kl(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Mean KL(teacher‖student), in nats; a refusal where it is infinite."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if refusal := two_classes(student):
        return refusal
    rows = divergence(student, teacher)
    infinite = ~np.isfinite(rows)
    if infinite.any():
        return Refusal(
            reason=f"KL is infinite: {student.name} gives probability 0 to a class that {teacher.name} does not, first in row "
            f"{int(np.argmax(infinite))} ({int(infinite.sum())} of {student.n} rows)",
            advice="give logits, or smooth the probabilities",
        )
    # each row is at least 0, up to rounding
    return measured(jackknife(np.maximum(rows, 0.0), blocks=blocks(student), transform=LOG), unit="nats")


def error_consistency(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Cohen's κ of who is right."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    if refusal := two_classes(student):
        return refusal
    labels = check_labels(target, student)
    right = top(student) == labels, top(teacher) == labels
    accuracies = [float(r.mean()) if len(r) else 0.0 for r in right]
    if student.n and accuracies[0] == accuracies[1] and accuracies[0] in (0.0, 1.0):
        return Refusal(
            reason=f"both models are {'right' if accuracies[0] else 'wrong'} on every row: chance alone explains it",
            advice="give harder rows",
        )
    for name, accuracy in zip(("student", "teacher"), accuracies, strict=True):
        if student.n and accuracy in (0.0, 1.0):
            return Refusal(
                reason=f"the {name} is {'right' if accuracy else 'wrong'} on every row: κ is 0 whatever the other does",
                advice="give harder rows" if accuracy else "give easier rows",
            )
    interval = jackknife(np.stack([*right, right[0] == right[1]], axis=1), _kappa, blocks=blocks(student), transform=FISHER)
    return measured(interval, details={"accuracy_student": accuracies[0], "accuracy_teacher": accuracies[1]})


def _kappa(means: np.ndarray) -> np.ndarray:
    a, b, same = np.moveaxis(means, -1, 0)
    by_chance = a * b + (1 - a) * (1 - b)
    return (same - by_chance) / (1 - by_chance)


def r2(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """1 - Σ(t-s)²/Σ(t-mean t)², summed over the outputs."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if teacher.n and (teacher.outputs == teacher.outputs[0]).all():
        return Refusal(reason=f"{teacher.name}'s predictions are constant: no variance to explain", advice="give rows on which they vary")
    with np.errstate(all="ignore"):
        centred = teacher.derived("centred outputs", lambda t: t.outputs - t.outputs.mean(axis=0) if t.n else t.outputs)
        missed = np.sum((teacher.outputs - student.outputs) ** 2, axis=1)
        contributions = np.column_stack([missed, np.sum(centred**2, axis=1), centred])
    return measured(jackknife(contributions, _explained, blocks=blocks(student), transform=BELOW_ONE))


def _explained(means: np.ndarray) -> np.ndarray:
    return 1 - means[..., 0] / (means[..., 1] - np.sum(means[..., 2:] ** 2, axis=-1))


def residual_correlation(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Pearson correlation of the two models' errors."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    y = check_values(target, student)
    with np.errstate(all="ignore"):
        residuals = [model.outputs - y for model in (student, teacher)]
        for model, residual in zip((student, teacher), residuals, strict=True):
            if len(residual) and (residual == residual[0]).all():
                return Refusal(reason=f"{model.name}'s residuals are constant: they cannot correlate", advice="give rows with noise")
        # centred first, so that a common offset cannot swamp the products
        a, b = (r - r.mean(axis=0) if len(r) else r for r in residuals)
        products = [np.sum(x * y, axis=1) for x, y in ((a, b), (a, a), (b, b))]
        contributions = np.column_stack([*products, a, b])
    return measured(jackknife(contributions, _correlation, blocks=blocks(student), transform=FISHER))


def _correlation(means: np.ndarray) -> np.ndarray:
    """Pearson correlation with covariances summed over the outputs."""
    ab, aa, bb = np.moveaxis(means[..., :3], -1, 0)
    a, b = np.split(means[..., 3:], 2, axis=-1)
    covariance = ab - np.sum(a * b, axis=-1)
    variances = (aa - np.sum(a * a, axis=-1)) * (bb - np.sum(b * b, axis=-1))
    # Cauchy-Schwarz: beyond 1 by rounding only
    return np.clip(covariance / np.sqrt(variances), -1.0, 1.0)


MEASURES: dict[TaskKind, dict[str, Callable[[Trace, Trace, np.ndarray | None], Result]]] = {
    "classification": {"top1": top1, "kl": kl, "error_consistency": error_consistency},
    "regression": {"r2": r2, "residual_correlation": residual_correlation},
}


def agreement(teacher: Any, student: Any, *, task: TaskKind | Task, target: Any = None) -> dict[str, Measurement | Refusal]:
    """How far two models' outputs agree, with intervals over rows.

    High agreement is not transfer: networks that never saw the teacher agree with it too. Read the values beside an untaught twin's.

    Parameters
    ----------
    teacher, student
        Classification: (n, c) logits, or probabilities (rows that are non-negative and sum to 1). Regression: (n,) or (n, c) predictions.
        NumPy arrays or torch tensors, rows paired.
    task
        "classification", "regression", or a `Task`.
    target
        (n,) integer classes, or (n,) or (n, c) values. Only ``error_consistency`` and ``residual_correlation`` need it, and are refusals
        without.

    Returns
    -------
    dict
        Classification: ``top1`` (share of rows with the same largest output), ``kl`` (mean KL(teacher‖student), nats),
        ``error_consistency`` (Cohen's κ of who is right: Geirhos et al. 2020, arXiv:2006.16736). Regression: ``r2``
        (1 - Σ(t-s)²/Σ(t-mean t)²), ``residual_correlation``. Each a measurement, or a refusal with its reason. O(n c).

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, rows are unpaired, or the numbers of outputs differ.
    PlanError
        If the task is unknown.

    Examples
    --------
    >>> teacher = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 0.5]])
    >>> student = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 1.0], [0.0, 0.2]])
    >>> agreement(teacher, student, task="classification")["top1"].value
    0.75
    """
    kind = task.kind if isinstance(task, Task) else task
    choice("task", kind, ("classification", "regression"))
    traces = [_trace(kind, values, name) for name, values in (("teacher", teacher), ("student", student))]
    check_rows(traces[0].outputs, traces[1].outputs, "teacher", "student", least=1)
    labels = None if target is None else as_array(target, "target")
    return {key: measure(traces[1], traces[0], labels) for key, measure in MEASURES[kind].items()}


def _trace(kind: TaskKind, values: Any, name: str) -> Trace:
    raw = as_matrix(values, name)
    if kind == "classification" and are_probabilities(raw):
        outputs = raw / raw.sum(axis=1, keepdims=True, dtype=np.float64)
        return Trace(kind=kind, outputs=outputs, raw=outputs, ids=np.arange(len(raw)), name=name)
    return Trace.from_raw(kind, raw, name=name)
