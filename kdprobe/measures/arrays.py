"""Arrays as the numeric kernels want them: real, finite, (n, d) float64, centred without loss, scaled by a power of two."""

from dataclasses import replace
from typing import Any

import numpy as np

from kdprobe.core.arrays import as_array
from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import check_finite


def as_matrix(values: Any, name: str, *, first_row: int = 0) -> np.ndarray:
    """Return a NumPy view or copy of `values` as (n, d): (n,) becomes (n, 1), (n, a, b, ...) is flattened to (n, a·b·...).

    `first_row` is the number of the first row, for error texts.

    Raises
    ------
    DataError
        If `values` holds no real numbers, has no rows or no columns, or holds NaN or an infinity; the text names the first bad row.
    """
    array = as_array(values, name)
    if array.ndim == 0:
        raise DataError(f"{name} is a single {type(values).__name__}: give an array (n, d), one row a sample")
    check_finite(array, name, first_row=first_row)
    array = array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0)
    if array.shape[1] == 0:
        raise DataError(f"{name} has shape {np.shape(values)}: give at least one row and one column")
    return array


def check_rows(x: np.ndarray, y: np.ndarray, x_name: str, y_name: str, *, least: int) -> int:
    """Return the number of paired rows, or raise DataError where rows are unpaired or fewer than `least`."""
    if len(x) != len(y):
        raise DataError(f"{x_name} has {len(x)} rows, {y_name} {len(y)}: rows must be paired, one sample a row")
    if len(x) < least:
        raise DataError(f"{x_name} and {y_name} have {len(x)} rows: give at least {least}")
    return len(x)


def as_blocks(blocks: Any, n: int) -> np.ndarray | None:
    """Blocks (n,) of any labels as 0..b-1, or None."""
    if blocks is None:
        return None
    labels = as_array(blocks, "blocks")
    if labels.shape != (n,):
        raise DataError(f"blocks has shape {labels.shape}, the arrays have {n} rows: give one label a row, ({n},)")
    return np.unique(labels, return_inverse=True)[1]


def with_notes(result: Result, estimator: str, **arrays: Any) -> Result:
    """The result with its estimator, and how arrays of more than two dimensions were read, as first notes."""
    if isinstance(result, Refusal):
        return result
    flattened = [
        f"{name} {tuple(shape)} was flattened to {shape[0]} rows of {np.prod(shape[1:])} columns: each position counts as a unit"
        for name, array in arrays.items()
        if len(shape := np.shape(array)) > 2
    ]
    return replace(result, notes=(estimator, *flattened, *result.notes))


Rows = np.ndarray | slice
"""Some rows: a slice is read without a copy."""


def members(groups: np.ndarray) -> list[Rows]:
    """Rows of each group (n,), labelled 0..g-1; as slices where they were dealt like cards."""
    count = int(groups.max()) + 1
    if np.array_equal(groups, np.arange(len(groups)) % count):
        return [slice(g, None, count) for g in range(count)]
    order = np.argsort(groups, kind="stable")
    return list(np.split(order, np.cumsum(np.bincount(groups))[:-1]))


def centred(x: np.ndarray, *, dtype: type = np.float64, parts: list[Rows] | None = None) -> np.ndarray:
    """Return `x` (n, d) with column means 0, scaled by a power of two so that its largest entry is near 1.

    Columns that are constant become exactly 0, and a mean far above the spread costs no digits: the first row is subtracted before the
    mean. Scaling by a power of two loses nothing and keeps squares inside the range of the type. In float32 the means are 0 to about
    1e-6 of the spread. With `parts`, rows come part by part.
    """
    if len(x) == 0:
        return np.array(x, dtype=dtype)
    far = float(np.finfo(dtype).max) ** 0.5
    with np.errstate(over="ignore"):
        z = np.empty(x.shape, dtype=dtype)
        end = 0
        for part in parts or [slice(None)]:
            rows = x[part]
            np.subtract(rows, x[0], out=z[end : end + len(rows)], dtype=dtype)
            end += len(rows)
    largest = _largest(z)
    if not largest < far:
        z = np.array(x if parts is None else np.concatenate([x[part] for part in parts]), dtype=dtype, order="C")
        _scale(z, _largest(z))
        z -= z[0].copy()
        largest = _largest(z)
    # a product is several times as fast as a mean along the first axis, and in float64 as exact
    z -= np.ones(len(z), dtype=dtype) @ z / dtype(len(z))
    _scale(z, largest)
    return z


def _largest(z: np.ndarray) -> float:
    return max(float(z.max()), -float(z.min()))


def _scale(z: np.ndarray, largest: float) -> None:
    """Scale `z` in place by the power of two that brings an entry of this size near 1."""
    exponent = int(np.frexp(largest)[1]) if largest else 0
    if abs(exponent) < np.finfo(z.dtype).maxexp - 2:
        if exponent:
            z *= z.dtype.type(2.0) ** -exponent
    else:
        # the factor itself is beyond the range
        np.ldexp(z, -exponent, out=z)
