"""The plan that gives teaching in doses beside a ladder of controls: what it trains and what it refuses."""

import pytest

from kdprobe import PlanError, TransferPlan
from kdprobe.core.registry import find
from kdprobe.sweep.plans import kind
from kdprobe.sweep.plans.transfer import LADDER

DATA = {(task, 0): f"hash of {task}" for task in ("letters", "bikeshare")}
SMALL = {"tasks": ("letters",), "alphas": (0.5, 1.0), "doses": (100, 400), "seeds": 2}


def test_doses_and_controls_share_teachers_twins_and_seeds():
    plan = TransferPlan(**SMALL)
    jobs = plan.grid(DATA).jobs
    for seed in range(2):
        assert len([job for job in jobs if job.role == "teacher" and job.seed == seed]) == 1
        assert len({plan.grid(DATA).twin_id(cell) for cell in plan.cells() if cell.seed == seed}) == 1
    # 2 weights, 2 numbers of rows, 3 emptied targets, 6 other teachers or none
    assert len(plan.cells()) == 2 * (2 + 2 + 3 + 6)


def test_doses_are_weights_on_labelled_rows_and_numbers_of_unlabelled_ones():
    cells = [cell for cell in TransferPlan(**SMALL).cells() if cell.distiller == "kd"]
    assert {cell.alpha for cell in cells if cell.scheme == "same_rows"} == {0.5, 1.0}
    # all of the split's own is written None: the split holds 400 here
    assert {cell.setting["transfer_rows"] for cell in cells if cell.scheme == "transfer_rows"} == {100, None}
    assert all(block.sizes.transfer == 400 for block in TransferPlan(**SMALL).crossed())


def test_by_default_a_sixteenth_a_quarter_and_all_unlabelled_rows_are_doses():
    whole = find("tasks", "letters").split.transfer
    assert TransferPlan().rows_of("letters") == (whole // 16, whole // 4, whole)


def test_every_rung_of_the_ladder_is_there_for_both_kinds_of_task():
    plan = TransferPlan(seeds=2)
    for task in ("letters", "bikeshare"):
        cells = [cell for cell in plan.cells() if cell.task == task]
        assert {cell.scheme for cell in cells} == {"same_rows", "transfer_rows", *LADDER}
        emptied = {cell.distiller for cell in cells if find("distillers", cell.distiller).knowledge == "control"}
        assert len(emptied) == (3 if task == "letters" else 2)
        # an emptied target stands beside the strongest dose
        assert {cell.alpha for cell in cells if cell.distiller in emptied} == {1.0}
    assert not {cell.scheme for cell in TransferPlan(seeds=2, controls=False).cells()} & set(LADDER)


def test_one_claim_a_student_however_many_doses_and_controls():
    assert TransferPlan().claims() == TransferPlan(alphas=(0.5,), controls=False).claims() == 2
    assert TransferPlan(student_widths=(8, 32)).claims() == 4


def test_the_question_is_asked_by_its_name_and_seeds_extend_a_plan():
    assert kind("transfer") is TransferPlan
    plan, more = TransferPlan(**SMALL), TransferPlan(**SMALL | {"seeds": 3})
    assert more.extends(plan)
    assert not plan.extends(more)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"alphas": ()}, r"alphas=\(\): give weights of the teacher's loss above 0 and up to 1, each once"),
        ({"alphas": (0.0, 1.0)}, r"alphas=\(0.0, 1.0\): give weights"),
        ({"alphas": (0.5, 0.5)}, "each once"),
        ({"doses": (100, 100)}, r"doses=\(100, 100\): give each number of unlabelled rows once"),
        ({"tasks": ()}, "tasks is empty: give at least one"),
        ({"teacher_width": 0}, "teacher_width=0: give 1 or more"),
        ({"seeds": 1}, "seeds=1: an interval over seeds needs at least 2"),
        ({"family": "cnn"}, "family 'cnn' does not fit task 'letters'"),
        ({"family": "random_features"}, "family 'random_features' has no widths of its own: give teacher_width and student_widths"),
    ],
)
def test_what_cannot_be_run_is_refused(changes, text):
    with pytest.raises(PlanError, match=text):
        TransferPlan(**changes)
