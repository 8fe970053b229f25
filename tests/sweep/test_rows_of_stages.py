"""What a stage says of its rows is what its job learns from: checked on the problem itself, on a few rows of real data."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kdprobe
from kdprobe import GapPlan, Stage
from kdprobe.core.errors import ContractError
from kdprobe.core.registry import find
from kdprobe.sweep.problems import problem_of
from kdprobe.tasks.splits import split
from kdprobe.tasks.subsets import belongs
from kdprobe.tasks.views import VIEWS, noisy, seen, shifted
from kdprobe.training.teachers import mean_output
from kdprobe.zoo.traces import Stored, outputs_of

SCHEMES = ("adaptation", "specialists", "noisy_student", "privileged_columns", "graph_to_rows", "feddf", "weighted_teachers", "born_again")
PLAN = GapPlan(
    tasks=("letters", "bikeshare"), schemes=SCHEMES, teacher_widths=(5,), student_widths=(3,), seeds=2, steps=8, train_rows=300,
    transfer_rows=200, beside={},
)  # fmt: skip


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    with kdprobe.sweep(PLAN, tmp_path_factory.mktemp("rows") / "zoo", similarity=False) as zoo:
        assert zoo.provenance()["failed_cells"] == []
        yield zoo


@pytest.fixture(scope="module", params=PLAN.tasks)
def task(request):
    return request.param


class Found:
    """One student of a scheme: its job and its problem, those who teach it, and the rows."""

    def __init__(self, zoo, task, scheme, role="student"):
        self.zoo, self.parts = zoo, split(find("tasks", task), sizes=PLAN.sizes(task))
        student = zoo.models().query(f"scheme == '{scheme}' and task == '{task}' and seed == 0").iloc[0]
        job = zoo.job(student["model_id"])
        self.job = {"student": job, "twin": None, "teacher": None}[role] or zoo.job(student["twin_id"] if role == "twin" else job.teacher)
        known = {name: self.stored(name) for name in self.job.taught_by}
        self.problem = problem_of(zoo.path, [self.job], find("tasks", task), self.parts, known, torch.device("cpu"))

    def stored(self, model_id):
        row = self.zoo.models().set_index("model_id").loc[model_id]
        return Stored(self.zoo.job(model_id), row["shard"], int(row["slot"])), None

    def said(self, name, x):
        return torch.from_numpy(outputs_of(self.zoo.module(name), x)[0])


def test_a_source_is_moved_and_its_target_is_not(zoo, task):
    teacher, student = Found(zoo, task, "adaptation", "teacher"), Found(zoo, task, "adaptation")
    parts = student.parts
    np.testing.assert_array_equal(teacher.problem.x.numpy(), shifted(parts.train.x, parts))
    np.testing.assert_array_equal(teacher.problem.validation_x.numpy(), shifted(parts.validation.x, parts))
    few = parts.train.first(30)
    np.testing.assert_array_equal(student.problem.x.numpy(), np.concatenate([few.x, parts.transfer.x]))
    assert student.problem.apart == len(student.problem.y) == few.n
    said = student.problem.teachers.outputs[0, few.n :]
    torch.testing.assert_close(said, student.said(student.job.teacher, parts.transfer.x))
    assert Found(zoo, task, "adaptation", "twin").job.row_limit == student.job.row_limit == 30


def test_each_specialist_speaks_of_its_own_half(zoo, task):
    found = Found(zoo, task, "specialists")
    part = found.parts.train
    lower = torch.from_numpy(belongs(part, found.parts, "first half"))[:, None]
    first, second = (found.said(name, part.x) for name in found.job.taught_by)
    wanted, got = torch.where(lower, first, second), found.problem.teachers.outputs[0]
    if task == "letters":
        wanted, got = torch.softmax(wanted, -1), torch.softmax(got, -1)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)
    halves = [zoo.job(name).subset for name in found.job.taught_by]
    assert halves == ["first half", "second half"]


def test_a_noisy_student_hears_what_is_said_of_rows_without_noise(zoo, task):
    found = Found(zoo, task, "noisy_student")
    parts = found.parts
    views = [noisy(part, parts, 0.3)[1] for part in (parts.train, parts.transfer)]
    np.testing.assert_array_equal(found.problem.x.numpy(), np.concatenate(views))
    assert found.problem.apart == VIEWS * parts.train.n == len(found.problem.y)
    said = found.problem.teachers.outputs[0, found.problem.apart :]
    torch.testing.assert_close(said, found.said(found.job.teacher, parts.transfer.x).repeat(VIEWS, 1), atol=1e-5, rtol=1e-4)
    # the widest of the plan is the student
    assert (found.job.width, zoo.job(found.job.teacher).width) == (5, 5)


def test_who_sees_half_sees_half_ever_after(zoo, task):
    found = Found(zoo, task, "privileged_columns")
    parts = found.parts
    whole = np.concatenate([parts.train.x, parts.transfer.x])
    np.testing.assert_array_equal(found.problem.x.numpy(), seen(whole, "half", parts))
    np.testing.assert_array_equal(found.problem.validation_x.numpy(), seen(parts.validation.x, "half", parts))
    torch.testing.assert_close(found.problem.teachers.outputs[0, parts.train.n :], found.said(found.job.teacher, parts.transfer.x))
    rows = parts.probe_b.x[:50].copy()
    before = found.said(found.job.id, rows)
    rows[:, 1::2] += 7.0
    torch.testing.assert_close(found.said(found.job.id, rows), before)
    assert not torch.allclose(found.said(found.job.teacher, rows), found.said(found.job.teacher, parts.probe_b.x[:50]))


def test_a_teacher_on_the_graph_sees_neighbours_and_its_student_does_not(zoo, task):
    teacher, student = Found(zoo, task, "graph_to_rows", "teacher"), Found(zoo, task, "graph_to_rows")
    parts = student.parts
    np.testing.assert_array_equal(teacher.problem.x.numpy(), seen(parts.train.x, "neighbours", parts))
    np.testing.assert_array_equal(student.problem.x.numpy()[: parts.train.n], parts.train.x)
    module = zoo.module(teacher.job.id)
    inside = outputs_of(module.network, seen(parts.transfer.x, "neighbours", parts))[0]
    np.testing.assert_allclose(student.problem.teachers.outputs[0, parts.train.n :].numpy(), inside, atol=1e-5)


def test_clients_learn_from_their_own_rows(zoo, task):
    found = Found(zoo, task, "feddf")
    clients = [zoo.job(name) for name in found.job.taught_by]
    assert [job.subset for job in clients] == [f"client {number}" for number in range(1, 6)]
    twin = Found(zoo, task, "feddf", "twin")
    own = belongs(found.parts.train, found.parts, "client 1")
    np.testing.assert_array_equal(twin.problem.x.numpy(), found.parts.train.x[own])
    np.testing.assert_array_equal(twin.problem.validation_x.numpy(), found.parts.validation.x)


def test_teachers_count_by_their_loss_on_validation_rows(zoo, task):
    """(1 - softmax of the losses) / (teachers - 1), by hand in float64."""
    found = Found(zoo, task, "weighted_teachers")
    parts = found.parts
    losses = []
    for name in found.job.taught_by:
        said = found.said(name, parts.validation.x).double()
        y = torch.from_numpy(parts.validation.y.copy())
        losses.append(float(torch.nn.functional.cross_entropy(said, y) if task == "letters" else ((said - y) ** 2).mean()))
    share = np.exp(losses) / np.exp(losses).sum()
    weights = (1 - share) / 2
    assert weights.sum() == pytest.approx(1)
    each = torch.stack([found.said(name, parts.transfer.x) for name in found.job.taught_by]).double()
    each = torch.softmax(each, -1) if task == "letters" else each
    wanted = (torch.from_numpy(weights)[:, None, None] * each).sum(0)
    got = found.problem.teachers.outputs[0].double()
    torch.testing.assert_close(torch.softmax(got, -1) if task == "letters" else got, wanted, atol=1e-5, rtol=1e-4)


def test_generations_are_of_one_size(zoo, task):
    student = Found(zoo, task, "born_again").job
    (second,) = student.taught_by
    (first,) = zoo.job(second).taught_by
    chain = [zoo.job(name) for name in (student.id, second, first, *zoo.job(first).taught_by)]
    assert [(job.role, job.width) for job in chain] == [("student", 3), ("generation_2", 3), ("generation_1", 3), ("teacher", 3)]


def test_who_counts_for_nothing_is_not_heard():
    outputs = torch.randn(2, 6, 4)
    weights = torch.tensor([1.0, 0.0])[:, None, None]
    for kind in ("classification", "regression"):
        got = mean_output(outputs, kind, weights)
        wanted = torch.log_softmax(outputs[0], -1) if kind == "classification" else outputs[0]
        torch.testing.assert_close(got, wanted)


def test_students_with_other_twins_are_measured_apart(zoo):
    """Each gain is over its own twin, whatever is read beside it."""
    score = zoo.scores().query("rows == 'B' and metric == 'mse'").set_index("model_id")["value"]
    students = zoo.models().query("role == 'student' and task == 'bikeshare'").set_index("model_id")
    gains = zoo.measurements().query("task == 'bikeshare' and probe == 'gain'").set_index("model_id")["value"]
    assert len(gains) == len(students)
    wanted = score[students["twin_id"]].to_numpy() - score[students.index].to_numpy()
    np.testing.assert_allclose(gains[students.index].to_numpy(), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"share": 0.0}, "share=0.0: give a share of the train rows, above 0 and up to 1"),
        ({"noise": -1.0}, "noise=-1.0: give a standard deviation from 0 to 10"),
        ({"rows": "transfer", "alpha": 1.0, "subset": "client 1"}, "has share or subset and sees no train rows"),
        ({"shift": True}, "is taught and learns on the source"),
        ({"weights": "validation"}, "weights='validation' and not several teachers"),
        ({"weights": "own rows", "taught_by": ("a", "b"), "taught_on": "transfer"}, "where rows have no labels"),
        ({"together": True, "inputs": "half"}, "all see the same inputs"),
    ],
)
def test_what_no_stage_can_be_is_refused(changes, text):
    with pytest.raises(ContractError, match=text):
        Stage("student", **{"taught_by": ("teacher",), **changes})


def test_a_twin_has_rows_and_inputs_of_its_own_and_no_more():
    assert Stage("twin", share=0.1, inputs="half", subset="client 1", shift=True).role == "twin"
    with pytest.raises(ContractError, match="stage 'twin' has settings of its own"):
        Stage("twin", noise=0.1)


def test_hidden_layers_are_not_compared_where_inputs_differ():
    plan = replace(PLAN, schemes=("noisy_student",), distillers=("hint",), tasks=("letters",))
    with pytest.raises(kdprobe.PlanError, match="student and teacher see other inputs: outputs alone are compared"):
        plan.check_on(split(find("tasks", "letters"), sizes=plan.sizes("letters")))
