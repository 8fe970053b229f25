"""Multilayer perceptrons with one hidden layer."""

import math

import torch
from torch import nn

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Family


class Perceptron(nn.Module):
    """inputs -> ReLU(width) -> outputs."""

    def __init__(self, inputs: int, outputs: int, width: int, generator: torch.Generator):
        super().__init__()
        # the device "meta" leaves the weights unmade: they are drawn below
        self.hidden = nn.Linear(inputs, width, device="meta").to_empty(device="cpu")
        self.output = nn.Linear(width, outputs, device="meta").to_empty(device="cpu")
        # torch's own default initialisation, but from the model's generator: model k does not depend on what was built before it
        for layer in (self.hidden, self.output):
            bound = 1 / math.sqrt(layer.in_features)
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) -> outputs (n, c) and the hidden layer after its ReLU (n, width)."""
        hidden = torch.relu(self.hidden(x.flatten(1)))
        return self.output(hidden), {"hidden": hidden}


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator) -> Perceptron:
    if width < 1:
        raise PlanError(f"width={width} of an mlp: give at least one hidden unit")
    return Perceptron(math.prod(input_shape), outputs, width, generator)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int) -> int:
    return width * (math.prod(input_shape) + outputs)


MLP = Family(name="mlp", title="multilayer perceptron", build=_build, flops=_flops, knob="hidden units", minimum_width=1)
