"""Agreement of two models' outputs, from arrays."""

from typing import Any

import numpy as np

from kdprobe.core.arguments import choice
from kdprobe.core.probe import Probe
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind, Trace, are_probabilities
from kdprobe.probes._arrays import as_array, as_matrix, check_rows
from kdprobe.probes.agreement_top1 import AGREEMENT_TOP1
from kdprobe.probes.error_consistency import ERROR_CONSISTENCY
from kdprobe.probes.kl import KL
from kdprobe.probes.r2 import R2
from kdprobe.probes.residual_correlation import RESIDUAL_CORRELATION

KEYS: dict[str, Probe] = {
    "top1": AGREEMENT_TOP1,
    "kl": KL,
    "error_consistency": ERROR_CONSISTENCY,
    "r2": R2,
    "residual_correlation": RESIDUAL_CORRELATION,
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
    return {key: probe(traces[1], traces[0], labels) for key, probe in KEYS.items() if probe.applies_to(kind)}


def _trace(kind: TaskKind, values: Any, name: str) -> Trace:
    raw = as_matrix(values, name)
    if kind == "classification" and are_probabilities(raw):
        outputs = raw / raw.sum(axis=1, keepdims=True, dtype=np.float64)
        return Trace(kind=kind, outputs=outputs, raw=outputs, ids=np.arange(len(raw)), name=name)
    return Trace.from_raw(kind, raw, name=name)
