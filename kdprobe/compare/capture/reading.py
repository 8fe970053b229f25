"""Reads one tensor off a call of a module: finds it, reduces its spatial axes, copies it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from kdprobe.compare.capture.layer_names import Slot
from kdprobe.core.errors import PlanError

Spatial = Literal["gap", "flatten", "positions"]
Channels = Literal["first", "last"]

# modules that say by their kind where the channels are; the number is the dimension of the tensors that they speak of
_CHANNELS_FIRST: dict[int, tuple[type[nn.Module], ...]] = {
    3: (nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d, nn.GroupNorm),
    4: (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.GroupNorm),
    5: (nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.InstanceNorm3d, nn.MaxPool3d, nn.AvgPool3d, nn.AdaptiveAvgPool3d, nn.GroupNorm),
}
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.RNNBase, nn.MultiheadAttention, nn.Embedding)


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a hooked module: the tensor it gave, already copied and reduced."""

    slot: Slot
    path: tuple[str, ...]
    values: torch.Tensor
    handling: str

    def fits(self, rows: int) -> bool:
        """Whether the values can belong to a batch of that many rows."""
        return len(self.values) % rows == 0 if self.handling == "positions" else len(self.values) == rows


def read(
    model: nn.Module, slot: Slot, value: Any, spatial: Spatial, channels: Channels | None, mask: np.ndarray | None = None
) -> Call | None:
    """Return what `slot` asks for out of the arguments or the output of its module; None where a loose slot finds no tensor.

    Raises
    ------
    PlanError
        If the path leads nowhere, or the slot names a module that gives no tensor, or several.
    """
    path, tensor = _pick(slot, value)
    if tensor is None:
        return None
    values, handling = _reduce(model, slot, path, tensor, spatial, channels, mask)
    return Call(slot, path, values, handling)


def _pick(slot: Slot, value: Any) -> tuple[tuple[str, ...], torch.Tensor | None]:
    if slot.path:
        found = _follow(value, slot.path)
        if not isinstance(found, torch.Tensor):
            known = ", ".join(repr(slot.label(path=path)) for path, _ in tensors(value) if path)
            raise PlanError(f"layer {slot.label(path=slot.path)!r} gives no tensor: {f'there are {known}' if known else 'drop the path'}")
        return slot.path, found
    options = list(tensors(value))
    if slot.where == "input":
        return (), options[0][1] if options else None
    if not options:
        if slot.loose:
            return (), None
        raise PlanError(f"layer {slot.name!r} gives {type(value).__name__} without a floating-point tensor: leave it out")
    if len(options) > 1 and not slot.loose:
        shapes = ", ".join(f"{slot.label(path=path)!r} {tuple(tensor.shape)}" for path, tensor in options)
        raise PlanError(f"layer {slot.name!r} gives {len(options)} tensors: name one of {shapes}")
    return options[0]


def _reduce(
    model: nn.Module,
    slot: Slot,
    path: tuple[str, ...],
    tensor: torch.Tensor,
    spatial: Spatial,
    channels: Channels | None,
    mask: np.ndarray | None,
) -> tuple[torch.Tensor, str]:
    # copied here and now: an in-place operation later in the forward pass must not reach what is kept
    wide = tensor.dtype if tensor.dtype in (torch.float32, torch.float64) else torch.float32
    tensor = tensor.detach()
    if tensor.ndim == 0:
        raise PlanError(f"layer {slot.label(path=path)!r} gives one number for the whole batch: leave it out")
    if tensor.ndim <= 2 or spatial == "flatten":
        return tensor.to(wide, copy=True).reshape(len(tensor), -1), "flatten" if tensor.ndim > 2 else "none"
    last = channels == "last" if channels else _channels_last(model, slot, tensor.ndim)
    channel = tensor.ndim - 1 if last else 1
    if spatial == "positions":
        return tensor.movedim(channel, -1).to(wide, copy=True).reshape(-1, tensor.shape[channel]), "positions"
    if mask is not None and last and tensor.ndim == 3 and tensor.shape[:2] == mask.shape:
        counts = torch.from_numpy(np.asarray(mask, dtype=bool)).to(tensor.device)[..., None]
        summed = torch.where(counts, tensor, 0).sum(dim=1, dtype=wide)
        return summed / counts.sum(dim=1).clamp(min=1), "gap over axis 1 without padding"
    axes = [axis for axis in range(1, tensor.ndim) if axis != channel]
    return tensor.mean(dim=axes, dtype=wide), f"gap over {'axes' if len(axes) > 1 else 'axis'} {', '.join(map(str, axes))}"


def _channels_last(model: nn.Module, slot: Slot, ndim: int) -> bool:
    """Whether the last axis of a tensor holds the channels, judged by the kind of modules that made it (or that read it)."""
    first = _CHANNELS_FIRST.get(ndim, ())

    def vote(module: nn.Module) -> bool | None:
        return False if isinstance(module, first) else True if isinstance(module, _CHANNELS_LAST) else None

    if slot.where == "input" and (own := vote(slot.module)) is not None:
        return own
    inside = [v for module in slot.module.modules() if (v := vote(module)) is not None]
    if inside:
        # images keep their channels first unless nothing in the block works so; sequences are as their last module leaves them
        return all(inside) if ndim > 3 else inside[-1]
    before: list[bool] = []
    for module in model.modules():
        if module is slot.module:
            break
        if (v := vote(module)) is not None:
            before.append(v)
    return before[-1] if before else ndim == 3


def tensors(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], torch.Tensor]]:
    """Yield every floating-point tensor in nested tuples, lists, mappings and dataclasses, with its path."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point():
            yield path, value
        return
    for key, inner in _parts(value).items():
        yield from tensors(inner, (*path, key))


def _follow(value: Any, path: tuple[str, ...]) -> Any:
    """Return what lies at `path`, or None."""
    for step in path:
        value = _parts(value).get(step)
    return value


def _parts(value: Any) -> dict[str, Any]:
    """What a nested output is made of, by key, place or name; nothing for anything else."""
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return {str(index): inner for index, inner in enumerate(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return {}
