"""Which hidden layers a loss compares, and what it makes of them."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from kdprobe.core.recipe import Shapes, View

Number = float | torch.Tensor
"""A parameter of a loss: one number, or under vmap one a model."""


def last(view: View) -> torch.Tensor:
    """Last hidden layer, (n, d)."""
    return list(view.features.values())[-1].flatten(1)


def last_size(layers: Mapping[str, tuple[int, ...]]) -> int:
    """Numbers in the last hidden layer."""
    return math.prod(list(layers.values())[-1])


def middle(layers: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Middle hidden layer, the later one of two."""
    return list(layers.values())[len(layers) // 2]


def middle_shape(layers: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Shape of one row of the middle hidden layer."""
    return list(layers.values())[len(layers) // 2]


def mixed(own: torch.Tensor, student: View, teacher: View, weight: Number, response: Number) -> torch.Tensor:
    """weight·own + response·d(teacher, student), one value a row; d: KL(p_T‖p_S) of classes, mean squared difference of values.

    The second term is for rows without labels, where nothing else trains the output layer: the label loss with the teacher's answer in
    place of the label. Matching logits instead would ask a narrow student for the scale of an over-confident teacher, and the loss on
    hidden layers would be blamed for it.
    """
    if student.kind == "classification":
        log_teacher, log_student = (torch.log_softmax(view.outputs, dim=-1) for view in (teacher, student))
        apart = (log_teacher.exp() * (log_teacher - log_student)).sum(dim=-1)
    else:
        apart = ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)
    return weight * own + response * apart


def refuses_single_numbers(shapes: Shapes) -> str:
    """Why relations between rows have no meaning: a last hidden layer of one number has neither angles nor directions."""
    for who, layers in (("student", shapes.student), ("teacher", shapes.teacher)):
        if last_size(layers) < 2:
            return f"the last hidden layer of the {who} is a single number, and between single numbers there are no angles"
    return ""


def paired_places(student: Mapping[str, Any], teacher: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Layers of maps or of sequences, paired from the last."""
    one, two = ([layer for layer in layers.values() if layer.ndim > 2] for layers in (student, teacher))
    return list(zip(reversed(one), reversed(two), strict=False))


def refuses_without_places(shapes: Shapes) -> str:
    """Why maps of places cannot be compared: layers without places, or places that do not match."""
    layers = [[shape for shape in side.values() if len(shape) > 1] for side in (shapes.student, shapes.teacher)]
    for who, own in zip(("student", "teacher"), layers, strict=True):
        if not own:
            return f"no layer of the {who} has places to attend to: it needs spatial maps, or sequences"
    for one, two in zip(*map(reversed, layers), strict=False):
        if len(one) != len(two) or (len(one) == 2 and one[0] != two[0]):
            return f"the student's places {one} cannot be laid over the teacher's {two}"
    return ""


def others(rows: int, device: torch.device) -> torch.Tensor:
    """(rows, rows) of ones, with zeros where a row meets itself."""
    return 1 - torch.eye(rows, device=device)


class Regressor(nn.Module):
    """Linear map from a student's layer to the shape of a teacher's.

    Vectors are mapped whole, sequences (positions, channels) and maps (channels, height, width) by channel, the same at every place. Where
    maps differ in size the larger one is averaged down to the smaller (`fitted`).
    """

    def __init__(self, student: tuple[int, ...], teacher: tuple[int, ...], generator: torch.Generator):
        super().__init__()
        self.maps = len(student) == len(teacher) == 3
        self.whole = not self.maps and not (len(student) == len(teacher) == 2 and student[0] == teacher[0])
        inputs, outputs = (math.prod(shape) if self.whole else shape[0 if self.maps else -1] for shape in (student, teacher))
        # the device "meta" leaves the weights unmade: they are drawn below, from the model's own generator
        self.linear = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
        bound = 1 / math.sqrt(inputs)
        nn.init.uniform_(self.linear.weight, -bound, bound, generator=generator)
        nn.init.uniform_(self.linear.bias, -bound, bound, generator=generator)

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Prediction of the teacher's layer and the layer itself, both (n, places, channels); vectors have one place."""
        if self.maps:
            student, teacher = (maps.flatten(2).transpose(1, 2) for maps in fitted(student, teacher))
        elif self.whole:
            student, teacher = student.flatten(1)[:, None], teacher.flatten(1)[:, None]
        return self.linear(student), teacher


def middle_regressor(shapes: Shapes, generator: torch.Generator) -> Regressor:
    """Regressor from the student's middle hidden layer to the teacher's."""
    return Regressor(middle_shape(shapes.student), middle_shape(shapes.teacher), generator)


def fitted(one: torch.Tensor, two: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two stacks of maps (n, channels, height, width) at the smaller of their sizes, each place the mean of what it covers."""
    size = min(one.shape[-2], two.shape[-2]), min(one.shape[-1], two.shape[-1])
    return tuple(maps if maps.shape[-2:] == size else functional.adaptive_avg_pool2d(maps, size) for maps in (one, two))  # type: ignore[return-value]
