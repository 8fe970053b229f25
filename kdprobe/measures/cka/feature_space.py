"""Linear CKA in feature space: products of features over rows, O(n dx dy) and no n × n matrix."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kdprobe.measures.arrays import centred
from kdprobe.measures.cka.hsic import Terms, biased_hsic, hsic, with_left_out
from kdprobe.measures.cka.null import Shape, concentration


class Layer(NamedTuple):
    """One set of features, centred and dealt into groups, with its own HSIC: what every pair that it is in reuses."""

    rows: np.ndarray
    """(g, m, d + 2) augmented rows of each group, filled up with rows of zeros."""
    sizes: np.ndarray
    """(g,) rows in each group."""
    own: np.ndarray
    """(1 + g,) HSIC with itself: on all rows, then without each group."""
    shape: Shape
    moments: np.ndarray
    """(d + 2, d + 2) sums over all rows of products of augmented rows."""


def layer(x: np.ndarray, groups: np.ndarray, *, debiased: bool = True) -> Layer:
    """Centre features (n, d) in float64 and deal their rows into groups (n,), labelled 0..g-1. O(n d² + d³), once for each layer."""
    z, sizes = _dealt(centred(x), groups)
    rows = augmented(z)
    # rows that only fill up must not count as rows
    rows[..., -2][np.arange(rows.shape[1]) >= sizes[:, None]] = 0.0
    own, total = with_left_out(np.matmul(rows.transpose(0, 2, 1), rows), sizes, debiased=debiased)
    return Layer(rows, sizes, own, shape_of(total, own[0]), total)


class Met(NamedTuple):
    """Two layers together."""

    terms: Terms
    moments: np.ndarray
    """(dx + 2, dy + 2) sums over all rows of products of augmented rows."""


def met(x: Layer, y: Layer, *, debiased: bool = True) -> Met:
    """What CKA of two layers is made of. O(n dx dy)."""
    cross, total = with_left_out(np.matmul(x.rows.transpose(0, 2, 1), y.rows), x.sizes, debiased=debiased)
    return Met(Terms(cross, x.own, y.own, x.sizes), total)


def terms(x: Layer, y: Layer, *, debiased: bool = True) -> Terms:
    """The terms alone."""
    return met(x, y, debiased=debiased).terms


def without_rows(x: Layer, y: Layer, moments: np.ndarray, rows: np.ndarray, *, debiased: bool = True) -> np.ndarray:
    """(r,) CKA without each of these rows, counted group by group, from the moments of both together. O(n d + r d²)."""
    n, sides = int(x.sizes.sum()), [flat_rows(side)[rows] for side in (x, y)]
    criterion = hsic if debiased else biased_hsic
    cross, own_x, own_y = (
        criterion(total - left[:, :, None] * right[:, None, :], n - 1)
        for total, left, right in (
            (moments, sides[0], sides[1]),
            (x.moments, sides[0], sides[0]),
            (y.moments, sides[1], sides[1]),
        )
    )
    return Terms(cross, own_x, own_y, x.sizes).cka


def far_rows(x: Layer, y: Layer) -> np.ndarray:
    """The few rows farthest from the mean, counted group by group: those that alone can move the value much."""
    far = [np.sqrt(flat_rows(side)[:, -1]) for side in (x, y)]
    return np.unique([*np.argsort(far[0] * far[1])[-3:], *(np.argmax(f) for f in far)])


def permuted(x: Layer, y: Layer, order: np.ndarray, *, debiased: bool = True) -> float:
    """HSIC of x with y, whose rows take this order. O(n dx dy)."""
    a, b = flat_rows(x), flat_rows(y)
    return float((hsic if debiased else biased_hsic)(a.T @ b[order], len(a)))


def augmented(z: np.ndarray) -> np.ndarray:
    """[z, 1, |z|²] of each row: (..., d) -> (..., d + 2)."""
    d = z.shape[-1]
    out = np.empty((*z.shape[:-1], d + 2), dtype=z.dtype)
    out[..., :d] = z
    out[..., d] = 1.0
    np.einsum("...d,...d->...", z, z, out=out[..., d + 1])
    return out


def shape_of(moments: np.ndarray, own: float) -> Shape:
    """Shape of a side from its own moments on all rows."""
    n, t, c = moments[-2, -2], moments[:-2, -2], moments[:-2, :-2]
    trace = float(np.trace(c) - t @ t / n)
    if not trace > 0:
        return Shape(spread=0.0, concentration=1.0, effective_rank=0.0, diagonal=1.0)
    # single precision is plenty for a skewness, and its product costs half
    covariance = np.multiply(c, 1 / trace, dtype=np.float64).astype(np.float32)
    covariance -= np.outer((t / trace).astype(np.float32), (t / n).astype(np.float32))
    squares = float(covariance.ravel() @ covariance.ravel())
    return Shape(
        spread=float(own) / trace / trace / squares,
        concentration=concentration(covariance),
        effective_rank=1 / squares,
        diagonal=float(moments[-1, -1]) / trace / trace / squares,
    )


def flat_rows(x: Layer) -> np.ndarray:
    """(n, d + 2) rows group by group, without those that only fill up."""
    real = np.arange(x.rows.shape[1]) < x.sizes[:, None]
    return x.rows.reshape(-1, x.rows.shape[2]) if real.all() else x.rows[real]


def _dealt(z: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, d) as (g, m, d) by group, filled up with zeros, and the (g,) rows in each group."""
    sizes = np.bincount(groups)
    order = np.argsort(groups, kind="stable")
    if (sizes == sizes[0]).all():
        return z[order].reshape(len(sizes), sizes[0], z.shape[1]), sizes
    place = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = np.zeros((len(sizes), int(sizes.max()), z.shape[1]), dtype=z.dtype)
    rows[groups[order], place] = z[order]
    return rows, sizes


def influence_of_far_rows(
    a: Layer, b: Layer, both: Met, groups: np.ndarray, *, debiased: bool = True
) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Return () -> the rows farthest out, counted group by group, and the value without each."""

    def without_far_rows() -> tuple[np.ndarray, np.ndarray]:
        far = far_rows(a, b)
        return np.argsort(groups, kind="stable")[far], without_rows(a, b, both.moments, far, debiased=debiased)

    return without_far_rows
