"""The closed form: ridge regression against scikit-learn, students against their own definition, refusals."""

import dataclasses
import math

import msgspec
import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

import kdprobe
from kdprobe import GapPlan, PlanError
from kdprobe.core.registry import find
from kdprobe.tasks.splits import split
from kdprobe.training.closed import ENGINE, SCALE, ridge_solver
from kdprobe.training.engines import train
from kdprobe.training.streams import initial_module
from kdprobe.zoo.traces import outputs_of
from tests.training.problems import jobs, problem

NONE, LOGITS, IMITATION = (find("distillers", name) for name in ("none", "logit_mse", "l2_imitation"))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("rows", "features"), [(40, 7), (12, 30)])
def test_ridge_is_scikit_learns(rows, features, intercept):
    rng = np.random.default_rng(0)
    x, y = rng.normal(1.0, 1.0, size=(rows, features)), rng.normal(2.0, 1.0, size=(rows, 3))
    weight, bias = ridge_solver(torch.from_numpy(x), 0.03, intercept=intercept)(torch.from_numpy(y))
    reference = Ridge(alpha=0.03 * rows, fit_intercept=intercept).fit(x, y)
    np.testing.assert_allclose(weight, reference.coef_, rtol=1e-8)
    np.testing.assert_allclose(bias, np.broadcast_to(reference.intercept_, 3), rtol=1e-8)


@pytest.mark.parametrize(("rows", "features"), [(40, 7), (12, 30)])
def test_without_a_penalty_it_is_least_squares_with_the_smallest_norm(rows, features):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(rows, features)), rng.normal(size=(rows, 2))
    x[:, -1] = x[:, 0]
    weight, _ = ridge_solver(torch.from_numpy(x), 0.0, intercept=False)(torch.from_numpy(y))
    np.testing.assert_allclose(weight.mT, np.linalg.lstsq(x, y, rcond=1e-10)[0], rtol=1e-7, atol=1e-10)


def hidden(job, found):
    """Features by hand, from the weights of a network that is built anew."""
    network = initial_module(job, found.family, found.input_shape, found.outputs)
    x = found.x.double().numpy()
    return np.maximum(x @ network.weight.double().numpy().T + network.bias.double().numpy(), 0) * math.sqrt(2 / job.width)


@pytest.mark.parametrize(("kind", "distiller"), [("classification", LOGITS), ("regression", IMITATION)])
@pytest.mark.parametrize("labelled", [True, False])
def test_a_student_is_ridge_on_the_mixed_targets(kind, distiller, labelled):
    found = problem(distiller, kind, [1, 0, 2], family="random_features", labelled=labelled)
    own = jobs(3, distiller, family="random_features", alpha=0.3 if labelled else 1.0, rows="train" if labelled else "transfer")
    trained = train(own, found)
    assert trained.engine == ENGINE
    for slot, job in enumerate(own):
        target = found.teachers.outputs[found.teacher_of[slot]].double().numpy()
        if labelled:
            y = found.y.numpy()
            labels = SCALE * (np.eye(5)[y] - 0.2) if kind == "classification" else y
            target = 0.7 * labels + 0.3 * target
        reference = Ridge(alpha=1e-4 * len(found.x)).fit(hidden(job, found), target)
        np.testing.assert_allclose(trained.state["output.weight"][slot], reference.coef_, rtol=2e-4, atol=2e-4)
        np.testing.assert_allclose(trained.state["output.bias"][slot], reference.intercept_, rtol=2e-4, atol=2e-4)
        loss = np.mean((reference.predict(hidden(job, found)) - target) ** 2)
        assert float(trained.history["loss"][slot, 0]) == pytest.approx(loss, rel=1e-5)


def test_the_validation_loss_is_that_of_the_fitted_network():
    found = problem(NONE, "classification", [0], family="random_features")
    (job,) = jobs(1, NONE, family="random_features")
    trained = train([job], found)
    network = initial_module(job, found.family, found.input_shape, found.outputs)
    network.load_state_dict({name: values[0] for name, values in trained.state.items()})
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(network(found.validation_x)[0], found.validation_y)
    assert float(trained.history["validation_loss"][0, 0]) == pytest.approx(float(loss), rel=1e-5)


def test_a_model_is_the_same_bits_whatever_is_fitted_beside_it():
    shared = [msgspec.structs.replace(job, seed=5) for job in jobs(4, IMITATION, family="random_features")]
    found = problem(IMITATION, "regression", [0, 1, 2, 1], family="random_features")
    together = train(shared, found).state
    for slot, job in enumerate(shared):
        alone = train([job], dataclasses.replace(found, teacher_of=[found.teacher_of[slot]])).state
        assert all(torch.equal(values[0], together[name][slot]) for name, values in alone.items())


def test_what_has_no_closed_form_is_refused_with_its_reason():
    kd = find("distillers", "kd")
    found = problem(kd, "classification", [0], family="random_features")
    with pytest.raises(PlanError, match="distiller 'kd' has no closed form: its loss is not the squared distance"):
        train(jobs(1, kd, family="random_features"), found)
    plan = GapPlan(tasks=("letters",), family="random_features", distillers=("kd",))
    text = (
        "distiller 'kd' is undefined on task 'letters' with family 'random_features': its loss is not the squared distance of the outputs"
    )
    with pytest.raises(PlanError, match=text):
        plan.check_on(split(find("tasks", "letters")))
    with pytest.raises(PlanError, match=r"steps=10: random-feature ridge regression is fitted in closed form and takes none"):
        GapPlan(tasks=("letters",), family="random_features", steps=10)


def test_ids_do_not_depend_on_how_steps_would_be_taken():
    data = {("letters", 0): "rows"}
    plans = [GapPlan(tasks=("letters",), family="random_features", seeds=2, learning_rate=rate) for rate in (0.01, 0.1)]
    first, second = ([job.id for job in plan.grid(data).jobs] for plan in plans)
    assert first == second


def test_a_sweep_runs_like_any_other(tmp_path):
    plan = GapPlan(
        tasks=("letters", "bikeshare"), family="random_features", teacher_widths=(8, 64), student_widths=(8,), seeds=3, beside={}
    )
    with kdprobe.sweep(plan, tmp_path / "zoo") as zoo:
        assert zoo.provenance()["failed_cells"] == []
        models, scores = zoo.models(), zoo.scores()
        page = kdprobe.report(zoo, tmp_path / "page.html").read_text(encoding="utf-8")
    assert set(models["engine"]) == {ENGINE}
    assert set(models["distiller"]) == {"none", "logit_mse", "l2_imitation"}
    # fitted numbers: one weight a feature and output, one bias an output
    assert set(models.loc[models["task"] == "bikeshare", "size"]) == {9, 65}
    losses = scores[(scores["rows"] == "B") & scores["metric"].isin(["nll", "mse"]) & (scores["role"] == "teacher")]
    means = losses.groupby(["task", "width"])["value"].mean()
    assert (means.xs(64, level="width") < means.xs(8, level="width")).all()
    assert "random_features-8" in page
    assert "Unsteady training: 0 of 0 cells flagged" in page


def test_features_are_computed_once_for_all_networks_that_share_them_and_change_no_bit():
    parts = split(find("tasks", "letters"))
    family = find("families", "random_features")
    first, again, other = (family.build((16,), 26, 5, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    again.output.weight.data.mul_(2.0)
    for module in (first, again, other):
        for part in (parts.validation, parts.probe_b):
            outputs, features = outputs_of(module, part.x)
            with torch.no_grad():
                wanted, hidden_layer = module(torch.from_numpy(part.x.copy()))
            np.testing.assert_array_equal(outputs, wanted.numpy())
            np.testing.assert_array_equal(features["hidden"], hidden_layer["hidden"].numpy())
    assert outputs_of(first, parts.validation.x)[1]["hidden"] is not None
    shared = [outputs_of(module, parts.validation.x)[1]["hidden"] for module in (first, again)]
    assert np.shares_memory(*shared)
