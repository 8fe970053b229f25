"""What is compared with what where runs are missing: additive fits against scikit-learn's least squares, copies told from chance."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from kdprobe.stats.bootstrap import simultaneous
from kdprobe.stats.paired import contrast
from kdprobe.stats.pairing import copies, levels, shared_pairs
from kdprobe.stats.sign_flip import max_t


def holes(shape, share, rng):
    values = rng.normal(size=shape)
    values[rng.random(shape) < share] = np.nan
    return values


def test_levels_are_those_of_an_additive_fit():
    rng = np.random.default_rng(0)
    grid = holes((9, 4), 0.3, rng) + 10 * rng.normal(size=(9, 1))
    row, column = np.nonzero(~np.isnan(grid))
    design = np.hstack([np.eye(9)[row], np.eye(4)[column]])
    fit = LinearRegression(fit_intercept=False).fit(design, grid[row, column])
    expected = fit.coef_[9:] + fit.coef_[:9].mean()
    np.testing.assert_allclose(levels(grid), expected, rtol=1e-9)
    np.testing.assert_allclose(levels(np.stack([grid, np.nan_to_num(grid)]))[1], np.nan_to_num(grid).mean(axis=0))


def test_each_contrast_is_of_the_units_that_it_has():
    """Against scipy, column by column."""
    differences = holes((12, 5), 0.3, np.random.default_rng(1))
    differences[:, 4] = np.nan
    differences[0, 4] = 1.0
    found, flips, limits = contrast(differences.T), max_t(differences), simultaneous(differences, margin=0.5)
    for k, column in enumerate(differences.T[:4]):
        own = column[~np.isnan(column)]
        tested = stats.ttest_1samp(own, 0)
        assert (found.mean[k], found.p[k], found.n[k]) == pytest.approx((own.mean(), tested.pvalue, len(own)))
        interval = tested.confidence_interval()
        assert (found.interval()[0][k], found.interval()[1][k]) == pytest.approx((interval.low, interval.high))
        assert found.below(0.5)[k] == pytest.approx(stats.ttest_1samp(own, 0.5, alternative="less").pvalue)
        assert max_t(differences[:, [k]]).p[0] == max_t(own[:, None]).p[0]
        assert limits.below[k] >= found.below(0.5)[k] - 1e-12
    # one unit says nothing
    assert (found.p[4], flips.p[4], limits.below[4], found.below()[4]) == (1.0, 1.0, 1.0, 1.0)
    assert np.isinf(limits.upper[4])


def test_flips_are_exact_where_units_are_missing():
    rng = np.random.default_rng(2)
    differences = rng.standard_t(2, size=(600, 9, 4)) + 2 * rng.normal(size=(600, 9, 1))
    differences[:, :3, 1], differences[:, 4:8, 2] = np.nan, np.nan
    false = float((max_t(differences).p.min(axis=-1) <= 0.05).mean())
    assert abs(false - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 600) + 1 / 2**9


@pytest.mark.parametrize("seeds", [10, 20])
def test_p_values_of_limits_are_where_the_limits_are(seeds):
    values = np.random.default_rng(3).exponential(size=(300, seeds, 3)) - 1
    found = simultaneous(values, margin=0.4)
    agreed = (found.below < 0.05) == (found.upper < 0.4)
    # but where the two quantiles meet a margin exactly
    assert agreed.mean() > 0.99


def test_seeds_that_each_lack_another_size_are_all_used():
    grid = np.random.default_rng(4).normal(size=(6, 6))
    grid[np.arange(6), np.arange(6)] = np.nan
    found = shared_pairs({"gain": grid}, np.zeros(6))
    assert (found.rows.all(), found.columns.all()) == (True, True)
    np.testing.assert_array_equal(found.values["gain"], grid)
    # a size of one seed, and a seed of one size
    grid[1:, 5] = np.nan
    grid[0, 1:5] = np.nan
    found = shared_pairs({"gain": grid}, np.zeros(6))
    assert (found.rows.tolist(), found.columns.tolist()) == ([False, *[True] * 5], [*[True] * 5, False])


def test_a_draw_that_lacks_runs_keeps_its_level():
    """The mean of a draw's seeds would hold the level of those that a size happens to have."""
    seed, size, draws = np.arange(6.0)[:, None], np.array([0.0, 1.0, 5.0]), np.repeat([0, 1, 2], 2)
    grid = 100 * seed + size
    grid[1, 2], grid[4, 0] = np.nan, np.nan
    found = shared_pairs({"gain": grid}, draws).values["gain"]
    np.testing.assert_allclose(found - found[:, [1]], np.tile(size - 1, (3, 1)), atol=1e-9)
    np.testing.assert_allclose(found[:, 1], [51, 251, 451])
    grid[2:4, 2] = np.nan
    assert np.isnan(shared_pairs({"gain": grid}, draws).values["gain"][1]).tolist() == [False, False, True]


def test_copies_are_told_from_chance():
    rng = np.random.default_rng(5)
    gain, loss = rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    assert copies(gain, loss) is None
    gain[5] = gain[2]
    assert copies(gain, loss) == (2, 5)
    coarse = np.round(gain)
    assert len(np.unique(coarse[:, 0])) < 7
    # accuracies of few rows coincide: only the same teachers' losses make copies of them
    assert copies(coarse, loss) is None
    loss[5] = loss[2]
    assert copies(coarse, loss) == (2, 5)
    assert copies(coarse, np.zeros((8, 3))) is None, "one teacher for all seeds tells nothing"
    # of a student that learns nothing from any teacher every seed has the same gains
    assert copies(np.zeros((8, 3)), loss) is None
