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
            raise NotImplementedError("outside of vmap the convolution itself is called")

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def vmap(info: Any, in_dims: tuple[Any, ...], x: Any, weight: Any, bias: Any, rest: tuple[Any, ...]) -> Any:
            # gradients flow through what is called here: the engine differentiates outside of vmap
            models = info.batch_size
            inputs, weights, biases = (
                [values] * models if dim is None else values.unbind(dim) for values, dim in zip((x, weight, bias), in_dims[:3], strict=True)
            )
            found = [convolution(*each, *rest) for each in zip(inputs, weights, biases, strict=True)]
            return torch.stack(found), 0

    def convolve(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, *rest: Any, **named: Any) -> torch.Tensor:
        if named or not torch._C._functorch.is_batchedtensor(weight):
            return convolution(input, weight, bias, *rest, **named)
        return cast(torch.Tensor, Each.apply(input, weight, bias, rest))

    return convolve
