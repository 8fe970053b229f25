"""What a probe sees of a model: outputs, features and sample ids on the probe rows."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

from kdprobe.core.arrays import as_array
from kdprobe.core.errors import DataError

TaskKind = Literal["classification", "regression"]
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """One model on the probe rows.

    Parameters
    ----------
    kind
        "classification" or "regression".
    outputs
        (n, c) float64. Probabilities, or predictions (scaled as the target is).
    raw
        (n, c). What the output layer gave: logits, or the predictions again. Probabilities where a model gave only those.
    features
        Hidden layers by name in forward order, each (n, ...).
    ids
        (n,) sample ids, the same in every trace that is compared.
    blocks
        (n,) labels of rows that belong together (the hours of one day); None where rows are independent. Intervals over rows
        leave out whole blocks.
    temperature
        Divisor of the logits fitted on *validation* rows, or (n,) for cross-fitted ones; None where there were none.
    name
        For texts: "teacher", "student seed 3", ...

    Raises
    ------
    DataError
        If rows are unpaired or a number is NaN or infinite; the text names the layer and the first bad row.
    """

    kind: TaskKind
    outputs: np.ndarray
    raw: np.ndarray
    features: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    ids: np.ndarray
    blocks: np.ndarray | None = None
    temperature: float | np.ndarray | None = None
    name: str = "model"
    _memo: dict[Hashable, Any] = field(default_factory=dict[Hashable, Any], repr=False)

    def __post_init__(self) -> None:
        n = len(self.ids)
        layers = {"outputs": self.outputs, "raw outputs": self.raw, **self.features}
        for layer, values in layers.items():
            if len(values) != n:
                raise DataError(f"{self.name}: {layer} has {len(values)} rows, the ids {n}: give one row an id")
            check_finite(values, f"{self.name}: {layer}")
        if self.blocks is not None and len(self.blocks) != n:
            raise DataError(f"{self.name}: blocks has {len(self.blocks)} rows, the ids {n}: give one block label a row")

    @classmethod
    def from_raw(
        cls,
        kind: TaskKind,
        raw: np.ndarray,
        *,
        features: Mapping[str, np.ndarray] | None = None,
        ids: np.ndarray | None = None,
        blocks: np.ndarray | None = None,
        temperature: float | np.ndarray | None = None,
        name: str = "model",
    ) -> "Trace":
        """Build a trace from logits (n, c) or predictions (n,) or (n, c).

        Examples
        --------
        >>> Trace.from_raw("classification", np.zeros((2, 4))).outputs[0].tolist()
        [0.25, 0.25, 0.25, 0.25]
        """
        raw = as_array(raw, f"{name}: raw outputs")
        raw = raw[:, None] if raw.ndim == 1 else raw
        check_finite(raw, f"{name}: raw outputs")
        if kind == "regression":
            check_range(raw, f"{name}: predictions")
        outputs = softmax(raw) if kind == "classification" else raw.astype(np.float64)
        return cls(
            kind=kind,
            outputs=outputs,
            raw=raw,
            features=dict(features or {}),
            ids=np.arange(len(raw)) if ids is None else as_array(ids, f"{name}: ids"),
            blocks=blocks,
            temperature=temperature,
            name=name,
        )

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.ids)

    @property
    def columns(self) -> int:
        """Number of outputs: classes, or predicted values."""
        return self.outputs.shape[1]

    @property
    def last_hidden(self) -> str | None:
        """Name of the last hidden layer, or None where the trace has no features."""
        return list(self.features)[-1] if self.features else None

    def derived(self, key: Hashable, compute: Callable[["Trace"], Value]) -> Value:
        """Return what `compute` makes of this trace, computed once: a sweep meets each trace in many pairs."""
        if key not in self._memo:
            self._memo[key] = compute(self)
        return self._memo[key]


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One student with everything it is read against: what a probe with ``panel=True`` sees.

    Parameters
    ----------
    student, teacher, twin
        The student, its own teacher and its paired twin.
    reference_twins
        Twins of the other seeds of the same draw.
    siblings
        Teachers of the same size from the other seeds of the same draw.
    """

    student: Trace
    teacher: Trace
    twin: Trace
    reference_twins: tuple[Trace, ...] = ()
    siblings: tuple[Trace, ...] = ()


LARGEST = 1e150
"""Beyond it the sum of a few squares leaves float64."""


def check_finite(values: np.ndarray, name: str, *, first_row: int = 0) -> None:
    """Raise DataError naming the first row of `values` that holds NaN or an infinity; rows count from `first_row`."""
    if values.dtype.kind not in "fiub":
        raise DataError(f"{name} has dtype {values.dtype}: give real numbers")
    if values.dtype.kind in "iub":
        return
    # a sum is NaN or infinite whenever an entry is. That of squares is the fastest pass; it can overflow, the second then tells
    with np.errstate(over="ignore", invalid="ignore"):
        flat = values.reshape(-1) if values.flags.c_contiguous and values.itemsize >= 4 else None
        if np.isfinite(np.sum(values, dtype=np.float64) if flat is None else flat @ flat):
            return
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise DataError(f"{name} holds NaN or an infinity, first in row {first_row + int(np.argmin(finite))}: drop or mend these rows")


def check_range(values: np.ndarray, name: str) -> None:
    """Raise DataError where squares of `values` overflow: a variance would be infinite, and a fit to it seem perfect."""
    if values.size and float(np.max(np.abs(values))) > LARGEST:
        raise DataError(f"{name} reach {float(np.max(np.abs(values))):.2g}, whose squares are no numbers: rescale target and predictions")


def are_probabilities(values: np.ndarray) -> bool:
    """Whether all rows of `values` (n, c) are non-negative and sum to 1: else they are logits.

    Examples
    --------
    >>> are_probabilities(np.array([[0.2, 0.8], [1.0, 0.0]])), are_probabilities(np.array([[0.2, 0.7]]))
    (True, False)
    """
    if values.size == 0 or values.min() < 0:
        return False
    # rows of a softmax in bfloat16 miss the sum 1 by up to this much
    return bool(np.abs(np.sum(values, axis=1, dtype=np.float64) - 1).max() < 5e-3)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of `logits` (n, c) as probabilities, in float64."""
    return np.exp(log_softmax(logits))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of `logits` (n, c) as log probabilities, in float64; finite for any finite logits.

    Examples
    --------
    >>> log_softmax(np.array([[0.0, 1e4]]))[0].tolist()
    [-10000.0, 0.0]
    """
    # classes along the first axis: to sum a few neighbouring numbers, row after row, takes several times as long
    shifted = np.array(np.asarray(logits).T, dtype=np.float64, order="C")
    with np.errstate(over="ignore"):
        # logits at both ends of the range of float64 lie further apart than it reaches
        shifted -= shifted.max(axis=0)
    np.maximum(shifted, np.finfo(np.float64).min, out=shifted)
    shifted -= np.log(np.exp(shifted).sum(axis=0))
    return np.ascontiguousarray(shifted.T)
