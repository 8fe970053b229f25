"""Ensembles of decision trees as tensors: what families of trees share. A zoo stores them as it does weights, and never a pickle."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from kdprobe.core.recipe import Option
from kdprobe.families._parts import check_number, check_option, check_width

COUNTS = ("trees", "leaves", "depth")
DEEPEST = 12
AT_ONCE = 1 << 20
"""Rows × trees that are walked down at once: bounds memory, changes no value."""
OPTIONS: Mapping[str, Option] = {
    **{"counts": "trees", "trees": 100, "leaves": 31, "depth": 0},
    **{"rate": 0.1, "least_rows": 20, "rows": 0.8, "columns": 0.8, "l2": 0.0},
}
"""Options of boosted trees: what the width counts; trees, leaves of one and its depth (0: any) where the width counts another of them;
factor of each tree; fewest rows of a leaf (and a tenth of all rows at most); shares of the rows and of the columns that chance picks;
penalty of the leaves' values. Chance is what makes sibling teachers."""
COUNTED = "each node of its trees is a parameter, a threshold or a leaf's value, as many as the width allows"


class Node(NamedTuple):
    """Trees as arrays, one entry a node; the first is the root. A row goes left where its feature is at most the threshold."""

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    leaf: np.ndarray


class Shape(NamedTuple):
    """How large an ensemble may become."""

    trees: int
    leaves: int
    depth: int
    """0 for any."""


class Trees(nn.Module):
    """Base + sum of trees, of which each output has its own.

    Shapes are those of the largest ensemble that is allowed, so that all seeds have one size: nodes that are not there hold 0.
    """

    feature: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor

    def __init__(self, outputs: int, shape: Shape):
        super().__init__()
        size = (outputs, shape.trees, 2 * shape.leaves - 1)
        self.shape = shape
        # parameters, because sizes count these; nothing has a gradient
        self.base = nn.Parameter(torch.zeros(outputs), requires_grad=False)
        self.number = nn.Parameter(torch.zeros(size), requires_grad=False)
        self.register_buffer("feature", torch.zeros(size, dtype=torch.int32))
        # a leaf's child is itself: rows that arrived stay
        for name in ("left", "right"):
            self.register_buffer(name, torch.arange(size[2], dtype=torch.int32).expand(size).clone())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) float32 -> outputs (n, c), and no hidden layer."""
        columns, n = x.flatten(1).T.contiguous(), len(x)
        flat, places = columns.reshape(-1), torch.arange(n, device=x.device)
        outputs, trees, nodes = self.number.shape
        number, feature, left, right = (part.reshape(outputs * trees, nodes) for part in (self.number, self.feature, self.left, self.right))
        said = self.base.double().expand(n, -1).clone()
        size = max(1, AT_ONCE // max(1, n))
        grown = [tree for tree in range(outputs * trees) if bool(left[tree, 0] != 0) or bool(number[tree, 0] != 0)]
        for output in range(outputs):
            own = [tree for tree in grown if tree // trees == output]
            for start in range(0, len(own), size):
                chosen = torch.tensor(own[start : start + size], device=x.device)
                said[:, output] += _leaves(flat, places, n, *(part[chosen] for part in (number, feature, left, right)))
        return said.to(x.dtype), {}

    def put(self, output: int, tree: int, nodes: Node) -> None:
        """Write one tree."""
        count = len(nodes.leaf)
        kept = np.where(nodes.leaf, nodes.value, _at_most(nodes.threshold))
        own = np.arange(count)
        with torch.no_grad():
            self.number[output, tree, :count] = torch.from_numpy(kept.astype(np.float32))
            self.feature[output, tree, :count] = torch.from_numpy(np.where(nodes.leaf, 0, nodes.feature).astype(np.int32))
            self.left[output, tree, :count] = torch.from_numpy(np.where(nodes.leaf, own, nodes.left).astype(np.int32))
            self.right[output, tree, :count] = torch.from_numpy(np.where(nodes.leaf, own, nodes.right).astype(np.int32))

    def learn(self, x: np.ndarray, y: np.ndarray, kind: str, rng: np.random.Generator) -> None:
        """Fill it from labelled rows."""
        raise NotImplementedError


def _leaves(
    flat: torch.Tensor, places: torch.Tensor, n: int, number: torch.Tensor, feature: torch.Tensor, left: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Sum over trees of the value of the leaf where each row arrives: (n,) float64."""
    trees, nodes = number.shape
    first = (torch.arange(trees, device=flat.device) * nodes)[:, None]
    number, feature = number.reshape(-1), feature.reshape(-1).long() * n
    left, right = ((part.long() + first).reshape(-1) for part in (left, right))
    at = first.expand(trees, n)
    while True:
        value = flat.take(feature.take(at) + places)
        beside = torch.where(value <= number.take(at), left.take(at), right.take(at))
        if torch.equal(beside, at):
            return number.take(at).double().sum(dim=0)
        at = beside


def _at_most(threshold: np.ndarray) -> np.ndarray:
    """Largest float32 up to each threshold: rows of float32 go where they went."""
    limit = np.finfo(np.float32)
    bounded = np.clip(threshold, limit.min, limit.max)
    rounded = bounded.astype(np.float32)
    return np.where(rounded > bounded, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def shape_of(family: str, width: int, options: Mapping[str, Option]) -> Shape:
    """How large an ensemble of a width may become, or PlanError."""
    check_option(family, "counts", str(options["counts"]), COUNTS)
    counts = str(options["counts"])
    check_width(family, width, 2 if counts == "leaves" else 1, {"trees": "tree", "leaves": "leaf", "depth": "level"}[counts])
    trees, leaves, depth = (int(width if name == counts else options[name]) for name in COUNTS)
    check_number(family, "trees", trees, 1, 100_001)
    check_number(family, "leaves", leaves, 2, 100_001)
    check_number(family, "depth", depth, 0, DEEPEST + 1)
    check_number(family, "rate", float(options["rate"]), 1e-6, 1.0 + 1e-9)
    check_number(family, "least_rows", float(options["least_rows"]), 1, math.inf)
    check_number(family, "l2", float(options["l2"]), 0, math.inf)
    for name in ("rows", "columns"):
        check_number(family, name, float(options[name]), 0.05, 1.0 + 1e-9)
    return Shape(trees, min(leaves, 2**depth) if depth and counts != "depth" else 2**depth if depth else leaves, depth)


def comparisons(family: str, width: int, outputs: int, options: Mapping[str, Option]) -> int:
    """Comparisons of one row, where trees are balanced: they stand for multiply-adds."""
    shape = shape_of(family, width, options)
    return shape.trees * outputs * max(1, math.ceil(math.log2(shape.leaves)))


def least_rows(asked: Option, rows: int) -> int:
    """Fewest rows of a leaf: a small table would have no split otherwise."""
    return max(1, min(int(asked), rows // 10))


def picked(x: np.ndarray, y: np.ndarray, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The share of the rows that chance picks, in their order."""
    count = max(2, round(share * len(x)))
    chosen = np.sort(rng.choice(len(x), size=min(count, len(x)), replace=False))
    return x[chosen], y[chosen]


def bases(y: np.ndarray, outputs: int) -> np.ndarray:
    """Log frequencies of classes (outputs,): what an ensemble says of those that it saw no row of is below all that it did."""
    return np.log((np.bincount(y, minlength=outputs) + 0.5) / (len(y) + 0.5 * outputs))
