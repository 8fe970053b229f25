"""Similarities that follow from two centred arrays by their singular values: Procrustes, and canonical correlations.

Each side is written X = U·S·Vᵀ once. All of them are functions of G_x = UᵀU, G_y and G_xy = UₓᵀUᵧ: on all rows the first two are the
identity, without a group of rows they follow from the sums of that group, and under permuted rows only G_xy changes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kdprobe.core.result import Refusal
from kdprobe.measures.arrays import centred
from kdprobe.measures.similarity.chance import Found, PairedArrays

SINGULAR = 1e-10
"""Share of a direction's spread that must be left without a group of rows."""


class Side(NamedTuple):
    """One side by its singular values, those that are rounding alone left out."""

    rows: np.ndarray
    """(n, r) U, orthonormal columns that add up to 0."""
    scales: np.ndarray
    """(r,) falling."""
    axes: np.ndarray
    """(r, d) Vᵀ."""

    @property
    def rank(self) -> int:
        """Directions that are there."""
        return len(self.scales)


class Grams(NamedTuple):
    """Products of the U of two sides over some rows."""

    x: np.ndarray | None
    """(rx, rx), or None for the identity."""
    y: np.ndarray | None
    cross: np.ndarray
    """(rx, ry)."""


Statistic = Callable[[Grams], float]


def decomposed(x: np.ndarray) -> Side:
    """Centre an array (n, d) and decompose it in float64. O(n d min(n, d))."""
    n, d = x.shape
    z = centred(x)
    rows, scales, axes = np.linalg.svd(z, full_matrices=False)
    # rounding of the array as it was given, means included, and of the decomposition
    eps = float(np.finfo(x.dtype).eps) if x.dtype.kind == "f" else 0.0
    given = eps * _offset(x) * float(np.sqrt(np.mean(z * z))) * (np.sqrt(n) + np.sqrt(d))
    kept = scales > max(given, float(np.finfo(np.float64).eps) * max(n, d) * float(scales[0]))
    return Side(rows[:, kept], scales[kept], axes[kept])


def found(pair: PairedArrays, x: Side, y: Side, statistic: Statistic, **rest: object) -> Found:
    """A similarity with its values without each group and under permuted rows. O(g (n/g) rx ry) beside g statistics."""
    cross = x.rows.T @ y.rows
    left_out = np.empty(len(pair.sizes))
    for g, size in enumerate(pair.sizes):
        a, b = x.rows[pair.groups == g], y.rows[pair.groups == g]
        left_out[g] = statistic(_without(a, b, cross, pair.n - int(size)))
    return Found(
        value=statistic(Grams(None, None, cross)),
        left_out=left_out,
        permuted=lambda order: statistic(Grams(None, None, x.rows.T @ y.rows[order])),
        **rest,  # pyright: ignore[reportArgumentType]
    )


def whitened(grams: Grams) -> np.ndarray:
    """Matrix whose singular values are the canonical correlations, (rx, ry) less the directions that some rows have lost."""
    left, right, cross = whitening(grams.x), whitening(grams.y), grams.cross
    cross = cross if left is None else left.T @ cross
    return cross if right is None else cross @ right


def whitening(gram: np.ndarray | None) -> np.ndarray | None:
    """W with Wᵀ·gram·W = 1, (r, r) less the directions that have no spread left, such as a ReLU that was on in these rows alone; or None.

    None stands for the identity.
    """
    if gram is None:
        return None
    values, vectors = np.linalg.eigh(gram)
    left = values > SINGULAR
    return vectors[:, left] / np.sqrt(values[left])


def correlations(matrix: np.ndarray) -> np.ndarray:
    """Singular values of a whitened matrix, which leave [0, 1] by rounding only; NaN where no direction is left."""
    return np.clip(np.linalg.svd(matrix, compute_uv=False), 0.0, 1.0) if matrix.size else np.array([np.nan])


def trivial(pair: PairedArrays, rank_x: int, rank_y: int) -> Refusal | None:
    """The refusal where canonical correlations are 1 whatever the data: two spaces that must meet."""
    for array, name in ((pair.x, pair.names[0]), (pair.y, pair.names[1])):
        if rank_x + rank_y >= pair.n - 1 and array.shape[1] >= pair.n:
            return Refusal(
                reason=f"{name} has {array.shape[1]} columns on {pair.n} rows: it can be fitted to anything, and canonical correlations are"
                " 1 whatever the data",
                advice="give more rows than columns, or use svcca, cka or procrustes",
            )
    left = pair.n - int(pair.sizes.max())
    if rank_x + rank_y > left - 1:
        return Refusal(
            reason=f"the sides span {rank_x} and {rank_y} directions of {pair.n} rows, {left} without a group: canonical correlations would"
            " be 1 whatever the data",
            advice="give more rows, or fewer directions (svcca), or use cka or procrustes",
        )
    return None


def _offset(x: np.ndarray) -> float:
    """Root mean square of an array over that of its spread, at least 1."""
    largest = float(np.abs(x, dtype=np.float64).max())
    if not largest:
        return 1.0
    scaled = x / largest if x.dtype == np.float64 else x.astype(np.float64) / largest
    spread = float(np.sqrt(np.mean((scaled - scaled.mean(axis=0)) ** 2)))
    return max(1.0, float(np.sqrt(np.mean(scaled * scaled))) / spread) if spread else 1.0


def _without(a: np.ndarray, b: np.ndarray, cross: np.ndarray, rows_left: int) -> Grams:
    """Products without the rows a and b of one group, centred again: the columns of all rows add up to 0."""
    sum_a, sum_b = a.sum(axis=0), b.sum(axis=0)
    x, y = (np.eye(side.shape[1]) - side.T @ side - np.outer(total, total) / rows_left for side, total in ((a, sum_a), (b, sum_b)))
    return Grams(x, y, cross - a.T @ b - np.outer(sum_a, sum_b) / rows_left)
