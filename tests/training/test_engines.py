"""The engines agree, and a model does not depend on what is trained beside it."""

import numpy as np
import pytest
import torch

from kdprobe.core.registry import available
from kdprobe.training.loop import train_loop
from kdprobe.training.problem import recorded_steps
from kdprobe.training.stack import train_stack
from kdprobe.training.streams import batch_order
from tests.training.problems import jobs, problem, with_teachers

CASES = [
    (name, kind)
    for name, distiller in available("distillers").items()
    for kind in distiller.tasks
    if set(distiller.needs) <= {"outputs"} and distiller.head == "plain"  # until engines give labels, features and heads
]
KD = available("distillers")["kd"]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_stack_agrees_with_loop_after_100_steps(name, kind, alpha):
    distiller = available("distillers")[name]
    made = jobs(3, distiller, alpha=alpha)
    found = problem(distiller, kind, [2, 0, 1])
    loop, stack = train_loop(made, found), train_stack(made, found)
    for key, values in loop.state.items():
        torch.testing.assert_close(stack.state[key], values, atol=1e-5, rtol=1e-5)
    for key, values in loop.history.items():
        torch.testing.assert_close(stack.history[key], values, atol=1e-5, rtol=1e-4)


def test_engines_agree_without_labels():
    made = jobs(2, KD, alpha=1.0, rows="transfer")
    found = problem(KD, "classification", [0, 2], labelled=False)
    loop, stack = train_loop(made, found), train_stack(made, found)
    for key, values in loop.state.items():
        torch.testing.assert_close(stack.state[key], values, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_model_is_the_same_bits_whatever_is_trained_beside_it(count):
    made = jobs(5, KD, steps=30)
    found = problem(KD, "classification", [0, 1, 2, 0, 1])
    whole = train_stack(made, found)
    part = train_stack(made[:count], with_teachers(found, [0, 1, 2, 0, 1][:count]))
    for key in whole.state:
        assert torch.equal(whole.state[key][:count], part.state[key])
    assert torch.equal(whole.history["validation_loss"][:count], part.history["validation_loss"])


def test_training_twice_gives_the_same_bits():
    made = jobs(3, KD, steps=20)
    found = problem(KD, "classification", [0, 1, 2])
    first, second = train_stack(made, found), train_stack(made, found)
    assert all(torch.equal(first.state[key], second.state[key]) for key in first.state)


def test_alpha_zero_is_the_twin():
    """A student that gives its teacher no weight is its paired twin: they share initialisation, rows and order."""
    twin = available("distillers")["none"]
    student = train_loop(jobs(1, KD, alpha=0.0), problem(KD, "classification", [0]))
    untaught = train_loop(jobs(1, twin), problem(twin, "classification", [0]))
    for key in student.state:
        assert torch.equal(student.state[key], untaught.state[key])


def test_l2_imitation_equals_relabelling():
    """For squared loss, mixing losses is learning the mixed target: gradients differ by nothing."""
    imitation, twin = available("distillers")["l2_imitation"], available("distillers")["none"]
    found = problem(imitation, "regression", [1])
    student = train_loop(jobs(1, imitation, alpha=0.4), found)
    relabelled = problem(twin, "regression", [0])
    relabelled.y.copy_(0.6 * found.y + 0.4 * found.teachers.outputs[1])
    untaught = train_loop(jobs(1, twin), relabelled)
    for key in student.state:
        torch.testing.assert_close(student.state[key], untaught.state[key], atol=2e-5, rtol=1e-4)


def test_engine_follows_adamw_by_hand():
    """Two steps of AdamW with a cosine schedule in float64 NumPy, for a model whose gradient is known: linear least squares."""
    twin = available("distillers")["none"]
    (job,) = jobs(1, twin, steps=2, width=1, batch_size=150, weight_decay=0.1)
    found = problem(twin, "regression", [0])
    trained = train_loop([job], found)
    from kdprobe.training.streams import initial_module

    module = initial_module(job, found.family, (6,), 2).double()
    start = {name: value.detach().numpy().copy() for name, value in module.named_parameters()}
    moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in start.items()}
    order = batch_order(job, 150)
    for step in range(2):
        rate = job.learning_rate * (1 + np.cos(np.pi * step / 2)) / 2
        x, y = found.x.double().numpy()[order[step]], found.y.double().numpy()[order[step]]
        before = x @ start["hidden.weight"].T + start["hidden.bias"]
        hidden = np.maximum(before, 0)
        residual = hidden @ start["output.weight"].T + start["output.bias"] - y
        back = 2 * residual / residual.size
        into = (back @ start["output.weight"]) * (before > 0)
        gradients = {
            "hidden.weight": into.T @ x,
            "hidden.bias": into.sum(0),
            "output.weight": back.T @ hidden,
            "output.bias": back.sum(0),
        }
        for name, gradient in gradients.items():
            first, second = moments[name]
            first[...] = 0.9 * first + 0.1 * gradient
            second[...] = 0.999 * second + 0.001 * gradient**2
            start[name] *= 1 - rate * job.weight_decay
            start[name] -= rate * (first / (1 - 0.9 ** (step + 1))) / (np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8)
    for name, value in start.items():
        np.testing.assert_allclose(trained.state[name][0].numpy(), value, atol=1e-5)


def test_history_holds_the_validation_loss_of_the_last_step():
    made = jobs(2, KD, steps=45)
    found = problem(KD, "classification", [0, 1])
    trained = train_stack(made, found)
    assert trained.history["step"].tolist() == recorded_steps(45)
    hidden = torch.relu(found.validation_x @ trained.state["hidden.weight"][1].T + trained.state["hidden.bias"][1])
    logits = hidden @ trained.state["output.weight"][1].T + trained.state["output.bias"][1]
    expected = torch.nn.functional.cross_entropy(logits, found.validation_y)
    assert trained.history["validation_loss"][1, -1].item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize(("steps", "entries"), [(1, [1]), (3, [1, 2, 3]), (1200, list(range(60, 1201, 60)))])
def test_recorded_steps_end_with_the_last(steps, entries):
    assert recorded_steps(steps) == entries
