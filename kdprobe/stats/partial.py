"""Partial rank correlation whose rows come in clusters."""

from collections.abc import Sequence

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.stats.intervals import Interval
from kdprobe.stats.resampling import RESAMPLES


def partial_spearman(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> float:
    """Spearman's correlation of x and y once what both share with `given` is taken out of their ranks.

    Parameters
    ----------
    x, y
        (n,).
    given
        (n,) or (n, k).

    Returns
    -------
    float
        Pearson's correlation of the residuals of the ranks on the ranks of `given`; NaN where x or y has nothing left.

    Examples
    --------
    >>> z = np.arange(8.0)
    >>> round(partial_spearman(z + [0, 3, 0, 3, 0, 3, 0, 3], z - [0, 3, 0, 3, 0, 3, 0, 3], z), 3)
    -0.991
    """
    from scipy.stats import rankdata  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    ranks: np.ndarray = rankdata(np.column_stack([x, y, given]), axis=0)
    ranks -= ranks.mean(axis=0)
    basis, _ = np.linalg.qr(ranks[:, 2:])
    left = ranks[:, :2] - basis @ (basis.T @ ranks[:, :2])
    size = np.linalg.norm(left, axis=0)
    # what rounding leaves of a fully explained rank is no residual
    if (size <= 1e-9 * np.maximum(np.linalg.norm(ranks[:, :2], axis=0), 1e-300)).any():
        return float("nan")
    return float(np.clip(left[:, 0] @ left[:, 1] / size.prod(), -1, 1))


def clustered_partial_spearman(
    x: np.ndarray, y: np.ndarray, given: np.ndarray, clusters: Sequence[int] | np.ndarray, *, count: int = RESAMPLES, seed: int = 0
) -> Interval | Refusal:
    """Partial Spearman correlation with a 95 % percentile interval from whole clusters resampled.

    Parameters
    ----------
    x, y, given
        As in `partial_spearman`.
    clusters
        (n,) the seed (or draw) of each row: cells of one seed share their teacher and twin.
    count, seed
        Resamples, and the seed of the random generator.

    Returns
    -------
    Interval
        `n` counts clusters. A refusal below 5 clusters or 4 rows, or where x or y is explained by `given` outright.

    Raises
    ------
    DataError
        If lengths differ or a number is not finite.

    Notes
    -----
    Cost: `count` rankings of n rows, about 0.2 ms each for 100 rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z, e = rng.normal(size=(2, 60))
    >>> found = clustered_partial_spearman(z + e, z - e, z, np.arange(60) // 6, count=200)
    >>> found.high < -0.5
    True
    """
    table = np.column_stack([x, y, given]).astype(np.float64)
    clusters = np.asarray(clusters)
    if len(clusters) != len(table):
        raise DataError(f"clusters has {len(clusters)} entries, x {len(table)}: give the cluster of each row")
    if not np.isfinite(table).all():
        raise DataError("x, y or given holds NaN or an infinity: leave such rows out")
    _, codes = np.unique(clusters, return_inverse=True)
    members = [np.flatnonzero(codes == code) for code in range(int(codes.max(initial=-1)) + 1)]
    if len(members) < 5 or len(table) < table.shape[1] + 2:
        return Refusal(reason=f"{len(members)} clusters of {len(table)} rows are too few to resample", advice="give at least 5 clusters")
    value = partial_spearman(table[:, 0], table[:, 1], table[:, 2:])
    rng = np.random.default_rng(seed)
    resampled = np.empty(count)
    for i in range(count):
        chosen: list[int] = rng.integers(0, len(members), size=len(members)).tolist()
        rows = table[np.concatenate([members[j] for j in chosen])]
        resampled[i] = partial_spearman(rows[:, 0], rows[:, 1], rows[:, 2:])
    kept = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(kept) < 0.9 * count:
        return Refusal(reason="x or y is constant, or what it is given explains it outright", advice="look for a copied column")
    low, high = np.quantile(kept, [0.025, 0.975])
    return Interval(value, float(min(low, value)), float(max(high, value)), len(members), float(kept.std(ddof=1)))
