"""Does teaching help at all: the word, its error rate on students that gain nothing, and what is said where every teacher harms."""

import numpy as np
import pytest

from kdprobe.stats.power import seeds_needed
from kdprobe.verdicts.help import read_help, read_helps


def _reading(mean, *, seeds=10, sd=0.1, margin=0.02, seed=0):
    rng = np.random.default_rng(seed)
    return read_helps([read_help(np.asarray(mean) + sd * rng.normal(size=(seeds, len(mean))), margin=margin, unit="nats")])[0]


def test_a_gain_under_one_teacher_is_enough():
    reading = _reading([0.0, 0.5, 0.0])
    assert (reading.verdict, reading.best) == ("SUPPORTED", 1)
    assert reading.gain is not None
    assert reading.gain.low < 0.5 < reading.gain.high


def test_harm_under_every_teacher_is_said():
    reading = _reading([-0.5, -0.4, -0.6])
    assert (reading.verdict, reading.qualifier, reading.harmful) == ("CONTRADICTED", "the untaught twin is better", True)


def test_negligible_gains_contradict_without_harm():
    reading = _reading([0.0, 0.0, 0.0], sd=0.001)
    assert (reading.verdict, reading.qualifier, reading.harmful) == ("CONTRADICTED", "", False)


def test_noise_is_inconclusive():
    assert _reading([0.0, 0.0, 0.0], sd=1.0).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize(("seeds", "said"), [(1, "one seed gives no interval"), (4, "direction only: below 8 seeds")])
def test_few_seeds_give_no_verdict(seeds, said):
    reading = _reading([0.5, 0.5], seeds=seeds)
    assert (reading.verdict, reading.qualifier, reading.harmful) == ("INCONCLUSIVE", said, False)


def test_a_gain_that_is_there_and_too_small_says_so():
    reading = _reading([0.0, 0.004, 0.0], sd=0.001)
    assert (reading.verdict, reading.qualifier) == ("SUPPORTED", "too small to matter")
    assert reading.gain.value < reading.margin
    gains = np.column_stack([np.full(10, -1.0), 0.018 + np.linspace(-0.02, 0.02, 10)])
    wide = read_helps([read_help(gains, margin=0.02)])[0]
    assert (wide.verdict, wide.qualifier) == ("SUPPORTED", "perhaps too small to matter")


def page(truth, *, claims=12, seeds=10, margin=0.2, rng=0):
    rng = np.random.default_rng(rng)
    return [read_help(np.asarray(truth) + rng.normal(size=(seeds, len(truth))), margin=margin) for _ in range(claims)]


@pytest.mark.parametrize(("truth", "word"), [([0.2, -9.0, -9.0], "CONTRADICTED"), ([0.0, -9.0, -9.0], "harmful")])
def test_pages_seldom_say_what_is_false_of_any_claim(truth, word):
    """At the boundary, one size decides alone: each claim by itself would be said of two in five pages."""
    pages = [page(truth, rng=i) for i in range(300)]
    if word == "harmful":
        said = np.array([[found.harmful for found in read_helps(claims)] for claims in pages])
        alone = np.array([[found.harm < 0.05 for found in claims] for claims in pages])
    else:
        said = np.array([[found.verdict == word for found in read_helps(claims)] for claims in pages])
        alone = np.array([[read_helps([found])[0].verdict == word for found in claims] for claims in pages])
    assert alone.any(axis=1).mean() > 0.3
    assert said.any(axis=1).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_a_size_that_too_few_seeds_have_is_neither_best_nor_ruled_out():
    gain = -0.5 + 0.01 * np.random.default_rng(0).normal(size=(10, 3))
    assert read_helps([read_help(gain, margin=0.02)])[0].verdict == "CONTRADICTED"
    assert read_helps([read_help(gain, margin=0.02, asked=4)])[0].verdict == "INCONCLUSIVE"
    gain[:7, 2] = np.nan
    gain[7:, 2] = 5.0
    reading = read_helps([read_help(gain, margin=0.02)])[0]
    assert (reading.verdict, reading.best < 2, reading.harmful) == ("INCONCLUSIVE", True, False)


def test_students_that_gain_nothing_are_seldom_called_helped():
    helped = sum(_reading(np.zeros(6), seed=seed).verdict == "SUPPORTED" for seed in range(1000))
    # two-sided 5 % over the six sizes, of which one side helps: at most 2.5 %, plus four standard errors of this count
    assert helped / 1000 <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 1000)


def test_it_says_how_many_seeds_would_show_the_gain_among_all_that_is_read():
    rng = np.random.default_rng(0)
    gain = 0.05 + 0.1 * rng.normal(size=(10, 3))
    readings = read_helps([read_help(gain, margin=0.01), read_help(gain, margin=0.01)])
    best = gain[:, readings[0].best]
    # two claims, each selected from three sizes
    assert readings[0].needed == seeds_needed(best.mean(), best.std(ddof=1), tests=6)
    assert read_helps([read_help(-np.abs(gain), margin=0.01)])[0].needed is None
