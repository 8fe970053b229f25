"""What the contract of a distiller feeds its loss, and how it calls it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import HEADS, Distiller, Shapes, View

ROWS, OUTPUTS = 12, 4
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


def shapes_for(distiller: Distiller) -> Iterator[Shapes]:
    """Pairs of networks to ask a distiller about, for each of its kinds of task."""
    for kind in distiller.tasks:
        for student, teacher in NETWORKS if "features" in distiller.needs or distiller.refuses else NETWORKS[:1]:
            yield Shapes(kind=kind, outputs=OUTPUTS, student=student, teacher=teacher)


def random_views(distiller: Distiller, shapes: Shapes, *, seed: int = 0, scale: float = 1.0) -> tuple[View, View]:
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


def loss_of(distiller: Distiller, student: View, teacher: View, parameters: Mapping[str, Any], module: nn.Module | None) -> torch.Tensor:
    """The loss (n,) of one model; ContractError where it raises."""
    assert distiller.loss is not None
    # not the module itself: a loss must not reach into it, because under vmap its parameters live elsewhere
    call: Callable[..., Any] | None = None if module is None else lambda *inputs: module(*inputs)
    try:
        return distiller.loss(student._replace(auxiliary=call), teacher, **parameters)
    except Exception as error:
        raise ContractError(f"distiller {distiller.name!r}: its loss: {type(error).__name__}: {error}") from error


def as_tensors(view: View) -> View:
    """A view of NumPy arrays as one of tensors."""
    labels = None if view.labels is None else torch.from_numpy(view.labels)
    features = {name: torch.from_numpy(layer) for name, layer in view.features.items()}
    return View(torch.from_numpy(view.outputs), features, labels, kind=view.kind)


def rows_of(view: View, rows: torch.Tensor) -> View:
    """A view of some rows."""
    labels = None if view.labels is None else view.labels[rows]
    return View(view.outputs[rows], {name: layer[rows] for name, layer in view.features.items()}, labels, kind=view.kind)


def stacked(models: list[Any]) -> Any:
    """Nested tensors of several models as one, with the models along the first axis."""
    if isinstance(models[0], torch.Tensor):
        return torch.stack([model.detach() for model in models])
    return {name: stacked([model[name] for model in models]) for name in models[0]}


def close(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Whether two tensors are equal, to what float32 rounds."""
    return bool(torch.allclose(found, wanted, atol=1e-5, rtol=1e-4))
