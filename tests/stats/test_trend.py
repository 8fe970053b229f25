"""Page's test against counting all orders, and its published critical values."""

from itertools import permutations, product

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.stats.trend import page_trend


def counted(values):
    """Share of all orders within seeds whose L is as large."""
    levels = np.arange(1, values.shape[1] + 1)
    ranks = values.argsort(axis=1).argsort(axis=1) + 1
    own = (ranks @ levels).sum()
    sums = [np.dot(order, levels) for order in permutations(levels)]
    return np.mean([sum(row) >= own for row in product(sums, repeat=len(values))]), own


def test_p_is_the_share_of_all_orders():
    values = np.random.default_rng(0).normal(np.arange(4) * 0.5, 1, size=(3, 4))
    p, statistic = counted(values)
    found = page_trend(values)
    assert (found.statistic, found.n) == (statistic, 3)
    assert found.p == pytest.approx(p, abs=1e-12)


def test_pages_critical_value():
    # Page 1963, table 2: L of 3 levels and 10 seeds is significant at .05 from 128 on
    rows = np.array([[1, 2, 3]] * 5 + [[2, 1, 3]] * 2 + [[1, 3, 2]] * 1 + [[3, 1, 2]] * 1 + [[3, 2, 1]] * 1)
    found = page_trend(rows)
    assert found.statistic == 14 * 5 + 13 * 3 + 11 + 10 == 130
    assert found.p < 0.05
    weaker = page_trend(np.array([[1, 2, 3]] * 5 + [[2, 1, 3]] * 1 + [[1, 3, 2]] * 1 + [[3, 1, 2]] * 1 + [[3, 2, 1]] * 2))
    assert weaker.statistic == 127
    assert weaker.p > 0.05


def test_level_and_power():
    rng = np.random.default_rng(1)
    null = np.mean([page_trend(rng.normal(size=(5, 4))).p < 0.05 for _ in range(1000)])
    assert null < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert np.mean([page_trend(rng.normal(np.arange(4) * 0.8, 1, size=(5, 4))).p < 0.05 for _ in range(200)]) > 0.8


def test_ties_share_ranks_and_a_falling_dose_is_no_rise():
    tied = page_trend(np.array([[0.0, 0.0, 1.0, 2.0]] * 8))
    assert tied.statistic == 8 * (1.5 + 3 + 9 + 16)
    assert tied.p < 0.001
    falling = page_trend(-np.arange(4) + np.zeros((6, 1)))
    assert falling.p > 0.99
    assert falling.rank_correlation == pytest.approx(-1)


def test_refusals_and_errors():
    for values, reason in [
        (np.zeros((3, 2)), "needs 2 seeds and 3 levels"),
        (np.ones((4, 3)), "every seed has the same value at all levels"),
    ]:
        found = page_trend(values)
        assert isinstance(found, Refusal)
        assert reason in found.reason
    with pytest.raises(DataError, match="values holds NaN or an infinity: leave such seeds out whole"):
        page_trend(np.array([[1.0, 2.0, np.nan]] * 3))
