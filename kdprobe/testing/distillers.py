"""The contract of a distiller."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vmap

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import HEADS, Distiller, LossTruth, Shapes, View

DRAWS, ROWS, OUTPUTS = 3, 12, 4
NETWORKS: tuple[tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]], ...] = (
    ({"hidden": (6,)}, {"hidden": (9,)}),
    (
        {"block1": (3, 8, 8), "block2": (4, 4, 4), "pooled": (4,)},
        {"block1": (5, 8, 8), "block2": (6, 4, 4), "block3": (7, 4, 4), "pooled": (7,)},
    ),
    ({"block": (5, 6), "pooled": (6,)}, {"block": (5, 8), "pooled": (8,)}),
    ({"hidden": (1,)}, {"hidden": (1,)}),
)
"""Hidden layers of pairs of student and teacher: vectors, maps of unlike depths, sequences, single units."""


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
        _require(distiller, distiller.knowledge == "none" and not distiller.parameters, "has no loss, so no knowledge and no parameters")
        return
    for truth in distiller.truths:
        for draw in range(DRAWS):
            _check_truth(distiller, truth, draw)
    answered = set()
    for shapes in _worlds(distiller):
        reason = "" if distiller.refuses is None else distiller.refuses(shapes)
        _require(distiller, isinstance(reason, str), f"refuses gave {reason!r}, a reason or '' was due")
        if reason:
            continue
        answered.add(shapes.kind)
        modules = _modules(distiller, shapes)
        _check_gradients(distiller, shapes, modules[0])
        _check_order(distiller, shapes, modules[0])
        _check_vmap(distiller, shapes, modules)
        large = _loss(distiller, *_views(distiller, shapes, scale=1e3), distiller.parameters, modules[0])
        _require(distiller, bool(large.isfinite().all()), "outputs near 1000 give a loss that is not finite")
        _check_prepare(distiller, shapes)
        _check_closed(distiller, shapes)
        _check_squared(distiller, shapes)
    _require(distiller, answered == set(distiller.tasks), f"it refuses every network for {sorted(set(distiller.tasks) - answered)}")


def _check_truth(distiller: Distiller, truth: LossTruth, draw: int) -> None:
    given = truth.make(np.random.default_rng(draw))
    kind = truth.kind or distiller.tasks[0]
    student, teacher = (view._replace(kind=kind) if isinstance(view, View) else View(view, {}, kind=kind) for view in given)
    given = tuple(made if isinstance(view, View) else view for view, made in zip(given, (student, teacher), strict=True))
    _require(distiller, truth.kind is not None or len(distiller.tasks) == 1, f"truth {truth.name!r} does not say its kind of task")
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
    found = _loss(distiller, _tensors(student), _tensors(teacher), truth.parameters, module).detach().numpy()
    wanted = truth.oracle(*given, **truth.parameters)
    _require(distiller, found.shape == (len(teacher.outputs),), f"truth {truth.name!r}: shape {found.shape}, one value a row was due")
    worst = float(np.max(np.abs(found - wanted) / np.maximum(np.abs(wanted), 1)))
    _require(distiller, worst <= truth.tolerance, f"truth {truth.name!r} is missed by {worst:.2g}, {truth.tolerance:g} is allowed")


def _modules(distiller: Distiller, shapes: Shapes) -> list[nn.Module | None]:
    """Three auxiliary modules that differ, or nothing three times."""
    if distiller.auxiliary is None:
        return [None] * 3
    before = torch.get_rng_state()
    first, other, third, again = (distiller.auxiliary(shapes, torch.Generator().manual_seed(seed)) for seed in (0, 1, 2, 0))
    _require(distiller, torch.equal(before, torch.get_rng_state()), "its auxiliary module draws from the global generator")
    weights = [nn.utils.parameters_to_vector(module.parameters()) for module in (first, other, again)]
    _require(distiller, torch.equal(weights[0], weights[2]), "the same generator state gives another auxiliary module")
    _require(distiller, not torch.equal(weights[0], weights[1]), "another generator state gives the same auxiliary module")
    return [first, other, third]


def _check_gradients(distiller: Distiller, shapes: Shapes, module: nn.Module | None) -> None:
    student, teacher = _views(distiller, shapes)
    inputs = [student.outputs, *student.features.values(), *(() if module is None else module.parameters())]
    for value in inputs:
        value.requires_grad_()
    loss = _loss(distiller, student, teacher, distiller.parameters, module)
    _require(distiller, tuple(loss.shape) == (ROWS,), f"shape {tuple(loss.shape)}, one value a row was due")
    moved = _moved(distiller, loss, inputs)
    layers = 1 + len(student.features)
    _require(distiller, any(moved[:layers]), "the student gets no gradient")
    _require(distiller, all(moved[layers:]), "a part of its auxiliary module gets no gradient")
    if moved[0]:
        return
    text = (
        'its loss does not reach the output layer: give it a parameter "response" with default 0, the weight of a response loss beside it'
    )
    _require(distiller, distiller.parameters.get("response") == 0, text)
    beside = _loss(distiller, student, teacher, {**distiller.parameters, "response": 1.0}, module)
    _require(distiller, _moved(distiller, beside, inputs)[0], "with response=1 its loss does not reach the output layer either")


def _moved(distiller: Distiller, loss: torch.Tensor, inputs: list[torch.Tensor]) -> list[bool]:
    gradients = torch.autograd.grad(loss.sum(), inputs, allow_unused=True)
    _require(distiller, all(bool(g.isfinite().all()) for g in gradients if g is not None), "the gradient is not finite")
    return [g is not None and bool(g.abs().sum() > 0) for g in gradients]


def _check_order(distiller: Distiller, shapes: Shapes, module: nn.Module | None) -> None:
    student, teacher = _views(distiller, shapes)
    order, half = torch.from_numpy(np.random.default_rng(1).permutation(ROWS)), torch.arange(ROWS // 2)
    whole, permuted, part = (
        _loss(distiller, _rows(student, rows), _rows(teacher, rows), distiller.parameters, module)
        for rows in (torch.arange(ROWS), order, half)
    )
    _require(distiller, bool(torch.allclose(whole.mean(), permuted.mean(), rtol=1e-4)), "the loss depends on the order of the rows")
    alone = torch.allclose(whole[order], permuted, atol=1e-5, rtol=1e-4) and torch.allclose(whole[half], part, atol=1e-5, rtol=1e-4)
    _require(distiller, distiller.batchwise or bool(alone), "a row's loss depends on the other rows: declare batchwise=True")


def _check_vmap(distiller: Distiller, shapes: Shapes, modules: list[nn.Module | None]) -> None:
    """Three models at once, each with parameters and an auxiliary module of its own, as the stacked engine calls it."""
    pairs = [_views(distiller, shapes, seed=seed) for seed in range(3)]
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

    stacked = _stacked(flat)
    leaves = [stacked["outputs"], *stacked["features"].values(), *stacked["state"].values()]
    for leaf in leaves:
        leaf.requires_grad_()
    try:
        together = vmap(one)(stacked)
    except RuntimeError as error:
        raise ContractError(f"distiller {distiller.name!r}: does not run under vmap: {error}") from error
    gradients = torch.autograd.grad(together.mean(dim=-1).sum(), leaves, allow_unused=True)
    for model, given in enumerate(flat):
        own = [given["outputs"], *given["features"].values(), *given["state"].values()]
        for leaf in own:
            leaf.requires_grad_()
        alone = one(given)
        _require(distiller, _close(together[model], alone), "vmap gives other values than one model at a time")
        for both, single in zip(gradients, torch.autograd.grad(alone.mean(), own, allow_unused=True), strict=True):
            same = both is None if single is None else both is not None and _close(both[model], single)
            _require(distiller, same, "vmap gives other gradients than one model at a time")


def _check_prepare(distiller: Distiller, shapes: Shapes) -> None:
    if distiller.prepare is None:
        return
    outputs = np.random.default_rng(0).normal(size=(60, OUTPUTS)).astype(np.float32)
    kept = outputs.copy()
    changed = False
    for classes in (np.arange(60) % OUTPUTS, None) if shapes.kind == "classification" else (None,):
        first = distiller.prepare(outputs, classes, np.random.default_rng(1))
        _require(distiller, np.array_equal(outputs, kept), "prepare writes into the teacher's outputs")
        again = distiller.prepare(outputs, classes, np.random.default_rng(1))
        same = first.shape == outputs.shape and first.dtype == outputs.dtype and bool(np.isfinite(first).all())
        _require(distiller, same, f"prepare gave {first.dtype} {first.shape}, finite {outputs.dtype} {outputs.shape} were due")
        _require(distiller, np.array_equal(first, again), "prepare does not depend on its generator alone")
        changed |= not np.array_equal(first, outputs)
    _require(distiller, changed, "prepare changes nothing")


def _check_closed(distiller: Distiller, shapes: Shapes) -> None:
    """The closed form gives the loss and its gradient, for one model and for a stack with parameters that differ by model."""
    if distiller.closed is None:
        return
    plain = distiller.needs == ("outputs",) and distiller.auxiliary is None and not distiller.batchwise
    _require(distiller, plain and distiller.head == "plain", "has a closed form, but reads more than outputs")
    pairs = [_views(distiller, shapes, seed=seed, scale=2.0) for seed in range(3)]
    outputs, taught = (torch.stack([pair[side].outputs for pair in pairs]) for side in (0, 1))
    numbers = {name: value * torch.tensor([0.5, 1.0, 2.0])[:, None, None] for name, value in distiller.parameters.items()}
    losses, gradients = distiller.closed.slope(outputs, distiller.closed.fixed(taught, **numbers), **numbers)
    for model, (student, teacher) in enumerate(pairs):
        own = {name: float(values[model]) for name, values in numbers.items()}
        leaf = student.outputs.clone().requires_grad_()
        wanted = _loss(distiller, View(leaf, {}), teacher, own, None)
        (gradient,) = torch.autograd.grad(wanted.sum(), leaf)
        _require(distiller, losses[model].shape == (ROWS, 1), f"the closed form's loss has shape {tuple(losses[model].shape)}")
        _require(distiller, _close(losses[model][:, 0], wanted), "the closed form gives another loss")
        _require(distiller, _close(gradients[model], gradient), "the closed form gives another gradient")


def _check_squared(distiller: Distiller, shapes: Shapes) -> None:
    """A loss that says so is the squared distance of the outputs, up to a constant."""
    if not distiller.squared:
        return
    _require(distiller, distiller.auxiliary is None and distiller.head == "plain", "says that it is squared, but has more than outputs")
    student, teacher = _views(distiller, shapes)
    found = _loss(distiller, student, teacher, distiller.parameters, None)
    distance = ((student.outputs - teacher.outputs) ** 2).sum(dim=-1)
    _require(distiller, _close(found * (distance[0] / found[0]), distance), "says that it is squared, but is not the squared distance")


def _worlds(distiller: Distiller) -> Iterator[Shapes]:
    for kind in distiller.tasks:
        for student, teacher in NETWORKS if "features" in distiller.needs or distiller.refuses else NETWORKS[:1]:
            yield Shapes(kind=kind, outputs=OUTPUTS, student=student, teacher=teacher)


def _views(distiller: Distiller, shapes: Shapes, *, seed: int = 0, scale: float = 1.0) -> tuple[View, View]:
    """Random student and teacher, float32, with what the distiller needs and no more."""
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.from_numpy((scale * rng.normal(size=shape)).astype(np.float32))

    def hidden(layers: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
        # as after a ReLU
        return {name: random(ROWS, *shape).relu() for name, shape in layers.items()} if "features" in distiller.needs else {}

    labels = None
    if "labels" in distiller.needs:
        labels = torch.from_numpy(rng.integers(0, OUTPUTS, ROWS)) if shapes.kind == "classification" else random(ROWS, OUTPUTS) / scale
    kind = shapes.kind
    return View(random(ROWS, HEADS[distiller.head] * OUTPUTS), hidden(shapes.student), labels, kind=kind), View(
        random(ROWS, OUTPUTS), hidden(shapes.teacher), kind=kind
    )


def _loss(distiller: Distiller, student: View, teacher: View, parameters: Mapping[str, Any], module: nn.Module | None) -> torch.Tensor:
    assert distiller.loss is not None
    # not the module itself: a loss must not reach into it, because under vmap its parameters live elsewhere
    call: Callable[..., Any] | None = None if module is None else lambda *inputs: module(*inputs)
    return distiller.loss(student._replace(auxiliary=call), teacher, **parameters)


def _tensors(view: View) -> View:
    labels = None if view.labels is None else torch.from_numpy(view.labels)
    features = {name: torch.from_numpy(layer) for name, layer in view.features.items()}
    return View(torch.from_numpy(view.outputs), features, labels, kind=view.kind)


def _rows(view: View, rows: torch.Tensor) -> View:
    labels = None if view.labels is None else view.labels[rows]
    return View(view.outputs[rows], {name: layer[rows] for name, layer in view.features.items()}, labels, kind=view.kind)


def _stacked(models: list[Any]) -> Any:
    if isinstance(models[0], torch.Tensor):
        return torch.stack([model.detach() for model in models])
    return {name: _stacked([model[name] for model in models]) for name in models[0]}


def _close(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    return bool(torch.allclose(found, wanted, atol=1e-5, rtol=1e-4))


def _require(distiller: Distiller, condition: bool, text: str) -> None:
    if not condition:
        raise ContractError(f"distiller {distiller.name!r}: {text}")
