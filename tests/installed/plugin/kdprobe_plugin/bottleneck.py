"""Linear networks with a hidden layer in between."""

import math

import torch
from torch import nn

from kdprobe import Family, PlanError


class Bottleneck(nn.Module):
    """inputs -> linear -> linear -> outputs."""

    def __init__(self, inputs: int, outputs: int, width: int, generator: torch.Generator):
        super().__init__()
        # unmade first: all that is drawn comes from the generator of the model
        self.hidden = nn.Linear(inputs, width, device="meta").to_empty(device="cpu")
        self.output = nn.Linear(width, outputs, device="meta").to_empty(device="cpu")
        for layer in (self.hidden, self.output):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) -> outputs (n, c) and the hidden layer (n, width)."""
        hidden = self.hidden(x.flatten(1))
        return self.output(hidden), {"hidden": hidden}


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator) -> Bottleneck:
    if width < 1:
        raise PlanError(f"bottleneck of width={width}: give at least 1 hidden unit")
    return Bottleneck(math.prod(input_shape), outputs, width, generator)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int) -> int:
    return width * (math.prod(input_shape) + outputs)


BOTTLENECK = Family(name="bottleneck", title="linear bottleneck", build=_build, flops=_flops)
