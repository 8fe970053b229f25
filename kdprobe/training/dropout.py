"""Dropout whose masks come from the model's own generator, so that a model drops the same units whatever is trained beside it."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import nn

from kdprobe.core.errors import ContractError

BLOCK = 1 << 16
"""Numbers drawn at once for one layer of one model: calls cost more than numbers."""

_CHANNELS = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
_HIDDEN = (nn.AlphaDropout, nn.FeatureAlphaDropout, nn.RReLU)


class MaskedDropout(nn.Module):
    """Multiplies by `mask` in training mode; the identity in evaluation mode."""

    mask: torch.Tensor

    def __init__(self, p: float, channels: bool):
        super().__init__()
        self.p, self.channels = p, channels
        # a buffer, so that a stack can hand each model its own through functional_call; not persistent, so that no file holds it
        self.register_buffer("mask", torch.ones(()), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, with units dropped."""
        return x * self.mask if self.training else x


def with_masks(module: nn.Module) -> nn.Module:
    """Put a `MaskedDropout` in the place of every dropout module, in place.

    Raises
    ------
    ContractError
        If a module draws random numbers by itself: they would come from the global generator.
    """
    for name, part in list(module.named_modules()):
        if isinstance(part, _HIDDEN) or (isinstance(part, nn.RNNBase | nn.MultiheadAttention) and part.dropout > 0):
            raise ContractError(f"layer {name!r} ({type(part).__name__}) draws its own dropout: give the network torch.nn.Dropout modules")
        if isinstance(part, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d) and name:
            owner, _, key = name.rpartition(".")
            masked = nn.Identity() if part.p == 0 else MaskedDropout(part.p, isinstance(part, _CHANNELS))
            setattr(module.get_submodule(owner), key, masked)
    return module


def mask_shapes(module: nn.Module, x: torch.Tensor) -> dict[str, tuple[int, ...]]:
    """Name of the mask buffer of each dropout layer -> shape of its mask for a batch like x. Runs the module once on meta tensors.

    Raises
    ------
    ContractError
        If a layer is called twice in a pass: it would drop the same units twice.
    """
    if not any(isinstance(part, MaskedDropout) for part in module.modules()):
        return {}
    shapes: dict[str, tuple[int, ...]] = {}

    def record(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(layer, MaskedDropout)
        name, shape = names[layer], tuple(inputs[0].shape)
        if f"{name}.mask" in shapes:
            raise ContractError(f"dropout layer {name!r} is called twice in a pass: make it two modules")
        shapes[f"{name}.mask"] = (*shape[:2], *(1,) * (len(shape) - 2)) if layer.channels else shape

    meta = deepcopy(module).to("meta").eval()
    names = {part: name for name, part in meta.named_modules() if isinstance(part, MaskedDropout)}
    for part in names:
        part.register_forward_pre_hook(record)
    with torch.no_grad():
        meta(x.to("meta", next(meta.parameters(), x).dtype))
    return shapes


class Masks:
    """Masks of a stack of models, one step after the other.

    Parameters
    ----------
    shapes
        Of one model's masks, by name; the first axis is the batch.
    keep
        Share of units that each mask keeps.
    generators
        One a model, on the CPU.
    """

    def __init__(self, shapes: dict[str, tuple[int, ...]], keep: dict[str, float], generators: Sequence[torch.Generator]):
        self._shapes, self._keep, self._generators = shapes, keep, list(generators)
        self._blocks: dict[str, torch.Tensor] = {}
        largest = max((torch.Size(shape).numel() for shape in shapes.values()), default=1)
        self._steps = max(1, BLOCK // largest)
        self._next = self._steps

    def next(self, device: torch.device) -> dict[str, torch.Tensor]:
        """Masks of the next step, each (models, batch, ...); kept units are scaled up."""
        if not self._shapes:
            return {}
        if self._next == self._steps:
            self._draw(device)
        self._next += 1
        return {name: block[:, self._next - 1] for name, block in self._blocks.items()}

    def keep_models(self, places: torch.Tensor) -> None:
        """Go on with some of the models only."""
        self._generators = [self._generators[place] for place in places.tolist()]
        self._blocks = {name: block[places.to(block.device)] for name, block in self._blocks.items()}

    def _draw(self, device: torch.device) -> None:
        blocks = {name: torch.empty(len(self._generators), self._steps, *shape) for name, shape in self._shapes.items()}
        for model, generator in enumerate(self._generators):
            for name, block in blocks.items():
                block[model].bernoulli_(self._keep[name], generator=generator).div_(self._keep[name])
        self._blocks, self._next = {name: block.to(device) for name, block in blocks.items()}, 0


def masks_of(module: nn.Module, x: torch.Tensor, generators: Sequence[torch.Generator]) -> Masks:
    """Masks of a stack of networks like `module` on batches like x."""
    keep = {f"{name}.mask": 1 - part.p for name, part in module.named_modules() if isinstance(part, MaskedDropout)}
    return Masks(mask_shapes(module, x), keep, generators)
