"""Page's trend test: does a measure rise with an ordered factor, seed by seed?"""

from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal


class Trend(NamedTuple):
    """Whether values rise along ordered levels."""

    statistic: float
    """Page's L."""
    p: float
    """One-sided, against no order at all."""
    rank_correlation: float
    """Mean over seeds of Spearman's correlation with the order of the levels."""
    n: int


def page_trend(values: np.ndarray) -> Trend | Refusal:
    """Test whether values rise along levels that are in their predicted order (Page 1963).

    Parameters
    ----------
    values
        (seeds, levels), levels in ascending order of the dose; tied values share their mean rank.

    Returns
    -------
    Trend
        The p value is exact for small tables without ties, else from the normal limit. A refusal with fewer than 3 levels or 2 seeds, or
        where every seed has one value at all levels.

    Raises
    ------
    DataError
        If a value is not finite.

    Examples
    --------
    >>> dose = np.array([[0.1, 0.2, 0.4], [0.0, 0.3, 0.5], [0.2, 0.1, 0.6]])
    >>> found = page_trend(dose)
    >>> found.statistic, round(found.p, 4)
    (41.0, 0.0324)
    """
    from scipy.stats import page_trend_test, rankdata  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    table = np.asarray(values, dtype=np.float64)
    if not np.isfinite(table).all():
        raise DataError("values holds NaN or an infinity: leave such seeds out whole")
    if table.ndim != 2 or table.shape[1] < 3 or table.shape[0] < 2:
        return Refusal(reason=f"a trend needs 2 seeds and 3 levels, not a table of {table.shape}", advice="add levels or seeds")
    ranks: np.ndarray = rankdata(table, axis=1)
    if (ranks == ranks[:, :1]).all():
        return Refusal(reason="every seed has the same value at all levels", advice="look for a dose that was not applied")
    levels = np.arange(1, table.shape[1] + 1, dtype=np.float64)
    ties = any(len(np.unique(row)) < len(row) for row in table)
    found = page_trend_test(ranks, ranked=True, predicted_ranks=levels, method="asymptotic" if ties else "auto")
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).sum(axis=1) * ((levels - levels.mean()) ** 2).sum())
    rho = np.divide(centred @ (levels - levels.mean()), spread, out=np.zeros(len(table)), where=spread > 0)
    return Trend(float(found.statistic), float(found.pvalue), float(rho.mean()), len(table))
