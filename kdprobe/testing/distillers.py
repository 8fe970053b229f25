"""The contract of a distiller."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vmap

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import Distiller, LossTruth, Shapes, View
from kdprobe.testing.loss_inputs import OUTPUTS, ROWS, as_tensors, close, loss_of, random_views, rows_of, shapes_for, stacked
from kdprobe.testing.requirement import require

DRAWS = 3


def check_distiller(distiller: Distiller) -> None:
    """Raise ContractError unless a distiller's loss does what it declares.

    Checked is each truth against its float64 oracle. Then, for networks whose hidden layers are vectors, maps, sequences and single units,
    wherever the distiller does not refuse: one finite value a row, for large inputs too; a gradient for the
    student and for the whole auxiliary module; a "response" parameter where the loss does not reach the output layer; no row that changes
    another's loss (or, for batchwise losses, the mean) by being reordered; the same values and gradients under ``torch.func.vmap`` with
    parameters and auxiliary modules that differ by model; prepared outputs that depend on nothing but their generator; a `squared` loss
    that is one.

    Examples
    --------
    >>> from kdprobe.core.registry import available
    >>> check_distiller(available("distillers")["kd"])
    """
    if distiller.loss is None:
        require(
            distiller, distiller.knowledge == "none" and not distiller.parameters, "has no loss: give it knowledge='none' and no parameters"
        )
        return
    for truth in distiller.truths:
        for draw in range(DRAWS):
            _check_truth(distiller, truth, draw)
    answered = set()
    for shapes in shapes_for(distiller):
        reason = "" if distiller.refuses is None else distiller.refuses(shapes)
        require(distiller, isinstance(reason, str), f"refuses gave {reason!r}, a reason or '' was due")
        if reason:
            continue
        answered.add(shapes.kind)
        modules = _modules(distiller, shapes)
        _check_gradients(distiller, shapes, modules[0])
        _check_order(distiller, shapes, modules[0])
        _check_vmap(distiller, shapes, modules)
        large = loss_of(distiller, *random_views(distiller, shapes, scale=1e3), distiller.parameters, modules[0])
        require(distiller, bool(large.isfinite().all()), "outputs near 1000 give a loss that is not finite")
        _check_prepare(distiller, shapes)
        _check_closed(distiller, shapes)
        _check_squared(distiller, shapes)
    require(distiller, answered == set(distiller.tasks), f"it refuses every network for {sorted(set(distiller.tasks) - answered)}")


def _check_truth(distiller: Distiller, truth: LossTruth, draw: int) -> None:
    given = truth.make(np.random.default_rng(draw))
    kind = truth.kind or distiller.tasks[0]
    student, teacher = (view._replace(kind=kind) if isinstance(view, View) else View(view, {}, kind=kind) for view in given)
    given = tuple(made if isinstance(view, View) else view for view, made in zip(given, (student, teacher), strict=True))
    require(
        distiller, truth.kind is not None or len(distiller.tasks) == 1, f"truth {truth.name!r} does not say its kind of task: give it kind"
    )
    shapes = Shapes(
        kind=kind,
        outputs=teacher.outputs.shape[1],
        student={name: layer.shape[1:] for name, layer in student.features.items()},
        teacher={name: layer.shape[1:] for name, layer in teacher.features.items()},
    )
    module = None
    if distiller.auxiliary is not None:
        module = distiller.auxiliary(shapes, torch.Generator().manual_seed(draw)).double()
        state = {name: value.detach().numpy().copy() for name, value in module.named_parameters()}
        given = (student._replace(auxiliary=state), given[1])
    found = loss_of(distiller, as_tensors(student), as_tensors(teacher), truth.parameters, module).detach().numpy()
    try:
        wanted = truth.oracle(*given, **truth.parameters)
    except Exception as error:
        raise ContractError(f"distiller {distiller.name!r}: the oracle of truth {truth.name!r}: {type(error).__name__}: {error}") from error
    require(distiller, found.shape == (len(teacher.outputs),), f"truth {truth.name!r}: shape {found.shape}, one value a row was due")
    worst = float(np.max(np.abs(found - wanted) / np.maximum(np.abs(wanted), 1)))
    require(distiller, worst <= truth.tolerance, f"truth {truth.name!r} is missed by {worst:.2g}, {truth.tolerance:g} is allowed")


def _modules(distiller: Distiller, shapes: Shapes) -> list[nn.Module | None]:
    """Three auxiliary modules that differ, or nothing three times."""
    if distiller.auxiliary is None:
        return [None] * 3
    before = torch.get_rng_state()
    first, other, third, again = (distiller.auxiliary(shapes, torch.Generator().manual_seed(seed)) for seed in (0, 1, 2, 0))
    require(
        distiller,
        torch.equal(before, torch.get_rng_state()),
        "its auxiliary module draws from the global generator: draw from the one that is given",
    )
    weights = [nn.utils.parameters_to_vector(module.parameters()) for module in (first, other, again)]
    require(
        distiller,
        torch.equal(weights[0], weights[2]),
        "the same generator state gives another auxiliary module: draw from the one that is given",
    )
    require(
        distiller,
        not torch.equal(weights[0], weights[1]),
        "another generator state gives the same auxiliary module: draw from the one that is given",
    )
    return [first, other, third]


def _check_gradients(distiller: Distiller, shapes: Shapes, module: nn.Module | None) -> None:
    student, teacher = random_views(distiller, shapes)
    inputs = [student.outputs, *student.features.values(), *(() if module is None else module.parameters())]
    for value in inputs:
        value.requires_grad_()
    loss = loss_of(distiller, student, teacher, distiller.parameters, module)
    require(distiller, tuple(loss.shape) == (ROWS,), f"shape {tuple(loss.shape)}, one value a row was due")
    moved = _moved(distiller, loss, inputs)
    layers = 1 + len(student.features)
    require(distiller, any(moved[:layers]), "the student gets no gradient: compute the loss from its outputs or features, without detach()")
    require(distiller, all(moved[layers:]), "a part of its auxiliary module gets no gradient: leave that part out")
    if moved[0]:
        return
    text = (
        'its loss does not reach the output layer: give it a parameter "response" with default 0, the weight of a response loss beside it'
    )
    require(distiller, distiller.parameters.get("response") == 0, text)
    beside = loss_of(distiller, student, teacher, {**distiller.parameters, "response": 1.0}, module)
    require(distiller, _moved(distiller, beside, inputs)[0], "with response=1 its loss does not reach the output layer either")


def _moved(distiller: Distiller, loss: torch.Tensor, inputs: list[torch.Tensor]) -> list[bool]:
    gradients = torch.autograd.grad(loss.sum(), inputs, allow_unused=True) if loss.requires_grad else (None,) * len(inputs)
    require(distiller, all(bool(g.isfinite().all()) for g in gradients if g is not None), "the gradient is not finite")
    return [g is not None and bool(g.abs().sum() > 0) for g in gradients]


def _check_order(distiller: Distiller, shapes: Shapes, module: nn.Module | None) -> None:
    student, teacher = random_views(distiller, shapes)
    order, half = torch.from_numpy(np.random.default_rng(1).permutation(ROWS)), torch.arange(ROWS // 2)
    whole, permuted, part = (
        loss_of(distiller, rows_of(student, rows), rows_of(teacher, rows), distiller.parameters, module)
        for rows in (torch.arange(ROWS), order, half)
    )
    require(distiller, bool(torch.allclose(whole.mean(), permuted.mean(), rtol=1e-4)), "the loss depends on the order of the rows")
    alone = torch.allclose(whole[order], permuted, atol=1e-5, rtol=1e-4) and torch.allclose(whole[half], part, atol=1e-5, rtol=1e-4)
    require(distiller, distiller.batchwise or bool(alone), "a row's loss depends on the other rows: declare batchwise=True")


def _check_vmap(distiller: Distiller, shapes: Shapes, modules: list[nn.Module | None]) -> None:
    """Three models at once, each with parameters and an auxiliary module of its own, as the stacked engine calls it."""
    pairs = [random_views(distiller, shapes, seed=seed) for seed in range(3)]
    parameters = {
        name: value * torch.tensor([0.5, 1.0, 2.0]) if value else torch.tensor([0.0, 0.5, 1.0])
        for name, value in distiller.parameters.items()
    }
    states = [{} if module is None else {name: p.detach() for name, p in module.named_parameters()} for module in modules]
    flat = [
        {"outputs": s.outputs, "features": s.features, "labels": {} if s.labels is None else {"y": s.labels}, "targets": t.outputs,
         "taught": t.features, "state": state, "parameters": {name: values[model] for name, values in parameters.items()}}
        for model, ((s, t), state) in enumerate(zip(pairs, states, strict=True))
    ]  # fmt: skip

    def one(given: dict[str, Any]) -> torch.Tensor:
        module = modules[0]
        call = None if module is None else lambda *inputs: functional_call(module, given["state"], inputs)
        student = View(given["outputs"], given["features"], given["labels"].get("y"), call, shapes.kind)
        assert distiller.loss is not None
        return distiller.loss(student, View(given["targets"], given["taught"], kind=shapes.kind), **given["parameters"])

    models = stacked(flat)
    leaves = [models["outputs"], *models["features"].values(), *models["state"].values()]
    for leaf in leaves:
        leaf.requires_grad_()
    try:
        together = vmap(one)(models)
    except RuntimeError as error:
        raise ContractError(f"distiller {distiller.name!r}: does not run under vmap: {error}") from error
    gradients = torch.autograd.grad(together.mean(dim=-1).sum(), leaves, allow_unused=True)
    for model, given in enumerate(flat):
        own = [given["outputs"], *given["features"].values(), *given["state"].values()]
        for leaf in own:
            leaf.requires_grad_()
        alone = one(given)
        require(distiller, close(together[model], alone), "vmap gives other values than one model at a time")
        for both, single in zip(gradients, torch.autograd.grad(alone.mean(), own, allow_unused=True), strict=True):
            same = both is None if single is None else both is not None and close(both[model], single)
            require(distiller, same, "vmap gives other gradients than one model at a time")


def _check_prepare(distiller: Distiller, shapes: Shapes) -> None:
    if distiller.prepare is None:
        return
    outputs = np.random.default_rng(0).normal(size=(60, OUTPUTS)).astype(np.float32)
    kept = outputs.copy()
    changed = False
    labels: Any = np.arange(60) % OUTPUTS
    if shapes.kind == "regression":
        labels = 2 * np.random.default_rng(2).normal(size=(60, OUTPUTS)).astype(np.float32) if "labels" in distiller.needs else None
    for shown in (labels,) if labels is None or "labels" in distiller.needs else (labels, None):
        first = distiller.prepare(outputs, shown, np.random.default_rng(1))
        require(distiller, np.array_equal(outputs, kept), "prepare writes into the teacher's outputs: change a copy")
        again = distiller.prepare(outputs, shown, np.random.default_rng(1))
        same = first.shape == outputs.shape and first.dtype == outputs.dtype and bool(np.isfinite(first).all())
        require(distiller, same, f"prepare gave {first.dtype} {first.shape}, finite {outputs.dtype} {outputs.shape} were due")
        require(distiller, np.array_equal(first, again), "prepare does not depend on its generator alone: draw from the one that is given")
        changed |= not np.array_equal(first, outputs)
    require(distiller, changed, "prepare changes nothing")


def _check_closed(distiller: Distiller, shapes: Shapes) -> None:
    """The closed form gives the loss and its gradient, for one model and for a stack with parameters that differ by model."""
    if distiller.closed is None:
        return
    plain = distiller.needs == ("outputs",) and distiller.auxiliary is None and not distiller.batchwise
    require(distiller, plain and distiller.head == "plain", "has a closed form, but reads more than outputs: leave the form out")
    pairs = [random_views(distiller, shapes, seed=seed, scale=2.0) for seed in range(3)]
    outputs, taught = (torch.stack([pair[side].outputs for pair in pairs]) for side in (0, 1))
    numbers = {name: value * torch.tensor([0.5, 1.0, 2.0])[:, None, None] for name, value in distiller.parameters.items()}
    losses, gradients = distiller.closed.slope(outputs, distiller.closed.fixed(taught, **numbers), **numbers)
    for model, (student, teacher) in enumerate(pairs):
        own = {name: float(values[model]) for name, values in numbers.items()}
        leaf = student.outputs.clone().requires_grad_()
        wanted = loss_of(distiller, View(leaf, {}), teacher, own, None)
        (gradient,) = torch.autograd.grad(wanted.sum(), leaf)
        require(
            distiller,
            losses[model].shape == (ROWS, 1),
            f"the closed form's loss has shape {tuple(losses[model].shape)}, ({ROWS}, 1) was due",
        )
        require(distiller, close(losses[model][:, 0], wanted), "the closed form gives another loss")
        require(distiller, close(gradients[model], gradient), "the closed form gives another gradient")


def _check_squared(distiller: Distiller, shapes: Shapes) -> None:
    """A loss that says so is the squared distance of the outputs, up to a constant."""
    if not distiller.squared:
        return
    require(
        distiller,
        distiller.auxiliary is None and distiller.head == "plain",
        "says that it is squared, but has more than outputs: leave squared out",
    )
    student, teacher = random_views(distiller, shapes)
    found = loss_of(distiller, student, teacher, distiller.parameters, None)
    distance = ((student.outputs - teacher.outputs) ** 2).sum(dim=-1)
    require(distiller, close(found * (distance[0] / found[0]), distance), "says that it is squared, but is not the squared distance")
