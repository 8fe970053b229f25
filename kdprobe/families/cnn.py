"""Convolutional networks of three blocks, for images from 8×8 up."""

import torch
from torch import nn

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Family
from kdprobe.families._parts import check_option, check_width, convolution, linear

NORMS = ("none", "batch")
SMALL = 16
"""Images with fewer rows or columns keep their size in the first block."""


class Convolutional(nn.Module):
    """[3×3 convolution, norm, ReLU] × 3 with 1, 2 and 4 times `width` channels, each halving the image -> mean over places -> outputs."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator, norm: str):
        super().__init__()
        sizes = [input_shape[0], width, 2 * width, 4 * width]
        strides = _strides(input_shape)
        self.convolutions = nn.ModuleList(
            convolution(before, after, 3, stride, generator) for before, after, stride in zip(sizes, sizes[1:], strides, strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(size) if norm == "batch" else nn.Identity() for size in sizes[1:])
        self.output = linear(sizes[-1], outputs, generator)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, channels, height, width) -> outputs (n, c), maps "block1" to "block3" after their ReLU, and "pooled" (n, 4·width)."""
        features: dict[str, torch.Tensor] = {}
        for i, (layer, norm) in enumerate(zip(self.convolutions, self.norms, strict=True), start=1):
            x = features[f"block{i}"] = torch.relu(norm(layer(x)))
        features["pooled"] = x.mean(dim=(-2, -1))
        return self.output(features["pooled"]), features


def _strides(input_shape: tuple[int, ...]) -> tuple[int, int, int]:
    return (1 if min(input_shape[1:]) < SMALL else 2, 2, 2)


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator, *, norm: str = "none") -> Convolutional:
    if len(input_shape) != 3 or min(input_shape[1:]) < 8:
        raise PlanError(f"inputs of shape {input_shape} are no images of at least 8×8: a cnn needs (channels, height, width)")
    check_width("cnn", width, 1, "channel")
    check_option("cnn", "norm", norm, NORMS)
    return Convolutional(input_shape, outputs, width, generator, norm)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int, *, norm: str = "none") -> int:
    channels, *size = input_shape
    count = 0
    for factor, stride in zip((1, 2, 4), _strides(input_shape), strict=True):
        size = [-(-side // stride) for side in size]
        count += 9 * channels * factor * width * size[0] * size[1]
        channels = factor * width
    return count + channels * outputs


CNN = Family(
    name="cnn",
    title="convolutional network",
    build=_build,
    flops=_flops,
    options={"norm": "none"},
    knob="channels of the first block",
    minimum_width=1,
)
