"""Early stopping: by model, on the validation rows alone, the same in both engines and whatever else is in the stack."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from kdprobe.core.registry import available
from kdprobe.training.engines import train_stack
from kdprobe.training.loop import train_loop
from kdprobe.training.problem import CHECKS, validation_loss
from kdprobe.training.stack.general import Stack
from kdprobe.training.stopping import Stopping, kept_loss
from kdprobe.training.streams import initial_module
from tests.training.problems import NORMED, jobs, problem, with_teachers

KD = available("distillers")["kd"]


@pytest.fixture
def overfitting():
    """Seven models on 30 rows of a rule: their validation loss falls and then rises, for each from another check on."""
    asked = jobs(7, KD, family="normed", alpha=0.1, steps=200, width=20, patience=2)
    found = problem(KD, "classification", [0, 1, 2, 0, 1, 2, 0], family=NORMED, rows=100)
    y = (found.x @ torch.randn(6, 5, generator=torch.Generator().manual_seed(3))).argmax(1)
    found = replace(found, x=found.x[:30], y=y[:30], validation_x=found.x[30:], validation_y=y[30:])
    found = replace(found, teachers=replace(found.teachers, outputs=found.teachers.outputs[:, :30]))
    rates = [0.0005, 0.03, 0.01, 0.0002, 0.1, 0.05, 0.02]
    return [msgspec.structs.replace(job, learning_rate=rate) for job, rate in zip(asked, rates, strict=True)], found


def test_engines_stop_alike(overfitting):
    asked, found = overfitting
    loop, stack = train_loop(asked, found), train_stack(asked, found)
    assert len(set(loop.history["entries"].tolist())) > 2  # some stop, at unlike checks
    assert loop.history["entries"].tolist() == stack.history["entries"].tolist()
    for key, values in loop.state.items():
        torch.testing.assert_close(stack.state[key], values, atol=1e-5, rtol=1e-5)
    for key, values in loop.history.items():
        torch.testing.assert_close(stack.history[key], values, atol=1e-5, rtol=1e-4)


def test_the_best_weights_are_kept(overfitting):
    asked, found = overfitting
    trained = train_stack(asked, found)
    for model, job in enumerate(asked):
        module = initial_module(job, found.family, found.input_shape, found.outputs)
        module.load_state_dict({name: values[model] for name, values in trained.state.items()})
        entries = int(trained.history["entries"][model])
        assert validation_loss(module, found) == pytest.approx(trained.history["validation_loss"][model, :entries].min().item(), rel=1e-5)
        best = int(trained.history["validation_loss"][model, :entries].argmin())
        assert entries == min(CHECKS, best + 1 + job.patience)
        # later entries repeat the last: nothing in a file is NaN
        assert (trained.history["validation_loss"][model, entries - 1 :].unique()).numel() == 1


def test_a_stack_shrinks_and_no_model_notices(overfitting, monkeypatch):
    asked, found = overfitting
    sizes = []
    keep = Stack.keep
    monkeypatch.setattr(Stack, "keep", lambda self, chosen: (keep(self, chosen), sizes.append(len(self.places)))[0])
    whole = train_stack(asked, found)
    assert sizes
    assert min(sizes) >= 2  # never a stack of one
    for chosen in ([0], [3, 4], [6, 1, 0]):
        part = train_stack([asked[i] for i in chosen], with_teachers(found, [found.teacher_of[i] for i in chosen]))
        for key, values in part.state.items():
            assert torch.equal(values, whole.state[key][chosen])
        assert torch.equal(part.history["validation_loss"], whole.history["validation_loss"][chosen])


def test_without_patience_the_last_weights_are_kept(overfitting):
    asked, found = overfitting
    asked = [msgspec.structs.replace(job, patience=0) for job in asked[:2]]
    trained = train_stack(asked, with_teachers(found, [0, 1]))
    assert trained.history["entries"].tolist() == [CHECKS, CHECKS]
    module = initial_module(asked[1], found.family, found.input_shape, found.outputs)
    module.load_state_dict({name: values[1] for name, values in trained.state.items()})
    assert validation_loss(module, found) == pytest.approx(trained.history["validation_loss"][1, -1].item(), rel=1e-5)


def test_stopping_by_hand():
    stopping = Stopping(2, 2)
    losses = [[3.0, 1.0], [2.0, 2.0], [2.5, 3.0], [1.0, 0.5], [1.5, 0.1], [1.2, 0.0]]
    for step, values in enumerate(losses):
        stopping.check(torch.arange(2), torch.tensor(values), {"w": torch.tensor([[float(step)], [float(step)]])})
    # the first is best at check 3 and stops at 5; the second is best at check 0 and stopped at 2, whatever came later
    assert stopping.active.tolist() == [False, False]
    assert stopping.entries.tolist() == [6, 3]
    assert stopping.best({})["w"].flatten().tolist() == [3.0, 0.0]


def test_a_model_that_diverges_stops_and_keeps_what_it_had():
    stopping = Stopping(2, 1)
    for step, loss in enumerate([2.0, torch.nan, torch.nan, 1.0]):
        stopping.check(torch.tensor([0]), torch.tensor([loss]), {"w": torch.tensor([[float(step)]])})
    assert stopping.best({})["w"].item() == 0.0
    assert stopping.entries.tolist() == [3]


@pytest.mark.parametrize("goal", [None, 0.9])
@pytest.mark.parametrize("patience", [0, 2])
def test_the_kept_loss_is_that_of_the_kept_weights(patience, goal):
    """Whatever the losses are, not finite ones among them: the state here is the number of the check."""
    rng = np.random.default_rng(0)
    kept_early = 0
    for case in range(200):
        losses = np.abs(rng.normal(1, 0.5, size=int(rng.integers(1, 9)))).astype(np.float32)
        losses[rng.random(len(losses)) < 0.1 * (case % 3)] = np.nan
        stopping = Stopping(patience, 1, () if goal is None else (goal,))
        for check, loss in enumerate(losses):
            stopping.check(torch.tensor([0]), torch.tensor([loss]), {"w": torch.tensor([[float(check)]])})
            if not stopping.active[0]:
                break
        seen = losses[: int(stopping.entries[0])]
        kept = int(stopping.best({"w": torch.tensor([[float(check)]])})["w"].item())
        assert kept_loss(seen, patience=patience, goal=goal) == pytest.approx(float(losses[kept]), nan_ok=True)
        kept_early += kept < len(seen) - 1
    assert (kept_early > 0) == (patience > 0 or goal is not None)
