"""Convolutions of a stack, each model's by itself.

`torch.func.vmap` makes one grouped convolution of a stack. oneDNN chooses its memory layout by the number of all channels, so last bits
would depend on how many models there are, and it is no faster: the kernel is the same and groups are worked off one by one.
"""

from collections.abc import Callable
from typing import Any, cast

import torch


def of_each_model(convolution: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Return a convolution that, under vmap, is called once a model."""

    class Each(torch.autograd.Function):
        """The rule for vmap; everything else is the convolution's own."""

        @staticmethod
        def forward(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, rest: tuple[Any, ...]) -> torch.Tensor:
            # only where nothing in it belongs to one model, and so has no gradient
            return convolution(x, weight, bias, *rest)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
            # gradients flow through what is called here: the engine differentiates outside of vmap
            models = info.batch_size
            each = [[values] * models if dim is None else values.unbind(dim) for values, dim in zip(args[:3], in_dims[:3], strict=True)]
            return torch.stack([convolution(*own, *args[3]) for own in zip(*each, strict=True)]), 0

    def convolve(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, *rest: Any, **named: Any) -> torch.Tensor:
        return convolution(input, weight, bias, *rest, **named) if named else cast(torch.Tensor, Each.apply(input, weight, bias, rest))

    return convolve
