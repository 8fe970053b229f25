"""What a model said of rows, in the place of its network."""

from collections.abc import Mapping

import torch
from torch import nn

OUTPUTS, LAYER = "outputs", "layer."
"""Names of tensors in a shard: outputs (n, c), and each hidden layer (n, ...) in forward order."""


class Recorded(nn.Module):
    """Looks up what was said: its inputs are numbers of rows (n, 1), as the rows of an imported task are."""

    def __init__(self, outputs: torch.Tensor, layers: Mapping[str, torch.Tensor]):
        super().__init__()
        self.register_buffer(OUTPUTS, outputs)
        self.layers = dict(layers)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, 1) -> outputs (n, c) and hidden layers by name."""
        rows = x[:, 0].round().long()
        return self.get_buffer(OUTPUTS)[rows], {name: values[rows] for name, values in self.layers.items()}


def recorded(state: Mapping[str, torch.Tensor], slot: int) -> Recorded:
    """The model in one slot of a shard."""
    # a file has its tensors by name; the number in front is their order
    names = sorted(name for name in state if name.startswith(LAYER))
    layers = {name.removeprefix(LAYER).partition(".")[2]: state[name][slot] for name in names}
    return Recorded(state[OUTPUTS][slot], layers)


def state_of(outputs: torch.Tensor, layers: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a shard keeps of one model."""
    named = {f"{LAYER}{place:03d}.{name}": values[None] for place, (name, values) in enumerate(layers.items())}
    return {OUTPUTS: outputs[None], **named}
