"""Factorisation machines: what two inputs say together, by a few factors of each."""

import math

import torch
from torch import nn

from kdprobe.core.recipe import Family
from kdprobe.families._parts import check_width, linear, table


class FactorisationMachine(nn.Module):
    """inputs -> linear part + a linear map of ½((V'x)² - (V∘V)'(x∘x)), the products of all pairs of inputs by their factors.

    Of a person and a thing, one-hot each, that is the product of their factors, and the linear part holds the mean of each.
    """

    def __init__(self, inputs: int, outputs: int, width: int, generator: torch.Generator):
        super().__init__()
        self.alone = linear(inputs, outputs, generator)
        # of the size of 1: factors that begin near 0 stay there for long, as each one's slope is the other
        self.factors = table(inputs, width, generator)
        self.output = linear(width, outputs, generator)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) -> outputs (n, c) and "pairs" (n, width)."""
        x = x.flatten(1)
        pairs = 0.5 * ((x @ self.factors) ** 2 - (x * x) @ (self.factors * self.factors))
        return self.alone(x) + self.output(pairs), {"pairs": pairs}


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator) -> FactorisationMachine:
    check_width("factors", width, 1, "factor")
    return FactorisationMachine(math.prod(input_shape), outputs, width, generator)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int) -> int:
    inputs = math.prod(input_shape)
    return 2 * inputs * width + (inputs + width) * outputs


FACTORS = Family(
    name="factors",
    title="factorisation machine",
    build=_build,
    flops=_flops,
    knob="factors",
    cites="doi:10.1109/ICDM.2010.127",
)
