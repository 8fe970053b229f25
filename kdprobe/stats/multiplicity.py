"""Many claims at once: Holm for a family of verdicts."""

from collections.abc import Sequence

import numpy as np

from kdprobe.core.errors import DataError


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjusted p values that control the chance of even one false claim in a family, however its tests depend (Holm 1979).

    Parameters
    ----------
    p
        (m,) p values.

    Returns
    -------
    np.ndarray
        (m,) in the order given: a claim holds at level a where its adjusted p is at most a.

    Raises
    ------
    DataError
        If a p value lies outside [0, 1].

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), 1.0)
    return adjusted


def _checked(p: Sequence[float] | np.ndarray) -> np.ndarray:
    values = np.asarray(p, dtype=np.float64)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise DataError(f"p holds {values[wrong][0]:g}: p values lie between 0 and 1")
    return values
