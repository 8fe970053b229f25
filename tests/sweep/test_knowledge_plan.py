"""The plan that compares kinds of knowledge: what it trains, what it leaves out, and what it refuses."""

from dataclasses import fields

import pytest

import kdprobe
from kdprobe import GapPlan, KnowledgePlan, PlanError
from kdprobe.core.registry import find
from kdprobe.sweep.command import command_of
from kdprobe.sweep.units import measure_units, train_units

DATA = {(task, 0): f"hash of {task}" for task in ("letters", "bikeshare", "digits")}
SMALL = {"tasks": ("letters",), "distillers": ("kd", "hint", "dkd"), "alphas": (0.3, 0.9), "seeds": 2, "controls": False}


def test_every_kind_of_knowledge_and_controls_are_there_by_default():
    for task, kind in (("letters", "classification"), ("bikeshare", "regression")):
        plan = KnowledgePlan(tasks=(task,))
        named = {cell.distiller for cell in plan.cells()} | {found.distiller for found in plan.refused}
        assert {find("distillers", name).knowledge for name in named} == {"response", "intermediate", "relation", "information", "control"}
        assert all(kind in find("distillers", name).tasks for name in named)


def test_all_distillers_share_teachers_twins_and_seeds():
    plan = KnowledgePlan(**SMALL)
    jobs = plan.grid(DATA).jobs
    students = [job for job in jobs if job.role == "student"]
    assert sorted(job.role for job in jobs[:4]) == ["teacher"] * 2 + ["twin"] * 2
    assert all(job.role == "student" for job in jobs[4:])
    for seed in range(2):
        assert len({job.teacher for job in students if job.seed == seed}) == 1
        assert len({plan.grid(DATA).twin_id(cell) for cell in plan.cells() if cell.seed == seed}) == 1
    # labelled rows: 3 distillers × 2 weights; transfer rows: kd once, hint at 2 weights, dkd is undefined
    assert len(students) == 2 * (3 * 2 + 1 + 2)


def test_on_rows_without_labels_a_response_loss_takes_the_labels_place():
    plan = KnowledgePlan(**SMALL)
    students = [job for job in plan.grid(DATA).jobs if job.role == "student" and job.scheme == "transfer_rows"]
    assert {job.alpha for job in students} == {1.0}
    hints = sorted({round(job.parameters["response"], 6) for job in students if job.distiller == "hint"})
    # (1 - alpha)/alpha
    assert hints == pytest.approx([0.1 / 0.9, 0.7 / 0.3], abs=1e-6)
    labelled = [job for job in plan.grid(DATA).jobs if job.distiller == "hint" and job.scheme == "same_rows"]
    assert {(job.alpha, job.parameters["response"]) for job in labelled} == {(0.3, 0.0), (0.9, 0.0)}


def test_what_is_undefined_is_left_out_with_its_reason():
    plan = KnowledgePlan(tasks=("letters", "digits"), distillers=("kd", "attention", "dkd"), seeds=2)
    found = {(row.task, row.scheme, row.distiller): row.reason for row in plan.refused}
    assert found.keys() == {
        *(("letters", scheme, "attention") for scheme in ("same_rows", "transfer_rows")),
        *((task, "transfer_rows", "dkd") for task in ("letters", "digits")),
    }
    assert "no layer of the student has places to attend to" in found["letters", "same_rows", "attention"]
    assert "needs labels" in found["letters", "transfer_rows", "dkd"]
    trained = {(cell.task, cell.scheme, cell.distiller) for cell in plan.cells()}
    assert not trained & found.keys()
    # images get a cnn, and attention maps with it
    assert ("digits", "same_rows", "attention") in trained


def test_a_plan_of_nothing_defined_is_refused():
    with pytest.raises(PlanError, match="every distiller is undefined on task 'letters', scheme 'same_rows': no layer of the student"):
        KnowledgePlan(tasks=("letters",), distillers=("attention",), seeds=2).cells()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"alphas": ()}, r"alphas=\(\): give weights of the teacher's loss between 0 and 1"),
        ({"alphas": (0.5, 1.0)}, r"alphas=\(0.5, 1.0\): give weights"),
        ({"alphas": (0.5, 0.5)}, "each once"),
        ({"tasks": ()}, "tasks is empty: give at least one"),
        ({"tasks": ("leters",)}, "task 'leters' is unknown: did you mean 'letters'"),
        ({"distillers": ("knd",)}, "distiller 'knd' is unknown"),
        ({"distillers": ("kd", "kd")}, r"distillers=\('kd', 'kd'\): give each once"),
        ({"teacher_width": 0}, "teacher_width=0: give 1 or more"),
        (
            {"distillers": ("kd",), "tasks": ("letters", "bikeshare")},
            "task 'bikeshare' is regression, and none of the distillers kd is for it: add one",
        ),
        ({"distillers": ("kd",), "tasks": ("bikeshare",)}, "distiller 'kd' is for classification, none of the tasks bikeshare is"),
        ({"seeds": 1}, "seeds=1: an interval over seeds needs at least 2"),
        ({"student_widths": (0,)}, "student_widths holds 0"),
        ({"family": "cnn"}, "family 'cnn' does not fit task 'letters'"),
    ],
)
def test_what_cannot_be_run_is_refused(changes, text):
    with pytest.raises(PlanError, match=text):
        KnowledgePlan(**changes)


def test_strengths_are_measured_apart_and_units_stay_small_enough_to_share_out():
    plan = KnowledgePlan(tasks=("letters",), seeds=2)
    units = measure_units(plan.grid(DATA), ("gain",))
    students = [model for unit in units for group in unit.students.values() for model in group.values()]
    assert len(students) == len(set(students)) == len(plan.cells())
    assert all(len(unit.students) <= 16 for unit in units)
    assert len({unit.id for unit in units}) == len(units)


def test_students_of_one_distiller_share_a_stack_over_weights():
    plan = KnowledgePlan(**SMALL)
    stacks = [unit for unit in train_units(plan.grid(DATA).jobs) if unit.jobs[0].distiller == "hint"]
    assert sorted(len(unit.jobs) for unit in stacks) == [4, 4]


def test_seeds_extend_a_plan_and_the_hash_is_of_its_settings_alone():
    plan, more = KnowledgePlan(**SMALL), KnowledgePlan(**SMALL | {"seeds": 3})
    assert more.extends(plan)
    assert not plan.extends(more)
    before = plan.hash
    plan.cells()  # fills caches
    assert plan.hash == before == KnowledgePlan(**SMALL).hash != more.hash
    assert plan.differences(more) == ["seeds: 2 -> 3"]


def test_quick_leaves_what_was_asked_for():
    quick = KnowledgePlan(seeds=9).quick()
    assert quick.seeds == 9
    assert len(quick.alphas) < len(KnowledgePlan().alphas)


def test_the_command_repeats_the_plan():
    words = command_of("kdprobe sweep --knowledge", KnowledgePlan(**SMALL), "zoo")
    expected = "kdprobe sweep --knowledge --task letters --distiller kd,hint,dkd --alpha 0.3,0.9 --seeds 2 --no-controls --out zoo"
    assert words == expected
    assert {field.name for field in fields(KnowledgePlan)} >= {"teacher_width", "student_widths"}


def test_a_folder_answers_one_question(tmp_path):
    tiny = {"tasks": ("bikeshare",), "seeds": 2, "steps": 5, "student_widths": (2,)}
    kdprobe.sweep(KnowledgePlan(distillers=("l2_imitation",), alphas=(0.5,), teacher_width=4, **tiny), tmp_path / "zoo").close()
    with pytest.raises(PlanError, match=r"holds results of another question \(--knowledge\): choose another folder"):
        kdprobe.sweep(GapPlan(teacher_widths=(4,), **tiny), tmp_path / "zoo")
