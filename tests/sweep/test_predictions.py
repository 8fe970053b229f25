"""What theory says of a sweep is worked out before its first model, from the rows that models learn from, and stays as it is."""

import json
from dataclasses import replace

import numpy as np
import pytest

import kdprobe
from kdprobe.cli import run
from kdprobe.core.identity import content_id
from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.evidence.predicted import Predicted, bounded
from kdprobe.report.sections.gap import draw as draw_gap
from kdprobe.report.sections.predicted import REBUILT, draw
from kdprobe.sweep import predictions
from kdprobe.sweep.predictions import sealed_predictions
from kdprobe.tasks.nested_ols import BETA, NOISE, VARIANCE
from kdprobe.theory import nested_ols
from kdprobe.theory.predicted import predicted_gains

LAW = kdprobe.GapPlan(
    tasks=("nested_ols",), family="nested_linear", schemes=("same_rows", "transfer_rows"), teacher_widths=(4, 14, 26, 50),
    student_widths=(4,), seeds=4, beside={},
)  # fmt: skip
NETWORKS = kdprobe.GapPlan(
    tasks=("bikeshare",), schemes=("same_rows", "transfer_rows"), teacher_widths=(8, 16), student_widths=(8,), seeds=2
)


def entry(plan, scheme, **changes):
    found = sealed_predictions(replace(plan, beside={}, **changes), {}, models=0)["entries"]
    return next(one for one in found if one["scheme"] == scheme)


def test_the_world_of_the_law_is_predicted_within_the_interval_and_its_own_rows_give_nothing():
    found = entry(LAW, "transfer_rows", train_rows=400)
    assert found["reason"] == ""
    for one in found["teachers"]:
        law = nested_ols(BETA, NOISE, n=400, p=4, q=one["width"], m=160)
        value, low, high = one["gain"]
        assert low <= (law.twin - law.student) / VARIANCE <= high
        assert low <= value <= high
    assert [one["gain"] for one in entry(LAW, "same_rows")["teachers"]] == [[0.0, 0.0, 0.0]] * 4


def test_rows_that_no_model_learns_from_have_no_part_in_it(monkeypatch):
    before = entry(NETWORKS, "same_rows"), entry(LAW, "transfer_rows")
    real = predictions.split

    def blind(task, **given):
        parts = real(task, **given)
        hidden = {name: replace(getattr(parts, name), x=None, y=None) for name in ("validation", "probe_a", "probe_b")}
        transfer = replace(parts.transfer, y=None)
        return replace(parts, transfer=transfer, **hidden)

    monkeypatch.setattr(predictions, "split", blind)
    assert (entry(NETWORKS, "same_rows"), entry(LAW, "transfer_rows")) == before


@pytest.mark.parametrize(
    ("plan", "scheme", "changes", "why"),
    [
        (NETWORKS, "transfer_rows", {}, "straight lines: squares and cubes of the fit explain"),
        (NETWORKS, "labelled_and_transfer_rows", {"schemes": ("labelled_and_transfer_rows",)}, "on its own rows or on fresh ones alone"),
        (NETWORKS, "same_rows", {"distillers": ("l1_imitation",)}, "l1_imitation is another loss"),
        (NETWORKS, "same_rows", {"family": "transformer"}, "no theorem here is about networks of the family transformer"),
        (NETWORKS, "same_rows", {"label_noise": 0.3}, "noise was added to the labels"),
        (LAW, "same_rows", {"options": {"ridge": 1.0}}, "ridge regressions, and the law is about least squares"),
        (
            NETWORKS,
            "transfer_rows",
            {"teacher_widths": (8, 4000)},
            "rows × features² come to 2.4e+10 in this plan",
        ),
    ],
)
def test_where_the_law_has_no_word_the_reason_is_told(plan, scheme, changes, why):
    found = entry(plan, scheme, **changes)
    assert why in found["reason"]
    assert all(one["gain"] is None for one in found["teachers"])


def test_several_targets_are_not_predicted():
    def load(*, path=None):
        found = find("tasks", "nested_ols").load()
        return replace(found, y=np.repeat(found.y, 2, axis=1), targets=("a", "b"))

    task = replace(find("tasks", "nested_ols"), name="two_targets", load=load, world=None, sha256="0" * 64)
    assert "there are 2 targets" in entry(replace(NETWORKS, tasks=(task,), own_data={}), "same_rows")["reason"]


def test_too_few_rows_are_refused_in_words():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 10)), rng.normal(size=40)
    few = predicted_gains(x, y, fresh=rng.normal(size=(30, 10)), rows=2, student=3, teachers=(5, 8))
    assert few.gains == (None, None)
    assert few.reason == "40 labelled and 2 fresh rows are too few: least squares of these sizes has no finite expected risk"
    assert "is constant" in predicted_gains(x * (np.arange(10) > 0), y, fresh=x, rows=40, student=3, teachers=(5,)).reason
    # student and teacher of one size are one fit with the labels it has, and the smallest size of all has none but this reason
    assert predicted_gains(x, y, fresh=rng.normal(size=(30, 10)), rows=30, student=3, teachers=(3, 60)).gains[1] is None


def test_what_is_sealed_stays_and_what_comes_after_results_is_told(tmp_path):
    small = replace(LAW, seeds=2)
    with kdprobe.sweep(small, tmp_path, similarity=False) as zoo:
        first = zoo.provenance()["predicted"]
        (plain, fresh) = gaps(Evidence(zoo))
        assert plain.predicted.drawn
        assert fresh.predicted.gains[1] == tuple(first["entries"][1]["teachers"][1]["gain"])
        content = draw(Evidence(zoo))
        assert content.words[-1].startswith("Prediction and what was found agree, both intervals considered, under ")
        assert [table.caption for table in content.tables] == ["Predicted before the sweep, and found"]
        (figure,) = draw_gap(Evidence(zoo)).figures
        assert figure.svg.count("predicted") == 2  # a line in each panel of gains, its name in two lines
        assert "law" in figure.svg
    assert json.loads(json.loads((tmp_path / "plan.json").read_text())["predicted"]) == first
    with kdprobe.sweep(replace(LAW, seeds=2, student_widths=(4, 6)), tmp_path, similarity=False) as zoo:
        both = zoo.provenance()["predicted"]["entries"]
        assert both[: len(first["entries"])] == first["entries"]
        late = [gap for gap in gaps(Evidence(zoo)) if gap.student == "nested_linear-6"]
        assert all("had been trained, so it is no prediction" in gap.predicted.reason for gap in late)
        assert not any(gap.predicted.drawn for gap in late)
        assert "Where theory has no word" in [table.caption for table in draw(Evidence(zoo)).tables]


def test_a_number_that_was_changed_is_not_shown(tmp_path):
    with kdprobe.sweep(replace(LAW, seeds=2), tmp_path, similarity=False) as zoo:
        evidence = Evidence(zoo)
        evidence.provenance()["predicted"]["entries"][1]["teachers"][1]["gain"][0] += 0.1
        assert {gap.predicted.reason for gap in gaps(evidence)} == {"what is stored is not what was sealed"}
        assert draw(evidence).words == ("Not applicable: theory predicts none of these curves; the table says why.",)


def test_what_lies_off_the_figure_is_left_out_of_it():
    told = Predicted(read_as="", reason="", gains=((0.5, -9.0, 1.5), (7.0, 6.0, 8.0), None))
    values, off = bounded(told, 0.0, 1.0)
    assert off == [1]
    assert values[:, 0].tolist() == [0.5, -1.0, 1.5]
    assert np.isnan(values[:, 1:]).all()


def test_all_curves_of_a_plan_share_one_budget(monkeypatch):
    both = replace(LAW, student_widths=(4, 6))
    monkeypatch.setattr(predictions, "MOST_WORK", 80 * 50**2)
    found = [one["reason"] for one in sealed_predictions(both, {}, models=0)["entries"] if one["scheme"] == "transfer_rows"]
    assert found[0] == ""
    assert "rows × features² come to 4.0e+05 in this plan" in found[1]


def test_classifications_are_not_asked():
    plan = kdprobe.GapPlan(tasks=("letters",), beside={})
    assert sealed_predictions(plan, {}, models=0)["entries"] == []


def test_a_teacher_that_comes_later_has_no_prediction_and_a_reason(tmp_path):
    small = replace(LAW, seeds=2, schemes=("transfer_rows",), teacher_widths=(4, 14))
    with kdprobe.sweep(small, tmp_path, similarity=False) as zoo:
        first = zoo.provenance()["predicted"]["entries"][0]
    with kdprobe.sweep(replace(small, teacher_widths=(4, 14, 26)), tmp_path, similarity=False) as zoo:
        (gap,) = gaps(Evidence(zoo))
        assert gap.curve.teachers == ("nested_linear-4", "nested_linear-14", "nested_linear-26")
        assert gap.predicted.gains == (*(tuple(one["gain"]) for one in first["teachers"]), None)
        assert gap.predicted.reason == ""
        assert gap.predicted.drawn
        late = "had been trained, so it is no prediction"
        assert [late in reason for reason in gap.predicted.reasons] == [False, False, True]
        table = next(one for one in draw(Evidence(zoo)).tables if one.caption == "Where theory has no word")
        assert [(row["teacher"], late in row["reason"]) for row in table.rows] == [("width 26", True)]


def test_predictions_of_an_index_that_was_read_back_are_told_as_such(tmp_path, capsys):
    small = replace(LAW, seeds=2, schemes=("transfer_rows",), teacher_widths=(4, 14))
    with kdprobe.sweep(small, tmp_path, similarity=False) as zoo:
        assert REBUILT not in draw(Evidence(zoo)).words
    file = tmp_path / "plan.json"
    plan = json.loads(file.read_text())
    told = json.loads(plan["predicted"])
    told["entries"][0]["teachers"][1]["gain"] = [9.0, 8.0, 10.0]
    file.write_text(json.dumps(plan | {"predicted": json.dumps(told | {"hash": content_id(told["entries"])})}))
    (tmp_path / "index.sqlite").unlink()
    assert run(["zoo", "rebuild", str(tmp_path)]) == 0
    assert "the predictions of theory are those of plan.json, and nothing vouches any more that they stood" in capsys.readouterr().out
    with kdprobe.sweep(small, tmp_path, similarity=False) as zoo:
        assert REBUILT in draw(Evidence(zoo)).words
    # what a sweep writes after it keeps that too
    with kdprobe.sweep(small, tmp_path, similarity=False) as zoo:
        assert REBUILT in draw(Evidence(zoo)).words
