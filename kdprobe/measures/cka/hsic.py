"""The Hilbert-Schmidt independence criterion from sums, on all rows and without each group of rows.

With K and L the kernels of two sides and K̃, L̃ their copies with zero diagonals, Song et al. (2012, JMLR 13, eq. 5) give

    HSIC₁ = [tr(K̃L̃) + 1ᵀK̃1·1ᵀL̃1 / ((n-1)(n-2)) - 2/(n-2)·1ᵀK̃L̃1] / (n(n-3)),

which is the inner product of the U-centred kernels (Székely and Rizzo 2014): HSIC₁(X, X) ≥ 0, and debiased CKA,
HSIC₁(X, Y)/√(HSIC₁(X, X)·HSIC₁(Y, Y)), lies in [-1, 1]. HSIC₁ is unbiased, the ratio is not quite. The biased criterion
HSIC₀ = tr(KHLH) (Kornblith et al. 2019) is the inner product of the doubly centred kernels. Factors that cancel in CKA are left out.

For the linear kernel every term is a sum over rows of products of [x, 1, |x|²] and [y, 1, |y|²], so one matrix of moments,
(dx + 2) × (dy + 2), holds all that is needed; moments of disjoint rows add up, and those of all rows but one group are a difference.
"""

from typing import NamedTuple

import numpy as np

CHUNK = 2**18
"""Entries of the moments that are worked on at once: they stay in the cache."""


class Terms(NamedTuple):
    """What CKA of a pair is made of; the arrays are (1 + g,): on all rows, then without each group."""

    cross: np.ndarray
    own_x: np.ndarray
    own_y: np.ndarray
    sizes: np.ndarray
    """(g,) rows in each group."""

    @property
    def ratio(self) -> np.ndarray:
        """(1 + g,) cross over the geometric mean of the two own ones; NaN where a side has no spread."""
        with np.errstate(all="ignore"):
            # the roots first, as a product of two could underflow
            return self.cross / (np.sqrt(self.own_x) * np.sqrt(self.own_y))

    @property
    def cka(self) -> np.ndarray:
        """(1 + g,) the ratio, which by Cauchy-Schwarz leaves [-1, 1] by rounding only."""
        return np.clip(self.ratio, -1.0, 1.0)


def hsic(moments: np.ndarray, n: np.ndarray | float) -> np.ndarray:
    """HSIC₁·n(n-3) from moments.

    Parameters
    ----------
    moments
        (..., dx + 2, dy + 2) sums over rows of [x, 1, |x|²]ᵀ[y, 1, |y|²].
    n
        (...) rows in each sum, at least 4.
    """
    c, tx, ty = moments[..., :-2, :-2], moments[..., :-2, -2], moments[..., -2, :-2]
    ex, ey, qx, qy, d = moments[..., :-2, -1], moments[..., -1, :-2], moments[..., -1, -2], moments[..., -2, -1], moments[..., -1, -1]
    crossed = np.matmul(np.matmul(tx[..., None, :], c), ty[..., :, None])[..., 0, 0]
    trace = np.einsum("...ab,...ab->...", c, c) - d
    return combine(trace, _dot(tx, tx) - qx, _dot(ty, ty) - qy, crossed - _dot(tx, ex) - _dot(ty, ey) + d, n)


def biased_hsic(moments: np.ndarray, n: np.ndarray | float) -> np.ndarray:
    """tr(KHLH) from the same moments."""
    outer = moments[..., :-2, None, -2] * moments[..., None, -2, :-2]
    c = moments[..., :-2, :-2] - outer / np.asarray(n)[..., None, None]
    return np.einsum("...ab,...ab->...", c, c)


def combine(trace: np.ndarray, sum_k: np.ndarray, sum_l: np.ndarray, sum_kl: np.ndarray, n: np.ndarray | float) -> np.ndarray:
    """HSIC₁·n(n-3) from tr(K̃L̃), 1ᵀK̃1, 1ᵀL̃1 and 1ᵀK̃L̃1."""
    return trace + sum_k * sum_l / ((n - 1) * (n - 2)) - 2 / (n - 2) * sum_kl


def hsic_of_each_column(x: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(1 + g,) sums over columns of each column's HSIC₁·n(n-3) with itself: on all rows, then without each group.

    Parameters
    ----------
    x
        (g, m, d) centred rows by group, filled up with zeros.
    sizes
        (g,) rows in each group.
    """
    powers = np.stack([np.sum(x**k, axis=1, dtype=np.float64) for k in (1, 2, 3, 4)])
    total = powers.sum(axis=1, keepdims=True)
    t, s2, s3, s4 = np.concatenate([total, total - powers], axis=1)
    n = np.concatenate([[sizes.sum()], sizes.sum() - sizes])[:, None]
    return combine(s2 * s2 - s4, t * t - s2, t * t - s2, t * s2 * t - 2 * t * s3 + s4, n).sum(axis=1)


def with_left_out(by_group: np.ndarray, sizes: np.ndarray, *, debiased: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """(1 + g,) HSIC, on all rows and without each group, from moments (g, dx + 2, dy + 2) by group; and the moments of all rows."""
    criterion = hsic if debiased else biased_hsic
    total = by_group.sum(axis=0, dtype=np.float64)
    n = sizes.sum()
    values = np.empty(1 + len(sizes))
    values[0] = criterion(total, n)
    at_once = max(1, CHUNK // total.size)
    for first in range(0, len(sizes), at_once):
        chunk = slice(first, first + at_once)
        values[1:][chunk] = criterion(total - by_group[chunk], n - sizes[chunk])
    return values, total


def without_each(blocks: np.ndarray) -> np.ndarray:
    """(..., 1 + g) sums of symmetric tables (..., g, g): of all of a table, and without each of its rows and columns."""
    total, rows = blocks.sum(axis=(-2, -1)), blocks.sum(axis=-1)
    return np.concatenate([total[..., None], total[..., None] - 2 * rows + np.diagonal(blocks, axis1=-2, axis2=-1)], axis=-1)


def deal(n: int, blocks: np.ndarray | None, *, groups: int = 20) -> np.ndarray:
    """(n,) group of each row: at most `groups` of about equal size, blocks (n,) labelled 0..b-1 kept whole.

    Rows are dealt like cards, so that sorted rows (by class, by time) spread over all groups; blocks go, largest first, to the group
    that has fewest rows.
    """
    if blocks is None:
        return np.arange(n) % min(groups, n)
    sizes = np.bincount(blocks)
    count = min(groups, len(sizes))
    of_block = np.zeros(len(sizes), dtype=np.int64)
    filled = np.zeros(count, dtype=np.int64)
    for block in np.argsort(-sizes, kind="stable"):
        of_block[block] = np.argmin(filled)
        filled[of_block[block]] += sizes[block]
    return of_block[blocks]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...a,...a->...", a, b)
