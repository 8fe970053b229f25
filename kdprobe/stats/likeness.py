"""How far one column tells another by itself: what gives a target away that stands among the features under another name."""

from typing import Any

import numpy as np
from scipy import stats as scipy_stats  # pyright: ignore[reportMissingTypeStubs]

stats: Any = scipy_stats

ALIKE = 0.999
"""Likeness above which a column is the other one, as far as anybody can see."""
ROWS = 5_000


def likeness(values: np.ndarray, target: np.ndarray) -> float:
    """Largest |correlation| of values, or of their ranks, with a target; on 5,000 rows at most, evenly spread.

    Parameters
    ----------
    values, target
        (n,) finite numbers of any size.

    Returns
    -------
    float
        0 to 1; 0 where one of them is constant.

    Examples
    --------
    >>> x = np.array([0.1, 0.5, 0.2, 0.9])
    >>> round(likeness(x, np.exp(9 * x)), 9), likeness(np.ones(4), x)
    (1.0, 0.0)
    """
    take = np.linspace(0, len(target) - 1, min(len(target), ROWS)).astype(int)
    # by powers of two, so that squares of huge numbers stay finite
    x, y = (np.ldexp(one, -np.frexp(np.abs(one).max())[1]) for one in (values[take], target[take]))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [abs(float(np.corrcoef(one, other)[0, 1])) for one, other in ((x, y), (_ranks(x), _ranks(y)))]
    # a spread that is lost in rounding tells nothing
    return max(min(one, 1.0) if one == one else 0.0 for one in found)


def _ranks(values: np.ndarray) -> np.ndarray:
    return stats.rankdata(values)
