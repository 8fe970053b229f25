"""Operations whose last bits depend on an element's place in memory, replaced by others that round alike everywhere.

torch runs element-wise operations on whole vector registers and the rest one by one. For most functions both round alike; for the ones
here they do not, so the last model of a stack would differ in last bits from what it is elsewhere. So it would after convolutions and
batch norms.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from kdprobe.training.stack.per_model import grouped, of_each_model


def _sigmoid(x: torch.Tensor) -> torch.Tensor:
    return 0.5 + 0.5 * torch.tanh(0.5 * x)


def _silu(input: torch.Tensor, inplace: bool = False) -> torch.Tensor:
    return input * _sigmoid(input)


def _softplus(input: torch.Tensor, beta: float = 1.0, threshold: float = 20.0) -> torch.Tensor:
    return -functional.logsigmoid(-beta * input) / beta


def _gelu(input: torch.Tensor, *, approximate: str = "none") -> torch.Tensor:
    if approximate == "none":
        return functional.gelu(input)
    return 0.5 * input * (1 + torch.tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)))


def _convolution(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    each = of_each_model(function, grouped if function is torch.conv2d else None)

    def convolve(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
        return each(input, weight, bias, stride, padding, dilation, groups)

    return convolve


_each_batch_norm = of_each_model(functional.batch_norm)


def _batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    return _each_batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


_REPLACED: Mapping[Callable[..., Any], Callable[..., Any]] = {
    torch.sigmoid: _sigmoid,
    torch.Tensor.sigmoid: _sigmoid,
    torch.special.expit: _sigmoid,
    functional.silu: _silu,
    functional.softplus: _softplus,
    functional.gelu: _gelu,
    functional.batch_norm: _batch_norm,
    **{function: _convolution(function) for function in (torch.conv1d, torch.conv2d, torch.conv3d)},
}


class SameRounding(TorchFunctionMode):
    """Within it, the functions of `_REPLACED` round alike wherever in a stack a model lies."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the function, or what stands for it."""
        return _REPLACED.get(func, func)(*args, **(kwargs or {}))
