"""Every probe that is installed keeps the contract, and the suite notices one that does not."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe.core.errors import ContractError
from kdprobe.core.probe import KnownAnswer
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement
from kdprobe.testing.probes import check_probe

PROBES = available("probes")


@pytest.mark.parametrize("name", [name for name, probe in PROBES.items() if probe.cost == "cheap"])
def test_cheap_probe(name):
    probe = PROBES[name]
    assert probe.title
    assert probe.asks.endswith("?")
    assert probe.cites
    if not probe.panel:
        assert len(probe.truths) >= 3
    check_probe(probe)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, probe in PROBES.items() if probe.cost == "costly"])
def test_costly_probe(name):
    check_probe(PROBES[name])


def answer(value):
    return lambda *arguments: Measurement(value=value, low=value, high=value, n=1)


def noisy(*arguments):
    return answer(np.random.default_rng().random())()


def warns(*arguments):
    return answer(float(np.float64(1.0) / np.float64(0.0) > 0))()


def crashes(*arguments):
    raise IndexError("list index out of range")


def first_entry(student, teacher, target):
    return answer(float(student.raw[0, 0]))()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"measure": answer(0.4)}, "truth 'a model agrees with itself' gave 0.4, 1.0 ± 1e-09 was due"),
        ({"bounds": (0.0, 0.5)}, "lies outside its bounds"),
        ({"measure": crashes}, "IndexError: list index out of range"),
        ({"measure": warns}, "RuntimeWarning: divide by zero"),
        ({"measure": lambda *a: 1.0}, "gave a float, not a Measurement or a Refusal"),
        ({"measure": noisy, "truths": None}, "asked twice, it gave two values"),
        ({"measure": first_entry, "bounds": (-99, 99), "truths": None}, "declared symmetric, but"),
        ({"measure": first_entry, "bounds": (-99, 99), "truths": None, "symmetric": False}, "declared invariant under 'scale', but"),
        ({"measure": answer(0.5), "truths": None}, "a student on fewer rows gave 0.500 [0.500, 0.500], a DataError was due"),
    ],
)
def test_the_suite_catches(changes, text):
    good = PROBES["agreement_top1"]
    if changes.get("truths", good.truths) is None:
        anything = KnownAnswer(name="anything", make=good.truths[0].make, value=0.5, tolerance=10)
        changes = changes | {"truths": (anything,)}
    with pytest.raises(ContractError) as caught:
        check_probe(replace(good, **changes))
    assert text in str(caught.value)
