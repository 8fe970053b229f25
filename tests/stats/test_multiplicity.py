"""Adjusted p values against statsmodels and simulated families."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.errors import DataError
from kdprobe.stats.multiplicity import holm

# Benjamini and Hochberg's own example (table of 15 of these), extended; adjusted by statsmodels 0.15.0 multipletests
P = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34, 0.341, 0.384, 0.569]
P += [0.594, 0.696, 0.762, 0.94, 0.942, 0.975, 0.986]
HOLM = [0.025, 0.192, 0.897, 0.902, 0.902, *[1.0] * 20]


def test_holm_agrees_with_statsmodels_in_any_order():
    order = np.random.default_rng(0).permutation(len(P))
    shuffled = np.array(P)[order]
    np.testing.assert_allclose(holm(shuffled), np.array(HOLM)[order], atol=1e-11)


def test_holm_controls_the_family_and_beats_bonferroni():
    rng = np.random.default_rng(2)
    # 12 claims, 9 of them true nulls, correlated through one common variable
    z = 0.7 * rng.normal(size=(20_000, 1)) + np.sqrt(0.51) * rng.normal(size=(20_000, 12))
    z[:, 9:] += 3
    p = 2 * stats.norm.sf(np.abs(z))
    adjusted = np.array([holm(row) for row in p])
    false = (adjusted[:, :9] < 0.05).any(axis=1).mean()
    assert false < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 20_000)
    assert (adjusted[:, 9:] < 0.05).sum() > (12 * p[:, 9:] < 0.05).sum()


@pytest.mark.parametrize("wrong", [1.5, -0.1, float("nan")])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(DataError, match=f"p holds {wrong:g}: p values lie between 0 and 1"):
        holm([0.5, wrong])


def test_nothing_is_adjusted_to_nothing():
    assert len(holm([])) == 0
