"""Intervals cover what they should, equal their closed forms, and refuse where there is none."""

import numpy as np
import pytest

from kdprobe.core.result import Refusal
from kdprobe.stats.intervals import BELOW_ONE, FISHER, LOG, Interval, from_left_out, jackknife, over_seeds, proportion, ratio, summed

DRAWS = 3000


def correlation(means):
    x, y, xx, yy, xy = np.moveaxis(means, -1, 0)
    return (xy - x * y) / np.sqrt((xx - x**2) * (yy - y**2))


def moments(x, y):
    return np.stack([x, y, x * x, y * y, x * y], axis=1)


def covered(intervals, truth):
    assert all(isinstance(i, Interval) for i in intervals)
    return np.mean([i.low <= truth <= i.high for i in intervals])


def test_mean_equals_the_t_interval_of_scipy():
    from scipy import stats

    x = np.random.default_rng(0).exponential(size=37)
    low, high = stats.t.interval(0.95, 36, x.mean(), stats.sem(x))
    interval = jackknife(x)
    assert np.allclose([interval.low, interval.high, interval.error], [low, high, stats.sem(x)], rtol=1e-12)


def test_delete_one_equals_the_loop():
    rng = np.random.default_rng(1)
    x = rng.normal(size=25)
    y = x + rng.normal(size=25)
    left_out = np.array([np.corrcoef(np.delete(x, i), np.delete(y, i))[0, 1] for i in range(25)])
    error = np.sqrt(24 / 25 * np.sum((left_out - left_out.mean()) ** 2))
    interval = jackknife(moments(x, y), correlation)
    assert interval.value == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert interval.error == pytest.approx(error, rel=1e-9)


def test_blocks_of_one_row_are_rows_and_equal_blocks_are_their_means():
    x = np.random.default_rng(2).normal(size=24)
    assert np.allclose(jackknife(x), jackknife(x, blocks=np.arange(24)))
    by_day = jackknife(x, blocks=np.repeat(np.arange(6), 4))
    assert np.allclose(by_day, jackknife(x.reshape(6, 4).mean(axis=1)))


SCALES = {
    "correlation": (FISHER, np.arctanh, np.tanh, 0.9),
    "above 0": (LOG, np.log, np.exp, 0.3),
    "up to 1": (BELOW_ONE, lambda value: np.log(1 - value), lambda scaled: 1 - np.exp(scaled), 0.9),
}


@pytest.mark.parametrize("name", SCALES)
def test_an_interval_is_made_on_its_scale_and_carried_back(name):
    """By the textbook's formula on the transformed estimates; the interval of the plain scale is another one."""
    from scipy import stats

    transform, forward, back, value = SCALES[name]
    left_out = value + 0.02 * np.random.default_rng(20).normal(size=15)
    found = from_left_out(value, left_out, np.ones(15), transform=transform)
    on_scale = forward(left_out)
    error = np.sqrt(14 / 15 * np.sum((on_scale - on_scale.mean()) ** 2))
    ends = sorted(back(forward(value) + stats.t.ppf([0.025, 0.975], 14) * error))
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-9)
    plain = from_left_out(value, left_out, np.ones(15))
    assert found.low - plain.low > 1e-3 or plain.high - found.high > 1e-3
    assert found.error == plain.error, "the standard error is on the scale of the value"


@pytest.mark.slow
@pytest.mark.parametrize("n", [15, 60])
def test_coverage_of_a_mean(n):
    rng = np.random.default_rng(3)
    assert 0.93 <= covered([jackknife(rng.normal(1, 2, size=n)) for _ in range(DRAWS)], 1.0) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_coverage_of_a_correlation(rho):
    rng = np.random.default_rng(4)
    intervals = []
    for _ in range(DRAWS):
        x, e = rng.normal(size=(2, 60))
        intervals.append(jackknife(moments(x, rho * x + np.sqrt(1 - rho**2) * e), correlation, transform=FISHER))
    assert 0.93 <= covered(intervals, rho) <= 0.97


@pytest.mark.slow
def test_coverage_of_a_skewed_mean_on_the_log_scale():
    rng = np.random.default_rng(5)
    intervals = [jackknife(rng.exponential(size=60), transform=LOG) for _ in range(DRAWS)]
    assert 0.93 <= covered(intervals, 1.0) <= 0.97
    assert min(i.low for i in intervals) > 0


@pytest.mark.slow
def test_whole_blocks_cover_where_rows_do_not():
    rng = np.random.default_rng(6)
    sizes = rng.integers(5, 15, size=20)
    blocks = np.repeat(np.arange(20), sizes)
    by_block, by_row = [], []
    for _ in range(DRAWS):
        x = rng.normal(size=20)[blocks] + rng.normal(size=len(blocks))
        by_block.append(jackknife(x, blocks=blocks))
        by_row.append(jackknife(x))
    assert 0.93 <= covered(by_block, 0.0) <= 0.97
    assert covered(by_row, 0.0) < 0.7


@pytest.mark.slow
@pytest.mark.parametrize(("p", "n"), [(0.5, 40), (0.9, 100), (0.98, 400)])
def test_coverage_of_wilson(p, n):
    rng = np.random.default_rng(7)
    assert 0.93 <= covered([proportion(rng.random(n) < p) for _ in range(DRAWS)], p) <= 0.975


@pytest.mark.slow
def test_coverage_of_a_proportion_in_blocks():
    rng = np.random.default_rng(8)
    blocks = np.repeat(np.arange(30), 20)
    intervals = []
    for _ in range(DRAWS):
        chance = rng.beta(8, 2, size=30)[blocks]
        intervals.append(proportion(rng.random(600) < chance, blocks=blocks))
    assert 0.93 <= covered(intervals, 0.8) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("blocked", [False, True])
def test_coverage_of_a_ratio(blocked):
    rng = np.random.default_rng(9)
    blocks = np.repeat(np.arange(25), 4) if blocked else None
    intervals = []
    for _ in range(DRAWS):
        shared = rng.normal(size=25).repeat(4) if blocked else rng.normal(size=100)
        denominator = 1 + shared + rng.normal(size=100)
        intervals.append(ratio(0.5 * denominator + rng.normal(size=100) + shared, denominator, blocks=blocks))
    assert 0.93 <= covered([i for i in intervals if isinstance(i, Interval)], 0.5) <= 0.97
    assert np.mean([isinstance(i, Refusal) for i in intervals]) < 0.05


@pytest.mark.slow
def test_coverage_over_seeds_and_draws():
    rng = np.random.default_rng(10)
    assert 0.93 <= covered([over_seeds(rng.normal(0.3, 1, size=5)) for _ in range(DRAWS)], 0.3) <= 0.97
    draws = np.repeat(np.arange(4), 5)
    clustered = [over_seeds(0.3 + rng.normal(size=4)[draws] + rng.normal(size=20), draws=draws) for _ in range(DRAWS)]
    assert 0.93 <= covered(clustered, 0.3) <= 0.97


def test_wilson_by_hand_keeps_its_width_at_the_ends():
    # Newcombe 1998, Statistics in Medicine 17, table I: 81/263 and 0/20, score method without correction
    some = proportion(np.arange(263) < 81)
    assert [round(some.low, 4), round(some.high, 4)] == [0.2553, 0.3662]
    none = proportion(np.zeros(20))
    assert [none.value, none.low, round(none.high, 4)] == [0.0, 0.0, 0.1611]
    assert proportion(np.ones(20)).high == 1.0


def test_all_right_in_every_block_counts_blocks():
    by_row = proportion(np.ones(100))
    by_block = proportion(np.ones(100), blocks=np.repeat(np.arange(5), 20))
    assert by_block.low < 0.6 < 0.9 < by_row.low


def test_a_correlation_of_one_keeps_a_finite_interval():
    x = np.arange(10.0)
    interval = jackknife(moments(x, x), lambda m: np.ones(m.shape[:-1]), transform=FISHER)
    assert (interval.value, interval.low, interval.high) == (1.0, 1.0, 1.0)


def test_the_plain_scale_is_cut_at_the_ends_of_the_range():
    one_of_many = np.zeros(30)
    one_of_many[0] = 3.0  # without this row the mean is 0, whose logarithm is not finite
    interval = jackknife(one_of_many, transform=LOG)
    assert interval.low == 0.0 < interval.value < interval.high


def test_errors_of_two_sources_add_up_as_in_welchs_test():
    """The difference of two means is an estimate with two sources of error: scipy's interval of it, without equal variances."""
    from scipy import stats

    rng = np.random.default_rng(12)
    a, b = rng.normal(1, 2, size=6), rng.normal(0, 1, size=17)
    value = a.mean() - b.mean()
    parts = [Interval(value, np.nan, np.nan, len(side), float(stats.sem(side))) for side in (a, b)]
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    found = summed(parts)
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high), rel=1e-9)
    assert (found.value, found.n) == (value, 6)
    assert found.error == pytest.approx(np.hypot(parts[0].error, parts[1].error))
    certain = Interval(1.0, 1.0, 1.0, 5, 0.0)
    assert summed([certain, certain]) == certain


def test_fieller_solves_its_quadratic():
    rng = np.random.default_rng(11)
    b = 2 + rng.normal(size=50)
    a = b + rng.normal(size=50)
    interval = ratio(a, b)
    for end in (interval.low, interval.high):
        residual = a - end * b
        t = residual.mean() / (residual.std(ddof=1) / np.sqrt(50))
        assert abs(t) == pytest.approx(2.009575, abs=1e-5)


def test_two_units_are_enough_for_a_ratio():
    found = ratio(np.array([1.0, 1.1]), np.array([4.0, 4.02]))
    assert (found.n, found.value) == (2, pytest.approx(1.05 / 4.01))
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (jackknife(np.array([1.0])), "1 row cannot give an interval"),
        (jackknife(np.zeros(0)), "0 rows cannot give an interval"),
        (jackknife(np.ones(9), blocks=np.zeros(9)), "1 block cannot give an interval"),
        (proportion(np.ones(1)), "1 row cannot give an interval"),
        (over_seeds(np.array([1.0])), "one seed gives no interval over seeds"),
        (over_seeds(np.array([])), "no seeds give no interval over seeds"),
        (jackknife(np.ones((5, 5)), correlation), "undefined or beyond the range"),
        (jackknife(np.array([1e308, 1e308, -1e308, -1e308])), "beyond the range of float64"),
        (ratio(np.ones(4), np.array([1.0, -1.0, 1.0, -1.0])), "not distinguishable from 0"),
        (ratio(np.ones(4), np.full(4, 1e308)), "beyond the range of float64"),
    ],
)
def test_refusals_say_why(result, reason):
    assert isinstance(result, Refusal)
    assert reason in result.reason
    assert result.advice
