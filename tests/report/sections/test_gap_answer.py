"""The one sentence that a student's verdicts come to: for each combination of verdicts, and never against one of them."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import t

from kdprobe.core.result import Measurement
from kdprobe.report.evidence.around import Control
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.sections._gap_answer import answer, doubt
from kdprobe.report.sections.gap import card
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

FOUND = gaps(Evidence(ZooWorld(arms=(TrueArm(),), tasks=(("letters", "classification"),), student_widths=(8,)).zoo()))[0]
WORDS = ("SUPPORTED", "CONTRADICTED", "INCONCLUSIVE")


def student(helps="SUPPORTED", gap="CONTRADICTED", *, beyond=0.05, gain=0.1, arm="same rows", **changes):
    """One arm of a student, with the verdicts that a test asks for."""
    number = Measurement(value=gain, low=gain - 0.02, high=gain + 0.02, unit="nats", n=10)
    over = Measurement(value=beyond, low=beyond - 0.01, high=beyond + 0.01, unit="nats", n=10)
    return replace(
        FOUND,
        arm=arm,
        helps=replace(FOUND.helps, **{"verdict": helps, "gain": number, "needed": 31} | changes),
        reading=replace(FOUND.reading, verdict=gap),
        second=None,
        controls=(Control(title="a twin on its own pseudo-labels", gain=over, beyond=over),),
    )


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        ("SUPPORTED", "; the largest costs "),
        ("CONTRADICTED", "; width 256 costs nothing that matters against a smaller one."),
        ("INCONCLUSIVE", "; whether width 256 costs anything against a smaller one is not settled."),
        ("NOT APPLICABLE", "; width 256 is not shown to be a better model than smaller ones."),
    ],
)
def test_where_a_teacher_helps_it_says_which_and_what_the_largest_costs(gap, said):
    found = answer([student("SUPPORTED", gap)])
    assert found.startswith("Teach this student with one of widths 16 and 64 on same rows: 0.10 nats [0.08, 0.12] over training alone; ")
    assert said in found


@pytest.mark.parametrize(("sign", "said"), [(1, "higher"), (-1, "lower")])
def test_it_says_what_a_gain_is_worth_in_accuracy(sign, said):
    found = replace(student(), second=replace(FOUND.second, gain=sign * np.abs(FOUND.second.gain)))
    values = 100 * found.second.gain[:, found.helps.best]
    # simultaneous over the sizes that the best was chosen from
    reach = t.ppf(1 - 0.025 / len(FOUND.curve.sizes), len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    told = re.search(rf"over training alone \(accuracy ([\d.]+) points \[([\d.]+), ([\d.]+)\] {said}\); ", answer([found]))
    ends = sorted(abs(values.mean() + step) for step in (-reach, 0, reach))
    assert [float(told[i]) for i in (2, 1, 3)] == pytest.approx(ends, abs=0.06)
    regression = replace(found, kind="regression")
    assert "accuracy" not in answer([regression]) + answer([student()])


def test_the_best_regime_that_is_shown_is_named():
    two = [student(gain=0.1), student(gain=0.2, arm="transfer rows"), student("INCONCLUSIVE", gain=0.9, arm="true labels")]
    assert "on transfer rows: 0.20 nats" in answer(two)


def test_a_gain_that_a_control_has_too_is_no_reason_to_teach():
    found = student(beyond=0.0)
    assert doubt(found) == "a twin on its own pseudo-labels"
    assert answer([found]) == (
        "Before you teach this student, try the control (a twin on its own pseudo-labels): 0.10 nats [0.08, 0.12] under its best teacher "
        "on same rows is not shown to be more."
    )
    # another regime whose gain exceeds its control, however much smaller it is, comes before
    assert answer([found, student(gain=0.06, arm="transfer rows")]).startswith(
        "Teach this student with one of widths 16 and 64 on transfer rows"
    )


def test_a_gain_that_is_too_small_to_matter_is_no_reason_to_teach():
    small = student(qualifier="too small to matter")
    assert answer([small]) == (
        "Train this student alone: 0.10 nats [0.08, 0.12] under its best teacher on same rows is real, but too small to matter."
    )
    assert answer([small, student(gain=0.06, arm="transfer rows")]).startswith("Teach this student")
    perhaps = student("SUPPORTED", "SUPPORTED", qualifier="perhaps too small to matter")
    assert "over training alone, perhaps too small to matter; the largest costs" in answer([perhaps])
    gap = replace(perhaps, helps=replace(perhaps.helps, qualifier=""), reading=replace(perhaps.reading, qualifier="too small to matter"))
    assert answer([gap]).endswith("of it, too small to matter.")


def test_copied_seeds_come_to_nothing():
    assert answer([replace(FOUND, copied=(0, 1))]).startswith("Nothing can be said of this student yet")


def test_where_no_teacher_helps_it_says_to_train_alone():
    harmful, nothing = student("CONTRADICTED", harmful=True), student("CONTRADICTED")
    assert answer([harmful]) == "Train this student alone: every teacher of width 8…256 made it worse than its untaught twin."
    assert answer([harmful, nothing]) == "Train this student alone: what it gains under every teacher of width 8…256 is negligible."


def test_what_is_not_settled_is_said_so():
    assert answer([student("INCONCLUSIVE"), student("CONTRADICTED", gain=-0.1)]) == (
        "Whether a teacher helps this student is not settled: its largest gain is 0.10 nats [0.08, 0.12] under its best teacher on same "
        "rows. More seeds may tell."
    )
    assert answer([student("INCONCLUSIVE", needed=None)]).endswith("on same rows. At this spread not even 1,000 seeds would tell.")
    assert answer([student("INCONCLUSIVE", n=4)]) == "Too few seeds to say whether a teacher helps this student: give 8 or more."
    assert answer([replace(FOUND, helps=replace(FOUND.helps, gain=None))]).startswith("Nothing can be said of this student yet")
    assert answer([replace(FOUND, control="a control")]) == ""


@pytest.mark.parametrize(("first", "second", "beyond"), list(product(WORDS, WORDS, (0.0, 0.05))))
def test_no_sentence_contradicts_a_verdict(first, second, beyond):
    found = answer([student(first, beyond=beyond), student(second, arm="transfer rows", beyond=beyond)])
    verdicts = {first, second}
    assert ("Teach this student" in found) == ("SUPPORTED" in verdicts and beyond > 0)
    assert ("Train this student alone" in found) == (verdicts == {"CONTRADICTED"})
    assert ("not settled" in found.partition(";")[0]) == ("SUPPORTED" not in verdicts and "INCONCLUSIVE" in verdicts)
    assert found.endswith(".")


def test_runs_that_are_missing_are_named_where_they_keep_it_open():
    """One failed run of 8 seeds turned CONTRADICTED into INCONCLUSIVE, and the page asked for more seeds."""
    lost = replace(student("INCONCLUSIVE", upper=np.inf), curve=replace(FOUND.curve, lacking={"mlp-16": 1}))
    assert answer([lost]).endswith("on same rows. Runs are missing (width 16 in 1 of 10 seeds on same rows).")
    told = card([lost], [], "c").findings[0].sentences[0]
    assert "That it is negligible cannot be said while runs are missing: width 16 in 1 of 10 seeds." in told
    # with a limit, or of a verdict, they keep nothing open
    for other in (replace(lost, helps=replace(lost.helps, upper=0.1)), replace(lost, helps=replace(lost.helps, verdict="SUPPORTED"))):
        assert "issing (" not in answer([other])


class Shuffled(Evidence):
    """A sweep whose distiller has targets without knowledge."""

    def models(self):
        found = super().models()
        return found.assign(distiller=found["distiller"].where(found["role"] != "student", "shuffled"))


def test_a_distiller_without_knowledge_is_a_control_in_any_regime():
    zoo = ZooWorld(arms=(TrueArm(),), tasks=(("letters", "classification"),), student_widths=(8,)).zoo()
    (gap,) = gaps(Shuffled(zoo))
    assert gap.control == "targets without knowledge (shuffled targets)"
    assert (gap.helps.verdict, gap.reading.verdict) == ("NOT APPLICABLE", "NOT APPLICABLE")
    assert answer([gap]) == ""


def test_where_nothing_is_settled_a_control_that_gives_more_is_named():
    """Of 110 rows a twin with twice the steps gained .37 where teachers gave .05, and the sentence asked for more seeds."""
    found = answer([student("INCONCLUSIVE", gain=0.1, beyond=-0.3)])
    assert found == (
        "Before you teach this student, try the control that gives more (a twin on its own pseudo-labels): whether a teacher helps is not "
        "settled, its largest gain is 0.10 nats [0.08, 0.12] under its best teacher on same rows."
    )


def test_runs_that_were_trained_elsewhere_have_no_regime():
    elsewhere = student(arm="as trained")
    assert answer([elsewhere]).startswith("Teach this student with one of widths 16 and 64: 0.10 nats")
    unsettled = answer([replace(elsewhere, helps=replace(elsewhere.helps, verdict="INCONCLUSIVE"))])
    assert "under its best teacher. More seeds may tell." in unsettled
