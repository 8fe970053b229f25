"""Least squares on the first features: the networks of the nested least-squares law."""

import math

import torch

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Family
from kdprobe.families._parts import check_width
from kdprobe.families._readout import Readout, check_ridge


class NestedLinear(Readout):
    """The first inputs -> linear, without an intercept."""

    def __init__(self, outputs: int, width: int, generator: torch.Generator):
        super().__init__(width, outputs, generator, bias=False)
        self.width = width

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """x (n, inputs) -> the first of them (n, width)."""
        return x[:, : self.width]


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator, *, ridge: float = 0.0) -> NestedLinear:
    check_width("nested_linear", width, 1, "feature")
    check_ridge("nested_linear", ridge)
    inputs = math.prod(input_shape)
    if width > inputs:
        raise PlanError(f"nested_linear of width={width}: the task has {inputs} features: give at most as many")
    return NestedLinear(outputs, width, generator)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int, *, ridge: float = 0.0) -> int:
    return width * outputs


NESTED_LINEAR = Family(
    name="nested_linear",
    title="least squares on the first features",
    build=_build,
    flops=_flops,
    options={"ridge": 0.0},
    knob="features",
    fit="ridge",
)
