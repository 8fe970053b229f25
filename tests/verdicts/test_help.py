"""Does teaching help at all: the word, its error rate on students that gain nothing, and what is said where every teacher harms."""

import numpy as np
import pytest

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


def test_students_that_gain_nothing_are_seldom_called_helped():
    helped = sum(_reading(np.zeros(6), seed=seed).verdict == "SUPPORTED" for seed in range(1000))
    # two-sided 5 % over the six sizes, of which one side helps: at most 2.5 %, plus four standard errors of this count
    assert helped / 1000 <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 1000)
