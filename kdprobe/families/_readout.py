"""Networks of which only the output layer is fitted: what families of the fit "ridge" share."""

import math
from abc import ABC, abstractmethod

import torch
from torch import nn

from kdprobe.families._parts import check_number, linear


class Readout(nn.Module, ABC):
    """Inputs -> fixed features -> a linear layer `output`, to be fitted.

    `fixed` tells features apart that are costly: networks with equal keys have equal features of the same rows. None where computing them
    costs nothing.
    """

    fixed: tuple[object, ...] | None = None

    def __init__(self, width: int, outputs: int, generator: torch.Generator, *, bias: bool):
        super().__init__()
        self.output = linear(width, outputs, generator)
        if not bias:
            self.output.register_parameter("bias", None)

    @abstractmethod
    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """x (n, inputs) -> features (n, width)."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) -> outputs (n, c) and the features (n, width)."""
        return self.read(self.hidden(x.flatten(1)))

    def read(self, features: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """What `forward` gives, from the features (n, width)."""
        return self.output(features), {"hidden": features}


def check_ridge(family: str, ridge: float) -> None:
    """Raise PlanError unless a penalty is 0 or more."""
    check_number(family, "ridge", ridge, 0, math.inf)
