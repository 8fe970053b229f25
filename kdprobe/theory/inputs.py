"""What a user hands to a theorem, read in one place: arrays of numbers, a number, a count. What it may be is the theorem's to say."""

from numbers import Real
from typing import Any

import numpy as np

from kdprobe.core.arguments import whole
from kdprobe.core.arrays import as_array
from kdprobe.core.errors import DataError, PlanError


def array_of(values: Any, name: str) -> np.ndarray:
    """Return an array, a tensor or nested lists of numbers as float64; what is not finite stays.

    Raises
    ------
    DataError
        If something is no number.

    Examples
    --------
    >>> array_of([1, True], "y").tolist()
    [1.0, 1.0]
    """
    array = as_array(values, name)
    if array.dtype.kind not in "biuf":
        shown = repr(values) if len(repr(values)) <= 40 else f"of {array.dtype}"
        raise DataError(f"{name} holds no plain numbers ({shown}): give an array of integers or floats")
    return array.astype(np.float64)


def number_of(value: Any, name: str, advice: str = "give a number") -> float:
    """Return a number as float; NaN and infinities stay.

    Raises
    ------
    DataError
        If it is none.

    Examples
    --------
    >>> number_of(np.float32(0.5), "noise"), number_of(np.array(3), "noise")
    (0.5, 3.0)
    """
    value = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise DataError(f"{name}={value!r}: {advice}")
    try:
        return float(value)
    except OverflowError:
        raise DataError(f"{name} is a whole number beyond the range of float64: {advice}") from None


def count_of(value: Any, name: str, advice: str = "give a whole number") -> int:
    """Return a whole number as int.

    Raises
    ------
    DataError
        If it is none.

    Examples
    --------
    >>> count_of(20.0, "rounds")
    20
    """
    try:
        return whole(name, value, advice=advice)
    except PlanError as error:
        raise DataError(str(error)) from None
