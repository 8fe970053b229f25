"""Whether what arrived is this teacher's own: one sentence for each combination of verdicts, and never against one of them."""

from dataclasses import replace
from itertools import product

import pytest

from kdprobe.core.result import Measurement
from kdprobe.report import answer_lines
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.evidence.transfers import transfers
from kdprobe.report.page import drawn_sections, merged_cards
from kdprobe.report.sections._gap_answer import answer, taught_in
from kdprobe.report.sections._transfer_answer import NO_GAIN, UNASKED, own_answer
from kdprobe.report.sections.transfer import _sentences, _table
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld
from kdprobe.verdicts.transfer import FAILED

LETTERS = (("letters", "classification"),)
WORLD = ZooWorld(arms=(TrueArm(),), tasks=LETTERS, student_widths=(8,))
FOUND = next(one for one in transfers(Evidence(WORLD.zoo())) if one.primary)
WORDS = ("SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "NOT APPLICABLE")


def arm(verdict, name="same rows", **changes):
    """A similarity with the verdict that a test asks for."""
    number = Measurement(value=0.03, low=0.02, high=0.04, n=10)
    reading = replace(FOUND.reading, **({"verdict": verdict, "specific": number, "moved_closer": True, "placebo_failed": False} | changes))
    return replace(FOUND, arm=name, reading=reading, control="")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (arm("SUPPORTED"), "Yes, part of what arrived is its own, on same rows (agreement 0.030 [0.020, 0.040] above siblings)."),
        (
            arm("SUPPORTED", moved_closer=False),
            "Yes, more than siblings would give, but in all not shown nearer to it than an untaught twin, on same rows (agreement ",
        ),
        (arm("CONTRADICTED"), "No, less than a fifth of what arrived is its own, on same rows (agreement 0.030 [0.020, 0.040] above "),
        (arm("INCONCLUSIVE"), "Not shown on same rows (agreement 0.030 [0.020, 0.040] above siblings)."),
        (arm("NOT APPLICABLE"), "Nothing of it is shown to have arrived on same rows."),
        (arm("INCONCLUSIVE", qualifier=FAILED, placebo_failed=True), "Cannot be told, as an untaught twin shows the same, on same rows."),
        (arm("INCONCLUSIVE", n=7), "Too few seeds to say: give 8 or more."),
        (arm("INCONCLUSIVE", specific=None, n=1), "Too few seeds to say: give 8 or more."),
    ],
)
def test_each_verdict_has_its_words(read, said):
    assert own_answer([read], regime="same rows").startswith(said)


def test_the_regime_that_the_answer_names_comes_first_and_has_the_number():
    two = [arm("SUPPORTED"), arm("INCONCLUSIVE", "transfer rows"), arm("SUPPORTED", "labels")]
    assert own_answer(two, regime="transfer rows") == (
        "Not shown on transfer rows (agreement 0.030 [0.020, 0.040] above siblings); yes, part of what arrived is its own, on same rows "
        "and labels."
    )


def test_controls_have_no_say():
    assert own_answer([replace(arm("SUPPORTED"), control="a control")]) == ""
    assert own_answer([]) == ""


@pytest.mark.parametrize(("first", "second", "regime"), list(product(WORDS, WORDS, ("", "same rows", "transfer rows"))))
def test_no_sentence_contradicts_a_verdict(first, second, regime):
    found = own_answer([arm(first), arm(second, "transfer rows")], regime=regime)
    verdicts = [first, second]
    assert ("part of what arrived is its own" in found) == ("SUPPORTED" in verdicts)
    assert ("less than a fifth" in found) == ("CONTRADICTED" in verdicts)
    assert ("ot shown" in found) == ("INCONCLUSIVE" in verdicts)
    assert ("othing of it is shown" in found) == ("NOT APPLICABLE" in verdicts)
    # where the page says that no teacher helps, nobody is to read a yes as one
    assert (NO_GAIN in found) == ("SUPPORTED" in verdicts and not regime)
    lead = verdicts[1] if regime == "transfer rows" else verdicts[0]
    assert found.startswith(("Yes", "No, ", "Not shown", "Nothing")[WORDS.index(lead)])
    assert found.endswith(".")


@pytest.mark.parametrize("gain", [0.1, 0.0, -0.1])
def test_a_page_says_it_of_the_regime_that_it_says_to_teach_in(gain):
    arms = (TrueArm(gain=dict.fromkeys((8, 16, 32, 64, 128, 256), gain)),)
    evidence = Evidence(replace(WORLD, arms=arms).zoo())
    (card,) = merged_cards([card for _, content in drawn_sections(evidence) for card in content.cards])
    teach = card.answer.startswith("Teach")
    named = taught_in(gaps(evidence))
    assert (named is not None) == teach
    assert teach == (gain > 0) or not gain, "of no gain one in twenty worlds shows some"
    assert card.answer == answer(gaps(evidence))
    assert card.own == own_answer([one for one in transfers(evidence) if one.primary], regime="same rows" if teach else "")
    assert f"  its teacher's own knowledge? {card.own}" in answer_lines(evidence)


def test_a_student_of_a_peer_has_no_teacher_of_its_own():
    arms = (TrueArm(scheme="mutual_learning"),)
    (one,) = (one for one in transfers(Evidence(replace(WORLD, arms=arms).zoo())) if one.primary)
    assert (one.apart, FOUND.apart) == (True, False)
    told = " ".join(_sentences(one))
    assert "with the teacher that it is read against than with siblings" in told
    assert "its own teacher" not in told


def test_a_divergence_says_that_less_is_closer():
    titles = [row["probe"] for row in _table([FOUND, replace(FOUND, probe="kl")]).rows]
    assert not titles[0].endswith("closer")
    assert titles[1].endswith(", less is closer")


class Alone(Evidence):
    """A sweep with --no-similarity."""

    def measurements(self):
        found = super().measurements()
        return found[found["comparison"] == "panel"]


def test_a_sweep_of_gains_alone_asks_nothing_of_what_arrived():
    from kdprobe.report.page import render

    page = render(Alone(WORLD.zoo()), runs="runs.csv")
    assert "<h1>Which teacher size serves this student best?</h1>" in page
    assert "how much of the teacher arrive" not in page
    assert answer_lines(Alone(WORLD.zoo()))[1] == f"  its teacher's own knowledge? {UNASKED}"
