"""Controls of a sweep stand beside the students that are judged, and nothing is claimed of them."""

from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.evidence.transfers import transfers
from kdprobe.report.sections.gap import draw
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld


def test_nothing_is_claimed_of_a_control():
    """A control gains a lot and is in the world twice: beside the arm that is judged, and in place of it."""
    judged, control = TrueArm(scheme="same_rows"), TrueArm(scheme="step_matched_twin")
    world = {"tasks": (("letters", "classification"),), "student_widths": (8,)}
    both = Evidence(ZooWorld(arms=(judged, control), **world).zoo())
    alone = Evidence(ZooWorld(arms=(judged,), **world).zoo())
    gap, untaught = gaps(both)
    assert (untaught.control, gap.control) == (find("schemes", "step_matched_twin").regime, "")
    for reading in (untaught.reading, untaught.raw, untaught.second, untaught.helps):
        assert (reading.verdict, reading.qualifier) == ("NOT APPLICABLE", "a control")
    # it is in no family of claims: p values are as if it were not there
    first = gaps(alone)[0]
    for name in ("reading", "helps"):
        assert getattr(gap, name).p == getattr(first, name).p
    assert {transfer.reading.verdict for transfer in transfers(both) if transfer.control} == {"NOT APPLICABLE"}
    said = [finding for card in draw(both).cards for finding in card.findings if finding.scope == "step matched twin"]
    assert [finding.verdict for finding in said] == ["NOT APPLICABLE"] * 2
    assert "what it gains did not come from the teacher" in said[0].sentences[0]
