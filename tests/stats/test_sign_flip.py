"""The sign-flip test against counting by hand, scipy's permutation test and its promise of exactness."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.errors import DataError
from kdprobe.stats.resampling import bootstrap_weights, by_draw, sign_flips
from kdprobe.stats.sign_flip import max_t


def by_hand(differences, two_sided):
    """Loop over every flip, with scipy's own t."""
    largest = []
    for signs in product([1, -1], repeat=len(differences)):
        t = stats.ttest_1samp(differences * np.array(signs)[:, None], 0).statistic
        largest.append(np.max(np.abs(t) if two_sided else t))
    t = stats.ttest_1samp(differences, 0).statistic
    reached = np.abs(t) if two_sided else t
    return [np.mean(np.array(largest) >= value - 1e-9) for value in reached]


@pytest.mark.parametrize("two_sided", [False, True])
def test_p_values_are_the_share_of_flips_counted_by_hand(two_sided):
    differences = np.random.default_rng(0).normal(0.4, 1, size=(7, 3))
    np.testing.assert_allclose(max_t(differences, two_sided=two_sided).p, by_hand(differences, two_sided), atol=1e-12)


def test_one_column_is_scipys_permutation_test():
    differences = np.random.default_rng(1).normal(0.3, 1, size=12)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf, vectorized=True
    )
    assert max_t(differences[:, None]).p[0] == pytest.approx(expected.pvalue, abs=1e-12)


@pytest.mark.parametrize(("units", "tails"), [(6, "normal"), (8, "cauchy"), (20, "normal")])
def test_the_level_is_exact_for_anything_symmetric(units, tails):
    rng = np.random.default_rng(2)
    sweeps = 600
    noise = rng.standard_cauchy(size=(sweeps, units, 5)) if tails == "cauchy" else rng.normal(size=(sweeps, units, 5))
    differences = noise + 2 * rng.normal(size=(sweeps, units, 1))  # columns depend on each other
    false = float((max_t(differences).p.min(axis=-1) <= 0.05).mean())
    assert abs(false - 0.05) < 3 * np.sqrt(0.05 * 0.95 / sweeps) + 1 / 2**units


def test_random_flips_agree_with_all_of_them():
    differences = np.random.default_rng(3).normal(0.5, 1, size=(14, 4))
    exact = max_t(differences).p
    flips = np.random.default_rng(0).integers(0, 2, size=(40_000, 14)) * 2 - 1
    t = np.stack([(flips @ column) / np.sqrt(14 * (column @ column) - (flips @ column) ** 2) for column in differences.T])
    largest = t.max(axis=0)
    own = differences.sum(0) / np.sqrt(14 * (differences**2).sum(0) - differences.sum(0) ** 2)
    drawn = [(largest >= value).mean() for value in own]
    np.testing.assert_allclose(exact, drawn, atol=4 * np.sqrt(0.25 / 40_000))
    assert max_t(differences, seed=1).p.tolist() == exact.tolist()


def test_the_adjustment_is_for_the_largest_and_not_larger_than_bonferroni():
    differences = np.random.default_rng(4).normal(0.5, 1, size=(10, 6))
    together, alone = max_t(differences).p, np.array([max_t(differences[:, [k]]).p[0] for k in range(6)])
    assert (together >= alone).all()
    assert together.min() <= 6 * alone.min()


def test_one_file_of_many_sweeps_is_many_tests():
    differences = np.random.default_rng(5).normal(size=(3, 2, 9, 4))
    found = max_t(differences)
    np.testing.assert_array_equal(found.p[1, 1], max_t(differences[1, 1]).p)
    assert found.t.shape == (3, 2, 4)


def test_differences_without_spread():
    found = max_t(np.array([[0.25, 0.0]] * 6))
    assert found.p.tolist() == [1 / 64, 1.0]


def test_flips_and_weights_are_what_they_say():
    assert sorted(map(tuple, sign_flips(3))) == sorted(product([-1.0, 1.0], repeat=3))
    assert (sign_flips(30)[0] == 1).all()
    weights = bootstrap_weights(6, count=3000)
    np.testing.assert_allclose(weights.mean(axis=0), 1 / 6, atol=0.01)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert by_draw(np.arange(4.0), np.zeros(4)).tolist() == [0, 1, 2, 3]


def test_errors_say_what_to_do():
    with pytest.raises(DataError, match=r"differences has shape \(1, 3\): give \(units, columns\) with at least 2 units"):
        max_t(np.zeros((1, 3)))
    with pytest.raises(DataError, match="differences holds an infinity: give NaN where a unit is missing"):
        max_t(np.array([[1.0], [np.inf]]))
    with pytest.raises(DataError, match="draws has 2 entries, values 3 seeds: give the draw of each seed"):
        by_draw(np.zeros(3), np.arange(2))
