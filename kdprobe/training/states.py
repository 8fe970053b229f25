"""Parameters and buffers of a network and of its auxiliary module, by name in one mapping."""

from collections.abc import Mapping

import torch
from torch import nn


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
