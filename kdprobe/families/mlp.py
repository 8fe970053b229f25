"""Multilayer perceptrons."""

import math

import torch
from torch import nn

from kdprobe.core.recipe import Family
from kdprobe.families._parts import NORMS, check_number, check_option, check_width, linear


class Perceptron(nn.Module):
    """inputs -> [linear, norm, ReLU, dropout] × depth -> outputs."""

    def __init__(self, inputs: int, outputs: int, width: int, generator: torch.Generator, depth: int, norm: str, dropout: float):
        super().__init__()
        self.names = ["hidden"] if depth == 1 else [f"hidden{i}" for i in range(1, depth + 1)]
        for i, name in enumerate(self.names):
            self.add_module(name, linear(width if i else inputs, width, generator))
            if norm != "none":
                self.add_module(f"{name}_norm", nn.BatchNorm1d(width) if norm == "batch" else nn.LayerNorm(width))
            if dropout:
                self.add_module(f"{name}_dropout", nn.Dropout(dropout))
        self.output = linear(width, outputs, generator)
        self.norm, self.dropout = norm, dropout

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) -> outputs (n, c) and each hidden layer after its ReLU (n, width), before dropout."""
        x, features = x.flatten(1), {}
        for name in self.names:
            x = self.get_submodule(name)(x)
            if self.norm != "none":
                x = self.get_submodule(f"{name}_norm")(x)
            x = features[name] = torch.relu(x)
            if self.dropout:
                x = self.get_submodule(f"{name}_dropout")(x)
        return self.output(x), features


def _build(
    input_shape: tuple[int, ...],
    outputs: int,
    width: int,
    generator: torch.Generator,
    *,
    depth: int = 1,
    norm: str = "none",
    dropout: float = 0.0,
) -> Perceptron:
    check_width("mlp", width, 1, "hidden unit")
    check_number("mlp", "depth", depth, 1, 101)
    check_option("mlp", "norm", norm, NORMS)
    check_number("mlp", "dropout", dropout, 0, 1)
    return Perceptron(math.prod(input_shape), outputs, width, generator, depth, norm, dropout)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int, *, depth: int = 1, norm: str = "none", dropout: float = 0.0) -> int:
    return width * (math.prod(input_shape) + (depth - 1) * width + outputs)


MLP = Family(
    name="mlp",
    title="multilayer perceptron",
    build=_build,
    flops=_flops,
    options={"depth": 1, "norm": "none", "dropout": 0.0},
    knob="hidden units",
    minimum_width=1,
)
