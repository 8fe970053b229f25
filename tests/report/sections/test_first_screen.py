"""Answer, this teacher's own part and the next command, over all combinations of verdicts: none says what another denies."""

from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from kdprobe.core.section import VERDICTS
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.sections._gap_answer import answer, next_of, taught_in
from kdprobe.report.sections._transfer_answer import NO_GAIN, own_answer
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld
from kdprobe.verdicts.transfer import FAILED
from tests.report.sections import test_dose_answer as doses
from tests.report.sections.test_gap_answer import student
from tests.report.sections.test_transfer_answer import arm

EVIDENCE = Evidence(ZooWorld(arms=(TrueArm(),), tasks=(("letters", "classification"),), student_widths=(8,)).zoo())
HELPS = {
    "yes": ("SUPPORTED", {}),
    "yes, in little": ("SUPPORTED", {"qualifier": "too small to matter"}),
    "no": ("CONTRADICTED", {}),
    "harm": ("CONTRADICTED", {"harmful": True}),
    "open": ("INCONCLUSIVE", {"needed": 31}),
    "hopeless": ("INCONCLUSIVE", {"needed": None}),
    "few": ("INCONCLUSIVE", {"n": 4}),
    "nothing": ("NOT APPLICABLE", {"gain": None}),
}
OWN = {word: (word, {}) for word in VERDICTS} | {
    "beside twins": ("SUPPORTED", {"moved_closer": False}),
    "placebo": ("INCONCLUSIVE", {"qualifier": FAILED, "placebo_failed": True}),
}
BEYOND = {"more than its control": 0.05, "no more": 0.0, "less": -0.3}
CASES = list(product(HELPS, VERDICTS, BEYOND))


@cache
def screen(helps, gap, beyond):
    """The student, its answer and its next step."""
    verdict, changes = HELPS[helps]
    one = student(verdict, gap, beyond=BEYOND[beyond])
    one = replace(one, helps=replace(one.helps, **changes))
    one = replace(one, reading=replace(one.reading, needed=44 if gap == "INCONCLUSIVE" else None))
    return one, answer([one]), next_of(EVIDENCE, [one])


def test_every_verdict_there_is_has_a_case():
    assert {verdict for verdict, _ in HELPS.values()} == {verdict for verdict, _ in OWN.values()} == set(VERDICTS)


@pytest.mark.parametrize(("helps", "gap", "beyond"), CASES)
def test_an_answer_says_one_thing_and_its_command_asks_on(helps, gap, beyond):
    _, said, then = screen(helps, gap, beyond)
    asks = "" if then is None else then.why
    starts = {
        "Teach this student with": helps == "yes" and beyond == "more than its control",
        "Train this student alone": helps in ("no", "harm") or (helps == "yes, in little" and beyond == "more than its control"),
        "Before you teach this student": (helps in ("yes", "yes, in little") and beyond != "more than its control")
        or (helps in ("open", "hopeless") and beyond == "less"),
        "Whether a teacher helps this student is not settled": helps in ("open", "hopeless") and beyond != "less",
        "Too few seeds": helps == "few",
        "Nothing can be said": helps == "nothing",
    }
    assert [start for start in starts if said.startswith(start)] == [start for start, due in starts.items() if due]
    # what a larger teacher costs is told of students that are to be taught, and what settles it is asked for
    teach = starts["Teach this student with"]
    assert ("the largest costs" in said) == (teach and gap == "SUPPORTED")
    assert ("costs nothing that matters" in said) == (teach and gap == "CONTRADICTED") == asks.startswith("teachers beyond")
    assert ("costs anything against a smaller one is not settled" in said) == (teach and gap == "INCONCLUSIVE")
    assert ("would settle what the largest costs" in asks) == (teach and gap == "INCONCLUSIVE")
    assert ("not shown to be a better model" in said) == (teach and gap == "NOT APPLICABLE")
    # more seeds are asked for where they may tell, and other rows where they would not
    assert ("31 seeds, which would settle it" in asks) == (helps == "open")
    assert ("More seeds may tell" in said) == (starts["Whether a teacher helps this student is not settled"] and helps == "open")
    assert ("learns less by itself" in asks) == (starts["Train this student alone"] or helps == "hopeless")
    assert ("beyond the control" in asks) == (starts["Before you teach this student"] and helps not in ("open", "hopeless"))
    assert ("10 seeds, enough for a verdict" in asks) == (helps == "few")
    assert (then is None) == (helps == "nothing")


@pytest.mark.parametrize("own", OWN)
def test_whose_knowledge_it_is_agrees_with_whether_it_helped(own):
    verdict, changes = OWN[own]
    for case in CASES:
        one, said, _ = screen(*case)
        named = taught_in([one])
        found = own_answer([arm(verdict, one.arm, **changes)], regime="" if named is None else named.arm)
        teach = said.startswith("Teach this student with")
        assert teach == (named is not None)
        # nobody is to read a yes as a gain
        assert (NO_GAIN in found) == (verdict == "SUPPORTED" and not teach), case
        assert found.startswith("Yes") == (verdict == "SUPPORTED"), case
        assert found.startswith("No, ") == (verdict == "CONTRADICTED"), case


@pytest.mark.parametrize(("gain", "part", "control"), list(product(doses.GAINS, doses.PARTS, doses.CONTROLS)))
def test_the_command_of_a_page_of_doses_asks_for_what_is_open(gain, part, control):
    from kdprobe.report.sections import _dose_answer as dose

    found = doses.student(gain, part, control)
    said, own, then = dose.answer(found), dose.own_answer(found), dose.next_of(EVIDENCE, found)
    settled = gain in ("helps", "small") and own.startswith("Yes") and own.endswith("every control stays at nothing.")
    assert then is not None
    assert ("a narrower student" in then.why) == settled
    assert ("would settle the gain" not in then.why) or "is not settled" in said
