"""What the page says of teacher-specific transfer: the placebo beside it, under which teachers it holds, and what failed first."""

from dataclasses import replace

import pytest

from kdprobe.report import verdict_lines
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.transfers import placebo, specific, transfers
from kdprobe.report.lede import lede
from kdprobe.report.sections.cells import CELLS
from kdprobe.report.sections.transfer import TRANSFER
from kdprobe.testing.worlds.zoo import RISING, TrueArm, ZooWorld

WORLD = ZooWorld(
    seeds=8,
    tasks=(("letters", "classification"),),
    student_widths=(8,),
    arms=(TrueArm(), TrueArm(scheme="transfer_rows", gain=RISING, specific=0.02)),
)


class Changed:
    """A zoo whose measurements were changed."""

    def __init__(self, zoo, change):
        self._zoo, self._change = zoo, change

    def __getattr__(self, name):
        return getattr(self._zoo, name)

    def measurements(self):
        return self._change(self._zoo.measurements())


def drawn(zoo):
    return TRANSFER.draw(Evidence(zoo))


def finding(content, scope="transfer rows"):
    (found,) = [finding for card in content.cards for finding in card.findings if finding.scope == scope]
    return found


def test_the_placebo_stands_beside_the_student_and_is_subtracted():
    zoo = WORLD.zoo()
    content = drawn(zoo)
    (found,) = [one for one in transfers(Evidence(zoo)) if one.primary and one.arm == "transfer rows"]
    table = zoo.measurements().query("probe == 'agreement_top1' and scheme == 'transfer_rows' and teacher_width > 8")
    by = table.pivot_table(index="seed", columns="comparison", values="value", aggfunc="mean").astype(float)
    expected = (by["own"] - by["siblings"] - by["twin"] + by["twin_siblings"]).mean()
    assert found.reading.specific.value == pytest.approx(expected)
    assert found.reading.placebo.value == pytest.approx((by["twin"] - by["twin_siblings"]).mean())
    (figure,) = content.figures
    assert "placebo" in figure.svg
    assert "Agreement: own − siblings" in figure.svg
    # the arms' twins are the same nets: one panel is for both
    assert figure.svg.count("own − siblings") == 1
    (row,) = [row for row in content.tables[0].rows if (row["arm"], row["probe"]) == ("transfer rows", "Agreement")]
    assert row["specific"][0] == pytest.approx(expected)
    assert row["placebo"][0] == pytest.approx(found.reading.placebo.value)


def test_a_card_says_under_which_teachers():
    said = finding(drawn(WORLD.zoo()))
    assert (said.verdict, said.qualifier) == ("SUPPORTED", "under widths 16 to 256")
    assert said.number.startswith("width 16 to 256; 0.0")

    def only_16(table):
        # the student's own part is there under one teacher alone
        beyond = (table["comparison"] == "own") & (table["scheme"] == "transfer_rows") & (table["probe"] == "agreement_top1")
        table.loc[beyond & (table["teacher_width"] != 16), "value"] -= 0.02
        return table

    content = drawn(Changed(WORLD.zoo(), only_16))
    said = finding(content)
    assert (said.verdict, said.qualifier.partition("; ")[2]) == ("SUPPORTED", "under width 16 only, not shown under 32 to 256")
    assert said.number.startswith("width 16 only; 0.00")
    rows = {row["arm"]: row for row in content.tables[1].rows}
    assert rows["transfer rows"]["shown"] == "under width 16 only, not shown under 32 to 256"
    assert rows["same rows"]["shown"] == "the mean is not shown"
    assert list(rows["transfer rows"])[3:] == [f"mlp-{width}" for width in (16, 32, 64, 128, 256)]
    assert rows["transfer rows"]["mlp-16"][1] > 0.015 > 0.005 > rows["transfer rows"]["mlp-32"][2]


def test_a_placebo_that_fails_is_said_first():
    zoo = replace(WORLD, unsound=0.02).zoo()
    content = drawn(zoo)
    assert content.words[0].startswith("The placebo failed: untaught twins are shown to be nearer to, or further from, the teacher")
    assert "letters, student mlp-8, transfer rows (Agreement)" in content.words[0]
    said = finding(content)
    assert (said.verdict, said.qualifier) == ("INCONCLUSIVE", "its placebo failed")
    assert said.sentences[0].startswith("The placebo failed: its untaught twin is 0.02")
    assert said.change_our_mind == "seeds whose teachers and students share nothing but the teaching."
    assert any("INCONCLUSIVE (its placebo failed): teacher-specific transfer. The placebo failed" in line for line in verdict_lines(zoo))
    assert not drawn(WORLD.zoo()).words[0].startswith("The placebo failed")
    # and it is the first sentence of the page
    assert lede(Evidence(zoo)).startswith(
        "The placebo failed: untaught twins look taught by the teacher of their seed, so no own part of a teacher is told of letters, "
        "student mlp-8, same rows and letters, student mlp-8, transfer rows. Letters"
    )
    assert lede(Evidence(WORLD.zoo())).startswith("Letters (classification)")


@pytest.mark.parametrize("which", ["all", "some"])
def test_a_zoo_of_before_there_was_a_placebo_says_so(which):
    def older(table):
        lost = table["comparison"] == "twin_siblings"
        return table[~(lost if which == "all" else lost & (table["teacher_width"] == 32))]

    zoo = Changed(WORLD.zoo(), older)
    evidence = Evidence(zoo)
    assert placebo(evidence, "letters", "agreement_top1") is None
    found = specific(evidence, "letters", "agreement_top1")
    assert found.equals(evidence.value("agreement_top1", "own") - evidence.value("agreement_top1", "siblings"))
    content = drawn(zoo)
    said = finding(content)
    assert (said.verdict, said.qualifier) == ("SUPPORTED", "under widths 16 to 256; no placebo was measured")
    assert said.sentences[-1] == "No placebo was measured: what an untaught twin shows is not subtracted."
    assert {row["placebo"] for row in content.tables[0].rows} == {None}
    assert "placebo" not in content.figures[0].svg.partition("</desc>")[2]


def test_a_placebo_that_was_refused_for_a_seed_costs_that_seed():
    def refused(table):
        here = (table["comparison"] == "twin_siblings") & (table["seed"] == 3)
        table.loc[here, ["value", "low", "high"]] = None
        table.loc[here, ["status", "reason"]] = ["refused", "no answer"]
        return table

    found = transfers(Evidence(Changed(WORLD.zoo(), refused)))
    assert {(one.reading.n, one.curve.left_out) for one in found} == {(7, 1)}


def test_cells_and_transfer_speak_of_the_same_part():
    evidence = Evidence(WORLD.zoo())
    (table,) = CELLS.draw(evidence).tables
    (cell,) = [row for row in table.rows if (row["arm"], row["teacher"]) == ("transfer rows", "mlp-64")]
    (row,) = [row for row in TRANSFER.draw(evidence).tables[1].rows if row["arm"] == "transfer rows"]
    assert cell["agreement_top1 specific"][:3] == pytest.approx(row["mlp-64"])
