"""The one sentence on doses: for each combination of verdicts, and never against one of them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from kdprobe.report.evidence.doses import Doses, Rung
from kdprobe.report.sections._dose_answer import answer, own_answer
from kdprobe.verdicts.dose import read_controls, read_doses
from kdprobe.verdicts.help import read_help, read_helps
from kdprobe.verdicts.transfer import read_transfer, read_transfers

NOISE = np.array([-0.9, 1.1, 0.3, -0.4, 0.8, -1.2, 0.6, -0.7, 0.2, 0.2])
GAINS = {"helps": (0.1, 0.005), "small": (0.005, 0.001), "nothing": (0.0, 0.001), "hurts": (-0.1, 0.005), "open": (0.05, 0.15)}
PARTS = {
    "own": (0.05, 0.005, 0.1),
    "little": (0.01, 0.001, 0.2),
    "shared": (0.0, 0.002, 0.2),
    "open": (0.03, 0.08, 0.2),
    "none": (0.0, 0.002, 0.0),
}
"""Own minus siblings, its spread, and how far the student moved in all."""
CONTROLS = {"still": 0.0, "as much": 0.05, "wide": None}


def student(gain="helps", part="own", control="still", seeds=10):
    noise = NOISE[:seeds]
    mean, spread = GAINS[gain]
    (worth,) = read_helps([read_help((mean + spread * noise)[:, None], margin=0.02, unit="nats")])
    own, spread, moved = PARTS[part]
    specific = own + spread * noise
    baseline = 0.5 + 0.001 * noise[::-1]
    (reading,) = read_transfers([read_transfer(baseline + moved, baseline + moved - specific, baseline, placebo=0.0001 * noise[::-1])])
    at = CONTROLS[control]
    beside = 0.1 * noise[::-1] if at is None else at + 0.0005 * noise[::-1]
    (controls,) = read_doses([read_controls(specific, {"shuffled targets": beside})])
    rung = Rung(
        **{"name": "8,000 unlabelled rows", "of": "rows", "dose": 8000.0, "gain": mean + noise, "score": noise, "models": ()},
        **{"specific": {"agreement_top1": specific}, "moved": {}, "transfer": None},
    )
    return Doses(
        **{"task": "letters", "kind": "classification", "student": "mlp-32", "student_size": 1402, "unit": "nats"},
        **{"primary": "agreement_top1", "placebo": True, "rungs": (rung,), "seeds": seeds, "left_out": 0},
        **{"arrived": reading, "worth": worth, "controls": controls},
    )


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("helps", "SUPPORTED"), ("small", "SUPPORTED"), ("nothing", "CONTRADICTED"), ("hurts", "CONTRADICTED"), ("open", "INCONCLUSIVE")],
)
def test_gains_of_this_file_have_the_verdicts_that_they_say(name, verdict):
    assert student(gain=name).worth.verdict == verdict


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("own", "SUPPORTED"), ("little", "SUPPORTED"), ("shared", "CONTRADICTED"), ("open", "INCONCLUSIVE"), ("none", "NOT APPLICABLE")],
)
def test_parts_of_this_file_have_the_verdicts_that_they_say(name, verdict):
    assert student(part=name).arrived.verdict == verdict


def test_what_helped_and_is_this_teachers_own_is_said_with_both_numbers_and_the_controls():
    assert answer(student()) == (
        "Teaching on 8,000 unlabelled rows helped this student: it gained 0.100 nats [0.097, 0.103] over its untaught twin."
    )
    assert own_answer(student()) == (
        "Yes, part of what arrived is its own (agreement 0.050 [0.047, 0.053] above siblings); every control stays at nothing."
    )


@pytest.mark.parametrize(("gain", "part", "control"), list(product(GAINS, PARTS, CONTROLS)))
def test_no_sentence_says_more_than_its_verdicts(gain, part, control):
    found = student(gain, part, control)
    said, reading = f"{answer(found)} {own_answer(found)}", found.arrived
    # what a page shows in bold is the answer alone
    assert answer(found).partition(": ")[1]
    assert ("helped" in said, "hurt" in said, "did not help" in said) == (
        found.worth.verdict == "SUPPORTED",
        gain == "hurts",
        gain == "nothing",
    )
    assert ("gained 0" in said) == (found.worth.verdict == "SUPPORTED")
    assert ("too small to matter" in said) == (gain == "small")
    assert ("became worse" in said) == (gain == "hurts")
    assert ("gained over its untaught twin is negligible" in said) == (gain == "nothing")
    assert ("helps this student is not settled" in said) == (gain == "open")
    assert ("Yes, part of what arrived is its own" in said) == (reading.verdict == "SUPPORTED")
    assert ("a small part of its movement" in said) == (part == "little")
    assert ("No: any teacher of this recipe" in said) == (part == "shared")
    assert ("Nothing of it is shown to have arrived" in said) == (part == "none")
    assert ("Not settled" in said) == (part == "open")
    shown = reading.verdict == "SUPPORTED"
    assert ("do not call it transferred" in said) == (shown and found.controls.verdict == "CONTRADICTED")
    assert ("every control stays at nothing" in said) == (shown and found.controls.verdict == "SUPPORTED")
    assert ("whether its control stays at nothing is not settled" in said) == (shown and found.controls.verdict == "INCONCLUSIVE")
    assert said.endswith(".")
    assert said.count(".  ") == 0


def test_controls_that_are_not_settled_are_counted():
    noise = NOISE[::-1]
    beside = {"shuffled targets": 0.0005 * noise, "class means": 0.1 * noise, "permuted classes": 0.1 * NOISE}
    (controls,) = read_doses([read_controls(0.05 + 0.005 * NOISE, beside)])
    assert own_answer(replace(student(), controls=controls)).endswith(
        "; of 3 controls 1 is shown to stay at nothing, the others are not settled."
    )


def test_few_seeds_say_how_many_to_give():
    assert own_answer(student(seeds=5)) == ""
    assert answer(student(seeds=5)) == "Too few seeds to say how much was transferred: give 8 or more."


def test_without_a_dose_nothing_is_said():
    found = student()
    empty = Doses(**{name: getattr(found, name) for name in found.__dataclass_fields__} | {"rungs": (), "worth": None})
    assert answer(empty) == "Nothing can be said of this student yet: see the sentences below."
