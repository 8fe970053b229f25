"""The parameters of a stack in one tensor, so that an optimiser is a handful of element-wise operations."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

ALIGN = 16
"""Floats between the starts of two parameters: 64 bytes, so that no kernel sees another alignment for another model."""
ROW = 64
"""A model's row is a multiple of this many floats, so that no vector loop ends within it."""


class Layout:
    """Where each parameter lies in a model's row.

    Parameters
    ----------
    shapes
        By name, in the order of the row.
    """

    def __init__(self, shapes: Mapping[str, torch.Size]):
        self.shapes = dict(shapes)
        self._cuts: list[int] = []
        for shape in self.shapes.values():
            self._cuts += [shape.numel(), -shape.numel() % ALIGN]
        self._cuts.append(-sum(self._cuts) % ROW)
        self.size = sum(self._cuts)

    def pack(self, states: Sequence[Mapping[str, torch.Tensor]]) -> torch.Tensor:
        """(models, size) of the parameters of some models."""
        flat = torch.zeros(len(states), self.size, dtype=next(iter(states[0].values())).dtype)
        for name, place in self.unpack(flat).items():
            place.copy_(torch.stack([state[name].cpu() for state in states]))
        return flat

    def unpack(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Views into the last axis of `flat`, by name, each with the axes before it."""
        parts = flat.split(self._cuts, dim=-1)
        return {name: part.view(*flat.shape[:-1], *shape) for (name, shape), part in zip(self.shapes.items(), parts[::2], strict=False)}


def parameters_of(module: nn.Module, auxiliary: nn.Module | None) -> dict[str, torch.Tensor]:
    """Parameters of a network and of its auxiliary module, in one mapping."""
    own = {f"network.{name}": value.detach() for name, value in module.named_parameters()}
    return own | ({f"auxiliary.{name}": value.detach() for name, value in auxiliary.named_parameters()} if auxiliary is not None else {})


def buffers_of(module: nn.Module, auxiliary: nn.Module | None) -> dict[str, torch.Tensor]:
    """Buffers of a network and of its auxiliary module that belong to their state, in one mapping."""
    found: dict[str, torch.Tensor] = {}
    for prefix, owner in (("network", module), ("auxiliary", auxiliary)):
        buffers = {} if owner is None else dict(owner.named_buffers())
        if owner is not None and buffers:
            kept = owner.state_dict()
            found |= {f"{prefix}.{name}": value.detach() for name, value in buffers.items() if name in kept}
    return found


def under(prefix: str, values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Entries of one prefix, without it."""
    return {name.removeprefix(f"{prefix}."): value for name, value in values.items() if name.startswith(f"{prefix}.")}
