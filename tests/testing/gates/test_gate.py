"""Each gate on numbers whose outcome is known, and on those that cannot tell."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp

from kdprobe import available
from kdprobe.stats.partial_rank import clustered_partial_rank, partial_rank
from kdprobe.testing.gates import dose, incremental, invariances, null, sign, specificity


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def test_untaught_twins_are_counted_and_a_bias_is_found():
    groups = noise(0, 125, 8)
    found = null(groups)
    taught = int((ttest_1samp(groups, 0, axis=1, alternative="greater").pvalue < 0.05).sum())
    assert found.details == {"taught": taught, "verdicts": 125, "held_out_twins": 1000}
    assert found.number == pytest.approx(binom.sf(taught - 1, 125, 0.05))
    assert (found.name, found.outcome, found.threshold) == ("G1", "pass", 0.01)
    biased = null(groups + 0.5)
    assert (biased.outcome, biased.number < 0.01) == ("fail", True)
    assert "verdicts call untaught twins taught" in biased.says
    # few twins can show that a metric is wrong, never that it is right
    assert null(groups[:10] + 2).outcome == "fail"
    few = null(groups[:10])
    assert (few.outcome, "too few to pass, give 1,000 or more" in few.says) == ("refused", True)
    holes = groups.copy()
    holes[:70, 0] = np.nan
    assert null(holes).says == "it has no answer in 70 of 125 groups"
    assert null(np.where(np.arange(125)[:, None] < 20, np.nan, groups)).details["verdicts"] == 105


def test_the_share_of_false_alarms_is_what_the_gate_says():
    """A fair metric fails in 1 % of gates or less, of 400."""
    outcomes = [null(noise(seed, 125, 8)).outcome for seed in range(400)]
    assert set(outcomes) == {"pass", "fail"} or set(outcomes) == {"pass"}
    assert outcomes.count("fail") <= 11


def test_a_dose_has_a_trend_or_has_none():
    flat = noise(1, 10, 5)
    assert dose(flat).outcome == "fail"
    rising = dose(flat + np.arange(5))
    assert (rising.outcome, rising.number < 0.05) == ("pass", True)
    assert dose(flat - np.arange(5)).outcome == "fail"
    assert dose(flat[:7] + np.arange(5)).says == "7 seeds: give 8 or more"
    missing = flat.copy()
    missing[3, 2] = np.nan
    assert dose(missing).says == "it has no answer for 1 of 10 seeds"


def test_controls_stay_at_nothing_or_are_named():
    full = 1 + 0.1 * noise(2, 10)
    quiet = {"shuffled": 0.05 * noise(3, 10), "sibling": 0.05 * noise(4, 10) - 0.05}
    assert specificity(full, quiet).outcome == "pass"
    loud = specificity(full, quiet | {"untaught, wider": 0.8 + 0.05 * noise(5, 10)})
    assert (loud.outcome, "not untaught, wider (8" in loud.says) == ("fail", True)
    assert loud.details["share, untaught, wider"] == pytest.approx(0.8, abs=0.1)
    # a control that is nothing on average, but that nobody can tell from something
    assert specificity(full, {"noisy": 2 * noise(6, 10)}).outcome == "fail"
    weak = specificity(0.01 * noise(7, 10), quiet)
    assert (weak.outcome, weak.number) == ("refused", None)
    assert "there is no margin" in weak.says


def scores_and_gains(seed, beyond):
    """Readings that tell of gains through the score, and beyond it by so much."""
    arms, noises = np.arange(6.0), noise(seed, 3, 10, 6)
    score = arms + noises[0]
    gain = score + noises[1]
    return score + beyond * noises[1] + 0.5 * noises[2], gain, score


def test_what_a_metric_tells_beyond_the_score():
    tells = incremental(*scores_and_gains(8, 1.0))
    assert (tells.outcome, tells.number > 0) == ("pass", True)
    assert tells.details["rho"] == pytest.approx(partial_rank(*scores_and_gains(8, 1.0)))
    assert "within arms" in tells.says
    # of these arms the score tells the gain outright: between them nothing is left
    assert "between arms" not in tells.says
    repeats = incremental(*scores_and_gains(9, 0.0))
    assert (repeats.outcome, repeats.number < 0) == ("fail", True)
    flat = np.zeros((10, 6))
    assert incremental(flat, *scores_and_gains(9, 0.0)[1:]).outcome == "refused"


def test_one_arm_alone_may_not_carry_it():
    names = tuple("abcdef")
    assert sign(*scores_and_gains(8, 1.0), names).outcome == "pass"
    reading, gain, score = scores_and_gains(10, -1.0)
    reading, gain = reading.copy(), gain.copy()
    reading[:, 5] += 40
    gain[:, 5] += 40
    carried = sign(reading, gain, score, names)
    assert carried.outcome == "fail"
    assert carried.says.startswith("ρ is least without f")


def test_the_partial_correlation_is_the_regression_of_ranks():
    rng = np.random.default_rng(11)
    x, y, z = rng.normal(size=(3, 40)) + rng.normal(size=40)
    ranks = [np.argsort(np.argsort(values)).astype(float) for values in (x, y, z)]
    design = np.column_stack([np.ones(40), ranks[2]])
    left = [values - design @ np.linalg.lstsq(design, values, rcond=None)[0] for values in ranks[:2]]
    assert partial_rank(x, y, z) == pytest.approx(np.corrcoef(left)[0, 1])
    assert partial_rank(x, y, x) is None
    assert partial_rank(np.ones(40), y, z) is None


@pytest.mark.slow
def test_whole_clusters_are_resampled():
    """Seeds that share an effect: the interval covers nothing in 95 % of worlds, where resampled units would be far too sure."""
    hits = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        x, y = (np.repeat(rng.normal(size=(12, 1)), 8, axis=1) + 0.1 * rng.normal(size=(12, 8)) for _ in range(2))
        found = clustered_partial_rank(x, y, rng.normal(size=(12, 8)), count=300)
        hits += found.low <= 0 <= found.high
    assert hits / 80 > 0.85


def test_a_broken_contract_fails_with_its_text():
    probe = available("probes")["agreement_top1"]
    assert invariances(probe).outcome == "pass"
    broken = invariances(replace(probe, bounds=(0.0, 0.5)))
    assert (broken.outcome, "outside its bounds" in broken.says) == ("fail", True)
