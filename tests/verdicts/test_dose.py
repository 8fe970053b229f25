"""Trends over doses and controls beside them, on numbers with known truth."""

import numpy as np
import pytest
from scipy.stats import page_trend_test, ttest_1samp

from kdprobe.verdicts.dose import read_controls, read_doses, read_trend

N = 10


def noise(*shape, sd=0.1, seed=0):
    return sd * np.random.default_rng(seed).normal(size=shape)


def judge(reading):
    (found,) = read_doses([reading])
    return found


def test_a_rise_is_supported_with_pages_own_p():
    readings = np.linspace(0.0, 1.0, 4) + noise(N, 4)
    found = judge(read_trend(readings, readings[:, -1]))
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "")
    assert found.p == pytest.approx(float(page_trend_test(readings).pvalue))
    assert found.effect.value == pytest.approx(float((readings[:, -1] - readings[:, 0]).mean()))


def test_of_two_doses_the_difference_is_tested():
    readings = np.array([0.0, 0.2]) + noise(N, 2)
    found = judge(read_trend(readings, np.ones(N)))
    assert found.p == pytest.approx(float(ttest_1samp(readings[:, 1] - readings[:, 0], 0.0, alternative="greater").pvalue))


def test_no_rise_is_contradicted_where_the_student_moved_and_open_where_it_hardly_did():
    flat = noise(N, 4, sd=0.01, seed=1)
    assert judge(read_trend(flat, np.full(N, 1.0))).verdict == "CONTRADICTED"
    assert judge(read_trend(flat, np.full(N, 0.02))).verdict == "INCONCLUSIVE"


def test_a_fall_is_never_a_rise():
    falling = np.linspace(1.0, 0.0, 4) + noise(N, 4)
    assert judge(read_trend(falling, np.ones(N))).verdict == "CONTRADICTED"


def test_one_dose_or_one_seed_has_no_trend():
    assert "one dose has no trend" in read_trend(noise(N, 1), np.ones(N)).qualifier
    assert "one seed" in read_trend(noise(1, 3), np.ones(1)).qualifier


def test_below_eight_seeds_there_is_a_direction_and_no_verdict():
    readings = np.linspace(0.0, 1.0, 4) + noise(7, 4)
    found = judge(read_trend(readings, readings[:, -1]))
    assert (found.verdict, found.qualifier) == ("INCONCLUSIVE", "direction only: below 8 seeds")


def test_controls_at_nothing_are_supported_and_their_shares_are_told():
    full = 1.0 + noise(N)
    found = judge(read_controls(full, {"shuffled": noise(N, sd=0.02, seed=2), "sibling": noise(N, sd=0.02, seed=3)}))
    assert (found.verdict, found.named) == ("SUPPORTED", ())
    assert set(found.shares) == {"shuffled", "sibling"}
    assert all(abs(share) < 0.1 for share in found.shares.values())


def test_two_one_sided_tests_are_those_of_scipy():
    full, control = 1.0 + noise(N), 0.1 + noise(N, seed=4)
    found = read_controls(full, {"control": control})
    sides = [ttest_1samp(0.2 * full - control, 0, alternative="greater"), ttest_1samp(0.2 * full + control, 0, alternative="greater")]
    assert found.p == pytest.approx(max(float(side.pvalue) for side in sides))


def test_a_control_that_shows_as_much_contradicts_and_one_of_many_is_not_lost():
    full = 1.0 + noise(N)
    controls = {f"c{i}": noise(N, sd=0.02, seed=10 + i) for i in range(8)} | {"bad": 0.8 + noise(N, seed=6)}
    found = judge(read_controls(full, controls))
    assert (found.verdict, found.qualifier, found.named) == ("CONTRADICTED", "a control shows as much", ("bad",))
    assert found.effect.value == pytest.approx(float(controls["bad"].mean()))


def test_wide_controls_are_open():
    full = 1.0 + noise(N)
    found = judge(read_controls(full, {"wide": noise(N, sd=0.6, seed=7)}))
    assert (found.verdict, found.named) == ("INCONCLUSIVE", ("wide",))


def test_without_an_effect_of_teaching_there_is_no_margin():
    found = judge(read_controls(noise(N, seed=8), {"c": noise(N, seed=9)}))
    assert found.verdict == "NOT APPLICABLE"
    assert "there is no margin" in found.qualifier
    assert read_controls(np.ones(N), {}).qualifier == "no control was trained"


def test_p_values_are_holm_adjusted_over_the_page():
    readings = [read_trend(np.linspace(0, 0.08, 4) + noise(N, 4, seed=seed), np.ones(N)) for seed in range(6)]
    raw = np.array([reading.p for reading in readings])
    judged = np.array([reading.p for reading in read_doses(readings)])
    assert judged.min() == pytest.approx(min(1.0, 6 * raw.min()))
    assert (judged >= raw).all()


def test_false_trends_are_no_more_than_they_say():
    """800 worlds without any effect: 5 % may be called a rise."""
    rng = np.random.default_rng(11)
    rises = sum(judge(read_trend(rng.normal(size=(N, 4)), np.full(N, 1e9))).verdict == "SUPPORTED" for _ in range(800))
    assert rises / 800 < 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 800)
