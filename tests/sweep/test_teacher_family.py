"""Teachers of another family than their students': trees that teach networks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe import GapPlan, KnowledgePlan, PlanError, TransferPlan
from kdprobe.cli import run
from kdprobe.core.registry import _PROVIDED
from kdprobe.sweep import checks
from kdprobe.sweep.command import command_of

SMALL = {"student_widths": (2,), "teacher_widths": (2, 6), "seeds": 3, "teacher_family": "boosted_trees", "beside": {}}


@pytest.fixture(autouse=True)
def nothing_stays_provided():
    before = dict(_PROVIDED)
    yield
    _PROVIDED.clear()
    _PROVIDED.update(before)


def task(classes=False, steps=20):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    y = frame.a**2 + frame.b
    return kdprobe.task_from_frame(frame.assign(y=np.where(y > 1, "high", "low") if classes else y), target="y", steps=steps)


@pytest.mark.parametrize("classes", [False, True])
def test_trees_teach_a_network(classes):
    plan = GapPlan(tasks=(task(classes),), schemes=("same_rows",), **SMALL)
    with kdprobe.sweep(plan, "zoo") as zoo:
        models = zoo.models()
        assert (models["status"] == "done").all()
        assert set(models.loc[models["role"] == "teacher", "family"]) == {"boosted_trees"}
        assert set(models.loc[models["role"] != "teacher", "family"]) == {"mlp"}
        assert (models.loc[models["role"] == "teacher", "steps"] == 0).all()
        assert models.groupby(["role", "width"])["size"].nunique().max() == 1
        # siblings are other teachers, and what is stored is what taught
        first, other = models.loc[(models["role"] == "teacher") & (models["width"] == 6), "model_id"].head(2)
        assert np.abs(zoo.trace(first).outputs - zoo.trace(other).outputs).max() > 1e-3
        assert zoo.verify() == []
        found = zoo.measurements()
        assert found.loc[found["probe"] == "cka", "reason"].str.contains("teacher seed . has no hidden layer").all()
        assert found.loc[found["probe"] == "cka_output", "value"].notna().any()
        page = kdprobe.report(zoo, "page.html").read_text()
    assert "Teachers of the family boosted_trees are gradient-boosted trees" in page
    assert "each node of its trees is a parameter" in page
    assert {path.suffix for path in Path("zoo").rglob("*.*")} <= {".safetensors", ".sqlite", ".json", ".lock", ".npz"}


def test_the_command_line_and_the_same_again():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(150, 2)), columns=["a", "b"])
    frame.assign(y=frame.a).to_csv("my.csv", index=False)
    line = (
        "sweep --gap --data my.csv --target y --steps 10 --teacher-family boosted_trees --teacher-widths 2,4 --student-widths 2 --seeds 2 "
        "--scheme same_rows --beside none --teacher-options.counts leaves --teacher-options.trees 5 --jobs 0 --no-similarity --out zoo"
    )
    assert run(line.split()) == 0
    with kdprobe.Zoo("zoo") as zoo:
        models = zoo.models()
        teachers = models[models["role"] == "teacher"]
        assert json.loads(teachers["options"].iloc[0])["counts"] == "leaves"
        assert sorted(set(teachers["size"])) == [1 + 5 * 3, 1 + 5 * 7]
        before = models["shard"].tolist()
    assert run(line.split()) == 0
    with kdprobe.Zoo("zoo") as zoo:
        assert zoo.models()["shard"].tolist() == before


def test_a_plan_without_one_is_what_it_was():
    plain, trees = GapPlan(tasks=("letters",)), GapPlan(tasks=("letters",), teacher_family="boosted_trees")
    assert plain.hash == GapPlan(tasks=("letters",), teacher_family="").hash != trees.hash
    jobs = {job.id for job in plain.grid({("letters", 0): "x"}).jobs}
    assert {job.id for job in GapPlan(tasks=("letters",), teacher_family="mlp").grid({("letters", 0): "x"}).jobs} == jobs
    command = command_of("kdprobe sweep --gap", trees, "zoo")
    assert "--teacher-family boosted_trees" in command


def test_networks_may_teach_networks_of_another_family():
    plan = GapPlan(tasks=("letters",), teacher_family="transformer", options={"depth": 2}, teacher_options={"heads": 2}, beside={})
    jobs = plan.grid({("letters", 0): "x"}).jobs
    assert {(job.role, job.family) for job in jobs} == {("teacher", "transformer"), ("twin", "mlp"), ("student", "mlp")}
    teacher = next(job for job in jobs if job.role == "teacher")
    assert (teacher.options, teacher.steps > 0) == ({"depth": 1, "heads": 2, "dropout": 0.0}, True)
    assert {job.options["depth"] for job in jobs if job.role == "student"} == {2}


def test_of_a_ladder_is_kept_what_trees_can_climb():
    plan = TransferPlan(tasks=("letters",), teacher_family="boosted_trees", teacher_width=8)
    schemes = {cell.scheme for cell in plan.cells()}
    assert {"sibling_teacher", "true_labels", "transfer_rows"} <= schemes
    assert not {"random_teacher", "weak_teacher"} & schemes


def test_of_knowledge_what_reads_layers_is_left_out():
    plan = KnowledgePlan(tasks=(task(),), teacher_family="boosted_trees", teacher_width=8, seeds=2)
    reasons = {found.distiller: found.reason for found in plan.refused}
    assert {"hint", "vid"} <= set(reasons)
    assert reasons["hint"] == "it reads hidden layers, and gradient-boosted trees have none"
    assert "l2_imitation" in {cell.distiller for cell in plan.cells()}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"teacher_family": "boosted_tree"}, "'boosted_tree' is unknown: did you mean 'boosted_trees'"),
        ({"family": "boosted_trees"}, "teaches and cannot be taught: give --teacher-family boosted_trees"),
        ({"teacher_family": "boosted_trees", "teacher_options": {"depht": 3}}, "boosted_trees does not have: did you mean 'depth'"),
        (
            {"teacher_family": "boosted_trees", "schemes": ("weak_teacher",)},
            "'weak_teacher': it counts steps, and gradient-boosted trees are",
        ),
        ({"teacher_family": "boosted_trees", "schemes": ("teacher_assistant",)}, "its assistant is of a size between"),
        ({"teacher_family": "boosted_trees", "schemes": ("mutual_learning",)}, "'mutual_learning': it counts steps"),
        ({"teacher_family": "boosted_trees", "teacher_patience": 3}, "teacher_patience=3: gradient-boosted trees are fitted at once"),
        ({"teacher_family": "cnn"}, "'cnn' does not fit task 'letters'"),
    ],
)
def test_what_cannot_be_run_says_why(settings, text):
    with pytest.raises(PlanError, match=text):
        GapPlan(**{"tasks": ("letters",), **settings})


def test_one_teacher_size_must_be_given():
    with pytest.raises(PlanError, match="teacher_family 'boosted_trees' has no width of its own: give teacher_width"):
        TransferPlan(tasks=("letters",), teacher_family="boosted_trees")


def test_a_package_that_is_not_there_is_named_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PlanError, match="'lightgbm_trees' needs lightgbm, which is not installed: pip install lightgbm"):
        GapPlan(tasks=("letters",), teacher_family="lightgbm_trees")
