"""Layers whose weights come from a model's own generator, and checks of what networks are built for."""

import math

import torch
from torch import nn

from kdprobe.core.errors import PlanError, did_you_mean

NORMS = ("none", "batch", "layer")


class _Linear(nn.Linear):
    def reset_parameters(self) -> None:
        """Leave the weights unmade: they are drawn below. (So does torch's device "meta", which loads a second's worth of code for it.)"""


class _Convolution(nn.Conv2d):
    def reset_parameters(self) -> None:
        """Leave the weights unmade: they are drawn below."""


def linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """Linear layer with torch's own default initialisation, but from the generator: model k does not depend on what was built before it."""
    layer: nn.Linear = _Linear(inputs, outputs)
    # from here on any linear layer: engines know them by their class
    layer.__class__ = nn.Linear  # pyright: ignore[reportAttributeAccessIssue]
    _draw(layer, inputs, generator)
    return layer


def convolution(inputs: int, outputs: int, size: int, stride: int, generator: torch.Generator) -> nn.Conv2d:
    """Convolution with torch's own default initialisation, padded so that stride 1 keeps the size."""
    layer: nn.Conv2d = _Convolution(inputs, outputs, size, stride=stride, padding=size // 2)
    layer.__class__ = nn.Conv2d  # pyright: ignore[reportAttributeAccessIssue]
    _draw(layer, inputs * size * size, generator)
    return layer


def table(rows: int, width: int, generator: torch.Generator) -> nn.Parameter:
    """(rows, width) trainable numbers, uniform up to 1/√width."""
    return nn.Parameter(nn.init.uniform_(torch.empty(rows, width), -1 / math.sqrt(width), 1 / math.sqrt(width), generator=generator))


def check_width(family: str, width: int, minimum: int, knob: str) -> None:
    """Raise PlanError where a network would have too few units."""
    if width < minimum:
        raise PlanError(f"{family} of width={width}: give at least {minimum} {knob}")


def check_option(family: str, name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise PlanError where a named choice is unknown."""
    if value not in allowed:
        raise PlanError(f"{family} with {name}={value!r}: unknown: {did_you_mean(str(value), allowed)}")


def check_number(family: str, name: str, value: float, low: float, high: float) -> None:
    """Raise PlanError where an option is outside [low, high)."""
    if not low <= value < high:
        raise PlanError(f"{family} with {name}={value!r}: give a number from {low:g} to below {high:g}")


def as_sequence(input_shape: tuple[int, ...]) -> tuple[int, int]:
    """Positions and numbers at each of them: (time, channels) as it is, the rows of an image one after the other."""
    if len(input_shape) == 2:
        return input_shape
    if len(input_shape) == 3:
        channels, height, width = input_shape
        return height, channels * width
    raise PlanError(f"inputs of shape {input_shape} are no sequence: give (time, channels), or images, whose rows are read one by one")


def to_sequence(x: torch.Tensor) -> torch.Tensor:
    """(n, time, channels) of inputs as `as_sequence` reads them."""
    return x if x.ndim == 3 else x.transpose(1, 2).flatten(2)


def _draw(layer: nn.Linear | nn.Conv2d, inputs: int, generator: torch.Generator) -> None:
    bound = 1 / math.sqrt(inputs)
    assert layer.bias is not None
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
