"""The controls that regimes name are trained beside them: each once, under the first teacher, at the settings of its regime."""

from collections import Counter
from dataclasses import replace

import pytest

from kdprobe import GapPlan, KnowledgePlan, PlanError
from kdprobe.cli import build, run
from kdprobe.core.registry import available
from kdprobe.sweep.command import command_of
from kdprobe.sweep.controls import controls_beside

THREE = ("same_rows", "transfer_rows", "labelled_and_transfer_rows")
NAMED = {"own_answers", "self_pseudo_labels", "labelled_and_own_answers", "step_matched_twin"}
PLAN = GapPlan(tasks=("letters",), teacher_widths=(8, 32), student_widths=(4, 8), seeds=2, beside={}, controls=True)


def of_controls(plan):
    """(task, draw, scheme, teacher width) of the students of controls, counted."""
    cells = (cell for cell in plan.cells() if cell.scheme not in plan.schemes)
    return Counter((cell.task, cell.draw, cell.scheme, cell.teacher_width) for cell in cells)


def test_the_regimes_of_the_default_name_the_controls_that_are_meant_here():
    assert {name for scheme in THREE for name in available("schemes")[scheme].controls} == NAMED


def test_each_control_is_there_once_a_task_and_draw_under_the_first_teacher():
    plan = replace(PLAN, tasks=("letters", "bikeshare"), draws=2)
    # two widths of student × two seeds
    assert of_controls(plan) == {(task, draw, name, 8): 4 for task in plan.tasks for draw in range(2) for name in NAMED}
    assert {width for *_, width in of_controls(replace(PLAN, teacher_widths=(32, 8)))} == {32}
    # what the plan asks for is as it is without
    own = tuple(cell for cell in plan.cells() if cell.scheme in THREE)
    assert own == replace(plan, controls=False).cells()
    assert plan.extends(replace(plan, controls=False))


def test_only_the_regimes_that_are_there_bring_theirs():
    assert {name for _, _, name, _ in of_controls(replace(PLAN, schemes=("transfer_rows",)))} == {"self_pseudo_labels"}
    assert not of_controls(replace(PLAN, schemes=("true_labels",)))


def test_a_control_that_the_plan_has_anyway_is_trained_as_the_plan_says():
    plan = replace(PLAN, schemes=("same_rows", "own_answers"))
    assert not of_controls(plan)
    assert Counter(cell.scheme for cell in plan.cells()) == {"same_rows": 8, "own_answers": 8}


def test_one_that_two_regimes_name_is_there_once():
    (block,) = replace(PLAN, schemes=("same_rows",), controls=False).crossed()
    assert [found.scheme for found in controls_beside([block, block], ("same_rows",))] == ["own_answers"]
    (found,) = controls_beside([block], ("same_rows",), seeds=1)
    assert (found.teacher_widths, found.tune, found.seeds) == ((8,), (), 1)


def test_nothing_that_takes_more_steps_is_there_where_nothing_takes_steps():
    plan = replace(PLAN, tasks=("bikeshare",), family="random_features")
    assert {name for _, _, name, _ in of_controls(plan)} == NAMED - {"step_matched_twin"}


def test_no_setting_is_chosen_for_a_control():
    plan = replace(PLAN, schemes=("same_rows",), alpha=(0.3, 0.7), tune=("alpha",), tune_seeds=1)
    controls = [cell for cell in plan.cells() if cell.scheme == "own_answers"]
    assert Counter((cell.alpha, cell.tunes) for cell in controls) == {(0.3, False): 4, (0.7, False): 4}
    assert any(cell.tunes for cell in plan.cells())


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({"controls": None}, False),
        ({"controls": None, "beside": {"temperature": (1, 2)}}, True),
        ({"controls": False, "beside": {"temperature": (1, 2)}}, False),
        ({"controls": True}, True),
    ],
)
def test_they_are_there_where_anything_stands_beside_unless_it_is_said(changes, there):
    assert bool(of_controls(replace(PLAN, **changes))) == there


def test_they_stand_beside_at_each_setting_that_makes_a_difference_to_them():
    plan = replace(PLAN, controls=None, beside={"temperature": (1, 2), "train_rows": 300})
    cells = (cell for cell in plan.cells() if cell.scheme in ("own_answers", "step_matched_twin"))
    found = Counter((cell.scheme, cell.setting["temperature"], cell.setting["train_rows"]) for cell in cells)
    taught = {("own_answers", T, rows): 4 for T, rows in ((1.0, None), (2.0, None), (1.0, 300))}
    # labels have no temperature
    assert found == taught | {("step_matched_twin", 1.0, rows): 4 for rows in (None, 300)}


@pytest.mark.parametrize(("plan", "value"), [(GapPlan, "maybe"), (GapPlan, 1), (KnowledgePlan, "no"), (KnowledgePlan, None)])
def test_anything_but_a_switch_is_refused(plan, value):
    with pytest.raises(PlanError, match=f"controls={value!r}: give True or False"):
        plan(controls=value)


def typed(monkeypatch, asks, *words):
    seen = []
    monkeypatch.setattr("kdprobe.cli.sweep._sweep", lambda plan, where, quick, more: seen.append(plan) or 0)
    build(None, asked=asks[2:], command="sweep")(["sweep", asks, *words], exit_on_error=False)
    return seen[0]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (GapPlan(controls=True), ["--controls"]),
        (GapPlan(controls=False), ["--no-controls"]),
        (GapPlan(), []),
        (KnowledgePlan(controls=False), ["--no-controls"]),
        (KnowledgePlan(), ["--controls"]),
    ],
)
def test_as_it_is_typed_and_as_a_command_repeats_it(monkeypatch, plan, words):
    asks = f"--{plan.asks}"
    assert typed(monkeypatch, asks, *words) == plan
    command = command_of(f"kdprobe sweep {asks}", plan, "zoo")
    again = command.removeprefix(f"kdprobe sweep {asks}").removesuffix(" --out zoo").split()
    assert typed(monkeypatch, asks, *again) == plan


def test_a_word_in_place_of_a_switch(capsys):
    assert run(["sweep", "--gap", "--controls=maybe"]) == 2
    assert "maybe" in capsys.readouterr().err


KNOWLEDGE = KnowledgePlan(tasks=("letters",), distillers=("hint", "dkd", "kd"), alphas=(0.3, 0.9), seeds=2)


def test_where_kinds_are_compared_a_control_has_the_response_loss_and_each_weight():
    cells = [cell for cell in KNOWLEDGE.cells() if cell.scheme not in KNOWLEDGE.schemes]
    found = Counter((cell.scheme, cell.distiller, cell.alpha) for cell in cells)
    # the first response loss of the plan that does not need what there is not; on rows without labels one weight is all there is
    assert found == {("own_answers", "dkd", 0.3): 2, ("own_answers", "dkd", 0.9): 2, ("self_pseudo_labels", "kd", 1.0): 2}
    assert {(row.scheme, row.distiller) for row in KNOWLEDGE.refused} == {("transfer_rows", "dkd")}


def test_where_no_response_loss_is_compared_a_control_has_the_usual_one():
    plan = replace(KNOWLEDGE, distillers=("hint",), schemes=("same_rows",))
    assert {cell.distiller for cell in plan.cells() if cell.scheme == "own_answers"} == {"kd"}
    assert {cell.scheme for cell in replace(plan, controls=False).cells()} == {"same_rows"}
