"""What a section says of how it is read, is true of every plan whose page has it."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.evidence.pilots import Outcome, Pilot
from kdprobe.report.sections import layers, pilot
from kdprobe.testing.worlds.zoo import HUMP, TrueArm, ZooWorld
from kdprobe.verdicts.pilot import Advice

WORLD = ZooWorld(seeds=3, tasks=(("letters", "classification"),), student_widths=(8,))


class Without:
    """A world's frames without some of its measurements, as if something else had been asked."""

    def __init__(self, zoo, left_out="", asks="gap"):
        self._zoo, self._left_out, self._asks = zoo, left_out, asks

    def __getattr__(self, name):
        return getattr(self._zoo, name)

    def measurements(self):
        return self._zoo.measurements().query(self._left_out) if self._left_out else self._zoo.measurements()

    def provenance(self):
        return self._zoo.provenance() | {"asks": self._asks}


GAINS_ALONE = "comparison == 'panel'"


def section(name, zoo):
    return find("sections", name).draw(Evidence(zoo))


def text(name, zoo):
    return " ".join(section(name, zoo).words)


def test_what_stands_beside_is_spoken_of_where_it_is():
    arms = tuple(TrueArm(temperature=t) for t in (1.0, 4.0))
    for world, there in ((WORLD, False), (replace(WORLD, arms=arms, beside={"temperature": (1.0, 4.0)}), True)):
        said = text("gap", world.zoo())
        assert ("in the table beside each verdict" in said) == there
        assert "the plan's own α and T" not in said


def test_temperatures_are_spoken_of_where_they_were_fitted():
    fitted = {"teacher": 1.3, "twin": 1.2, "student": 1.5}
    for world, there in ((WORLD, False), (replace(WORLD, fitted=fitted), True)):
        drawn = section("gap", world.zoo())
        said = " ".join(drawn.words)
        assert ("the temperatures that were fitted" in said) == there
        assert "T > 1" not in said
        titles = [column.title for table in drawn.tables for column in table.columns]
        assert ("fitted temperature, student" in titles) == there
        # T is what is distilled at
        assert not [title for title in titles if title.startswith("T of")]


@pytest.mark.parametrize(("settings", "panels"), [(2, True), (5, False)])
def test_lines_are_spoken_of_where_they_are_drawn(settings, panels):
    """Of many settings each has a card, and no figure further down."""
    arms = tuple(TrueArm(temperature=1.0 + i) for i in range(settings))
    drawn = section("gap", replace(WORLD, arms=arms).zoo())
    assert bool(drawn.figures) == panels
    said = " ".join(drawn.words)
    assert ("Thin lines are" in said) == panels
    assert ("stands below on the same axis" in said) == panels


@pytest.mark.parametrize(
    ("zoo", "similar", "parts", "further"),
    [
        (WORLD.zoo(), True, True, True),
        (Without(WORLD.zoo(), GAINS_ALONE), False, False, False),
        (Without(WORLD.zoo(), asks="knowledge"), True, False, False),
        # each seed has rows of its own: there are no siblings, and no three parts
        (Without(WORLD.zoo(), "comparison in ('panel', 'own')"), True, False, True),
    ],
)
def test_a_table_of_cells_points_to_what_is_there(zoo, similar, parts, further):
    said = text("cells", zoo)
    assert ("Of the similarities" in said) == similar
    assert ("table of three parts" in said) == parts
    assert ("further up" in said) == further
    if not parts:
        assert "that verdicts are of" not in said


@pytest.mark.parametrize(("zoo", "parts"), [(WORLD.zoo(), True), (Without(WORLD.zoo(), asks="knowledge"), False)])
def test_a_map_of_layers_points_to_what_is_there(zoo, parts, monkeypatch):
    monkeypatch.setattr(layers, "_candidates", lambda *_: [{"arm": "same rows", "student": "s", "teacher": "t", "seed": 0}])
    monkeypatch.setattr(layers, "_map", _unreadable)
    said = layers.draw(Evidence(zoo)).words[0]
    assert ("three parts above" in said) == parts
    assert "very teacher" in said


def _unreadable(*_):
    from kdprobe.core.errors import DataError

    raise DataError("no weights")


def test_a_placebo_is_explained_where_one_was_measured():
    for zoo, there in ((WORLD.zoo(), True), (Without(WORLD.zoo(), "comparison not in ('twin', 'twin_siblings')"), False)):
        assert ("It is subtracted seed by seed" in text("transfer", zoo)) == there
        assert ("(the placebo)" in text("information", zoo)) == there


def test_dark_information_is_promised_where_it_was_measured():
    assert "dark information" not in text("information", WORLD.zoo())
    assert "dark information" in text("information", replace(WORLD, extra_probe="dark_information").zoo())


def test_a_control_has_no_teacher_of_its_own_among_those_it_is_read_against():
    world = replace(WORLD, arms=(TrueArm(scheme="sibling_teacher"), TrueArm(scheme="transfer_rows")))
    said = {finding.scope: finding.sentences[0] for card in section("transfer", world.zoo()).cards for finding in card.findings}
    assert "with the teacher that it is read against than with siblings" in said["sibling teacher"]
    assert "own teacher" not in said["sibling teacher"].lower()
    assert "with its own teacher than with siblings" in said["transfer rows"]


def test_where_no_teacher_is_larger_the_table_says_so():
    world = replace(WORLD, student_widths=(4096,), arms=(TrueArm(gain=dict.fromkeys(sorted(HUMP)[:3], 0.2)),))
    captions = [table.caption for table in section("transfer", world.zoo()).tables]
    assert "Similarity to the teacher in three parts, means over larger teachers, or over all where none is" in captions


def test_error_rates_are_of_claims_as_the_page_calls_them():
    drawn = section("calibration", WORLD.zoo())
    claims = {finding.claim for name in ("gap", "transfer") for card in section(name, WORLD.zoo()).cards for finding in card.findings}
    assert {row["verdict"].partition(":")[0] for row in drawn.tables[0].rows} == claims
    assert "of the paired difference of two teacher sizes" not in text("calibration", WORLD.zoo())
    assert "the gain over the twin, the teacher-specific part" in text("calibration", WORLD.zoo())


def test_error_rates_are_of_claims_that_the_page_makes():
    drawn = section("calibration", Without(WORLD.zoo(), GAINS_ALONE))
    assert {row["verdict"].partition(":")[0] for row in drawn.tables[0].rows} == {"capacity gap", "teaching helps"}
    assert "0 of" not in drawn.words[0]


def test_a_pilot_names_sizes_for_each_regime():
    evidence = Evidence(replace(WORLD, seeds=10).zoo())
    found = [
        Outcome(
            gap=gap,
            pilot=Pilot(
                task=gap.task, arm=gap.arm, student=gap.student, teachers=gap.curve.teachers, seeds=2,
                advice=Advice((0, 1, 2), 0.8, np.full(6, 1 / 6)),
            ),
        )
        for gap in gaps(evidence)
    ]  # fmt: skip
    assert len({outcome.pilot.student for outcome in found}) == 1
    said = pilot._words(found)
    assert "of 2 cases" in said
    assert "2 students" not in said
    assert "for each student and regime" in said
    assert "the half of" not in said
