"""The verdict on the capacity gap, on curves with known truth. Error rates from more sweeps are in benchmarks/calibration.py."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.result import Measurement, Refusal
from kdprobe.stats.bootstrap import simultaneous
from kdprobe.verdicts.gap import decide, read_gap
from kdprobe.verdicts.gap_numbers import gap_numbers

SIZES, SEEDS, NOISE = 6, 10, 0.02
HUMP = np.array([-0.05, 0.13, 0.09, 0.07, 0.02, -0.02])
RISING = np.array([-0.10, 0.05, 0.08, 0.10, 0.11, 0.13])
FALLING_LOSS = np.linspace(1.3, 0.43, SIZES)


def curves(truth, *, sweeps=1, seeds=SEEDS, noise=NOISE, common=0.03, rng=0):
    """Gains (sweeps, seeds, sizes): a truth, a common effect of the seed, which pairing removes, and noise."""
    rng = np.random.default_rng(rng)
    shape = (sweeps, seeds, len(truth))
    return np.asarray(truth) + common * rng.normal(size=(sweeps, seeds, 1)) + noise * rng.normal(size=shape)


def verdict(truth, loss=FALLING_LOSS, *, margin=0.01, seeds=SEEDS, noise=NOISE, rng=0, sizes=None):
    gain = curves(truth, seeds=seeds, noise=noise, rng=rng)[0]
    losses = np.asarray(loss) + 0.01 * np.random.default_rng(rng + 1).normal(size=gain.shape)
    return decide([read_gap(gain, losses, margin=margin, unit="nats", sizes=sizes)])[0]


def condition_a(numbers):
    return (numbers.p < 0.05) & (numbers.deficit[:, 1] > 0)


def test_a_hump_with_better_large_teachers_is_a_gap_with_a_ratio():
    found = verdict(HUMP, sizes=np.array([1.0, 2, 4, 8, 16, 32]))
    assert (found.verdict, found.qualifier, found.rival, found.best) == ("SUPPORTED", "", 1, 1)
    assert found.conditions == {"a": True, "b": True, "c": True, "d": True}
    assert found.deficit.low < 0.15 < found.deficit.high
    assert found.deficit.n == SEEDS
    assert 1 in found.best_set
    assert 5 not in found.best_set
    assert isinstance(found.ratio, Measurement)
    assert found.ratio.kind == "estimate"
    assert found.ratio.low <= 2 <= found.ratio.high < 16
    assert {"local", "quartic", "best", "best_low"} <= set(found.ratio.details)


def test_a_rising_curve_contradicts_the_gap():
    found = verdict(RISING)
    assert (found.verdict, found.best) == ("CONTRADICTED", 5)
    assert found.upper < found.margin == 0.01
    assert found.ratio.reason.startswith("no capacity gap is shown")


def test_a_flat_curve_is_settled_only_by_enough_seeds():
    few = verdict(np.zeros(SIZES), margin=0.01)
    assert few.verdict == "INCONCLUSIVE"
    assert few.needed > SEEDS
    assert verdict(np.zeros(SIZES), margin=0.01, seeds=200).verdict == "CONTRADICTED"


def test_the_seeds_that_would_be_needed_settle_it_with_power_80():
    """A flat curve: the largest of the deficits is judged at the level of one, so the promise is for the rival alone."""
    gain = curves([0.0, 0.008, 0.0, 0.0, 0.0, 0.0], rng=5)[0]
    losses = np.tile(FALLING_LOSS, (SEEDS, 1))
    found = decide([read_gap(gain, losses, margin=0.001)])[0]
    assert found.verdict == "INCONCLUSIVE"
    deficit = gain[:, found.rival] - gain[:, -1]
    effect = deficit.mean() / deficit.std(ddof=1)
    rng = np.random.default_rng(0)
    t = stats.ttest_1samp(rng.normal(effect, 1, size=(4000, found.needed)), 0, axis=1)
    assert ((t.pvalue * 5 < 0.05) & (t.statistic > 0)).mean() == pytest.approx(0.8, abs=0.03)


def test_an_unsettled_claim_always_needs_more_seeds_than_it_has():
    """Also where only the adjustment for the other claims of the page keeps it from being settled."""
    seen = 0
    for rng in range(20):
        gain = curves([0.0, 0.02, 0.0, 0.0, 0.0, 0.0], rng=rng)[0]
        losses = FALLING_LOSS + 0.01 * np.random.default_rng(rng).normal(size=gain.shape)
        readings = [read_gap(gain, losses, margin=0.005)] * 12
        for found in decide(readings)[:1]:
            if found.verdict == "INCONCLUSIVE" and found.deficit.value > found.margin:
                seen += readings[0].p < 0.05
                # 0.015 with a spread of the noise between two sizes: hundreds of seeds at most
                assert SEEDS < found.needed < 1000
    assert seen > 2


def test_the_best_at_the_smallest_size_gets_a_bound():
    found = verdict([0.3, 0.25, 0.2, 0.1, 0.0, -0.1], sizes=np.array([1.0, 2, 4, 8, 16, 32]))
    assert (found.verdict, found.qualifier, found.best) == ("SUPPORTED", "best at the smallest size of the grid", 0)
    assert (found.ratio.kind, found.ratio.low) == ("upper_bound", 0.0)
    assert 1 <= found.ratio.value < 4
    assert not found.conditions["c"]


def test_two_humps_are_not_unimodal_and_get_no_ratio():
    found = verdict([0.0, 0.2, 0.0, 0.15, 0.0, -0.1])
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "not unimodal")
    assert isinstance(found.ratio, Refusal)
    assert found.ratio.value is None
    assert "more than one hump" in found.ratio.reason


@pytest.mark.parametrize("seeds", [10, 20])
def test_two_humps_are_hardly_ever_given_one_ratio(seeds):
    """Also where the check of modality does not see the second one: a valley of one paired standard deviation."""
    truth = [0.0, 1.0, 2.0, 1.0, 2.0, 0.5, 0.0]
    gain = curves(truth, sweeps=60, seeds=seeds, noise=0.7)
    losses = np.linspace(1, 0.4, 7) + 0.01 * np.random.default_rng(1).normal(size=gain.shape)
    readings = [decide([read_gap(*pair, margin=0.1)])[0] for pair in zip(gain, losses, strict=True)]
    assert sum(found.verdict == "SUPPORTED" for found in readings) > 50
    assert sum(isinstance(found.ratio, Measurement) for found in readings) <= 1
    reasons = {found.ratio.reason.partition(":")[0] for found in readings if isinstance(found.ratio, Refusal)}
    # with more seeds the check itself sees it
    assert ("a second hump is not excluded" in reasons) == (seeds == 10)


def test_a_valley_that_is_not_excluded_is_not_called_a_second_hump():
    gain = curves([0.0, 0.05, 0.05, 0.05, 0.0, -0.06], rng=2)[0]
    found = decide([read_gap(gain, np.tile(FALLING_LOSS, (SEEDS, 1)), margin=0.01)])[0]
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "")
    assert found.modality.p > 0.05
    assert isinstance(found.ratio, Refusal) == (found.modality.dip > 0.5)


@pytest.mark.parametrize(("p", "low", "holds"), [(0.01, 0.001, True), (0.01, -0.001, False), (0.06, 0.001, False), (0.06, -0.001, False)])
def test_condition_a_asks_both_of_the_test_and_of_the_interval(p, low, holds):
    found = verdict(HUMP)
    assert replace(found, p=p, deficit=replace(found.deficit, low=low)).conditions["a"] is holds


def test_a_degraded_teacher_is_no_capacity_gap():
    assert verdict(HUMP, FALLING_LOSS[::-1]).qualifier == "teacher degraded"
    same = verdict(HUMP, np.full(SIZES, 0.5))
    assert (same.verdict, same.qualifier) == ("NOT APPLICABLE", "larger teacher not shown better")


@pytest.mark.parametrize(
    ("seeds", "sizes", "word", "qualifier"),
    [
        (7, 6, "INCONCLUSIVE", "direction only: below 8 seeds"),
        (1, 6, "INCONCLUSIVE", "one seed gives no interval"),
        (0, 6, "INCONCLUSIVE", "no seed finished"),
        (10, 1, "NOT APPLICABLE", "one teacher size"),
        (0, 0, "INCONCLUSIVE", "no run finished"),
    ],
)
def test_too_little_for_a_verdict(seeds, sizes, word, qualifier):
    gain = curves(HUMP, seeds=seeds)[0][:, :sizes]
    found = decide([read_gap(gain, np.ones_like(gain), margin=0.01)])[0]
    assert (found.verdict, found.qualifier, found.n) == (word, qualifier, seeds)
    if found.deficit is None:
        assert (found.p, found.against) == (1.0, 1.0), "nothing is shown, and nothing contradicted"


def test_two_sizes_have_a_verdict_but_no_ratio():
    found = verdict([0.2, 0.0], [1.0, 0.5])
    assert found.verdict == "SUPPORTED"
    assert found.ratio.reason == "2 sizes do not locate a best one"


def test_draws_are_the_units_and_five_of_them_are_needed():
    losses = np.tile(FALLING_LOSS, (6, 1))
    gain = curves(HUMP, seeds=6, noise=0.005)[0]
    few = decide([read_gap(gain[:4], losses[:4], margin=0.01, seeds=12)])[0]
    assert few.qualifier == "direction only: below 5 draws"
    assert decide([read_gap(gain, losses, margin=0.01, seeds=12)])[0].verdict == "SUPPORTED"


def test_a_page_of_claims_is_one_family():
    marginal = read_gap(curves([0.0, 0.024, 0.0, 0.0, 0.0, 0.0], rng=3)[0], np.tile(FALLING_LOSS, (SEEDS, 1)), margin=0.001)
    assert 0.05 / 12 < marginal.p < 0.05
    assert decide([marginal])[0].verdict == "SUPPORTED"
    assert decide([marginal] * 12)[0].verdict == "INCONCLUSIVE"
    # a claim with too few seeds does not cost the others anything
    assert decide([marginal, *[replace(marginal, n=5)] * 11])[0].verdict == "SUPPORTED"


@pytest.mark.parametrize("seeds", [8, 20])
def test_false_gaps_on_a_flat_truth(seeds):
    sweeps = 1000 if seeds < 15 else 400
    numbers = gap_numbers(*[curves(np.zeros(SIZES), sweeps=sweeps, seeds=seeds)] * 2)
    assert condition_a(numbers).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / sweeps)
    gain = curves(np.zeros(SIZES), sweeps=sweeps, seeds=seeds)
    best = np.take_along_axis(gain, gain[..., :-1].mean(axis=1).argmax(axis=-1)[:, None, None], -1)[..., 0]
    shortcut = stats.ttest_1samp(best - gain[..., -1], 0, axis=1, alternative="greater").pvalue < 0.05
    assert shortcut.mean() > 0.12, "selecting the best size without adjusting would be no harmless shortcut"


def test_false_gaps_where_only_the_largest_teacher_is_skewed():
    """A rare seed gains much under the largest teacher alone: sign flips alone are misled, the bootstrap interval is not."""
    gain = 0.2 * curves(np.zeros(SIZES), sweeps=1000, noise=1.0)
    gain[..., -1] = np.random.default_rng(5).exponential(size=gain.shape[:2]) - 1
    numbers = gap_numbers(gain, gain)
    assert condition_a(numbers).mean() < 0.07 + 0.01
    assert (numbers.p < 0.05).mean() > 0.08


def test_power_where_the_gap_is_one_paired_standard_deviation():
    truth = np.zeros(SIZES)
    truth[2] = np.sqrt(2)
    numbers = gap_numbers(*[curves(truth, sweeps=200, seeds=20, noise=1.0)] * 2)
    assert condition_a(numbers).mean() > 0.8


def test_the_simultaneous_interval_covers_the_selected_deficit():
    truth = np.array([0.0, 0.01, 0.01, 0.01, 0.01, 0.0])
    numbers = gap_numbers(*[curves(truth, sweeps=1000)] * 2)
    actual = (truth[:-1] - truth[-1])[numbers.rival]
    covered = (numbers.deficit[:, 1] <= actual) & (actual <= numbers.deficit[:, 2])
    assert covered.mean() >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / 1000)


def test_false_contradictions_where_a_deficit_is_at_the_margin():
    truth = np.zeros(SIZES)
    truth[2] = 0.02
    numbers = gap_numbers(*[curves(truth, sweeps=1000)] * 2, margin=0.02)
    assert (numbers.against < 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)
    assert ((numbers.against < 0.05) == (numbers.upper < 0.02)).mean() > 0.99


def test_pages_seldom_contradict_a_deficit_at_the_margin():
    """One smaller size is ahead by the margin, the others far behind: by itself each claim would be contradicted in 5 % of sweeps."""
    claims, pages = 12, 100
    gain = curves([-0.5, 0.02, -0.5, 0.0], sweeps=claims * pages)
    p = simultaneous(gain[..., :-1] - gain[..., -1:], margin=0.02).below.max(axis=-1).reshape(pages, claims)
    assert (p.min(axis=1) < 0.05).mean() > 0.3
    losses = np.tile(FALLING_LOSS[:4], (SEEDS, 1))
    readings = [read_gap(one, losses, margin=0.02) for one in gain[:claims]]
    assert [found.against for found in readings] == pytest.approx(p[0].tolist())
    least = min(range(claims), key=lambda i: readings[i].against)
    assert decide(readings)[least].against == pytest.approx(min(claims * p[0].min(), 1.0))
    # of such a page only the smallest p can be the first false one
    said = p.min(axis=1) * claims < 0.05
    assert said.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / pages)


def test_contradicted_is_held_to_all_claims_of_the_page():
    losses = np.tile(FALLING_LOSS, (SEEDS, 1))
    for rng in range(40):
        reading = read_gap(curves([-0.05, -0.04, -0.03, -0.02, -0.01, 0.0], rng=rng)[0], losses, margin=0.01)
        if 0.05 / 60 < reading.against < 0.05:
            assert decide([reading])[0].verdict == "CONTRADICTED"
            assert {found.verdict for found in decide([reading] * 60)} == {"INCONCLUSIVE"}
            # it says how many seeds a page of so many takes, which is more than one claim takes
            alone, many = (decide([replace(reading, against=1.0)] * claims)[0].needed for claims in (1, 60))
            assert SEEDS < alone < many
            return
    raise AssertionError("no sweep at the boundary")


def test_a_deficit_that_is_there_and_below_the_margin_is_too_small_to_matter():
    found = verdict([0.0, 0.0002, 0.0, 0.0, 0.0, 0.0], noise=0.00002, margin=0.196)
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "too small to matter")
    wide = np.column_stack([np.full(SEEDS, -1.0), 0.018 + np.linspace(-0.02, 0.02, SEEDS), np.zeros(SEEDS)])
    (near,) = decide([read_gap(wide, np.tile(FALLING_LOSS[:3], (SEEDS, 1)), margin=0.02)])
    assert (near.verdict, near.qualifier) == ("SUPPORTED", "perhaps too small to matter")
    assert verdict(HUMP).qualifier == ""
    falling = verdict([0.03, 0.02, 0.02, 0.01, 0.0, 0.0], noise=0.002, margin=0.196)
    assert falling.qualifier == "too small to matter; best at the smallest size of the grid"


def test_the_best_at_the_largest_teacher_is_at_the_edge():
    found = verdict(RISING)
    assert (found.best, found.conditions["c"]) == (SIZES - 1, False)
    assert found.conditions["d"]


@pytest.mark.parametrize(("p", "holds"), [(0.049, False), (0.051, True)])
def test_two_humps_are_told_at_the_level(p, holds):
    found = verdict(HUMP)
    found.__dict__.pop("conditions", None)
    found.__dict__["modality"] = found.modality._replace(p=p)
    assert found.conditions["d"] is holds


def with_holes(gain, holes):
    gain = gain.copy()
    for seed, size in holes:
        gain[seed, size] = np.nan
    return gain


def test_seeds_that_each_lack_another_size_are_used():
    gain = with_holes(curves(HUMP, seeds=12)[0], [(seed, seed % SIZES) for seed in range(12)])
    losses = np.where(np.isnan(gain), np.nan, FALLING_LOSS)
    (found,) = decide([read_gap(gain, losses, margin=0.01)])
    # the rival lacks two seeds, the largest two others
    assert (found.verdict, found.rival, found.n, found.units) == ("SUPPORTED", 1, 8, 8)
    both = ~np.isnan(gain[:, 1] - gain[:, -1])
    assert found.deficit.value == pytest.approx((gain[both, 1] - gain[both, -1]).mean())
    assert found.qualifier == "its shape is not known"
    assert found.ratio.reason == "0 seeds have every size: too few for the shape of the curve"


def test_the_largest_teacher_is_never_left_out():
    gain, losses = curves(HUMP)[0], np.tile(FALLING_LOSS, (SEEDS, 1))
    for lost, word, qualifier in (
        (9, "NOT APPLICABLE", "the largest teacher has too few runs"),
        (5, "INCONCLUSIVE", "direction only: below 8 seeds"),
    ):
        holed = with_holes(gain, [(seed, -1) for seed in range(lost)])
        (found,) = decide([read_gap(holed, np.where(np.isnan(holed), np.nan, losses), margin=0.01)])
        assert (found.verdict, found.qualifier) == (word, qualifier)
    gone = decide([read_gap(gain[:, :-1], losses[:, :-1], margin=0.01, lost="largest")])[0]
    assert (gone.verdict, gone.qualifier) == ("NOT APPLICABLE", "the largest teacher has too few runs")
    assert gone.ratio.reason == "the largest teacher has too few runs: there is nothing to compare"


def test_what_is_not_known_of_a_smaller_size_is_not_contradicted():
    gain, losses = curves(RISING)[0], np.tile(FALLING_LOSS, (SEEDS, 1))
    assert decide([read_gap(gain, losses, margin=0.01)])[0].verdict == "CONTRADICTED"
    assert decide([read_gap(gain, losses, margin=0.01, lost="smaller")])[0].verdict == "INCONCLUSIVE"
    holed = with_holes(gain, [(seed, 2) for seed in range(4)])
    (found,) = decide([read_gap(holed, np.where(np.isnan(holed), np.nan, losses), margin=0.01)])
    assert (found.verdict, found.against, found.rival) == ("INCONCLUSIVE", 1.0, 4)
    # but a gap under another size is one whatever is missing there
    hump = with_holes(curves(HUMP)[0], [(seed, 4) for seed in range(4)])
    assert decide([read_gap(hump, np.where(np.isnan(hump), np.nan, losses), margin=0.01)])[0].verdict == "SUPPORTED"


@pytest.mark.parametrize("seeds", [12])
def test_false_gaps_where_runs_are_missing(seeds):
    gain = curves(np.zeros(SIZES), sweeps=400, seeds=seeds)
    rng = np.random.default_rng(3)
    gain[rng.random(gain.shape) < np.array([0.05] * (SIZES - 1) + [0.2])] = np.nan
    assert condition_a(gap_numbers(gain, gain)).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_many_curves_at_once_are_each_alone():
    gain, losses = curves(HUMP, sweeps=3), curves(FALLING_LOSS, sweeps=3, rng=9)
    together, alone = gap_numbers(gain, losses), gap_numbers(gain[1], losses[1])
    for many, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(many[1], one, rtol=1e-9, atol=1e-12)
