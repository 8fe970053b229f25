"""A plan is pure, and refuses what cannot be run before anything is trained."""

from collections import Counter
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from kdprobe import GapPlan, PlanError
from kdprobe.sweep.estimate import estimate
from kdprobe.sweep.units import STACK, measure_units, train_units

DATA = {("letters", 0): "a" * 64, ("bikeshare", 0): "b" * 64, ("letters", 1): "c" * 64, ("bikeshare", 1): "d" * 64}


def test_the_default_plan_is_the_documented_one():
    plan = GapPlan()
    assert plan.tasks == ("letters", "bikeshare")
    assert len(plan.teacher_widths) >= 6
    assert plan.student_widths == (8,)
    assert (plan.seeds, plan.alpha, plan.temperature) == (10, 0.5, 1.0)
    assert plan.schemes == ("same_rows", "transfer_rows", "labelled_and_transfer_rows")
    assert plan.beside == {"train_rows": (300,), "temperature": (1.0, 2.0, 4.0)}
    # teachers, twins and students, at T = 2 and T = 4 too; on 300 labelled rows all three; and each control under one teacher size: three
    # that are taught, and one that has no T
    own, students, control = 60 + 10, 3 * 6 * 10, 10
    jobs = Counter(job.task for job in plan.grid(DATA).jobs)
    assert jobs == {
        "letters": 2 * own + students * (1 + 2 + 1) + control * (3 * (1 + 2 + 1) + (1 + 1)),
        "bikeshare": 2 * own + students * (1 + 1) + control * 4 * (1 + 1),
    }
    alone = Counter(job.task for job in replace(plan, beside={}).grid(DATA).jobs)
    assert alone == {"letters": own + students, "bikeshare": own + students}


def test_sizes_of_the_parts():
    letters, bikeshare = GapPlan().sizes("letters"), GapPlan().sizes("bikeshare")
    assert (letters.train, letters.transfer, letters.validation, letters.probe_a, letters.probe_b) == (2000, 8000, 2000, 4000, 4000)
    assert (bikeshare.train, bikeshare.transfer, bikeshare.validation, bikeshare.probe_a, bikeshare.probe_b) == (
        1500,
        3600,
        900,
        1300,
        1300,
    )


def test_student_and_twin_are_paired():
    plan = GapPlan(seeds=2, controls=False)
    jobs = {job.id: job for job in plan.grid(DATA).jobs}
    for cell in plan.cells():
        student, twin = plan.grid(DATA).student(cell), jobs[plan.grid(DATA).twin_id(cell)]
        teacher = jobs[student.teacher]
        assert (twin.seed, twin.width, twin.steps, twin.data) == (student.seed, student.width, student.steps, student.data)
        assert (teacher.seed, teacher.width, teacher.role) == (cell.seed, cell.teacher_width, "teacher")
        assert twin.rows == "train"


def test_transfer_rows_have_no_labels_and_so_alpha_one():
    plan = GapPlan(seeds=2, alpha=0.3, controls=False)
    alphas = {cell.scheme: plan.grid(DATA).student(cell).alpha for cell in plan.cells()}
    assert alphas == {"same_rows": 0.3, "transfer_rows": 1.0, "labelled_and_transfer_rows": 0.3}


def test_a_plan_survives_json_and_has_one_hash():
    plan = GapPlan(tasks=["letters"], seeds=3)
    again = msgspec.json.decode(msgspec.json.encode(plan), type=GapPlan)
    assert again == plan
    assert again.hash == plan.hash != replace(plan, seeds=4).hash


def test_more_seeds_extend_a_plan_and_other_settings_do_not():
    assert GapPlan(tasks=("letters",), seeds=4).extends(GapPlan(tasks=("letters",), seeds=3))
    plan = GapPlan(tasks=("letters",), seeds=3)
    assert replace(plan, seeds=4).extends(plan)
    assert replace(plan, teacher_widths=(8, 16, 32, 64, 128, 256, 512)).extends(plan)
    assert not replace(plan, seeds=2).extends(plan)
    assert not replace(plan, steps=999).extends(plan)
    assert not replace(plan, train_rows=1000).extends(plan)
    assert plan.differences(replace(plan, seeds=4)) == ["seeds: 3 -> 4"]


def test_quick_keeps_what_was_asked_for():
    assert GapPlan(seeds=6).quick().seeds == 6
    assert GapPlan().quick().seeds == 4


def test_units_cover_every_job_once():
    jobs = GapPlan(draws=2).grid(DATA).jobs
    units = train_units(jobs)
    assert sorted(job.id for unit in units for job in unit.jobs) == sorted(job.id for job in jobs)
    assert max(unit.models for unit in units) <= STACK
    for unit in units:
        assert len({job.stack_key for job in unit.jobs}) == 1


def test_measure_units_hold_all_schemes_of_a_pair_of_sizes():
    plan = GapPlan(tasks=("letters",), student_widths=(8, 32), seeds=3, beside={})
    units = measure_units(plan.grid(DATA), ("gain",))
    assert len(units) == len(plan.teacher_widths) * len(plan.student_widths)
    assert all(len(unit.students) == 3 and len(unit.teachers) == len(unit.twins) == 3 for unit in units)
    assert len({unit.id for unit in units}) == len(units)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"tasks": ("leters",)}, r"task 'leters' is unknown: did you mean 'letters'"),
        ({"tasks": ()}, r"tasks is empty: give at least one"),
        ({"tasks": ("letters", "letters")}, r"tasks holds 'letters' twice: give each once"),
        ({"schemes": ("same_row",)}, r"scheme 'same_row' is unknown: did you mean 'same_rows'"),
        ({"family": "mpl"}, r"family 'mpl' is unknown: did you mean 'mlp'"),
        ({"teacher_widths": (8, 0)}, r"teacher_widths holds 0: multilayer perceptrons need at least 1 hidden units"),
        ({"student_widths": (-3,)}, r"student_widths holds -3"),
        ({"seeds": 1}, r"seeds=1: an interval over seeds needs at least 2, a verdict 8"),
        ({"draws": 0}, r"draws=0: give 1 to 1,000"),
        ({"seeds": 4.5}, r"seeds=4.5: give a whole number"),
        ({"seeds": None}, r"seeds=None: give a whole number"),
        ({"batch_size": True}, r"batch_size=True: give a whole number"),
        ({"patience": float("inf")}, r"patience=inf: give a whole number"),
        ({"teacher_widths": (8, 16.5)}, r"teacher_widths=16.5: give a whole number"),
        ({"teacher_widths": 8}, r"teacher_widths=8: give a list, such as \(8,\)"),
        ({"tasks": "letters"}, r"tasks='letters': give a list, such as \('letters',\)"),
        ({"weight_decay": "much"}, r"weight_decay='much': give a number from 0 to 10"),
        ({"options": {"depth": 2.5}}, r"options: depth=2.5: give a whole number"),
        ({"options": {"dropout": float("nan")}}, r"options: dropout=nan: give a number, such as 0.0"),
        ({"options": "depth"}, r"options='depth': give options by name, such as \{'depth': 1\}"),
        ({"alpha": 1.5}, r"alpha=1.5: give a number from 0 to 1"),
        ({"alpha": float("nan")}, r"alpha=nan: give a number from 0 to 1"),
        ({"temperature": 0.0}, r"temperature=0.0: give a number from 0.001"),
        ({"distillers": ("none",)}, r"distiller 'none' has no teacher: every cell has its twin already, leave it out"),
        ({"distillers": ("kd",)}, r"no distiller of kd is for task 'bikeshare' \(regression\): add one that is"),
        ({"distillers": ("kd",), "tasks": ("bikeshare",)}, r"distiller 'kd' is for classification, none of the tasks bikeshare is"),
        ({"train_rows": 3}, r"train_rows=3: give at least 10"),
    ],
)
def test_what_cannot_be_run_is_refused(changes, text):
    with pytest.raises(PlanError, match=text):
        GapPlan(**changes)


def test_more_rows_than_there_are():
    with pytest.raises(PlanError, match=r"19,?000"):
        estimate(GapPlan(tasks=("letters",), train_rows=19_000), jobs=0)


def test_estimate_counts_models():
    plan = GapPlan(
        tasks=("letters",), schemes=("same_rows", "transfer_rows"), teacher_widths=(4, 8), student_widths=(2,), seeds=2, steps=30, beside={}
    )
    found = estimate(plan, jobs=2)
    assert (found["models"], found["teachers"], found["twins"], found["students"], found["workers"]) == (14, 4, 2, 8, 2)
    assert found["bytes"] > 4 * 10_000 * 26 * 4  # four teachers' targets


def test_more_workers_share_the_time_of_a_plan():
    """A plan of hardly any training: what is left are pairs, whose time is a constant, and ten seconds to start."""
    plan = GapPlan(tasks=("letters",), schemes=("same_rows",), teacher_widths=(4, 8), student_widths=(2, 3), seeds=10, steps=1, beside={})
    one, four = (estimate(plan, jobs=jobs)["seconds"] - 10 for jobs in (1, 4))
    pairs = 4 * 2 * 10 * 10
    assert one == pytest.approx(pairs * 4 * 0.004, abs=3)
    assert four == pytest.approx(one / 4, abs=2)
    assert estimate(plan, jobs=0)["workers"] == 1


def test_options_are_spelt_as_they_are_given():
    from kdprobe.sweep.command import command_of

    class Plan(GapPlan):
        def __post_init__(self):
            pass

    plan = Plan(options={"depth": 2, "norm": "batch"}, teacher_options={"dropout": 0.1}, patience=3)
    assert command_of("kdprobe sweep --gap", plan, "zoo").endswith(
        "--options.depth 2 --options.norm batch --teacher-options.dropout 0.1 --patience 3 --out zoo"
    )


def test_whole_numbers_of_any_type_make_one_plan():
    plan = GapPlan(seeds=20, teacher_widths=(8, 16), options={"depth": 2})
    assert GapPlan(seeds=np.int64(20), teacher_widths=np.array([8, 16]), options={"depth": 2.0}).hash == plan.hash
