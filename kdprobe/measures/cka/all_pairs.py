"""Debiased linear CKA of all pairs of layers of two models, all rows in memory: blocks of all kernels at once, or feature space."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Result
from kdprobe.measures.arrays import as_blocks, as_matrix, centred, check_rows, members
from kdprobe.measures.cka import feature_space, gram_space
from kdprobe.measures.cka.alignment import LEAST_ROWS, Alignment, features_are_cheaper, measured
from kdprobe.measures.cka.hsic import Terms, combine, deal, without_each
from kdprobe.measures.cka.neighbours import Likeness, likeness
from kdprobe.measures.cka.null import Shape, concentration


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
        O(n² (Dl + Dr) / 2 + n² Ll Lr / 2), by `features_are_cheaper`; the latter with float32 products and n²/5 bytes for each layer
        beside a copy of it.

    Raises
    ------
    DataError
        If a layer holds NaN or an infinity, or rows are unpaired; the text names it.
    """
    sides = [
        {name: as_matrix(values, f"{model} layer {name!r}") for name, values in side.items()}
        for model, side in (("left", left), ("right", right))
    ]
    n = _checked_length(sides)
    groups = deal(n, as_blocks(blocks, n))
    widths = [tuple(values.shape[1] for values in side.values()) for side in sides]
    in_features = features_are_cheaper(n, widths[0], widths[1])
    found = (_in_feature_space if in_features else _in_gram_space)(sides[0], sides[1], groups)
    alike = [{name: likeness(values) for name, values in side.items()} for side in sides] if blocks is None else None
    results: dict[tuple[str, str], Result] = {}
    for (a, b), pair in found.items():
        if not in_features and pair.beyond_single_precision:
            pair = _exact(sides[0][a], sides[1][b], groups)
        results[a, b] = measured(pair.named(a, b, n, (alike[0][a], alike[1][b]) if alike else None))
    return {(a, b): results[a, b] for a in sides[0] for b in sides[1]}


SPECTRUM = 128
"""Up to so many features, the null's skewness takes the whole spectrum; beyond, its 16 largest eigenvalues."""
AT_ONCE = 10
"""Groups of rows whose products with one group are made at once: more would leave the cache, fewer make small products."""


class _Found(NamedTuple):
    terms: Terms
    shapes: tuple[Shape, Shape]

    @property
    def beyond_single_precision(self) -> bool:
        """Whether rows are too far out for the digits of float32, or the value is 1 to more digits than that."""
        return min(shape.spread for shape in self.shapes) < 1e-2 or not self.terms.cka[0] < 0.999

    def named(self, left: str, right: str, rows: int, alike: tuple[Likeness, Likeness] | None) -> Alignment:
        names, blocked = (f"layer {left!r}", f"layer {right!r}"), alike is None
        return Alignment(terms=self.terms, shapes=self.shapes, names=names, rows=rows, blocked=blocked, neighbours=alike)


def _checked_length(sides: list[dict[str, np.ndarray]]) -> int:
    if not sides[0] or not sides[1]:
        raise DataError("a model has no layers: give at least one")
    first_name, first = next(iter(sides[0].items()))
    for side, model in zip(sides, ("left", "right"), strict=True):
        for name, values in side.items():
            check_rows(first, values, f"left layer {first_name!r}", f"{model} layer {name!r}", least=LEAST_ROWS)
    return len(first)


def _in_feature_space(left: dict[str, np.ndarray], right: dict[str, np.ndarray], groups: np.ndarray) -> dict[tuple[str, str], _Found]:
    # a layer that is on both sides is prepared once
    layers = {id(values): feature_space.layer(values, groups) for side in (left, right) for values in side.values()}
    found: dict[tuple[str, str], _Found] = {}
    for a, x in left.items():
        for b, y in right.items():
            u, v = layers[id(x)], layers[id(y)]
            found[a, b] = _Found(feature_space.terms(u, v), (u.shape, v.shape))
    return found


def _exact(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> _Found:
    k, m = (gram_space.kernel(gram_space.linear_gram(values), groups) for values in (x, y))
    return _Found(gram_space.terms(k, m), (k.shape, m.shape))


def _in_gram_space(left: dict[str, np.ndarray], right: dict[str, np.ndarray], groups: np.ndarray) -> dict[tuple[str, str], _Found]:
    # a layer that is on both sides is worked on once
    layers = list({id(values): values for side in (left, right) for values in side.values()}.values())
    places = {id(values): i for i, values in enumerate(layers)}
    sides = [[places[id(values)] for values in side.values()] for side in (left, right)]
    sizes, parts = np.bincount(groups), members(groups)
    ranks = [centred(values, dtype=np.float32, parts=parts) for values in layers]
    sums = _summed(ranks, sides, sizes)
    own, cross = sums.hsic(sides, sizes)
    shapes = [_shape(z, sums.diagonals[i], float(own[i, 0]), float(sums.own[i].sum())) for i, z in enumerate(ranks)]
    return {
        (a, b): _Found(Terms(cross[i, j], own[sides[0][i]], own[sides[1][j]], sizes), (shapes[sides[0][i]], shapes[sides[1][j]]))
        for i, a in enumerate(left)
        for j, b in enumerate(right)
    }


class _Sums(NamedTuple):
    """What HSIC needs of the kernels of L layers with zero diagonals, K̃, by groups of rows."""

    cross: np.ndarray
    """(left, right, g, g) inner products of blocks."""
    own: np.ndarray
    """(L, g, g) the same of each layer with itself."""
    by_group: np.ndarray
    """(g, L, n) sums of each row over the columns of each group."""
    diagonals: np.ndarray
    """(L, n) what stood on the diagonals."""

    def hsic(self, sides: list[list[int]], sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(L, 1 + g) HSIC₁·n(n-3) of each layer with itself and (left, right, 1 + g) of all pairs: on all rows, then without each group."""
        left, right = sides
        # sums of all entries
        totals = without_each(np.add.reduceat(self.by_group, np.cumsum(sizes) - sizes, axis=2).swapaxes(0, 1).astype(np.float64))
        both = [(np.einsum("ln,ln->l", rows, rows), rows[left] @ rows[right].T) for rows in self._row_sums(sizes)]
        own, cross = (np.stack(parts, axis=-1) for parts in zip(*both, strict=True))
        n = _counts(sizes)
        return (
            combine(without_each(self.own), totals, totals, own, n),
            combine(without_each(self.cross), totals[left][:, None], totals[right], cross, n),
        )

    def _row_sums(self, sizes: np.ndarray) -> Iterator[np.ndarray]:
        """(L, n) sums of each row: over all columns, then without each group, whose own rows add nothing."""
        whole = self.by_group.sum(axis=0, dtype=np.float64)
        yield whole
        for lost, end, size in zip(self.by_group, np.cumsum(sizes), sizes, strict=True):
            left = whole - lost
            left[:, end - size : end] = 0.0
            yield left


def _summed(layers: list[np.ndarray], sides: list[list[int]], sizes: np.ndarray) -> _Sums:
    """Go through the lower triangles of all kernels at once, some blocks after the other: no kernel is ever whole.

    Columns are those of one group, so a block of rows of one group is contiguous, and inner products of all pairs are one product a block.
    """
    count, groups, ends = len(layers), len(sizes), np.cumsum(sizes)
    starts, most = ends - sizes, int(sizes.max())
    cross, own = np.empty((len(sides[0]), len(sides[1]), groups, groups)), np.empty((count, groups, groups))
    diagonals = np.stack([np.einsum("nd,nd->n", z, z) for z in layers]).astype(np.float64)
    left, right = (_as_slice(side) for side in sides)
    buffer = np.empty((count, AT_ONCE * most * most), dtype=np.float32)
    for g, size in enumerate(sizes):
        for first in range(g, groups, AT_ONCE):
            last = min(first + AT_ONCE, groups)
            rows = int(ends[last - 1] - starts[first])
            strips = buffer[:, : rows * size].reshape(count, rows, size)
            for z, strip in zip(layers, strips, strict=True):
                np.matmul(z[starts[first] : ends[last - 1]], z[starts[g] : ends[g]].T, out=strip)
            if first == g:
                # what stands on the diagonal is left out
                strips[:, np.arange(size), np.arange(size)] = 0.0
            for h in range(first, last):
                block = strips[:, starts[h] - starts[first] : ends[h] - starts[first]].reshape(count, -1)
                cross[..., g, h] = cross[..., h, g] = block[left] @ block[right].T
                own[:, g, h] = own[:, h, g] = np.matmul(block[:, None, :], block[:, :, None])[:, 0, 0]
    return _Sums(cross, own, _row_sums(layers, sizes), diagonals)


def _row_sums(layers: list[np.ndarray], sizes: np.ndarray) -> np.ndarray:
    """(g, L, n) sums of each row of each kernel over the columns of each group, without what stands on the diagonal."""
    member = np.repeat(np.eye(len(sizes), dtype=np.float32), sizes, axis=0)
    own, rows = np.repeat(np.arange(len(sizes)), sizes), np.arange(len(member))
    sums = np.empty((len(sizes), len(layers), len(member)), dtype=np.float32)
    for i, z in enumerate(layers):
        sums[:, i] = (z @ (member.T @ z).T).T
        sums[own, i, rows] -= np.einsum("nd,nd->n", z, z)
    return sums


def _as_slice(places: list[int]) -> slice | list[int]:
    """Consecutive places as a slice, which is read without a copy."""
    first = places[0]
    return slice(first, first + len(places)) if places == list(range(first, first + len(places))) else places


def _counts(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[sizes.sum()], sizes.sum() - sizes])


def _shape(z: np.ndarray, diagonal: np.ndarray, own: float, off_diagonal: float) -> Shape:
    squares = off_diagonal + float(diagonal @ diagonal)
    if not squares > 0:
        return Shape(spread=0.0, concentration=1.0, effective_rank=0.0, diagonal=1.0)
    return Shape(
        spread=own / squares,
        concentration=concentration(z.T @ z) if z.shape[1] <= SPECTRUM else _of_largest(z, squares),
        effective_rank=float(diagonal.sum()) ** 2 / squares,
        diagonal=float(diagonal @ diagonal) / squares,
    )


def _of_largest(z: np.ndarray, squares: float) -> float:
    """Σλ³/(Σλ²)^{3/2} from large eigenvalues, which make it: a random subspace finds them (Halko, Martinsson and Tropp 2011)."""
    basis, _ = np.linalg.qr(z @ (z.T @ _directions(len(z))))
    found = (z.T @ basis).astype(np.float64)
    largest = np.maximum(np.linalg.eigvalsh(found.T @ found), 0.0)
    return min(1.0, float(np.sum(largest**3)) / squares**1.5)


@lru_cache(maxsize=1)
def _directions(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, min(16, n))).astype(np.float32)
