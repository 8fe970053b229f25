"""The engines agree, and a model does not depend on what is trained beside it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kdprobe.core.registry import available
from kdprobe.core.trace import TaskKind
from kdprobe.training.engines import train_stack
from kdprobe.training.loop import train_loop
from kdprobe.training.problem import recorded_steps
from kdprobe.training.streams import batch_order, initial_module
from tests.training.problems import GAUSSIAN, HINT, MAPS, NORMED, jobs, problem, with_teachers

DISTILLERS = available("distillers")
FAMILIES = {name: family for name, family in available("families").items() if family.fit == "steps"}
KD, TWIN = DISTILLERS["kd"], DISTILLERS["none"]
OPTIONS = (
    ("mlp", {"depth": 3, "dropout": 0.3}),
    ("mlp", {"depth": 2, "norm": "batch"}),
    ("mlp", {"norm": "layer", "dropout": 0.2}),
    ("cnn", {"norm": "batch"}),
    ("transformer", {"dropout": 0.2}),
)


def cases(deep: tuple[str, ...] = ()):
    """Every registered distiller, kind of task and family; and networks and losses that use everything an engine provides.

    Parameters
    ----------
    deep
        Names of the distillers for families other than the mlp; by default all.
    """
    registered = [
        (distiller, kind, family) for distiller in DISTILLERS.values() for kind in distiller.tasks for family in FAMILIES.values()
    ]
    found = [case for case in registered if case[2].name == "mlp" or not deep or case[0].name in deep]
    for name, options in OPTIONS:
        family = replace(FAMILIES[name], options=FAMILIES[name].options | options)
        found += [(KD, "classification", family), (DISTILLERS["hint"], "regression", family)]
    for family in (NORMED, MAPS):
        found += [(KD, "classification", family), (HINT, "classification", family), (GAUSSIAN, "regression", family)]
    return [pytest.param(*case, id=f"{case[0].name}-{case[1]}-{case[2].name}-{i}") for i, case in enumerate(found)]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(distiller, kind: TaskKind, family, teacher_of, **changes):
    """Jobs and problem; skips where the distiller refuses these networks."""
    # images and sequences in smaller batches, or the tests take minutes. Not narrower: where rows meet in a layer of few ReLUs, rounding
    # chooses the direction between them, which relation losses take angles of
    small = {"batch_size": 32, "width": 17} if family.name in ("mlp", "normed") else {"batch_size": 8, "width": 8}
    found = problem(distiller, kind, teacher_of, family=family, teacher_width=small["width"] + 2, rows=60)
    asked = jobs(
        len(teacher_of), distiller, family=family.name, **small | {"learning_rate": 0.003, "options": dict(family.options)} | changes
    )
    reason = "" if distiller.refuses is None else distiller.refuses(found.shapes(asked[0]))
    if reason:
        pytest.skip(reason)
    return asked, found


DEEP = ("none", "kd", "l2_imitation", "hint", "vid", "rkd", "crd")
"""Distillers that are tried at length on every family: no teacher, outputs, features, auxiliary modules, relations."""


@pytest.mark.parametrize(("distiller", "kind", "family"), cases())
def test_stack_agrees_with_loop(distiller, kind, family):
    """After 100 steps; after 20 where another distiller that provides the same has taken 100 on the same family."""
    asked, found = made(distiller, kind, family, [2, 0], steps=100 if family.name == "mlp" or distiller.name in DEEP else 20)
    if family is not FAMILIES["mlp"]:
        # in float64: Adam divides by the size of the gradient, so where that is nothing but rounding (the bias of attention's keys,
        # one before a norm, a similarity that is met) it makes steps of it, and two right engines part ways
        found = in_float64(found)
    loop, stack = train_loop(asked, found), train_stack(asked, found)
    assert list(loop.state) == list(stack.state)
    for key, values in loop.state.items():
        torch.testing.assert_close(stack.state[key], values, atol=1e-5, rtol=1e-5, msg=lambda text, key=key: f"{key}: {text}")
    for key, values in loop.history.items():
        torch.testing.assert_close(stack.history[key], values, atol=1e-5, rtol=1e-4)


def in_float64(found):
    doubled = {name: getattr(found, name) for name in ("x", "y", "validation_x", "validation_y")}
    doubled = {name: values.double() if values.is_floating_point() else values for name, values in doubled.items()}
    teachers = found.teachers
    if teachers is not None:
        features = {name: values.double() for name, values in teachers.features.items()}
        teachers = replace(teachers, outputs=teachers.outputs.double(), features=features)
    return replace(found, teachers=teachers, **doubled)


@pytest.mark.parametrize(("distiller", "kind", "family"), cases(("none", "kd", "vid", "rkd")))
def test_a_model_is_the_same_bits_whatever_is_trained_beside_it(distiller, kind, family):
    """Alone, beside one other, in another order, and with a batch that fills no vector register."""
    batch = {"batch_size": 29} if family.name in ("mlp", "normed") else {"batch_size": 7}
    asked, found = made(distiller, kind, family, [0, 1, 2, 0, 1], steps=5, **batch)
    whole = train_stack(asked, found)
    for chosen in ([3], [4, 1], [2, 0, 3]):
        part = train_stack([asked[i] for i in chosen], with_teachers(found, [found.teacher_of[i] for i in chosen]))
        for key, values in part.state.items():
            assert torch.equal(values, whole.state[key][chosen]), (key, chosen)
        for key in ("loss", "validation_loss", "gradient_norm"):
            assert torch.equal(part.history[key], whole.history[key][chosen]), (key, chosen)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_numbers_that_differ_by_model(alpha):
    """Learning rate, weight decay, temperature and clipping are each model's own; a stack gives each what it has alone."""
    asked = jobs(3, KD, alpha=alpha)
    asked = [replaced(job, alpha=min(1.0, alpha + 0.1 * i), gradient_clip=[0.0, 0.05, 1.0][i]) for i, job in enumerate(asked)]
    found = problem(KD, "classification", [2, 0, 1])
    loop, stack = train_loop(asked, found), train_stack(asked, found)
    for key, values in loop.state.items():
        torch.testing.assert_close(stack.state[key], values, atol=1e-5, rtol=1e-5)
    for one in range(3):
        alone = train_loop([asked[one]], with_teachers(found, [[2, 0, 1][one]]))
        assert all(torch.equal(alone.state[key][0], loop.state[key][one]) for key in loop.state)


def replaced(job, **changes):
    import msgspec

    return msgspec.structs.replace(job, **changes)


def test_clipping_bounds_the_first_step():
    """AdamW's first step does not depend on the gradient's size, but two clipped gradients of unlike size weigh alike in its memory."""
    (job,) = jobs(1, TWIN, steps=40)
    found = problem(TWIN, "regression", [0])
    free, clipped = train_loop([job], found), train_loop([replaced(job, gradient_clip=1e-3)], found)
    assert not torch.allclose(free.state["hidden.weight"], clipped.state["hidden.weight"], atol=1e-3)
    assert (free.history["gradient_norm"] > 1e-3).all()  # the history holds the norm before clipping
    loose = train_loop([replaced(job, gradient_clip=1e6)], found)
    for key, values in free.state.items():
        assert torch.equal(values, loose.state[key])


def test_engines_agree_without_labels():
    asked = jobs(2, KD, alpha=1.0, rows="transfer")
    found = problem(KD, "classification", [0, 2], labelled=False)
    loop, stack = train_loop(asked, found), train_stack(asked, found)
    for key, values in loop.state.items():
        torch.testing.assert_close(stack.state[key], values, atol=1e-5, rtol=1e-5)


def test_training_twice_gives_the_same_bits():
    asked = jobs(3, KD, family="normed", steps=20)
    found = problem(KD, "classification", [0, 1, 2], family=NORMED)
    first, second = train_stack(asked, found), train_stack(asked, found)
    assert all(torch.equal(first.state[key], second.state[key]) for key in first.state)


def test_alpha_zero_is_the_twin():
    """A student that gives its teacher no weight is its paired twin: they share initialisation, rows and order."""
    student = train_loop(jobs(1, KD, alpha=0.0), problem(KD, "classification", [0]))
    untaught = train_loop(jobs(1, TWIN), problem(TWIN, "classification", [0]))
    for key in student.state:
        assert torch.equal(student.state[key], untaught.state[key])


def test_l2_imitation_equals_relabelling():
    """For squared loss, mixing losses is learning the mixed target: gradients differ by nothing."""
    imitation = DISTILLERS["l2_imitation"]
    found = problem(imitation, "regression", [1])
    student = train_loop(jobs(1, imitation, alpha=0.4), found)
    relabelled = problem(TWIN, "regression", [0])
    mixed = 0.6 * found.y + 0.4 * found.teachers.outputs[1]
    untaught = train_loop(jobs(1, TWIN), replace(relabelled, y=mixed))
    for key in student.state:
        torch.testing.assert_close(student.state[key], untaught.state[key], atol=2e-5, rtol=1e-4)


def test_engine_follows_adamw_by_hand():
    """Two steps of AdamW with a cosine schedule in float64 NumPy, for a model whose gradient is known: linear least squares."""
    (job,) = jobs(1, TWIN, steps=2, width=1, batch_size=150, weight_decay=0.1)
    found = problem(TWIN, "regression", [0])
    trained = train_loop([job], found)
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
    asked = jobs(2, KD, steps=45)
    found = problem(KD, "classification", [0, 1])
    trained = train_stack(asked, found)
    assert trained.history["step"].tolist() == recorded_steps(45)
    hidden = torch.relu(found.validation_x @ trained.state["hidden.weight"][1].T + trained.state["hidden.bias"][1])
    logits = hidden @ trained.state["output.weight"][1].T + trained.state["output.bias"][1]
    expected = torch.nn.functional.cross_entropy(logits, found.validation_y)
    assert trained.history["validation_loss"][1, -1].item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize(("steps", "entries"), [(1, [1]), (3, [1, 2, 3]), (1200, list(range(60, 1201, 60)))])
def test_recorded_steps_end_with_the_last(steps, entries):
    assert recorded_steps(steps) == entries
