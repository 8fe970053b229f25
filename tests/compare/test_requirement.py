"""Requirements: read as they are written, shown by whole intervals only."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe.compare import compare
from kdprobe.compare.requirement import check, requirement
from kdprobe.core.errors import PlanError
from kdprobe.core.result import Measurement, Refusal

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 200)
TEACHER = 2 * np.eye(3)[Y] + RNG.normal(size=(200, 3))
STUDENT = TEACHER + 0.5 * RNG.normal(size=(200, 3))
ALONE = compare(TEACHER, STUDENT, (None, Y), task="classification")
BESIDE = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=[np.eye(3)[Y] + RNG.normal(size=(200, 3)) for _ in range(2)])


def holding(result):
    return replace(ALONE, results={"kl": {"own": result}})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("kl>0.1", False), ("kl>=0.1", True), ("kl>0.099", True), ("kl<0.3", False), ("kl<=0.3", True), ("kl < 3e-1", False),
        ("kl > 0.2", False), ("kl:own<1", True), ("kl>-1", True), ("kl<.31", True),
    ],
)  # fmt: skip
def test_the_whole_interval_decides(text, shown):
    found = check(requirement(text), holding(Measurement(value=0.2, low=0.1, high=0.3, n=9, unit="nats")))
    assert found.shown is shown
    assert found.line.startswith(f"{'shown' if shown else 'not shown'}: {text}: kl")
    assert found.line.endswith("is 0.20 nats [0.10, 0.30]")


def test_what_has_no_answer_shows_nothing():
    refused = check(requirement("kl<9"), holding(Refusal(reason="too few rows", advice="give 20")))
    assert (refused.shown, refused.line) == (False, "not shown: kl<9: kl is refused: too few rows (give 20)")
    untwinned = check(requirement("gain>0"), ALONE)
    assert not untwinned.shown
    assert untwinned.line.startswith("not shown: gain>0: gain is refused: ")
    invalid = check(requirement("kl<9"), holding(Measurement(value=0.2, low=0.1, high=0.3, n=9, status="invalid")))
    assert (invalid.shown, invalid.line) == (False, "not shown: kl<9: kl is 0.20 [0.10, 0.30], which is invalid")


def test_a_gain_is_the_panels_and_a_likeness_the_students():
    gain, agreement = BESIDE.results["gain"]["panel"], BESIDE.results["agreement_top1"]["own"]
    assert check(requirement(f"gain>{gain.low - 1e-9:.12f}"), BESIDE).shown
    assert not check(requirement(f"gain>{gain.low + 1e-9:.12f}"), BESIDE).shown
    assert check(requirement(f"agreement_top1>={agreement.low - 1e-9:.12f}"), BESIDE).shown
    difference = BESIDE.results["cka_output"]["difference"]
    assert check(requirement(f"cka_output:difference<={difference.high + 1e-9:.12f}"), BESIDE).shown


@pytest.mark.parametrize("text", ["gain", "gain>", ">0", "gain=0", "gain>x", "gain>0>1", "gain>nan", ""])
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(PlanError, match="is no requirement: write a probe, one of > >= < <= and a number, such as 'gain>0'"):
        requirement(text)


@pytest.mark.parametrize(
    ("text", "of", "why"),
    [
        ("agreement>0", BESIDE, "'agreement' was not measured: did you mean 'agreement_top1'"),
        ("kl:difference>0", ALONE, "kl has no comparison 'difference': give one of own; a panel, a baseline and a difference need --twin"),
        ("kl:diference>0", BESIDE, "kl has no comparison 'diference': did you mean 'difference'"),
    ],
)
def test_what_was_not_measured_is_said(text, of, why):
    with pytest.raises(PlanError, match=why):
        check(requirement(text), of)
