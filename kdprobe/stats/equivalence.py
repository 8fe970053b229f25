"""Two one-sided tests: is a mean shown to be negligible?"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.stats.intervals import too_few
from kdprobe.stats.resampling import by_draw


class Equivalence(NamedTuple):
    """Whether a mean lies inside a margin round 0."""

    mean: float
    low: float
    high: float
    """Ends of the 90 % interval: equivalence is shown at level .05 where both lie inside the margin."""
    p: float
    """The larger of the two one-sided p values."""
    margin: float
    n: int


def tost(differences: np.ndarray, margin: float, *, draws: np.ndarray | None = None) -> Equivalence | Refusal:
    """Test whether the mean of paired differences lies inside (-margin, margin) (Schuirmann 1987).

    Parameters
    ----------
    differences
        (seeds,).
    margin
        Above 0, in the unit of the differences. Choose it before looking.
    draws
        (seeds,) the draw of labelled rows of each seed; with several draws, these are the units.

    Returns
    -------
    Equivalence
        A refusal below 2 units.

    Raises
    ------
    DataError
        If the margin is not above 0.

    Examples
    --------
    >>> found = tost(np.array([0.1, -0.2, 0.0, 0.1, -0.1, 0.05, -0.05, 0.1]), 0.2)
    >>> round(found.p, 5), bool(found.low > -0.2)
    (0.00067, True)
    """
    if not margin > 0:
        raise DataError(f"margin={margin:g}: equivalence needs one above 0")
    values = by_draw(np.asarray(differences, dtype=np.float64), draws)
    n = len(values)
    if n < 2:
        return too_few(n, None)
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n))
    reach = float(stdtrit(n - 1, 0.95)) * error
    # one-sided t of the nearer end of the margin; without spread it is settled one way or the other
    room = margin - abs(mean)
    p = float(stdtr(n - 1, -room / error)) if error > 0 else float(room <= 0)
    return Equivalence(mean, mean - reach, mean + reach, p, float(margin), n)
