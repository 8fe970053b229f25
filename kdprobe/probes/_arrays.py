"""Arrays as the numeric kernels want them: real, finite, (n, d) float64, centred without loss, scaled by a power of two."""

from typing import Any

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.trace import check_finite


def as_matrix(values: Any, name: str) -> np.ndarray:
    """Return a NumPy view or copy of `values` as (n, d): (n,) becomes (n, 1), (n, a, b, ...) is flattened to (n, a·b·...).

    Raises
    ------
    DataError
        If `values` holds no real numbers, has no rows or no columns, or holds NaN or an infinity; the text names the first bad row.
    """
    if hasattr(values, "detach"):
        # a torch tensor, perhaps on a device, with a gradient, or in bfloat16, which NumPy lacks
        values = values.detach().cpu()
        values = values.float().numpy() if str(values.dtype) == "torch.bfloat16" else values.numpy()
    array = np.asarray(values)
    if array.ndim == 0:
        raise DataError(f"{name} is a single {type(values).__name__}: give an array (n, d), one row a sample")
    check_finite(array, name)
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


def centred(x: np.ndarray) -> np.ndarray:
    """Return `x` (n, d) as float64 with column means 0, scaled by a power of two so that its largest entry is near 1.

    Columns that are constant become exactly 0, and a mean far above the spread costs no digits: the first row is subtracted before the
    mean. Scaling by a power of two loses nothing and keeps squares inside the range of float64.
    """
    z = np.array(x, dtype=np.float64, order="C")
    if len(z) == 0:
        return z
    _scale(z, limit=2.0**500)
    z -= z[0].copy()
    z -= z.mean(axis=0)
    _scale(z, limit=1.0)
    return z


def _scale(z: np.ndarray, *, limit: float) -> None:
    """Scale `z` in place by a power of two where its largest entry is above `limit` (or, for limit 1, anything but about 1)."""
    largest = max(float(z.max()), -float(z.min()))
    if largest == 0.0 or (limit > 1.0 and largest <= limit):
        return
    # the first frexp of a denormal is right too, and ldexp takes any exponent where 2**-e would overflow
    np.ldexp(z, -int(np.frexp(largest)[1]), out=z)
