"""The parameters of a stack in one tensor, so that an optimiser is a handful of element-wise operations."""

from collections.abc import Mapping, Sequence

import torch

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
