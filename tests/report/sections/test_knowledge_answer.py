"""The one sentence on kinds of knowledge: for each combination of verdicts, by the rules that give them, and never against one of them."""

from itertools import product

import numpy as np
import pytest

from kdprobe.report.evidence.knowledge import CONTROL, Arm, Kinds
from kdprobe.report.sections._knowledge_answer import Read, answer, own_answer, own_part
from kdprobe.verdicts.knowledge import KindReading, read_kind, read_kinds

NOISE = np.array([-0.9, 1.1, 0.3, -0.4, 0.8, -1.2, 0.6, -0.7, 0.2, 0.2])
TWIN_SD = 0.1
"""Gains below .02 are called negligible."""
KINDS = {
    "helps": (0.10, 0.005),
    "small": (0.005, 0.001),
    "control": (0.05, 0.001),
    "nothing": (0.0, 0.001),
    "hurts": (-0.1, 0.005),
    "open": (0.05, 0.15),
}
"""Mean and spread of a gain that has, beside the control in `group`, the verdict that the name says."""
VERDICTS = {
    "helps": ("SUPPORTED", ""),
    "small": ("SUPPORTED", "too small to matter"),
    "control": ("CONTRADICTED", "a control gains as much"),
    "nothing": ("CONTRADICTED", ""),
    "hurts": ("CONTRADICTED", "it hurts"),
    "open": ("INCONCLUSIVE", ""),
}
NAMES = {"response": "kd", "relation": "pkt", CONTROL: "label_smoothing"}


def arm(knowledge, gain, specific=None):
    n = len(gain)
    return Arm(
        **{"name": knowledge, "knowledge": knowledge, "gain": gain, "raw": gain, "score": gain / 2, "alphas": np.full(n, 0.9)},
        specific=np.full(n, 0.01) if specific is None else specific,
        chosen=(NAMES[knowledge],) * n,
    )


def group(scheme="same_rows", *, control=None, seeds=10, own=None, specific=None, **kinds):
    """A student in one regime; each kind has the gains that its name in `KINDS` says, read by the rules of a page."""
    shape = NOISE[:seeds]
    signs = {"response": 1, "relation": -1}
    gains = {kind: KINDS[name][0] + KINDS[name][1] * shape * signs[kind] for kind, name in kinds.items()}
    if control is None:
        control = 0.05 if "control" in kinds.values() else 0.0
    beside = None if control is False else control + 0.0002 * shape[::-1]
    read = {kind: read_kind(gain, beside, twin_sd=TWIN_SD, unit="nats") for kind, gain in gains.items()}
    read = dict(zip(read, read_kinds(list(read.values())), strict=True))
    best = {kind: arm(kind, gain, specific) for kind, gain in gains.items()}
    best |= {} if beside is None else {CONTROL: arm(CONTROL, beside)}
    return Kinds(
        **{"task": "letters", "kind": "classification", "scheme": scheme, "student": "mlp-8", "student_size": 370, "unit": "nats"},
        **{"arms": (), "best": best, "readings": read, "p": {}, "own": own or {}, "seeds": seeds, "left_out": 0},
    )


@pytest.mark.parametrize("name", KINDS)
def test_the_names_of_this_file_have_the_verdicts_that_they_say(name):
    (reading,) = group(response=name).readings.values()
    assert (reading.verdict, reading.qualifier) == VERDICTS[name]


def test_what_helps_is_named_with_its_gain_its_control_and_whose_knowledge_it_is():
    found = [group(response="helps", relation="nothing", own={"response": 0.01})]
    assert answer(found) == (
        "Teach this student with soft targets (response knowledge, α 0.9) on same rows: 0.100 nats [0.097, 0.103] over training alone and "
        "0.100 nats [0.097, 0.103] over the best control (label smoothing)."
    )
    assert own_answer(found) == "Yes, part of what arrived is its own (agreement 0.010 [0.010, 0.010] above siblings)."


@pytest.mark.parametrize("name", KINDS)
def test_whose_knowledge_it_is_is_asked_where_a_kind_helps_alone(name):
    found = [group(response=name, own={"response": 0.01})]
    assert bool(own_answer(found)) == answer(found).startswith("Teach this student")


def test_other_kinds_that_help_are_named_and_those_that_do_not_matter_are_not():
    assert "; relation knowledge helps too." in answer([group(response="helps", relation="helps")])
    assert "helps too" not in answer([group(response="helps", relation="small")])
    # the other regime's own kind of the same name is no other kind
    assert "helps too" not in answer([group(response="helps"), group("transfer_rows", response="helps")])


def test_a_gain_without_a_control_says_so():
    assert "over training alone, with no control beside it" in answer([group(response="helps", control=False)])


def test_a_gain_that_is_too_small_is_no_reason_to_teach():
    assert answer([group(response="small")]) == (
        "Train this student alone: 0.0050 nats [0.0045, 0.0055] with soft targets (response knowledge, α 0.9) on same rows is real, but "
        "too small to matter."
    )
    assert answer([group(response="small", relation="open")]).endswith(
        "but too small to matter; whether relation knowledge gives more is not settled."
    )


def test_where_a_control_gains_nearly_as_much_the_control_is_to_be_tried_first():
    found = answer([group(response="helps", control=0.09)])
    assert found.startswith(
        "Before you teach this student with soft targets (response knowledge, α 0.9) on same rows, try the control (label "
    )
    assert found.endswith("beyond it is real, but too small to matter.")


def test_where_a_control_gains_as_much_it_is_named():
    found = answer([group(response="control")])
    assert found.startswith("Try the control (label smoothing) in place of a teacher's knowledge: 0.050")
    assert found.endswith("on same rows, and no kind of knowledge gives enough more to matter.")


def test_where_nothing_helps_it_says_to_train_alone():
    assert answer([group(response="hurts", relation="hurts")]) == (
        "Train this student alone: every kind of knowledge made it worse than its untaught twin."
    )
    assert (
        answer([group(response="hurts", relation="nothing")]) == "Train this student alone: no kind of knowledge gains it enough to matter."
    )


def test_what_is_not_settled_is_said_so():
    assert answer([group(response="open", relation="nothing")]).startswith(
        "Whether any kind of knowledge helps this student is not settled: the largest gain that is left is 0.05 nats [−0.03, 0.13], "
        "with soft targets (response knowledge, α 0.9) on same rows, 0.05 nats"
    )
    few = answer([group(response="helps", seeds=5), group("transfer_rows", response="hurts", seeds=5)])
    assert few == "Too few seeds to say whether any kind of knowledge helps this student: give 8 or more."
    assert answer([group(response="helps", seeds=1)]).startswith("Nothing can be said of this student yet")
    assert answer([]) == ""


@pytest.mark.parametrize(
    ("values", "p", "said"),
    [
        (np.full(10, np.nan), None, "Not measured."),
        (0.01 + 0.001 * NOISE, 0.001, "Yes, part of what arrived is its own ("),
        # shown in one interval, and not among all kinds of the page
        (0.01 + 0.001 * NOISE, 0.2, "Not shown ("),
        (-0.01 + 0.001 * NOISE, 0.001, "Not shown ("),
        (0.01 + 0.001 * NOISE, None, "Not shown ("),
    ],
)
def test_whose_knowledge_it_is(values, p, said):
    found = group(response="helps", specific=values, own={} if p is None else {"response": p})
    assert own_part(Read(found, "response", found.readings["response"])).startswith(said)


@pytest.mark.parametrize(("first", "second", "elsewhere"), list(product(KINDS, KINDS, (None, *KINDS))))
def test_no_sentence_contradicts_a_verdict(first, second, elsewhere):
    groups = [group(response=first, relation=second)]
    groups += [group("transfer_rows", response=elsewhere)] if elsewhere else []
    readings: list[KindReading] = [reading for one in groups for reading in one.readings.values()]
    found = answer(groups)
    verdicts = {reading.verdict for reading in readings}
    # "too small to matter" may be said of what a control leaves of a gain
    large = [r for r in readings if r.verdict == "SUPPORTED" and "too small to matter" not in r.qualifier.split("; ")]
    assert found.startswith("Teach this student with ") == bool(large)
    assert ("is not settled" in found) == (not large and "INCONCLUSIVE" in verdicts)
    assert ("too small to matter" in found) == ((not large and "SUPPORTED" in verdicts) or "perhaps too small" in found)
    assert found.startswith(("Train this student alone: no", "Train this student alone: every", "Try the control")) == (
        verdicts == {"CONTRADICTED"}
    )
    assert ("made it worse" in found) == (verdicts == {"CONTRADICTED"} and all(r.qualifier == "it hurts" for r in readings))
    assert found.endswith(".")
    assert found.count(".") - sum(found.count(f".{digit}") for digit in "0123456789") == 1, "one sentence"
