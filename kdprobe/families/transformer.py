"""Small transformers: each column of a table is a token, or each position of a sequence, or each row of an image."""

import math

import torch
from torch import nn

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Family
from kdprobe.families._parts import as_sequence, check_number, check_width, linear, table, to_sequence


class Block(nn.Module):
    """Attention among tokens, then two layers for each token; norms before, sums around (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int, generator: torch.Generator, dropout: float):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.mix = linear(width, 3 * width, generator), linear(width, width, generator)
        self.wide, self.narrow = linear(width, 2 * width, generator), linear(2 * width, width, generator)
        self.dropout1, self.dropout2 = nn.Dropout(dropout), nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, tokens, width) -> the same."""
        x = x + self.dropout1(self._attend(self.norm1(x)))
        return x + self.dropout2(self.narrow(torch.relu(self.wide(self.norm2(x)))))

    def _attend(self, x: torch.Tensor) -> torch.Tensor:
        # (n, tokens, 3·width) -> three of (n, heads, tokens, width/heads)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.query_key_value(x).chunk(3, dim=-1))
        # written out: torch's fused attention is one operation that torch.func.vmap cannot batch over models
        weights = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]), dim=-1)
        return self.mix((weights @ value).transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """Tokens -> blocks -> norm -> mean over tokens -> outputs."""

    def __init__(
        self, input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator, depth: int, heads: int, dropout: float
    ):
        super().__init__()
        # a column's number scales the column's own vector, as in the FT-Transformer (Gorishniy et al. 2021)
        self.columns = len(input_shape) == 1
        positions, inputs = (input_shape[0], 1) if self.columns else as_sequence(input_shape)
        if self.columns:
            self.values = table(positions, width, generator)
        else:
            self.embed = linear(inputs, width, generator)
        self.places = table(positions, width, generator)
        self.blocks = nn.ModuleList(Block(width, heads, generator, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.output = linear(width, outputs, generator)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, columns), (n, time, channels) or images -> outputs (n, c), "block1", ... (n, tokens, width), "pooled" (n, width)."""
        tokens = (x[:, :, None] * self.values if self.columns else self.embed(to_sequence(x))) + self.places
        features: dict[str, torch.Tensor] = {}
        for i, block in enumerate(self.blocks, start=1):
            tokens = features[f"block{i}"] = block(tokens)
        features["pooled"] = self.norm(tokens).mean(dim=1)
        return self.output(features["pooled"]), features


def _build(
    input_shape: tuple[int, ...],
    outputs: int,
    width: int,
    generator: torch.Generator,
    *,
    depth: int = 1,
    heads: int = 2,
    dropout: float = 0.0,
) -> Transformer:
    if len(input_shape) != 1:
        as_sequence(input_shape)
    check_width("transformer", width, 2, "numbers in a token")
    check_number("transformer", "depth", depth, 1, 101)
    check_number("transformer", "dropout", dropout, 0, 1)
    if heads < 1 or width % heads:
        raise PlanError(f"transformer with heads={heads}: they do not divide its width {width}: give a divisor of every width")
    return Transformer(input_shape, outputs, width, generator, depth, heads, dropout)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int, *, depth: int = 1, heads: int = 2, dropout: float = 0.0) -> int:
    positions, inputs = (input_shape[0], 1) if len(input_shape) == 1 else as_sequence(input_shape)
    block = positions * (8 * width * width + 2 * positions * width)
    return positions * inputs * width + depth * block + width * outputs


TRANSFORMER = Family(
    name="transformer",
    title="transformer",
    build=_build,
    flops=_flops,
    options={"depth": 1, "heads": 2, "dropout": 0.0},
    knob="numbers in a token",
    minimum_width=2,
    cites="arXiv:1706.03762",
)
