"""Random ReLU features: a hidden layer that is drawn and never trained, and a ridge regression on it."""

import math

import torch

from kdprobe.core.recipe import Family
from kdprobe.families._parts import check_width
from kdprobe.families._readout import Readout, check_ridge


class RandomFeatures(Readout):
    """inputs -> √(2/width)·ReLU(W x + b) with w ~ N(0, 1/inputs), b ~ N(0, 1) -> linear.

    The factor keeps the size of the features the same at every width, and so what a ridge penalty means.
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, inputs: int, outputs: int, width: int, generator: torch.Generator):
        super().__init__(width, outputs, generator, bias=True)
        # drawn anew from the generator whenever the network is built, so a zoo stores the output layer alone
        self.fixed = ("random_features", generator.initial_seed(), inputs, outputs, width)
        self.register_buffer("weight", torch.randn(width, inputs, generator=generator) / math.sqrt(inputs), persistent=False)
        self.register_buffer("bias", torch.randn(width, generator=generator), persistent=False)

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """x (n, inputs) -> features (n, width)."""
        return torch.nn.functional.linear(x, self.weight, self.bias).relu_().mul_(math.sqrt(2 / len(self.bias)))


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator, *, ridge: float = 1e-4) -> RandomFeatures:
    check_width("random_features", width, 1, "random feature")
    check_ridge("random_features", ridge)
    return RandomFeatures(math.prod(input_shape), outputs, width, generator)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int, *, ridge: float = 1e-4) -> int:
    return width * (math.prod(input_shape) + outputs)


RANDOM_FEATURES = Family(
    name="random_features",
    title="random-feature ridge regression",
    build=_build,
    flops=_flops,
    options={"ridge": 1e-4},
    knob="random features",
    fit="ridge",
    cites="Rahimi and Recht 2007, NIPS; Mei and Montanari 2022, doi:10.1002/cpa.22008 (double descent)",
)
