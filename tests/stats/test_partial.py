"""Partial Spearman against pingouin, the textbook formula, and the coverage of its clustered interval."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.stats.partial import clustered_partial_spearman, partial_spearman

X = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8.0])
Y = np.array([5, 3, 8, 1, 9, 2, 4, 10, 6, 7, 12, 11.0])
Z = np.array([2, 7, 1, 9, 4, 3, 8, 5, 10, 6, 12, 11.0])
Z2 = np.array([2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5.0])


def test_it_agrees_with_pingouin_ties_included():
    # pingouin 0.7.0, partial_corr(method="spearman")
    assert partial_spearman(X, Y, Z) == pytest.approx(0.539905, abs=1e-6)
    assert partial_spearman(X, Y, np.column_stack([Z, Z2])) == pytest.approx(0.592623, abs=1e-6)


def test_one_covariate_is_the_textbook_formula():
    r = {(a, b): stats.spearmanr(u, v).statistic for a, u in (("x", X), ("y", Y)) for b, v in (("y", Y), ("z", Z))}
    xy, xz, yz = r["x", "y"], r["x", "z"], r["y", "z"]
    assert partial_spearman(X, Y, Z) == pytest.approx((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)), abs=1e-12)


def world(rng, *, effect, seeds=20, cells=6):
    """x and y share what z gives them, an effect of the seed, and `effect`."""
    cluster = np.repeat(np.arange(seeds), cells)
    z, common, e, f = rng.normal(size=(4, seeds * cells))
    seed_x, seed_y = 2 * rng.normal(size=(2, seeds))[:, cluster]
    return z + seed_x + e + effect * common, z + seed_y + f + effect * common, z, cluster


def test_whole_clusters_cover_a_null_where_rows_do_not():
    rng = np.random.default_rng(0)
    covered = {True: 0, False: 0}
    for _ in range(60):
        x, y, z, cluster = world(rng, effect=0.0)
        for clustered in covered:
            found = clustered_partial_spearman(x, y, z, cluster if clustered else np.arange(len(x)), count=60)
            covered[clustered] += found.low <= 0 <= found.high
    assert covered[True] / 60 > 0.83
    assert covered[False] < covered[True] - 12


def test_an_effect_is_seen_and_a_common_cause_is_not_one():
    x, y, z, cluster = world(np.random.default_rng(1), effect=3.0)
    found = clustered_partial_spearman(x, y, z, cluster, count=300)
    assert found.low > 0.2
    assert found.n == 20
    assert stats.spearmanr(*world(np.random.default_rng(2), effect=0.0)[:2]).statistic > 0.2, "z alone makes x and y alike"


def test_refusals_and_errors():
    few = clustered_partial_spearman(X, Y, Z, np.repeat([0, 1, 2], 4))
    copied = clustered_partial_spearman(Z, Y, Z, np.arange(12))
    for found, reason in [(few, "3 clusters of 12 rows are too few"), (copied, "what it is given explains it outright")]:
        assert isinstance(found, Refusal)
        assert reason in found.reason
    with pytest.raises(DataError, match="clusters has 3 entries, x 12: give the cluster of each row"):
        clustered_partial_spearman(X, Y, Z, np.arange(3))
    with pytest.raises(DataError, match="holds NaN or an infinity"):
        clustered_partial_spearman(np.where(X == 9, np.nan, X), Y, Z, np.arange(12))
