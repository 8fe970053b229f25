"""Convolutions and batch norms of a stack.

`torch.func.vmap` folds the models of a stack into the channels. Kernels that are chosen by the number of channels, or that work on whole
vector registers of channels, would then give a model other last bits in another stack. So batch norms are called once a model, and so are
convolutions, but for those of images: grouped, with channels last, they do not depend on each other, and run twice as fast.
"""

from collections.abc import Callable
from typing import Any

import torch

Grouped = Callable[..., torch.Tensor | None]


def of_each_model(function: Callable[..., torch.Tensor], together: Grouped | None = None) -> Callable[..., torch.Tensor]:
    """Return a function of positional arguments that, under vmap, is called once a model.

    Parameters
    ----------
    together
        (models, dimensions of the models, *arguments) -> what is called in its place, with the models along axis 1, or None where it
        cannot be.
    """

    class Each(torch.autograd.Function):
        """The rule for vmap; everything else is the function's own."""

        @staticmethod
        def forward(*args: Any) -> torch.Tensor:
            # only where nothing in it belongs to one model, and so has no gradient
            return function(*args)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
            # gradients flow through what is called here: the engine differentiates outside of vmap
            found = None if together is None else together(info.batch_size, in_dims, *args)
            if found is not None:
                return found, 1
            dims = [dim if isinstance(values, torch.Tensor) else None for values, dim in zip(args, in_dims, strict=True)]
            each = [[values] * info.batch_size if dim is None else values.unbind(dim) for values, dim in zip(args, dims, strict=True)]
            return torch.stack([function(*own) for own in zip(*each, strict=True)]), 0

    return Each.apply


def grouped(models: int, dims: tuple[Any, ...], *args: Any) -> torch.Tensor | None:
    """Convolution of images: x (n, models, channels, height, width), weight (models, ...) -> (n, models, ...)."""
    x, weight, bias, stride, padding, dilation, groups = args
    if x.ndim != 5 or None in dims[:2] or (bias is not None and dims[2] is None):
        return None
    found = torch.conv2d(
        x.movedim(dims[0], 1).flatten(1, 2).contiguous(memory_format=torch.channels_last),
        weight.movedim(dims[1], 0).flatten(0, 1).contiguous(memory_format=torch.channels_last),
        None if bias is None else bias.movedim(dims[2], 0).flatten(),
        stride,
        padding,
        dilation,
        models * groups,
    )
    return found.unflatten(1, (models, -1))
