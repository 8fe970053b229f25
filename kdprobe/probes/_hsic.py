"""The unbiased Hilbert-Schmidt independence criterion with a linear kernel, from sums over rows.

With K = XXᵀ, L = YYᵀ and K̃, L̃ their copies with zero diagonals, Song et al. (2012, JMLR 13, eq. 5) give

    HSIC₁ = [tr(K̃L̃) + 1ᵀK̃1·1ᵀL̃1 / ((n-1)(n-2)) - 2/(n-2)·1ᵀK̃L̃1] / (n(n-3)),

which is the inner product of the U-centred kernels (Székely and Rizzo 2014): HSIC₁(X, X) ≥ 0, and the ratio CKA lies in [-1, 1]. For
the linear kernel every term is a sum over rows of products of [x, 1, |x|²] and [y, 1, |y|²], so one matrix of moments,
(dx + 2) × (dy + 2), holds all that is needed; moments of disjoint rows add up.
"""

from typing import NamedTuple

import numpy as np

from kdprobe.probes._arrays import centred


def augmented(z: np.ndarray) -> np.ndarray:
    """[z, 1, |z|²] of each row: (n, d) -> (n, d + 2)."""
    n, d = z.shape
    out = np.empty((n, d + 2))
    out[:, :d] = z
    out[:, d] = 1.0
    np.einsum("nd,nd->n", z, z, out=out[:, d + 1])
    return out


def hsic(moments: np.ndarray, n: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """HSIC₁·n(n-3) and the largest of the terms it is the difference of, from moments.

    Parameters
    ----------
    moments
        (..., dx + 2, dy + 2) sums over rows of [x, 1, |x|²]ᵀ[y, 1, |y|²].
    n
        (...) rows in each sum, at least 4.

    Returns
    -------
    tuple
        The factor 1/(n(n-3)) is left out: it cancels in CKA. The second number, ‖XᵀY‖², tells how many digits the difference lost.
    """
    c, tx, ty = moments[..., :-2, :-2], moments[..., :-2, -2], moments[..., -2, :-2]
    ex, ey, qx, qy, d = moments[..., :-2, -1], moments[..., -1, :-2], moments[..., -1, -2], moments[..., -2, -1], moments[..., -1, -1]
    squares = np.einsum("...ab,...ab->...", c, c)
    sum_k = np.einsum("...a,...a->...", tx, tx) - qx
    sum_l = np.einsum("...b,...b->...", ty, ty) - qy
    crossed = np.einsum("...a,...ab,...b->...", tx, c, ty, optimize=True)
    sum_kl = crossed - np.einsum("...a,...a->...", tx, ex) - np.einsum("...b,...b->...", ty, ey) + d
    return squares - d + sum_k * sum_l / ((n - 1) * (n - 2)) - 2 / (n - 2) * sum_kl, squares


class Grouped(NamedTuple):
    """One set of features, centred and dealt into groups, with its own HSIC: what every pair that it is in reuses."""

    rows: np.ndarray
    """(g, m, d + 2) augmented rows of each group, filled up with rows of zeros."""
    sizes: np.ndarray
    """(g,) rows in each group."""
    own: np.ndarray
    """(1 + g,) HSIC₁·n(n-3) with itself: on all rows, then without each group."""
    spread: float
    """HSIC₁·n(n-3) with itself over ‖XᵀX‖²: below about 1e-10 a single row holds all the spread, or there is none."""


def grouped(x: np.ndarray, groups: np.ndarray) -> Grouped:
    """Centre features (n, d) and deal their rows into groups (n,), labelled 0..g-1. O(n d²), once for each set of features."""
    a = augmented(centred(x))
    sizes = np.bincount(groups)
    order = np.argsort(groups, kind="stable")
    place = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = np.zeros((len(sizes), int(sizes.max()), a.shape[1]))
    rows[groups[order], place] = a[order]
    own, squares = _hsic_with_left_out(rows, rows, sizes)
    return Grouped(rows, sizes, own, float(own[0] / squares) if squares > 0 else 0.0)


def cka_with_left_out(x: Grouped, y: Grouped) -> np.ndarray:
    """(1 + g,) debiased linear CKA: on all rows, then without each group; NaN where one of the two is constant. O(n dx dy)."""
    cross, _ = _hsic_with_left_out(x.rows, y.rows, x.sizes)
    with np.errstate(all="ignore"):
        # Cauchy-Schwarz: beyond 1 by rounding only; the roots first, as a product of two could underflow
        return np.clip(cross / (np.sqrt(x.own) * np.sqrt(y.own)), -1.0, 1.0)


def _hsic_with_left_out(x: np.ndarray, y: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    by_group = np.matmul(x.transpose(0, 2, 1), y)
    total = by_group.sum(axis=0)
    n = sizes.sum()
    all_rows, squares = hsic(total, n)
    left_out, _ = hsic(total - by_group, n - sizes)
    return np.concatenate([[all_rows], left_out]), squares


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
