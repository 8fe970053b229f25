"""Gated recurrent units, for sequences; of images, the rows are read one after the other."""

import torch
from torch import nn

from kdprobe.core.recipe import Family
from kdprobe.families._parts import as_sequence, check_width, linear, to_sequence


class Recurrent(nn.Module):
    """One layer of gated recurrent units (Cho et al. 2014, in the form of torch.nn.GRU) -> last state -> outputs."""

    def __init__(self, inputs: int, outputs: int, width: int, generator: torch.Generator):
        super().__init__()
        self.width = width
        # three gates each: reset, update, new
        self.input = linear(inputs, 3 * width, generator)
        self.state = linear(width, 3 * width, generator)
        self.output = linear(width, outputs, generator)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, time, channels) or images -> outputs (n, c), "states" (n, time, width) and "last" (n, width)."""
        # written out: torch.nn.GRU is one fused operation that torch.func.vmap cannot batch over models
        driven = self.input(to_sequence(x))
        state, states = torch.zeros_like(driven[:, 0, : self.width]), []
        for step in range(driven.shape[1]):
            reset, update, new = driven[:, step].chunk(3, dim=-1)
            own_reset, own_update, own_new = self.state(state).chunk(3, dim=-1)
            update = torch.sigmoid(update + own_update)
            candidate = torch.tanh(new + torch.sigmoid(reset + own_reset) * own_new)
            state = (1 - update) * candidate + update * state
            states.append(state)
        return self.output(state), {"states": torch.stack(states, dim=1), "last": state}


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator) -> Recurrent:
    _, inputs = as_sequence(input_shape)
    check_width("gru", width, 1, "unit")
    return Recurrent(inputs, outputs, width, generator)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int) -> int:
    positions, inputs = as_sequence(input_shape)
    return positions * 3 * width * (inputs + width) + width * outputs


GRU = Family(
    name="gru",
    title="gated recurrent network",
    build=_build,
    flops=_flops,
    knob="units",
    minimum_width=1,
    cites="arXiv:1406.1078",
)
