"""Debiased linear CKA of all pairs of layers of two models, all rows in memory: one product over packed triangles, or feature space."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.blas import ssymm, ssyrk  # pyright: ignore[reportAttributeAccessIssue]

from kdprobe.core.errors import DataError
from kdprobe.core.result import Result
from kdprobe.probes import _features, _gram
from kdprobe.probes._arrays import as_blocks, as_matrix, centred, check_rows
from kdprobe.probes._cka import LEAST_ROWS, Pair, features_are_cheaper, measured
from kdprobe.probes._hsic import Terms, combine, deal, without_each
from kdprobe.probes._null import Shape


def cka_of_all_pairs(left: Mapping[str, Any], right: Mapping[str, Any], *, blocks: Any = None) -> dict[tuple[str, str], Result]:
    """Debiased linear CKA of each layer of one model with each of another.

    Parameters
    ----------
    left, right
        (n, ...) features by layer name, rows paired.
    blocks
        (n,) labels of rows that belong together.

    Returns
    -------
    dict
        (left name, right name) -> a measurement, or a refusal. In feature space, O(n (2·Dl·Dr + Σd²)), or in Gram space,
        O(n² (Dl + Dr) / 2 + n² Ll Lr / 2), by `features_are_cheaper`; the latter with float32 products, and 2 n² bytes for each layer of
        the model that has fewer.

    Raises
    ------
    DataError
        If a layer holds NaN or an infinity, or rows are unpaired; the text names it.
    """
    sides = [
        {name: as_matrix(values, f"{model} layer {name!r}") for name, values in side.items()}
        for model, side in (("left", left), ("right", right))
    ]
    n = _paired_rows(sides)
    groups = deal(n, as_blocks(blocks, n))
    widths = [tuple(values.shape[1] for values in side.values()) for side in sides]
    in_features = features_are_cheaper(n, widths[0], widths[1])
    found = (_feature_pairs if in_features else _gram_pairs)(sides[0], sides[1], groups)
    results: dict[tuple[str, str], Result] = {}
    for (a, b), pair in found.items():
        if not in_features and pair.beyond_single_precision:
            pair = _exact(sides[0][a], sides[1][b], groups)
        results[a, b] = measured(pair.named(a, b, n, blocked=blocks is not None))
    return {(a, b): results[a, b] for a in sides[0] for b in sides[1]}


class _Found(NamedTuple):
    terms: Terms
    shapes: tuple[Shape, Shape]

    @property
    def beyond_single_precision(self) -> bool:
        """Whether rows are too far out for the digits of float32, or the value is 1 to more digits than that."""
        return min(shape.spread for shape in self.shapes) < 1e-2 or not self.terms.cka[0] < 0.999

    def swapped(self) -> "_Found":
        x, y = self.shapes
        return _Found(self.terms._replace(own_x=self.terms.own_y, own_y=self.terms.own_x), (y, x))

    def named(self, left: str, right: str, rows: int, *, blocked: bool) -> Pair:
        return Pair(terms=self.terms, shapes=self.shapes, names=(f"layer {left!r}", f"layer {right!r}"), rows=rows, blocked=blocked)


class _Triangle(NamedTuple):
    """Kernels of some layers of one model, K̃ in float32, packed by pairs of groups."""

    packed: np.ndarray
    """(L, about n²/2) entries of the blocks (g, h ≥ g), block after block."""
    by_group: np.ndarray
    """(L, n, g) sums of each row over the columns of each group."""
    own: np.ndarray
    """(L, 1 + g)."""
    shapes: tuple[Shape, ...]


def _paired_rows(sides: list[dict[str, np.ndarray]]) -> int:
    if not sides[0] or not sides[1]:
        raise DataError("a model has no layers: give at least one")
    first_name, first = next(iter(sides[0].items()))
    for side, model in zip(sides, ("left", "right"), strict=True):
        for name, values in side.items():
            check_rows(first, values, f"left layer {first_name!r}", f"{model} layer {name!r}", least=LEAST_ROWS)
    return len(first)


def _feature_pairs(left: dict[str, np.ndarray], right: dict[str, np.ndarray], groups: np.ndarray) -> dict[tuple[str, str], _Found]:
    # a layer that is on both sides is prepared once
    layers = {id(values): _features.layer(values, groups) for side in (left, right) for values in side.values()}
    found: dict[tuple[str, str], _Found] = {}
    for a, x in left.items():
        for b, y in right.items():
            u, v = layers[id(x)], layers[id(y)]
            found[a, b] = _Found(_features.terms(u, v), (u.shape, v.shape))
    return found


def _exact(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> _Found:
    k, m = (_gram.kernel(_gram.linear_gram(values), groups) for values in (x, y))
    return _Found(_gram.terms(k, m), (k.shape, m.shape))


def _gram_pairs(left: dict[str, np.ndarray], right: dict[str, np.ndarray], groups: np.ndarray) -> dict[tuple[str, str], _Found]:
    if len(right) > len(left):
        # the side with fewer layers stays in memory
        return {(a, b): pair.swapped() for (b, a), pair in _gram_pairs(right, left, groups).items()}
    order, sizes = np.argsort(groups, kind="stable"), np.bincount(groups)
    kept = _triangles(list(right.values()), order, sizes)
    found: dict[tuple[str, str], _Found] = {}
    for a, x in left.items():
        one = _triangles([x], order, sizes)
        cross, _ = _cross(one, kept, sizes)
        for j, b in enumerate(right):
            found[a, b] = _Found(Terms(cross[0, j], one.own[0], kept.own[j], sizes), (one.shapes[0], kept.shapes[j]))
    return found


def _triangles(layers: list[np.ndarray], order: np.ndarray, sizes: np.ndarray) -> _Triangle:
    n, blocks = len(order), _blocks(sizes)
    packed = np.empty((len(layers), sum((g.stop - g.start) * (h.stop - h.start) for _, _, g, h in blocks)), dtype=np.float32)
    by_group = np.empty((len(layers), n, len(sizes)))
    own = np.empty((len(layers), 1 + len(sizes)))
    shapes: list[Shape] = []
    lower = np.zeros((n, n), dtype=np.float32, order="F")
    member = np.asfortranarray(np.repeat(np.eye(len(sizes), dtype=np.float32), sizes, axis=0))
    for i, values in enumerate(layers):
        z = centred(values, dtype=np.float32)[order]
        lower = ssyrk(1.0, z.T, c=lower, trans=1, lower=1, overwrite_c=1)
        diagonal = np.diag(lower).astype(np.float64)
        np.fill_diagonal(lower, 0.0)
        by_group[i] = ssymm(1.0, lower, member, lower=1)
        # the lower triangle in Fortran's order is the upper one in C's
        upper, place = lower.T, 0
        for a, b, g, h in blocks:
            block = upper[g, h]
            if a == b:
                block = np.triu(block)
                block += block.T
            packed[i, place : place + block.size] = block.ravel()
            place += block.size
        alone = _Triangle(packed[i : i + 1], by_group[i : i + 1], np.empty(0), ())
        values_of, squares = _cross(alone, alone, sizes)
        own[i] = values_of[0, 0]
        shapes.append(_shape(z, diagonal, float(own[i, 0]), float(squares[0, 0])))
    return _Triangle(packed, by_group, own, tuple(shapes))


def _cross(x: _Triangle, y: _Triangle, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(Lx, Ly, 1 + g) HSIC₁·n(n-3), and (Lx, Ly) the inner products of the kernels."""
    starts, n = np.cumsum(sizes) - sizes, int(sizes.sum())
    met = np.empty((len(x.packed), len(y.packed), len(sizes), len(sizes)))
    place = 0
    for a, b, g, h in _blocks(sizes):
        size = (g.stop - g.start) * (h.stop - h.start)
        met[:, :, a, b] = met[:, :, b, a] = x.packed[:, place : place + size] @ y.packed[:, place : place + size].T
        place += size
    trace = without_each(met)
    sum_k, sum_l = (without_each(np.add.reduceat(side.by_group, starts, axis=1)) for side in (x, y))
    sum_kl = np.empty_like(trace)
    whole = [side.by_group.sum(axis=2) for side in (x, y)]
    sum_kl[..., 0] = whole[0] @ whole[1].T
    for g, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        left = [sums - side.by_group[..., g] for sums, side in zip(whole, (x, y), strict=True)]
        for sums in left:
            # a row that is left out adds nothing
            sums[:, start : start + size] = 0.0
        sum_kl[..., 1 + g] = left[0] @ left[1].T
    counts = np.concatenate([[n], n - sizes])
    return combine(trace, sum_k[:, None], sum_l, sum_kl, counts), trace[..., 0]


def _blocks(sizes: np.ndarray) -> list[tuple[int, int, slice, slice]]:
    """(g, h, rows, columns) of each pair of groups g ≤ h."""
    ends = np.cumsum(sizes)
    ranges = [slice(int(end - size), int(end)) for size, end in zip(sizes, ends, strict=True)]
    return [(g, h, ranges[g], ranges[h]) for g in range(len(ranges)) for h in range(g, len(ranges))]


def _shape(z: np.ndarray, diagonal: np.ndarray, own: float, off_diagonal: float) -> Shape:
    squares = off_diagonal + float(diagonal @ diagonal)
    if not squares > 0:
        return Shape(spread=0.0, concentration=1.0, effective_rank=0.0, diagonal=1.0)
    # the large eigenvalues make the skewness, and a random subspace finds them (Halko, Martinsson and Tropp 2011)
    start = np.random.default_rng(0).normal(size=(len(z), min(16, *z.shape))).astype(np.float32)
    basis, _ = np.linalg.qr(z @ (z.T @ start))
    largest = np.linalg.svd(z.T @ basis, compute_uv=False).astype(np.float64) ** 2
    return Shape(
        spread=own / squares,
        concentration=min(1.0, float(np.sum(largest**3)) / squares**1.5),
        effective_rank=float(diagonal.sum()) ** 2 / squares,
        diagonal=float(diagonal @ diagonal) / squares,
    )
