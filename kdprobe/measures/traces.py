"""What the probes share: checks of paired traces, quantities of one model that many pairs reuse, and the way to a result."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Measurement, Refusal, Result, Status
from kdprobe.core.trace import Trace, log_softmax
from kdprobe.stats.intervals import Interval

Value = TypeVar("Value")
NO_TARGET = Refusal(reason="no target was given", advice="pass target=, (n,) classes or (n, c) values")


def check_paired(*traces: Trace) -> None:
    """Raise DataError unless all traces are of the same rows in the same order, and of one kind of task."""
    first = traces[0]
    for other in traces[1:]:
        if other.ids is not first.ids and not np.array_equal(other.ids, first.ids):
            raise DataError(
                f"{first.name} ({first.n} rows) and {other.name} ({other.n} rows) have different sample ids: "
                "trace both on the same rows in the same order"
            )
        if other.kind != first.kind:
            raise DataError(f"{first.name} is a {first.kind} model, {other.name} a {other.kind} model: compare models of one kind")


def check_same_outputs(*traces: Trace) -> None:
    """Raise DataError unless all traces have the same number of outputs."""
    first = traces[0]
    for other in traces[1:]:
        if other.columns != first.columns:
            raise DataError(
                f"{first.name} has {first.columns} outputs, {other.name} {other.columns}: give outputs for the same "
                f"{'classes' if first.kind == 'classification' else 'targets'}"
            )


def check_labels(target: np.ndarray, trace: Trace) -> np.ndarray:
    """Return the target as (n,) classes, or raise DataError that names what is wrong with it."""
    target, n, c = np.asarray(target), trace.n, trace.columns
    if target.shape != (n,):
        raise DataError(f"target has shape {target.shape}, {trace.name} has {n} rows: give one class a row, ({n},)")
    if target.dtype.kind not in "iu":
        raise DataError(f"target has dtype {target.dtype}: give integer classes 0..{c - 1}")
    if n and not (target.min() >= 0 and target.max() < c):
        raise DataError(f"target holds classes {target.min()}..{target.max()}, {trace.name} has {c} outputs: give classes 0..{c - 1}")
    return target


def check_values(target: np.ndarray, trace: Trace) -> np.ndarray:
    """Return the target as (n, c) float64, or raise DataError that names what is wrong with it."""
    target = np.asarray(target)
    if target.dtype.kind not in "fiub":
        raise DataError(f"target has dtype {target.dtype}: give real numbers")
    target = target[:, None] if target.ndim == 1 else target
    if target.shape != trace.outputs.shape:
        raise DataError(f"target has shape {target.shape}, {trace.name} gives {trace.outputs.shape}: give one value for each output")
    finite = np.isfinite(target).all(axis=1)
    if not finite.all():
        raise DataError(f"target holds NaN or an infinity, first in row {int(np.argmin(finite))}: drop or mend these rows")
    return target.astype(np.float64, copy=False)


def blocks(trace: Trace) -> np.ndarray | None:
    """Block of each row as a small integer, or None where rows are independent."""
    if trace.blocks is None:
        return None
    return trace.derived("blocks", lambda t: np.unique(np.asarray(t.blocks), return_inverse=True)[1])


def log_probabilities(trace: Trace) -> np.ndarray:
    """(n, c) log probabilities; -inf only where a model itself gave a probability of 0."""
    return trace.derived("log probabilities", _log_probabilities)


def calibrated_log_probabilities(trace: Trace) -> np.ndarray:
    """(n, c) log probabilities at the trace's temperature, which must not be None."""

    def scaled(t: Trace) -> np.ndarray:
        temperature = np.asarray(t.temperature, dtype=np.float64).reshape(-1, 1)
        logits = log_probabilities(t) if _gave_probabilities(t) else np.asarray(t.raw, dtype=np.float64)
        # a probability of 0 stays 0 at any temperature
        return np.where(np.isneginf(logits), -np.inf, log_softmax(logits / temperature))

    return trace.derived("calibrated log probabilities", scaled)


def beside_target(trace: Trace, key: Hashable, target: np.ndarray, compute: Callable[[Trace], Value]) -> Value:
    """Return what `compute` makes of this trace and this target, computed once."""
    return trace.derived((key, hashlib.blake2b(np.ascontiguousarray(target).tobytes()).digest()), compute)


def measured(
    interval: Interval | Refusal,
    *,
    unit: str = "",
    status: Status = "ok",
    details: Mapping[str, float] | None = None,
    notes: tuple[str, ...] = (),
) -> Result:
    """A measurement of this checkpoint from its interval over rows, or the refusal that came instead."""
    if isinstance(interval, Refusal):
        return interval
    details = {"error": interval.error} | {name: float(value) for name, value in (details or {}).items()}
    return Measurement(
        value=interval.value, low=interval.low, high=interval.high, n=interval.n, unit=unit, status=status, details=details, notes=notes
    )


def two_classes(trace: Trace) -> Refusal | None:
    """The refusal of what needs a choice between classes, where there is only one."""
    c = trace.columns
    if c >= 2:
        return None
    return Refusal(reason=f"{trace.name} has {c} output", advice="give one output a class: two columns for a binary classifier")


def _gave_probabilities(trace: Trace) -> bool:
    return trace.raw is trace.outputs or np.array_equal(trace.raw, trace.outputs)


def _log_probabilities(trace: Trace) -> np.ndarray:
    if not _gave_probabilities(trace):
        return log_softmax(trace.raw)
    with np.errstate(divide="ignore"):
        return np.log(trace.outputs)
