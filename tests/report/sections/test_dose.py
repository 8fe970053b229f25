"""The page of doses, on a small real sweep: what it reads is what was measured, and what it says is there."""

import re

import numpy as np
import pytest
from scipy.stats import false_discovery_control, ttest_1samp

from kdprobe import TransferPlan, sweep
from kdprobe.report.evidence.arrivals import LAYER, arrivals
from kdprobe.report.evidence.doses import doses
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.page import drawn_sections, render

PLAN = TransferPlan(
    tasks=("letters", "bikeshare"), alphas=(0.5, 1.0), doses=(60, 120), seeds=3, steps=20, train_rows=100, teacher_width=6,
    student_widths=(3,),
)  # fmt: skip


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return Evidence(sweep(PLAN, tmp_path_factory.mktemp("doses") / "zoo"))


def test_doses_rise_and_controls_come_last(evidence):
    for found in doses(evidence):
        assert [rung.dose for rung in found.of("weights")] == [0.5, 1.0]
        assert [rung.dose for rung in found.of("rows")] == [60, 120]
        assert len(found.of("control")) == (9 if found.kind == "classification" else 8)
        assert [rung.of for rung in found.rungs] == sorted((rung.of for rung in found.rungs), key=["weights", "rows", "control"].index)
        assert found.fullest.dose == 120
        assert (found.seeds, found.left_out) == (3, 0)


def test_amounts_are_own_minus_siblings_less_the_twins_own(evidence):
    """Against the table of measurements, summed by hand."""
    table = evidence.measurements()
    for found in doses(evidence):
        for rung in found.rungs:
            for probe in ("kl", found.primary):
                if probe not in rung.specific:
                    continue
                values = table[table["probe"] == probe].set_index(["model_id", "comparison"])["value"].to_dict()
                sign = -1 if probe == "kl" else 1
                by_hand = [
                    sign * (values[m, "own"] - values[m, "siblings"] - values[m, "twin"] + values[m, "twin_siblings"]) for m in rung.models
                ]
                assert rung.specific[probe] == pytest.approx(np.array(by_hand), abs=1e-12)


def test_gains_are_those_of_the_same_students(evidence):
    twins = evidence.models().set_index("model_id")["twin_id"]
    for found in doses(evidence):
        loss = evidence.score("nll_calibrated" if found.kind == "classification" else "mse")
        for rung in found.rungs:
            by_hand = [loss[twins[model]] - loss[model] for model in rung.models]
            assert rung.gain == pytest.approx(by_hand, abs=1e-9)


def test_the_page_has_a_card_a_student_its_plane_its_curves_its_ladder_and_its_gates(evidence):
    (content,) = (content for section, content in drawn_sections(evidence) if section.name == "dose")
    assert len(content.cards) == 2
    for card in content.cards:
        assert card.answer == "Too few seeds to say how much was transferred: give 8 or more."
        assert card.next is not None
        assert "--seeds 10" in card.next.command
        assert {finding.verdict for finding in card.findings} <= {"INCONCLUSIVE", "NOT APPLICABLE"}
        assert card.figure is not None
        assert "Up is better than the untaught twin" in card.figure.caption
        assert len(card.scores.rows) == 4
    # by weight, by rows, ladder
    assert len(content.figures) == 2 * 3
    rungs, gates = content.tables
    assert len(rungs.rows) == 13 + 12
    assert {row["probe"] for row in gates.rows} >= {"Agreement", "R² to the teacher"}
    assert all("refused" in row["weights"] for row in gates.rows)


def test_the_page_holds_its_question_and_no_value_that_is_none(evidence):
    page = render(evidence, runs="runs.csv")
    assert "How much was transferred, and how good is it?" in page
    assert not re.search(r"[^\w]nan[^\w]", page)


def test_places_make_up_the_whole_and_are_judged_together(evidence):
    found = arrivals(evidence)
    assert [(places.task, places.by) for places in found] == [
        *(("letters", by) for by in ("class", "certainty of the teacher", LAYER)),
        *(("bikeshare", by) for by in ("target", LAYER)),
    ]
    whole = {one.task: one.fullest.specific[one.primary] for one in doses(evidence)}
    for places in (one for one in found if one.by != LAYER):
        # every class of letters has its rows: nothing is left out
        weighed = np.average(places.values, axis=1, weights=places.rows)
        assert weighed == pytest.approx(whole[places.task], abs=1e-9)
    raw = np.concatenate([ttest_1samp(places.values, 0.0, axis=0).pvalue for places in found])
    assert np.concatenate([places.p for places in found]) == pytest.approx(false_discovery_control(raw))


def test_places_are_on_the_page_with_what_was_found(evidence):
    (content,) = (content for section, content in drawn_sections(evidence) if section.name == "arrival")
    assert len(content.figures) == 5
    assert len(content.tables[0].rows) == 26 + 5 + 5 + 4 + 4
    assert "of 44 that were asked about" in content.words[0]


def test_layers_are_read_toward_the_own_teacher_its_siblings_and_by_the_untaught_twin(evidence):
    """The last hidden layer and the outputs are also what the sweep measured: the same contrast, by another way."""
    pairs = {"cka": None, "cka_output": "outputs with outputs"}
    for places in (one for one in arrivals(evidence) if one.by == LAYER):
        assert len(places.names) == 4
        pairs["cka"] = next(name for name in places.names if "outputs" not in name)
        (full,) = [one.fullest for one in doses(evidence) if one.task == places.task]
        for probe, name in pairs.items():
            assert places.values[:, places.names.index(name)] == pytest.approx(full.specific[probe], abs=1e-6)
