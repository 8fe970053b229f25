"""The validation loss that settings are chosen by is that of the stored weights, however training ended."""

import shutil
import sqlite3

import pytest
import torch

import kdprobe
from kdprobe import DataError, GapPlan
from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.tasks.splits import split
from kdprobe.zoo.traces import outputs_of

PLAN = GapPlan(
    tasks=("letters",), schemes=("same_rows", "untaught_same_loss", "equal_loss_teachers"), teacher_widths=(9,), student_widths=(3,),
    seeds=2, steps=60, beside={},
)  # fmt: skip


@pytest.fixture(scope="module")
def matched(tmp_path_factory):
    """Models that were stopped at the loss of others."""
    with kdprobe.sweep(PLAN, tmp_path_factory.mktemp("matched") / "zoo", similarity=False) as zoo:
        yield zoo


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """Models that stop early: a rate at which the loss goes up and down."""
    plan = GapPlan(
        tasks=("letters",),
        schemes=("same_rows",),
        teacher_widths=(9,),
        student_widths=(3,),
        seeds=2,
        steps=60,
        patience=2,
        learning_rate=0.3,
        beside={},
    )
    with kdprobe.sweep(plan, tmp_path_factory.mktemp("patient") / "zoo", similarity=False) as zoo:
        yield zoo


def stored_loss(zoo, model_id):
    """By an independent route: a forward pass of the weights on disk."""
    parts = split(find("tasks", zoo.job(model_id).task))
    outputs = torch.from_numpy(outputs_of(zoo.module(model_id), parts.validation.x)[0])
    return float(torch.nn.functional.cross_entropy(outputs, torch.from_numpy(parts.validation.y.copy())))


@pytest.mark.parametrize("fixture", ["matched", "patient", "small_zoo"])
def test_kept_losses_are_those_of_the_stored_weights(fixture, request):
    zoo = request.getfixturevalue(fixture)
    models = zoo.models().query("task == 'letters'")
    found = zoo.kept_losses(list(models["model_id"]))
    assert list(found.index) == list(models["model_id"])
    for model_id, loss in found.items():
        assert loss == pytest.approx(stored_loss(zoo, model_id), abs=1e-5)


def test_what_matches_keeps_neither_the_last_nor_the_least_loss(matched):
    found = matched.kept_losses()
    history = matched.history().groupby("model_id")["validation_loss"]
    ids = [model for model in found.index if matched.job(model).matches is not None]
    assert len(ids) == 2 * PLAN.seeds
    assert any(found[model] > history.min()[model] for model in ids)
    assert any(found[model] != history.last()[model] for model in ids)


def test_what_stops_early_keeps_the_least_loss(patient):
    found = patient.kept_losses()
    history = patient.history().groupby("model_id")["validation_loss"]
    assert found.to_numpy() == pytest.approx(history.min()[found.index].to_numpy())
    assert (found < history.last()[found.index]).any()


@pytest.mark.parametrize("fixture", ["matched", "patient", "small_zoo"])
def test_a_report_reads_the_same_losses(fixture, request):
    zoo = request.getfixturevalue(fixture)
    evidence = Evidence(zoo)
    models = zoo.models().query("role in ('student', 'twin')")
    assert evidence.kept_losses().to_dict() == zoo.kept_losses(list(models["model_id"])).to_dict()


def test_what_was_not_trained_has_no_loss(matched):
    assert matched.kept_losses(["0" * 64]).empty
    assert matched.kept_losses([]).empty


def test_a_match_that_is_gone_is_told(matched, tmp_path):
    folder = shutil.copytree(matched.path, tmp_path / "own")
    ids = list(matched.models()["model_id"])
    model = next(model for model in ids if matched.job(model).matches is not None)
    with sqlite3.connect(folder / "index.sqlite") as index:
        index.execute("DELETE FROM models WHERE model_id = ?", (matched.job(model).matches,))
    with kdprobe.Zoo(folder) as zoo, pytest.raises(DataError, match=r"index: rows of model [0-9a-f]{12} are gone"):
        zoo.kept_losses([model])
