"""What a sweep hands to distillers: teacher outputs and features by sample id, prepared targets, heads; and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import kdprobe
from kdprobe import DataError, GapPlan, PlanError
from kdprobe.core import registry
from kdprobe.core.errors import ContractError
from kdprobe.core.registry import available, find
from kdprobe.sweep.problems import _rows_of, prepared, problem_of
from kdprobe.sweep.refusals import undefined
from kdprobe.sweep.units import train_units
from kdprobe.tasks.splits import split
from kdprobe.zoo.traces import Means, Stored, outputs_of

KD = available("distillers")["kd"]
SMALL = {"schemes": ("same_rows",), "teacher_widths": (4, 8), "student_widths": (3,), "seeds": 2, "steps": 30, "beside": {}}
LETTERS = GapPlan(tasks=("letters",), distillers=("kd", "hint", "dkd"), **SMALL)


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    with kdprobe.sweep(LETTERS, tmp_path_factory.mktemp("letters")) as zoo:
        yield zoo


def test_distillers_that_read_features_and_labels_train_in_a_sweep(letters):
    models = letters.models()
    assert (models["status"] == "done").all()
    assert set(models.loc[models["role"] == "student", "distiller"]) == {"kd", "hint", "dkd"}


def test_features_of_a_teacher_are_those_of_its_module_by_sample_id(letters):
    plan, parts = LETTERS, split(find("tasks", "letters"))
    jobs = plan.grid(plan.data()).jobs
    students = [job for job in jobs if job.distiller == "hint" and job.seed == 1]
    rows = {row["model_id"]: row for row in letters.models().to_dict("records")}
    job = students[0]
    index = {row["model_id"]: row for row in letters._index.rows("SELECT model_id, targets FROM models")}
    stored = Stored(letters.job(job.teacher), rows[job.teacher]["shard"], rows[job.teacher]["slot"])
    teachers = {job.teacher: (stored, index[job.teacher]["targets"])}
    made = problem_of(letters.path, [job], find("tasks", "letters"), parts, teachers, torch.device("cpu"))
    outputs, features = outputs_of(letters.module(job.teacher), parts.train.x)
    np.testing.assert_allclose(made.teachers.outputs[0].numpy(), outputs, atol=1e-5)
    np.testing.assert_allclose(made.teachers.features["hidden"][0].numpy(), features["hidden"], atol=1e-5)
    assert made.teachers.outputs.dtype == torch.float32


def test_targets_are_found_by_sample_id_and_never_by_position():
    part = split(find("tasks", "letters")).train
    order = np.random.default_rng(0).permutation(part.n)
    ids = np.sort(part.ids[order])
    said = {"ids": torch.from_numpy(ids), "outputs": torch.from_numpy(ids.astype(np.float32))[:, None]}
    shuffled = replace(part, ids=part.ids[order], x=part.x[order], y=part.y[order])
    assert _rows_of(said, shuffled, "t" * 64)[:, 0].tolist() == shuffled.ids.tolist()
    with pytest.raises(DataError, match=r"targets of teacher tttttttttttt… lack some rows of this split"):
        _rows_of({name: values[1:] for name, values in said.items()}, part, "t" * 64)


def test_students_of_a_feature_loss_share_a_stack_only_under_teachers_of_one_architecture(letters):
    jobs = LETTERS.grid(LETTERS.data()).jobs
    by_id = {job.id: job for job in jobs}
    widths = {}
    for unit in train_units(jobs, jobs):
        if unit.jobs[0].role == "student":
            widths.setdefault(unit.jobs[0].distiller, []).append({by_id[job.teacher].width for job in unit.jobs})
    assert widths == {"kd": [{4, 8}], "dkd": [{4, 8}], "hint": [{4}, {8}]}


def test_a_gaussian_head_shows_its_means_only(tmp_path):
    plan = GapPlan(tasks=("bikeshare",), distillers=("gaussian_kl",), **SMALL | {"steps": 200})
    with kdprobe.sweep(plan, tmp_path) as zoo:
        models = zoo.models()
        student = models[models["role"] == "student"].iloc[0]
        module = zoo.module(student["model_id"])
        assert isinstance(module, Means)
        parts = split(find("tasks", "bikeshare"))
        found, _ = outputs_of(module, parts.probe_b.x)
        assert found.shape == (parts.probe_b.n, 1)
        both, _ = outputs_of(module.network, parts.probe_b.x)
        assert np.array_equal(both[:, :1], found)
        scores = zoo.scores()
        mse = scores[(scores["model_id"] == student["model_id"]) & (scores["metric"] == "mse") & (scores["rows"] == "B")]["value"].item()
        assert mse == pytest.approx(((found - parts.probe_b.y) ** 2).mean(), rel=1e-5)
        assert zoo.trace(student["model_id"]).outputs.shape[1] == 1
        twin = models.set_index("model_id").loc[student["twin_id"]]
        # hidden units, and outputs for means and log-variances
        assert student["size"] - twin["size"] == 3 + 1


# ---- prepared targets


def shuffled(outputs, classes, rng):
    return rng.permutation(outputs)


def test_prepared_targets_depend_on_the_teacher_and_the_distiller_alone():
    distiller = replace(KD, name="shuffled", prepare=shuffled)
    said = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    first = prepared(distiller, "a" * 64, said, None)
    assert torch.equal(first, prepared(distiller, "a" * 64, said, None))
    assert not torch.equal(first, prepared(distiller, "b" * 64, said, None))
    assert not torch.equal(first, prepared(replace(distiller, name="other"), "a" * 64, said, None))
    assert torch.equal(first.sort(0).values, said.sort(0).values)


def test_classes_are_given_to_prepare_where_there_are_any():
    seen = []

    def prepare(outputs, classes, rng):
        seen.append(classes)
        outputs[:] = 7  # a copy: nobody else's targets change
        return outputs

    distiller = replace(KD, prepare=prepare)
    said = torch.zeros(3, 2)
    assert (prepared(distiller, "a" * 64, said, torch.tensor([1, 0, 1])) == 7).all()
    prepared(distiller, "a" * 64, said, None)
    prepared(distiller, "a" * 64, said, torch.zeros(3, 2))
    assert seen[0].tolist() == [1, 0, 1]
    assert seen[1:] == [None, None]
    assert (said == 0).all()


@pytest.mark.parametrize("wrong", [lambda o, c, rng: o[:2], lambda o, c, rng: o * np.nan])
def test_prepared_targets_of_another_shape_or_that_are_not_finite(wrong):
    with pytest.raises(ContractError, match=r"distiller 'kd': prepare gives \(\d, 2\) or numbers that are not finite"):
        prepared(replace(KD, prepare=wrong), "a" * 64, torch.zeros(3, 2), None)


# ---- refusals


def test_what_is_undefined_on_these_networks_is_refused_before_anything_trains(tmp_path):
    plan = replace(LETTERS, distillers=("kd", "attention"))
    text = r"distiller 'attention' is undefined on task 'letters' with family 'mlp': .+ \(student 3, teacher 4\): leave it out"
    with pytest.raises(PlanError, match=text):
        kdprobe.sweep(plan, tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()
    found = undefined(plan.crossed(), split(find("tasks", "letters")))
    assert [(cell.distiller, cell.scheme) for cell in found] == [("attention", "same_rows")] * 2


def test_a_loss_that_needs_labels_is_refused_on_rows_without(tmp_path):
    with pytest.raises(PlanError, match=r"distiller 'dkd' .* it needs labels, and scheme 'transfer_rows' has none for its student"):
        kdprobe.sweep(replace(LETTERS, schemes=("same_rows", "transfer_rows"), distillers=("dkd",)), tmp_path / "zoo")


# ---- options


MLP = available("families")["mlp"]


@pytest.fixture
def optional(monkeypatch):
    """An mlp whose one option scales its first weights."""

    def build(shape, outputs, width, generator, *, scale, **rest):
        module = MLP.build(shape, outputs, width, generator, **rest)
        with torch.no_grad():
            module.get_parameter(next(name for name, _ in module.named_parameters())).mul_(scale)
        return module

    def flops(shape, outputs, width, *, scale, **rest):
        return MLP.flops(shape, outputs, width, **rest) + round(scale)

    family = replace(MLP, build=build, flops=flops, options={**MLP.options, "scale": 1.0})
    families = dict(registry._available("families")) | {"mlp": family}
    known = registry._available
    monkeypatch.setattr(registry, "_available", lambda kind: families if kind == "families" else known(kind))


def test_options_reach_every_network_and_its_id(optional, tmp_path):
    plan = GapPlan(tasks=("letters",), options={"scale": 2.0}, teacher_options={"scale": 3.0}, **SMALL)
    with kdprobe.sweep(plan, tmp_path) as zoo:
        models = zoo.models()
        assert [json.loads(text)["scale"] for text in models.groupby("role")["options"].first()] == [2.0, 3.0, 2.0]
        teacher = models.loc[models["role"] == "teacher", "model_id"].iloc[0]
        assert zoo.job(teacher).options["scale"] == 3.0
        plain = MLP.flops((16,), 26, 3, **MLP.options)
        assert set(models.loc[models["role"] == "twin", "flops"]) == {plain + 2}
    ids = {job.id for job in plan.grid(plan.data()).jobs}
    assert not ids & {job.id for job in replace(plan, options={}, teacher_options={}).grid(plan.data()).jobs}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"options": {"scael": 2}}, r"options holds 'scael', which mlp does not have: did you mean 'scale'\? Known: .*scale"),
        ({"teacher_options": {"scale": "wide"}}, r"teacher_options: scale='wide': give a number, such as 1.0"),
        ({"patience": -1}, r"patience=-1: give a number of checks, or 0 to train all steps"),
        ({"gradient_clip": -0.5}, r"gradient_clip=-0.5: give a number from 0 to 1e\+09"),
    ],
)
def test_wrong_options(optional, changes, text):
    with pytest.raises(PlanError, match=text):
        GapPlan(tasks=("letters",), **SMALL, **changes)


def test_a_loss_on_hidden_layers_gets_a_response_loss_where_there_are_no_labels():
    plan = replace(LETTERS, schemes=("same_rows", "transfer_rows"), distillers=("hint",))
    data = {("letters", 0): "a" * 64}
    weights = {cell.scheme: plan.grid(data).student(cell).parameters["response"] for cell in plan.cells()}
    # the place of the labels' loss, which has weight .3 where the teacher's has .7
    assert weights == {"same_rows": 0.0, "transfer_rows": pytest.approx((1 - plan.alpha) / plan.alpha)}
