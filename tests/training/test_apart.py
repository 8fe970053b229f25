"""Labels on some rows and teachers on others: the engines against a plain loop, each other, and the closed form against stacked rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch.nn import functional

from kdprobe.core.registry import available, find
from kdprobe.training.closed import SCALE
from kdprobe.training.engines import train, train_stack
from kdprobe.training.loop import train_loop
from kdprobe.training.problem import cosine
from kdprobe.training.streams import batch_order, initial_module
from tests.training.problems import GAUSSIAN, HINT, MAPS, NORMED, jobs, problem, with_teachers
from tests.training.test_engines import in_float64

DISTILLERS = available("distillers")
KD, IMITATION, TWIN = DISTILLERS["kd"], DISTILLERS["l2_imitation"], DISTILLERS["none"]
LABELLED = 50
"""Of 150 rows; teachers speak of the other 100."""
NO_LABELS = [
    (distiller, kind)
    for distiller in DISTILLERS.values()
    for kind in distiller.tasks
    if distiller.loss is not None and "labels" not in distiller.needs
]
CASES = [
    *((distiller, kind, "mlp") for distiller, kind in NO_LABELS),
    *((DISTILLERS[name], "classification", family) for name in ("kd", "hint") for family in ("cnn", "gru")),
    *((KD, "classification", NORMED), (HINT, "classification", NORMED), (GAUSSIAN, "regression", NORMED), (KD, "classification", MAPS)),
]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def apart(distiller, kind, teacher_of, family="mlp", labelled=LABELLED, rows=150):
    found = problem(distiller, kind, teacher_of, family=family, rows=rows)
    return replace(found, y=found.y[:labelled], apart=labelled)


def asked(count, distiller, family="mlp", **changes):
    name = family if isinstance(family, str) else family.name
    options = dict((find("families", family) if isinstance(family, str) else family).options)
    small = {"batch_size": 32, "width": 17} if name in ("mlp", "normed") else {"batch_size": 8, "width": 8}
    return jobs(count, distiller, family=name, taught_on="transfer", options=options, learning_rate=0.003, **small | changes)


@pytest.mark.parametrize(("distiller", "kind", "family"), CASES, ids=lambda value: getattr(value, "name", value))
def test_stack_agrees_with_loop(distiller, kind, family):
    found, own = apart(distiller, kind, [2, 0], family), asked(2, distiller, family, steps=20)
    if distiller.refuses is not None and distiller.refuses(found.shapes(own[0])):
        pytest.skip("undefined on these networks")
    # where rounding decides the direction of Adam's first steps, two right engines part ways
    found = found if family == "mlp" else in_float64(found)
    loop, stack = train_loop(own, found), train_stack(own, found)
    assert list(loop.state) == list(stack.state)
    for key, values in loop.state.items():
        torch.testing.assert_close(stack.state[key], values, atol=1e-5, rtol=1e-4, msg=lambda text, key=key: f"{key}: {text}")
    torch.testing.assert_close(stack.history["loss"], loop.history["loss"], atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("engine", [train_loop, train_stack])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_the_engines_do_what_a_plain_loop_does(engine, kind):
    """Two forward passes a step, torch's own losses and optimiser, batches cut by hand: nothing of kdprobe but the first weights."""
    distiller, alpha, temperature = (KD if kind == "classification" else IMITATION), 0.7, 2.0
    (job,) = asked(
        1, distiller, steps=60, alpha=alpha, **({"parameters": {"temperature": temperature}} if kind == "classification" else {})
    )
    found = apart(distiller, kind, [1])
    trained = engine([job], found)
    network = initial_module(job, found.family, found.input_shape, found.outputs)
    optimiser = torch.optim.AdamW(network.parameters(), lr=job.learning_rate, weight_decay=job.weight_decay)
    order = found.order(job)
    for step, batch in enumerate(order):
        first, rest = batch[:32], batch[32:]
        assert first.max() < LABELLED <= rest.min()
        outputs, answers = network(found.x[first])[0], network(found.x[rest])[0]
        said = found.teachers.outputs[1, rest]
        if kind == "classification":
            label_loss = functional.cross_entropy(outputs, found.y[first])
            p, log_q = (said / temperature).softmax(-1), (answers / temperature).log_softmax(-1)
            teacher_loss = temperature**2 * functional.kl_div(log_q, p, reduction="batchmean")
        else:
            label_loss, teacher_loss = functional.mse_loss(outputs, found.y[first]), functional.mse_loss(answers, said)
        optimiser.zero_grad()
        ((1 - alpha) * label_loss + alpha * teacher_loss).backward()
        for group in optimiser.param_groups:
            group["lr"] = job.learning_rate * cosine(step, job.steps)
        optimiser.step()
    for name, value in network.named_parameters():
        torch.testing.assert_close(trained.state[name][0], value.detach(), atol=1e-5, rtol=1e-4)


def test_the_labelled_batches_are_the_twins():
    found = apart(KD, "classification", [0])
    (student,), (twin,) = asked(1, KD), jobs(1, TWIN, batch_size=32, width=17)
    order = found.order(student)
    assert np.array_equal(order[:, :32], batch_order(twin, LABELLED))
    assert found.cut(student) == 32
    # every row as often as every other, pass after pass, and not in the order of the labelled ones
    counts = np.bincount(order[:, 32:].ravel(), minlength=150)
    assert counts[:LABELLED].max() == 0
    assert np.ptp(counts[LABELLED:]) <= 1
    few = apart(KD, "classification", [0], labelled=10)
    assert few.order(student).shape[1] == few.cut(student) + 32 == 42


@pytest.mark.parametrize("engine", [train_loop, train_stack])
def test_without_weight_the_teacher_is_not_heard(engine):
    """A student at alpha 0 is the twin on the labelled rows, whatever is said of the others."""
    found = apart(KD, "classification", [0])
    student = engine(asked(1, KD, alpha=0.0), found)
    alone = replace(problem(TWIN, "classification", [0]), x=found.x[:LABELLED], y=found.y)
    twin = engine(jobs(1, TWIN, batch_size=32, width=17, learning_rate=0.003, options=dict(found.family.options)), alone)
    for key, values in twin.state.items():
        torch.testing.assert_close(student.state[key], values, atol=1e-5, rtol=1e-5)


def test_what_a_teacher_would_say_of_labelled_rows_is_not_read():
    found, own = apart(IMITATION, "regression", [0]), asked(1, IMITATION, steps=20)
    outputs = found.teachers.outputs.clone()
    outputs[:, :LABELLED] = 1e9
    other = replace(found, teachers=replace(found.teachers, outputs=outputs))
    for engine in (train_loop, train_stack):
        before, after = engine(own, found), engine(own, other)
        assert all(torch.equal(before.state[key], after.state[key]) for key in before.state)


@pytest.mark.parametrize(("distiller", "family"), [(KD, "mlp"), (HINT, NORMED), (KD, MAPS)], ids=["kd-mlp", "hint-normed", "kd-maps"])
def test_a_model_is_the_same_bits_whatever_is_trained_beside_it(distiller, family):
    own = asked(5, distiller, family, steps=5, batch_size=29 if family in ("mlp", NORMED) else 7)
    found = apart(distiller, "classification", [0, 1, 2, 0, 1], family)
    whole = train_stack(own, found)
    for chosen in ([3], [4, 1], [2, 0, 3]):
        part = train_stack([own[i] for i in chosen], with_teachers(found, [found.teacher_of[i] for i in chosen]))
        for key, values in part.state.items():
            assert torch.equal(values, whole.state[key][chosen]), (key, chosen)


@pytest.mark.parametrize(("kind", "name"), [("classification", "logit_mse"), ("regression", "l2_imitation")])
@pytest.mark.parametrize("width", [9, 200])
def test_the_closed_form_is_ridge_on_stacked_rows(kind, name, width):
    """scikit-learn's ridge, with a weight for each row: (1-alpha) of labelled rows together, alpha of the others."""
    distiller = find("distillers", name)
    found = apart(distiller, kind, [0, 1, 0], "random_features", rows=120)
    options = {"ridge": 0.01}
    own = jobs(3, distiller, family="random_features", taught_on="transfer", width=width, options=options)
    own = [replaced(job, alpha=alpha) for job, alpha in zip(own, (0.0, 0.3, 0.9), strict=True)]
    trained = train(own, found)
    for slot, job in enumerate(own):
        network = initial_module(job, found.family, found.input_shape, found.outputs)
        with torch.no_grad():
            features = network(found.x)[1]["hidden"].double().numpy()
        y = found.y.numpy()
        labels = SCALE * (np.eye(5)[y] - 0.2) if kind == "classification" else y
        target = np.concatenate([labels, found.teachers.outputs[found.teacher_of[slot]].numpy()[LABELLED:]])
        weights = np.repeat([(1 - job.alpha) / LABELLED, job.alpha / 70], [LABELLED, 70])
        reference = Ridge(alpha=0.01, solver="cholesky" if width < 120 else "svd").fit(features, target, sample_weight=weights)
        np.testing.assert_allclose(trained.state["output.weight"][slot], reference.coef_, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(trained.state["output.bias"][slot], reference.intercept_, rtol=1e-3, atol=1e-4)
        apart_again = weights @ ((features @ reference.coef_.T + reference.intercept_ - target) ** 2).mean(axis=1)
        assert float(trained.history["loss"][slot]) == pytest.approx(apart_again, rel=1e-3)


def replaced(job, **changes):
    import msgspec

    return msgspec.structs.replace(job, **changes)
