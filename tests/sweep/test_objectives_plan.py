"""All objectives and schemes, each with its ladder, in one plan: what it crosses, what it leaves out and why, and its page."""

from dataclasses import replace

import numpy as np
import pytest

import kdprobe
from kdprobe import GapPlan, ObjectivesPlan, PlanError, available
from kdprobe.core.errors import DataError
from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.objectives import tried
from kdprobe.report.sections import objective_sizes as sizes
from kdprobe.report.sections.objectives import draw
from kdprobe.sweep.command import command_of
from kdprobe.sweep.controls import LEADING, with_objectives

SMALL = ObjectivesPlan(
    tasks=("bikeshare",), schemes=("adaptation", "expansion", "noisy_student"), teacher_width=6, student_widths=(3,), seeds=3, steps=6,
    train_rows=200, transfer_rows=150,
)  # fmt: skip


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    with kdprobe.sweep(SMALL, tmp_path_factory.mktemp("objectives") / "zoo") as zoo:
        yield zoo


def test_every_scheme_that_is_no_control_is_there_with_its_ladder():
    plan = ObjectivesPlan(seeds=2)
    claiming = {name for name, scheme in available("schemes").items() if scheme.objective != "control"}
    trained = {block.scheme for block in plan.crossed()}
    ladders = {rung for name in claiming for one in [find("schemes", name)] for rung in (*one.controls, *one.beats, *one.below)}
    assert trained == claiming | ladders
    assert {find("schemes", name).objective for name in claiming} == {"compression", "expansion", "adaptation", "enhancement"}
    assert {block.seeds for block in plan.crossed()} == {2}


def test_a_rung_of_a_large_student_is_as_large():
    plan = replace(SMALL, schemes=("noisy_student",))
    sizes = {(block.scheme, block.teacher_widths, block.student_widths) for block in plan.crossed()}
    assert sizes == {(name, (3,), (6,)) for name in ("noisy_student", "noisy_own_answers", "expansion")}
    (born, *_) = replace(SMALL, schemes=("born_again",)).crossed()
    assert (born.teacher_widths, born.student_widths) == ((3,), (3,))


def test_verdicts_are_of_gains_over_every_rung_on_the_same_seeds(zoo):
    found = {one.scheme.name: one for one in tried(Evidence(zoo))}
    assert set(found) == set(SMALL.schemes)
    noisy = found["noisy_student"]
    assert set(noisy.over) == {"noisy_own_answers", "expansion"}
    score = zoo.scores().query("rows == 'B' and metric == 'mse'").set_index("model_id")["value"]
    students = zoo.models().query("role == 'student'").set_index(["scheme", "seed"]).sort_index()

    def mean_loss(scheme):
        return np.mean([score[students.loc[(scheme, seed), "model_id"]] for seed in range(3)])

    assert noisy.over["expansion"].value == pytest.approx(mean_loss("expansion") - mean_loss("noisy_student"))
    under = found["adaptation"].under["all_target_labels"]
    assert under.value == pytest.approx(mean_loss("adaptation") - mean_loss("all_target_labels"))
    assert {one.reading.qualifier for one in found.values()} == {"direction only: below 8 seeds"}
    assert set(zoo.measurements()["comparison"]) == {"panel"}


def test_the_page_has_one_table_predicted_found_verdict(zoo, tmp_path):
    (table,) = draw(Evidence(zoo)).tables
    rows = {row["scheme"]: row for row in table.rows}
    assert [row["objective"] for row in table.rows] == ["expansion", "expansion", "adaptation"]
    assert rows["adaptation"]["predicted"] == (
        "gains over its twin and over few_labels_own_answers, less than all_target_labels (arXiv:1604.00433)"
    )
    assert rows["adaptation"]["rung"] == "few labels own answers"
    assert len(rows["adaptation"]["under"]) == 3
    page = kdprobe.report(zoo, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Which objective and which scheme" in page
    assert "noisy student" in page


def test_missing_data_cost_their_own_rows(tmp_path, monkeypatch):
    """The row says how to get them, and all others are made."""
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plan = replace(SMALL, tasks=("diamonds", "bikeshare"), schemes=("adaptation",), teacher_width=4, seeds=2, steps=2, family="mlp")
    assert {block.task for block in plan.blocks()} == {"bikeshare"}
    (missing,) = plan.refused
    assert (missing.task, missing.scheme) == ("diamonds", "adaptation")
    assert "kdprobe data fetch diamonds" in missing.reason
    with kdprobe.sweep(plan, tmp_path / "zoo") as zoo:
        content = draw(Evidence(zoo))
    assert [(row["task"], row["verdict"]) for row in content.tables[0].rows] == [
        ("bikeshare", "INCONCLUSIVE"),
        ("diamonds", "NOT APPLICABLE"),
    ]
    assert "kdprobe data fetch diamonds" in content.tables[0].rows[1]["said"]
    with pytest.raises(DataError, match="diamonds"):
        replace(plan, tasks=("diamonds",)).data()


def test_what_counts_steps_is_left_out_where_nothing_takes_steps():
    plan = replace(SMALL, schemes=("mutual_learning", "transfer_rows"), family="random_features", steps=None)
    assert [(found.scheme, found.reason.partition(",")[0]) for found in plan.refused] == [("mutual_learning", "it counts steps")]
    assert {block.scheme for block in plan.blocks()} == {"transfer_rows", "self_pseudo_labels"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"schemes": ("few_labels_own_answers",)}, "is a control and claims nothing: give what it belongs to, such as"),
        ({"schemes": ("adaptation", "adaptation")}, "give each once"),
        ({"schemes": ("adaption",)}, "scheme 'adaption' is unknown: did you mean 'adaptation'"),
        ({"seeds": 1}, "seeds=1: an interval over seeds needs at least 2"),
    ],
)
def test_what_cannot_be_asked_is_refused(changes, text):
    with pytest.raises(PlanError, match=text):
        replace(SMALL, **changes)


# ---- teacher sizes by objective


def test_an_objective_stands_for_a_scheme():
    plan = with_objectives(GapPlan(), tuple(LEADING))
    assert [find("schemes", name).objective for name in plan.schemes] == list(LEADING)
    assert "--scheme transfer_rows,expansion,adaptation,multi_teacher_transfer" in command_of("kdprobe sweep --gap", plan, "zoo")
    # the widest network is the student where students are the larger ones
    (block,) = with_objectives(GapPlan(tasks=("letters",), controls=False), ("expansion",)).crossed()
    assert (block.teacher_widths[-1], block.student_widths) == (256, (256,))


@pytest.mark.parametrize(
    ("plan", "names", "text"),
    [
        (GapPlan(), ("expantion",), "objective 'expantion' is unknown: did you mean 'expansion'"),
        (GapPlan(), ("expansion", "expansion"), "give each once"),
        (GapPlan(schemes=("same_rows",)), ("expansion",), "an objective is a scheme, give one of the two"),
    ],
)
def test_what_is_no_objective_is_refused(plan, names, text):
    with pytest.raises(PlanError, match=text):
        with_objectives(plan, names)


def test_the_law_has_its_own_best_size_for_each_objective():
    best = {objective: float(at[np.argmax(gains)]) for objective in LEADING for at, gains in [sizes.law(objective)]}
    beta = np.arange(1, 61) ** -0.75
    exact = kdprobe.theory.nested_ols(beta, 0.25, n=80, p=8, q=16, m=160)
    at, gains = sizes.law("compression")
    assert gains[at == 16] == pytest.approx(exact.twin - exact.student)
    assert best["expansion"] <= 8 <= best["compression"]
    # the mean of three has little noise, so what more features of a teacher take from it does not pay for what the student cannot see
    assert best["enhancement"] < best["compression"]
    assert [best[objective] for objective in ("compression", "expansion")] == [13.0, 8.0]


def test_the_page_of_objectives_has_best_sizes_beside_the_law(tmp_path):
    plan = GapPlan(
        tasks=("bikeshare",), teacher_widths=(3, 6, 9), student_widths=(2,), seeds=3, steps=4, train_rows=100, transfer_rows=100, beside={}
    )
    with kdprobe.sweep(with_objectives(plan, ("adaptation", "expansion")), tmp_path / "zoo", similarity=False) as zoo:
        content = sizes.draw(Evidence(zoo))
    (table,) = content.tables
    own = [(row["objective"], row["student"]) for row in table.rows if row["task"] == "bikeshare"]
    assert own == [("expansion", "mlp-9"), ("adaptation", "mlp-2")]
    assert {row["objective"]: row["ratio"] for row in table.rows if row["task"] == "the law"} == {
        **{"compression": "1.62", "expansion": "1", "adaptation": "2.12", "enhancement": "1"}
    }
    assert {row["verdict"] for row in table.rows[:2]} == {"INCONCLUSIVE"}
    assert len(content.figures) == 1


def test_a_page_on_regimes_of_one_objective_has_no_such_table(tmp_path):
    plan = GapPlan(tasks=("bikeshare",), schemes=("same_rows",), teacher_widths=(3,), student_widths=(2,), seeds=2, steps=2, beside={})
    with kdprobe.sweep(plan, tmp_path / "zoo", similarity=False) as zoo:
        assert sizes.draw(Evidence(zoo)) is None
