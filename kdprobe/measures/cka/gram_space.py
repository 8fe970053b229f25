"""CKA in Gram space: n × n kernels, for any kernel, and for more features than rows."""

from typing import NamedTuple

import numpy as np

from kdprobe.measures.cka.hsic import Terms, combine, without_each
from kdprobe.measures.cka.null import Shape, concentration

COLUMNS = 4096
"""Features that are worked on at once."""
EXACT = 512
"""Up to so many rows, the null's skewness takes the whole spectrum; beyond, its 16 largest eigenvalues."""


class GramAccumulator:
    """Linear Gram matrix of n rows, from their features in any number of pieces.

    Memory is 8 n² bytes whatever the number of features. Accumulators of disjoint features of the same rows add up with `merge`.

    Parameters
    ----------
    n
        Rows.
    scale
        Features are multiplied by it, a power of two, to keep their squares inside the range of float64.

    Examples
    --------
    >>> gram = GramAccumulator(3)
    >>> gram.update(np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]]))
    >>> gram.kernel.tolist()
    [[4.0, 0.0, -4.0], [0.0, 0.0, 0.0], [-4.0, 0.0, 4.0]]
    """

    def __init__(self, n: int, *, scale: float = 1.0) -> None:
        self.kernel = np.zeros((n, n))
        self.scale = scale

    def update(self, features: np.ndarray) -> None:
        """Add features (n, d) of the same rows, each centred over them. O(n² d)."""
        for first in range(0, features.shape[1], COLUMNS):
            piece = features[:, first : first + COLUMNS]
            # products of float32 stay float32; what they add up to is float64
            z = np.multiply(piece, self.scale, dtype=piece.dtype if piece.dtype == np.float32 else np.float64)
            z -= z[0].copy()
            z -= z.mean(axis=0, dtype=np.float64).astype(z.dtype)
            self.kernel += z @ z.T

    def merge(self, other: "GramAccumulator") -> None:
        """Add the features that another accumulator has seen."""
        self.kernel += other.kernel


class Kernel(NamedTuple):
    """One centred kernel with its own HSIC: what every pair that it is in reuses."""

    matrix: np.ndarray
    """(n, n) U-centred (or, for the biased criterion, doubly centred), rows and columns in the order of their groups."""
    sizes: np.ndarray
    """(g,) rows in each group."""
    by_group: np.ndarray
    """(n, g) sums of each row over the columns of each group."""
    own: np.ndarray
    """(1 + g,) HSIC with itself: on all rows, then without each group."""
    shape: Shape


def linear_gram(x: np.ndarray) -> np.ndarray:
    """(n, n) linear kernel of features (n, d), centred and scaled by a power of two. O(n² d)."""
    largest = float(np.abs(x).max())
    # only where squares could leave the range of the products
    far = np.finfo(np.float32 if x.dtype == np.float32 else np.float64).max ** 0.25
    scale = 1.0 if largest == 0.0 or 1 / far < largest < far else float(np.ldexp(1.0, -int(np.clip(np.frexp(largest)[1], -1000, 1000))))
    accumulator = GramAccumulator(len(x), scale=scale)
    accumulator.update(x)
    return accumulator.kernel


def rbf_gram(x: np.ndarray, bandwidth: float) -> np.ndarray | None:
    """(n, n) kernel exp(-|x-y|²/(2 b² m)), m the median squared distance; None where that is 0.

    The median is over all n² pairs, the n zeros of each row with itself included, as in the code of Kornblith et al. (2019).
    """
    gram = linear_gram(x)
    square = np.diag(gram)
    distances = np.maximum(square[:, None] + square - 2 * gram, 0.0)
    median = float(np.median(distances))
    if median == 0.0:
        return None
    np.fill_diagonal(distances, 0.0)
    return np.exp(distances / (-2 * bandwidth**2 * median))


def kernel(gram: np.ndarray, groups: np.ndarray, *, debiased: bool = True) -> Kernel:
    """Centre a Gram matrix (n, n) and order it by group. O(n²)."""
    n = len(gram)
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    k = gram[np.ix_(order, order)]
    means = k.mean(axis=1)
    k -= means[:, None] + (means - means.mean())
    trace, squares, diagonal = float(np.trace(k)), float(np.einsum("ij,ij->", k, k)), float(np.sum(np.diag(k) ** 2))
    if debiased:
        np.fill_diagonal(k, 0.0)
        sums = k.sum(axis=1)
        k -= sums[:, None] / (n - 2) + (sums / (n - 2) - sums.sum() / ((n - 1) * (n - 2)))
        np.fill_diagonal(k, 0.0)
    by_group = np.add.reduceat(k, _starts(sizes), axis=1)
    side = Kernel(k, sizes, by_group, np.empty(0), Shape(0.0, 1.0, 0.0, 1.0))
    own = _hsic(side, side, debiased=debiased)
    if not squares > 0:
        return side._replace(own=own)
    shape = Shape(
        spread=float(own[0]) / squares, concentration=_concentration(k), effective_rank=trace**2 / squares, diagonal=diagonal / squares
    )
    return side._replace(own=own, shape=shape)


def terms(x: Kernel, y: Kernel, *, debiased: bool = True) -> Terms:
    """What CKA of two kernels is made of. O(n²)."""
    return Terms(_hsic(x, y, debiased=debiased), x.own, y.own, x.sizes)


def permuted(x: Kernel, y: Kernel, order: np.ndarray) -> float:
    """HSIC of x with y, whose rows (counted group by group) take this order. O(n²)."""
    return float(np.einsum("ij,ij->", x.matrix, y.matrix[np.ix_(order, order)]))


def without_each_row(x: Kernel, y: Kernel, *, debiased: bool = True) -> np.ndarray:
    """(n,) CKA without each row, counted group by group. O(n²)."""
    n = len(x.matrix)
    values: list[np.ndarray] = []
    for a, b in ((x, y), (x, x), (y, y)):
        # rows of a centred kernel add up to 0, so leaving out row i takes its own entries from the sum of every other
        of_a, of_b = np.diag(a.matrix), np.diag(b.matrix)
        lost = np.einsum("ij,ij->i", a.matrix, b.matrix)
        trace = lost.sum() - 2 * lost + of_a * of_b
        values.append(_centred_product(trace, of_a, of_b, lost - of_a * of_b, n - 1, debiased=debiased))
    return Terms(values[0], values[1], values[2], x.sizes).cka


def _hsic(x: Kernel, y: Kernel, *, debiased: bool) -> np.ndarray:
    sizes, n = x.sizes, len(x.matrix)
    starts = _starts(sizes)
    blocks = np.empty((len(sizes), len(sizes)))
    for g, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        rows = slice(start, start + size)
        blocks[g] = np.add.reduceat(np.einsum("ij,ij->j", x.matrix[rows], y.matrix[rows]), starts)
    trace = without_each(blocks)
    sum_k, sum_l = (without_each(np.add.reduceat(side.by_group, starts, axis=0)) for side in (x, y))
    products = []
    for side in (x, y):
        whole = side.by_group.sum(axis=1)
        products.append(np.column_stack([whole, whole[:, None] - side.by_group]))
    rows_of = products[0] * products[1]
    sum_kl = rows_of.sum(axis=0)
    # a row that is left out adds nothing
    for g, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        sum_kl[1 + g] -= rows_of[start : start + size, 1 + g].sum()
    return _centred_product(trace, sum_k, sum_l, sum_kl, np.concatenate([[n], n - sizes]), debiased=debiased)


def _centred_product(
    trace: np.ndarray, sum_k: np.ndarray, sum_l: np.ndarray, sum_kl: np.ndarray, n: np.ndarray | int, *, debiased: bool
) -> np.ndarray:
    """HSIC of kernels that are not centred any more, after rows were left out."""
    if debiased:
        return combine(trace, sum_k, sum_l, sum_kl, n)
    return trace - 2 / n * sum_kl + sum_k * sum_l / n**2


def _concentration(k: np.ndarray) -> float:
    if len(k) <= EXACT:
        return concentration(k)
    # large eigenvalues make the skewness, and a random subspace finds them (Halko, Martinsson and Tropp 2011)
    basis, _ = np.linalg.qr(k @ np.random.default_rng(0).normal(size=(len(k), 16)))
    largest = np.linalg.eigvalsh(basis.T @ (k @ basis))
    return float(np.clip(np.sum(largest**3) / np.einsum("ij,ij->", k, k) ** 1.5, 0.0, 1.0))


def _starts(sizes: np.ndarray) -> np.ndarray:
    return np.cumsum(sizes) - sizes
