"""CKA corrected for the number of columns (Chun et al. 2025, arXiv:2502.15104).

A layer's columns are taken for a sample of the many units that a network of its kind could have. With K = Σ_q k_q over columns, the cross
term HSIC₁(K, L) is unbiased for rows and columns alike, but HSIC₁(K, K) holds the pairs of a column with itself, which make a narrow layer
look too much like itself. The correction takes the mean over pairs of different columns.
"""

import numpy as np

from kdprobe.measures.cka.feature_space import Layer, flat_rows
from kdprobe.measures.cka.hsic import Terms, combine, hsic_of_each_column
from kdprobe.stats.intervals import Interval, from_left_out, summed


def corrected_terms(x: Layer, y: Layer, terms: Terms) -> Terms:
    """The terms with each side's own HSIC₁ over pairs of different columns, d/(d-1)·(HSIC₁ - Σ HSIC₁ of each column with itself)."""
    own: list[np.ndarray] = []
    for side in (x, y):
        d = side.rows.shape[2] - 2
        own.append(d / (d - 1) * (side.own - hsic_of_each_column(side.rows[..., :-2], side.sizes)))
    return terms._replace(own_x=own[0], own_y=own[1])


def interval(x: Layer, y: Layer, terms: Terms) -> Interval | None:
    """Interval over new rows and new columns: jackknives over groups of rows and over the columns of each side, variances summed.

    None where it is undefined. O(n dx² + n dy²).
    """
    value = float(terms.ratio[0])
    parts = [from_left_out(value, terms.ratio[1:], terms.sizes.astype(float))]
    for a, b in ((x, y), (y, x)):
        values = _without_each_column(a, b, terms)
        parts.append(from_left_out(value, values, np.ones(len(values))))
    intervals = [part for part in parts if isinstance(part, Interval)]
    return summed(intervals) if len(intervals) == len(parts) else None


def _without_each_column(x: Layer, y: Layer, terms: Terms) -> np.ndarray:
    """(dx,) corrected CKA without each column of x."""
    a, b = flat_rows(x), flat_rows(y)
    z, n, d = a[:, :-2], len(a), a.shape[1] - 2
    spread = np.einsum("nq,nq->q", z, z)
    pairs = combine((z.T @ z) ** 2 - (z**2).T @ (z**2), -spread[:, None], -spread, (z**2).T @ (z**2), n)
    np.fill_diagonal(pairs, 0.0)
    met = (z**2).T @ b[:, -1]
    with_y = combine(np.sum((z.T @ b[:, :-2]) ** 2, axis=1) - met, -spread, -b[:, -1].sum(), met, n)
    # means over the columns that are left, against means over all
    cross = (with_y.sum() - with_y) / (d - 1) / (with_y.sum() / d)
    own = (pairs.sum() - 2 * pairs.sum(axis=1)) / ((d - 1) * (d - 2)) / (pairs.sum() / (d * (d - 1)))
    with np.errstate(all="ignore"):
        return float(terms.ratio[0]) * cross / np.sqrt(own)
