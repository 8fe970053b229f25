"""What engines provide to a distiller and to a network: heads, labels, auxiliary modules, features, dropout, batch norm."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import nn

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import View
from kdprobe.core.registry import available
from kdprobe.training import teachers as teachers_module
from kdprobe.training.dropout import MaskedDropout, masks_of, with_masks
from kdprobe.training.engines import train_stack
from kdprobe.training.heads import predicted
from kdprobe.training.loop import train_loop
from kdprobe.training.problem import label_loss
from kdprobe.training.streams import batch_order, generator_of, initial_auxiliary, initial_module
from kdprobe.training.teachers import teachers_with_features
from tests.training.problems import HINT, MAPS, NORMED, jobs, problem

KD, TWIN = available("distillers")["kd"], available("distillers")["none"]


def test_a_gaussian_heads_label_loss_is_the_negative_log_likelihood():
    rng = np.random.default_rng(0)
    mean, log_variance, y = rng.normal(size=(3, 20, 2))
    found = label_loss("regression", torch.from_numpy(np.hstack([mean, log_variance])), torch.from_numpy(y), "gaussian")
    wanted = -stats.norm(mean, np.exp(log_variance / 2)).logpdf(y).mean(axis=1)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-10)


def test_a_gaussian_heads_loss_stays_finite_on_points_it_hits():
    outputs = torch.tensor([[0.5, -200.0]], requires_grad=True)
    loss = label_loss("regression", outputs, torch.tensor([[0.5]]), "gaussian")
    assert loss.isfinite().all()
    assert torch.autograd.grad(loss.sum(), outputs)[0].isfinite().all()


def bins_of(values):
    """Mass of a Gaussian of sd .15 round each value in 50 bins from -5 to 5, by scipy; a value beyond them lies at the edge."""
    values = np.clip(values, -5, 5)[..., None]
    cut = stats.truncnorm((-5 - values) / 0.15, (5 - values) / 0.15, loc=values, scale=0.15)
    return np.diff(cut.cdf(np.linspace(-5, 5, 51)), axis=-1)


def test_a_histogram_heads_label_loss_is_the_cross_entropy_of_smoothed_labels():
    rng = np.random.default_rng(0)
    outputs, y = rng.normal(size=(20, 2, 50)), 4 * rng.normal(size=(20, 2))
    found = label_loss("regression", torch.from_numpy(outputs.reshape(20, -1)), torch.from_numpy(y), "histogram")
    wanted = -(bins_of(y) * special.log_softmax(outputs, axis=-1)).sum(axis=-1).mean(axis=1)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-9)


def test_what_heads_predict():
    rng = np.random.default_rng(0)
    y = np.array([[-4.2, 0.0], [0.03, 1.7], [3.14, -2.2]])
    said = torch.from_numpy(np.log(bins_of(y) + 1e-30).reshape(3, -1))
    np.testing.assert_allclose(predicted("histogram", said).numpy(), y, atol=1e-3)  # smoothing moves no mean well inside the range
    said[:, :50] += 7.0  # logits of one target have no scale, and nothing to do with those of another
    np.testing.assert_allclose(predicted("histogram", said).numpy(), y, atol=1e-3)
    both = torch.from_numpy(rng.normal(size=(4, 6)))
    assert torch.equal(predicted("gaussian", both), both[:, :3])
    assert torch.equal(predicted("plain", both), both)


def test_labels_are_seen_only_where_they_are_declared_and_are_there():
    seen = []

    def loss(student: View, teacher: View, *, temperature):
        seen.append((student.labels, teacher.labels, dict(student.features), student.auxiliary))
        return KD.loss(student, teacher, temperature=temperature)

    for needs, labelled in ((("outputs",), True), (("outputs", "labels"), True), (("outputs", "labels"), False)):
        distiller = replace(KD, loss=loss, needs=needs)
        train_loop(jobs(1, distiller, steps=1, alpha=1.0), problem(distiller, "classification", [0], labelled=labelled))
    (bare, labelled, unlabelled) = seen
    assert bare == (None, None, {}, None)
    assert labelled[0] is labelled[1]
    assert labelled[0].shape == (32,)
    assert unlabelled[:2] == (None, None)


def test_auxiliary_modules_are_each_models_own_and_are_thrown_away():
    asked, found = jobs(3, HINT), problem(HINT, "classification", [0, 1, 2])
    first, again, other = (initial_auxiliary(job, HINT, found.shapes(job)) for job in (asked[0], asked[0], asked[1]))
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)
    trained = train_stack(asked, found)
    assert set(trained.state) == {"hidden.weight", "hidden.bias", "output.weight", "output.bias"}


def test_an_auxiliary_module_is_trained():
    """With a student that cannot learn, the loss still falls: the regressor learns."""
    frozen = replace(HINT, loss=lambda student, teacher, *, scale: HINT.loss(_detached(student), teacher, scale=scale))
    trained = train_stack(jobs(2, frozen, alpha=1.0), problem(frozen, "classification", [0, 1], labelled=False))
    assert (trained.history["loss"][:, -1] < 0.8 * trained.history["loss"][:, 0]).all()


def _detached(view):
    return view._replace(features={name: values.detach() for name, values in view.features.items()})


def test_the_auxiliary_module_does_not_change_initialisation_or_order():
    """A student with an auxiliary module starts as its twin does."""
    (student,), (twin,) = jobs(1, HINT), jobs(1, TWIN)
    family = available("families")["mlp"]
    pair = [initial_module(job, family, (6,), 5).state_dict() for job in (student, twin)]
    assert all(torch.equal(pair[0][name], pair[1][name]) for name in pair[0])
    assert np.array_equal(batch_order(student, 90), batch_order(twin, 90))


def test_teachers_are_frozen_and_in_evaluation_mode():
    generator, x = torch.Generator().manual_seed(1), torch.randn(50, 6)
    network = NORMED.build((6,), 5, 4, generator, dropout=0.5).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    taught = teachers_with_features(torch.zeros(1, 50, 5), [network], x)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    network.eval()
    torch.testing.assert_close(taught.features["hidden"][0], network(x)[1]["hidden"])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert taught.layers == {"hidden": (4,)}


def test_features_computed_anew_are_those_that_are_kept(monkeypatch):
    asked = jobs(2, HINT, family="maps", steps=5, batch_size=16)
    kept = train_stack(asked, problem(HINT, "classification", [2, 1], family=MAPS))
    monkeypatch.setattr(teachers_module, "CACHED_BYTES", 0)
    found = problem(HINT, "classification", [2, 1], family=MAPS)
    assert not found.teachers.features
    anew, loop = train_stack(asked, found), train_loop(asked, found)
    for key, values in kept.state.items():
        torch.testing.assert_close(anew.state[key], values, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(loop.state[key], values, atol=1e-5, rtol=1e-5)


# ---- dropout


def dropped(job, shape=(8, 6), steps=1):
    network = with_masks(initial_module(job, NORMED, (6,), 5))
    masks = masks_of(network, torch.zeros(shape), [generator_of(job, "dropout")])
    return torch.stack([masks.next(torch.device("cpu"))["drop.mask"][0] for _ in range(steps)])


def test_dropout_is_each_models_own_and_shared_by_student_and_twin():
    student, other = jobs(2, KD, family="normed")
    (twin,) = jobs(1, TWIN, family="normed")
    assert torch.equal(dropped(student), dropped(twin))
    assert not torch.equal(dropped(student), dropped(other))
    assert not torch.equal(*dropped(student, steps=2))


def test_dropout_keeps_the_mean():
    (job,) = jobs(1, KD, family="normed", options={"dropout": 0.25}, width=40)
    masks = dropped(job, (64, 6), steps=50)
    assert masks.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    # 128,000 draws: the mean's standard error is .0016
    assert masks.mean().item() == pytest.approx(1.0, abs=0.007)


def test_dropout_is_off_in_evaluation_and_without_a_rate():
    layer = MaskedDropout(0.5, channels=False).eval()
    layer.mask = torch.zeros(3, 2)
    assert torch.equal(layer(torch.ones(3, 2)), torch.ones(3, 2))
    plain = with_masks(NORMED.build((6,), 5, 4, torch.Generator(), dropout=0.0))
    assert not any(isinstance(part, MaskedDropout) for part in plain.modules())


def test_dropout_of_channels_drops_whole_channels():
    (job,) = jobs(1, KD, family="maps", width=3)
    network = with_masks(initial_module(job, MAPS, (2, 7, 6), 5))
    masks = masks_of(network, torch.zeros(4, 2, 7, 6), [generator_of(job, "dropout")])
    assert masks.next(torch.device("cpu"))["drop.mask"].shape == (1, 4, 3, 1, 1)


def test_dropout_changes_what_is_learned():
    found = problem(TWIN, "classification", [0, 0], family=NORMED)
    with_, without = (train_stack(jobs(2, TWIN, family="normed", steps=5, options={"dropout": p}), found) for p in (0.5, 0.0))
    assert not torch.allclose(with_.state["output.weight"], without.state["output.weight"], atol=1e-4)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.drop(x)), {}


def test_what_would_draw_from_the_global_generator_is_refused():
    with pytest.raises(ContractError, match=r"layer 'gru' \(GRU\) draws its own dropout: give the network torch.nn.Dropout modules"):
        with_masks(nn.ModuleDict({"gru": nn.GRU(3, 4, num_layers=2, dropout=0.2)}))
    with pytest.raises(ContractError, match=r"layer 'a' \(AlphaDropout\) draws its own dropout"):
        with_masks(nn.ModuleDict({"a": nn.AlphaDropout(0.2)}))
    with pytest.raises(ContractError, match=r"dropout layer 'drop' is called twice in a pass: make it two modules"):
        masks_of(with_masks(Twice()), torch.zeros(2, 3), [torch.Generator()])


# ---- batch norm


def test_running_statistics_are_stored_and_used():
    """One step over all rows: the running mean is a tenth of the way from 0 to the batch's mean, by hand."""
    (job,) = jobs(1, TWIN, family="normed", steps=1, batch_size=150)
    found = problem(TWIN, "regression", [0], family=NORMED)
    trained = train_stack([job], found)
    before = found.x @ initial_module(job, NORMED, (6,), 2).state_dict()["hidden.weight"].T
    torch.testing.assert_close(trained.state["norm.running_mean"][0], 0.1 * before.mean(0), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(trained.state["norm.running_var"][0], 0.9 + 0.1 * before.var(0), atol=1e-5, rtol=1e-5)
    assert trained.state["norm.num_batches_tracked"].tolist() == [1]
    module = initial_module(job, NORMED, (6,), 2)
    module.load_state_dict({name: values[0] for name, values in trained.state.items()})
    module.eval()
    expected = ((module(found.validation_x)[0] - found.validation_y) ** 2).mean().item()
    assert trained.history["validation_loss"][0, -1].item() == pytest.approx(expected, rel=1e-5)
