"""What a probe of usable information is given: features, logits or probabilities, and a target to predict from them."""

from typing import Any, Literal

import numpy as np

from kdprobe.core.arrays import as_array
from kdprobe.core.errors import DataError
from kdprobe.core.trace import log_softmax
from kdprobe.measures.arrays import as_matrix

Inputs = Literal["auto", "features", "logits", "probabilities"]
# rows of half-precision probabilities sum to one within this
_SUM_TOLERANCE = 2e-3
# rows whose sums come this near to one are meant as probabilities
_NEAR_ONE = 0.05


def as_labels(target: Any, name: str = "target") -> np.ndarray:
    """Return classes (n,) as int64, or raise DataError."""
    labels = as_array(target, name)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{name} has shape {labels.shape}: give one class a row, (n,)")
    whole = labels.dtype.kind in "iub" or (
        labels.dtype.kind == "f" and bool(np.isfinite(labels).all()) and bool((labels == np.round(labels)).all())
    )
    if not whole:
        raise DataError(f"{name} has dtype {labels.dtype}: give integer classes, or task='regression' for real values")
    # 2^63 is the first float above what int64 holds: larger labels would wrap to others
    if labels.size and labels.dtype.kind in "uf" and (labels.max() >= 2.0**63 or labels.min() < -(2.0**63)):
        row = int(np.argmax(np.abs(labels.astype(np.float64))))
        raise DataError(f"{name} holds the class {labels[row]} in row {row}, beyond 64 bits: number the classes 0..C-1")
    return labels.astype(np.int64)


def looks_like_probabilities(values: np.ndarray) -> bool:
    """Whether all rows (n, c), c ≥ 2, are non-negative and sum to one."""
    return bool(values.shape[1] > 1 and values.min() >= 0 and np.abs(values.sum(axis=1, dtype=np.float64) - 1).max() <= _SUM_TOLERANCE)


def as_log_probabilities(values: Any, inputs: Inputs, classes: int, name: str) -> np.ndarray | None:
    """Return log probabilities (n, c) of a classifier's outputs, or None where `values` are features.

    A probability of exactly 0 was rounded to it: it becomes the smallest normal number of its type.

    Raises
    ------
    DataError
        Where outputs have fewer columns than there are classes; where rows that are, or that look like, probabilities do not sum to one.
    """
    matrix = as_matrix(values, name)
    if inputs == "features":
        return None
    sums = matrix.sum(axis=1, dtype=np.float64)
    if inputs == "logits":
        _check_columns(matrix, classes, name)
        return log_softmax(matrix)
    if not looks_like_probabilities(matrix):
        bounded = matrix.min() >= 0 and matrix.max() <= 1
        nearly = matrix.shape[1] > 1 and bounded and np.abs(sums - 1).max() <= _NEAR_ONE
        if inputs == "auto" and not nearly:
            return None
        row = int(np.argmax(np.maximum(np.abs(sums - 1), -matrix.min(axis=1))))
        look = "they look like rounded probabilities: divide each row by its sum" if nearly else _other_look(matrix, bool(bounded))
        raise DataError(
            f"{name} are no probabilities: row {row} sums to {sums[row]:.4g}, its smallest entry is {matrix[row].min():.4g}; {look}"
        )
    _check_columns(matrix, classes, name)
    kind = matrix.dtype if matrix.dtype.kind == "f" else np.dtype(np.float64)
    return np.log(np.maximum(matrix.astype(np.float64), np.finfo(kind).tiny))


def labels_of_columns(labels: np.ndarray, columns: int, inputs: Inputs, name: str) -> np.ndarray | None:
    """Return the column (n,) of outputs that each label (n,) speaks of, or None where `inputs` is "auto" and columns are no classes.

    A label is its own column; where some are negative (-1, 0, 1 for losses, draws and wins), columns are the labels in rising order.

    Raises
    ------
    DataError
        Where there is no column for a label.
    """
    if labels.min() >= 0 and labels.max() < columns:
        return labels
    values, places = np.unique(labels, return_inverse=True)
    if values[0] < 0 and len(values) == columns:
        return places
    if inputs == "auto":
        return None
    if values[0] < 0:
        held = f"{len(values)} classes from {values[0]} to {values[-1]}"
        raise DataError(f"{name} have {columns} columns, the target holds {held}: give a column a class, or classes 0..{columns - 1}")
    raise DataError(f"{name} have {columns} columns, the target holds classes up to {values[-1]}: give a column a class")


def _other_look(matrix: np.ndarray, bounded: bool) -> str:
    if bounded:
        return "they look like independent scores in [0, 1]: pass inputs='features'"
    return (
        "they look like logits: pass inputs='logits', or take their softmax" if matrix.min() < 0 else "pass inputs='features' or 'logits'"
    )


def _check_columns(matrix: np.ndarray, classes: int, name: str) -> None:
    if matrix.shape[1] < classes:
        raise DataError(f"{name} have {matrix.shape[1]} columns, the target holds classes up to {classes - 1}: give a column a class")
