"""The verdict on a kind of knowledge, on gains with known truth. Thousands of sweeps a test."""

import numpy as np
import pytest

from kdprobe.stats.paired import contrast
from kdprobe.verdicts.knowledge import crossfitted, read_kind, read_kinds

SEEDS, NOISE, SD = 10, 0.01, 0.05
"""Margin: a fifth of SD, 0.01."""


def read(gains, controls, *, seeds=SEEDS, noise=NOISE, rng=0):
    """Verdicts of one page, a kind each, with these true gains and one control for all."""
    rng = np.random.default_rng(rng)
    control = controls + noise * rng.normal(size=seeds)
    return read_kinds([read_kind(gain + noise * rng.normal(size=seeds), control, twin_sd=SD, unit="nats") for gain in gains])


def test_a_gain_over_twin_and_control_is_supported():
    found = read([0.10, 0.0, 0.0, 0.0], 0.0)[0]
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "")
    assert found.gain.low < 0.10 < found.gain.high
    assert found.over_control.unit == "nats"


def test_a_gain_that_a_control_has_too_is_none_of_knowledge():
    found = read([0.10], 0.12)[0]
    assert (found.verdict, found.qualifier) == ("CONTRADICTED", "a control gains as much")
    close = read([0.10], 0.095, noise=0.03)[0]
    assert (close.verdict, close.qualifier) == ("INCONCLUSIVE", "a gain, not shown to exceed controls")


def test_what_the_response_loss_beside_it_gains_is_none_of_its_own():
    def one(own, response, noise=NOISE):
        rng = np.random.default_rng(0)
        noisy = (value + noise * rng.normal(size=SEEDS) for value in (own, 0.0, response))
        gain, control, beside = noisy
        return read_kinds([read_kind(gain, control, twin_sd=SD, beside=beside)])[0]

    assert (one(0.10, 0.05).verdict, one(0.10, 0.05).over_beside.low > 0) == ("SUPPORTED", True)
    equal = one(0.10, 0.12)
    assert (equal.verdict, equal.qualifier) == ("CONTRADICTED", "the response loss beside it gains as much")
    close = one(0.10, 0.095, noise=0.03)
    assert (close.verdict, close.qualifier) == ("INCONCLUSIVE", "a gain, not shown to exceed the response loss beside it")


def test_a_gain_that_is_one_of_many_says_so():
    """Both contrasts leave zero out when read alone, and p, adjusted for being one of eight, exceeds its level."""
    gain, control = np.linspace(-0.001, 0.041, SEEDS), np.zeros(SEEDS)
    alone = read_kinds([read_kind(gain, control, twin_sd=SD)])[0]
    many = read_kinds([read_kind(values, control, twin_sd=SD) for values in (gain, *[gain - gain.mean()] * 99)])[0]
    assert alone.verdict == "SUPPORTED"
    assert (many.verdict, many.qualifier) == ("INCONCLUSIVE", "a gain, not shown beyond doubt among 100 verdicts")


def test_a_loss_is_contradicted():
    found = read([-0.10], -0.5)[0]
    assert (found.verdict, found.qualifier) == ("CONTRADICTED", "it hurts")


def test_a_gain_that_is_too_small_to_matter_says_so():
    found = read([0.003], 0.0, noise=0.0005)[0]
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "too small to matter")
    # also where only what it has over its control is small
    found = read([0.1], 0.097, noise=0.0005)[0]
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "too small to matter")


@pytest.mark.parametrize("control", [-1.0, 0.0])
def test_pages_seldom_contradict_what_helps_by_the_margin(control):
    """With a control that is far behind one contrast alone is at the boundary, else both are."""
    rng, pages = np.random.default_rng(1), 250
    shape = (2, pages, 12, SEEDS)
    gains, controls = NOISE * rng.normal(size=shape) + np.array([0.01, control])[:, None, None, None]
    readings = [[read_kind(*pair, twin_sd=SD) for pair in zip(*page, strict=True)] for page in zip(gains, controls, strict=True)]
    said = [any(found.verdict == "CONTRADICTED" for found in read_kinds(page)) for page in readings]
    assert np.mean([min(found.against for found in page) < 0.05 for page in readings]) > 0.2, "each by itself"
    assert np.mean(said) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / pages)


def test_that_it_hurts_is_held_to_the_page():
    gain, fine = np.linspace(-0.055, 0.005, SEEDS), np.full(SEEDS, 0.3) + np.linspace(-0.01, 0.01, SEEDS)
    alone = read_kinds([read_kind(gain, None, twin_sd=SD)])[0]
    many = read_kinds([read_kind(values, None, twin_sd=SD) for values in (gain, *[fine] * 99)])[0]
    assert (alone.verdict, alone.qualifier) == ("CONTRADICTED", "it hurts")
    assert "it hurts" not in many.qualifier


def test_an_unsettled_gain_says_how_many_seeds_it_needs():
    readings = [found for rng in range(20) for found in read([0.03], 0.0, noise=0.04, rng=rng)]
    unsettled = [found for found in readings if found.verdict == "INCONCLUSIVE" and found.weakest[0] > 0]
    assert len(unsettled) > 5
    # 80 % power at a mean below what its own interval shows takes more seeds than there were
    reachable = [found for found in unsettled if found.weakest[0] > 0.1 * found.weakest[1]]
    assert len(reachable) > 5
    assert all(found.needed > SEEDS for found in reachable)


def test_below_eight_seeds_there_is_no_verdict():
    found = read([0.10], 0.0, seeds=7)[0]
    assert (found.verdict, found.qualifier) == ("INCONCLUSIVE", "direction only: below 8 seeds")
    one = read_kinds([read_kind(np.array([0.1]), None, twin_sd=SD)])[0]
    assert (one.gain, one.qualifier) == (None, "one seed gives no interval")


def test_without_controls_it_says_so():
    rng = np.random.default_rng(0)
    found = read_kinds([read_kind(0.1 + NOISE * rng.normal(size=SEEDS), None, twin_sd=SD)])[0]
    assert (found.verdict, found.qualifier) == ("SUPPORTED", "no control beside it")


@pytest.mark.parametrize(("gain", "control"), [(0.0, 0.0), (0.3, 0.3), (0.0, -0.3)])
def test_false_support_stays_below_its_level_over_the_whole_page(gain, control):
    """Four kinds with no knowledge of use: nothing gained, or gained by the control too, or gained over a control that hurts."""
    pages = [read([gain] * 4, control, noise=0.02, rng=i) for i in range(2000)]
    wrong = np.mean([any(found.verdict == "SUPPORTED" for found in page) for page in pages])
    assert wrong <= 0.05 + 0.015


def test_a_gain_of_one_and_a_half_sd_is_found_among_four_kinds():
    pages = [read([0.03, 0.0, 0.0, 0.0], 0.0, noise=0.02 / np.sqrt(2), rng=i) for i in range(500)]
    assert np.mean([page[0].verdict == "SUPPORTED" for page in pages]) >= 0.8


def test_choosing_by_the_other_seeds_flatters_nobody():
    """Twenty options without any effect: the best by the same rows seems to gain, the cross-fitted choice does not."""
    rng = np.random.default_rng(0)
    own, fair = [], []
    for _ in range(500):
        # what a seed's students gain on probe rows also lowers their validation loss
        gain = rng.normal(size=(SEEDS, 20))
        validation = -gain + 0.1 * rng.normal(size=gain.shape)
        rows = np.arange(SEEDS)
        own.append(gain[rows, validation.argmin(axis=1)].mean())
        fair.append(gain[rows, crossfitted(validation)].mean())
    assert np.mean(own) > 1
    # leaving one out of ten correlates the choice with it slightly the other way: never upward
    assert -0.35 < np.mean(fair) < 0.02


def test_a_choice_that_is_clear_is_everybodys():
    validation = np.array([[1.0, 0.5, 0.9]] * 5) + 0.01 * np.random.default_rng(0).normal(size=(5, 3))
    assert crossfitted(validation).tolist() == [1] * 5


def test_intervals_of_the_reading_are_students_t():
    rng = np.random.default_rng(0)
    gain = 0.1 + NOISE * rng.normal(size=SEEDS)
    found = read_kinds([read_kind(gain, None, twin_sd=SD)])[0]
    expected = contrast(gain).interval()
    assert (found.gain.low, found.gain.high) == pytest.approx((float(expected[0]), float(expected[1])))


def test_every_control_must_be_beaten():
    """A page once called the control with the best validation loss the best: what others gain as well was SUPPORTED."""
    rng = np.random.default_rng(5)
    gain, weak, strong = (level + NOISE * rng.normal(size=SEEDS) for level in (0.3, 0.0, 0.3))
    (alone,) = read_kinds([read_kind(gain, weak, twin_sd=SD)])
    (both,) = read_kinds([read_kind(gain, np.stack([weak, strong]), twin_sd=SD)])
    assert alone.verdict == "SUPPORTED"
    assert both.verdict != "SUPPORTED"
    assert both.over_control.value == pytest.approx(np.mean(gain - strong))
    assert both.p >= read_kind(gain, strong, twin_sd=SD).p
    (one,) = read_kinds([read_kind(gain, weak[None], twin_sd=SD)])
    assert one == alone
