"""Linear CKA in feature space: products of features over rows, O(n dx dy) and no n × n matrix."""

from typing import NamedTuple

import numpy as np

from kdprobe.probes._arrays import centred
from kdprobe.probes._hsic import Terms, biased_hsic, hsic, with_left_out
from kdprobe.probes._null import Shape, concentration


class Layer(NamedTuple):
    """One set of features, centred and dealt into groups, with its own HSIC: what every pair that it is in reuses."""

    rows: np.ndarray
    """(g, m, d + 2) augmented rows of each group, filled up with rows of zeros."""
    sizes: np.ndarray
    """(g,) rows in each group."""
    own: np.ndarray
    """(1 + g,) HSIC with itself: on all rows, then without each group."""
    shape: Shape


def layer(x: np.ndarray, groups: np.ndarray, *, debiased: bool = True) -> Layer:
    """Centre features (n, d) in float64 and deal their rows into groups (n,), labelled 0..g-1. O(n d² + d³), once for each layer."""
    z, sizes = _dealt(centred(x), groups)
    rows = augmented(z)
    # rows that only fill up must not count as rows
    rows[..., -2][np.arange(rows.shape[1]) >= sizes[:, None]] = 0.0
    own, total = with_left_out(np.matmul(rows.transpose(0, 2, 1), rows), sizes, debiased=debiased)
    return Layer(rows, sizes, own, shape_of(total, own[0]))


def terms(x: Layer, y: Layer, *, debiased: bool = True) -> Terms:
    """What CKA of two layers is made of. O(n dx dy)."""
    cross, _ = with_left_out(np.matmul(x.rows.transpose(0, 2, 1), y.rows), x.sizes, debiased=debiased)
    return Terms(cross, x.own, y.own, x.sizes)


def terms_in_single_precision(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> tuple[Terms, Shape, Shape]:
    """Terms and shapes of one pair of float32 features, one group of rows at a time: fast, in about 12·g·max(dx, dy)² bytes.

    Products are float32, all that is added up afterwards is float64; shifting by a mean first keeps the relative error near 1e-8 also
    where means are a thousand times the spread. Entries that overflow float32 give terms that are not finite.
    """
    members = _members(groups)
    sizes = np.bincount(groups)
    a, b = (_Shifted(values, int(sizes.max())) for values in (x, y))
    by_group = [np.empty((len(sizes), left.width, right.width), dtype=np.float32) for left, right in ((a, a), (b, b), (a, b))]
    with np.errstate(over="ignore", invalid="ignore"):
        for g, rows in enumerate(members):
            left, right = a.augmented(rows, sizes[g]), b.augmented(rows, sizes[g])
            np.matmul(left.T, left, out=by_group[0][g])
            np.matmul(right.T, right, out=by_group[1][g])
            np.matmul(left.T, right, out=by_group[2][g])
        own_x, total_x = with_left_out(by_group[0], sizes)
        own_y, total_y = with_left_out(by_group[1], sizes)
        cross, _ = with_left_out(by_group[2], sizes)
        return Terms(cross, own_x, own_y, sizes), shape_of(total_x, own_x[0]), shape_of(total_y, own_y[0])


def without_rows(x: Layer, y: Layer, rows: np.ndarray, *, debiased: bool = True) -> np.ndarray:
    """(r,) CKA without each of these rows, counted group by group. O(n dx dy + r dx dy)."""
    a, b = flat_rows(x), flat_rows(y)
    criterion = hsic if debiased else biased_hsic
    cross, own_x, own_y = (
        criterion(left.T @ right - left[rows, :, None] * right[rows, None, :], len(a) - 1) for left, right in ((a, b), (a, a), (b, b))
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
    covariance = (c / trace).astype(np.float32)
    covariance -= np.outer(t / trace, t / n).astype(np.float32)
    squares = float(np.einsum("ab,ab->", covariance, covariance, dtype=np.float64))
    return Shape(
        spread=float(own) / trace / trace / squares,
        concentration=concentration(covariance),
        effective_rank=1 / squares,
        diagonal=float(moments[-1, -1]) / trace / trace / squares,
    )


class _Shifted:
    """Groups of rows of one side as augmented float32 rows, in one buffer."""

    def __init__(self, x: np.ndarray, most: int) -> None:
        # a shift near the mean is enough: the moments carry what is left of it. Constant columns give exactly the first row
        first = x[0].astype(np.float32)
        sample = x[:: max(1, len(x) // 512)].astype(np.float32) - first
        self.x, self.shift, self.width = x, first + sample.mean(axis=0), x.shape[1] + 2
        largest = float(np.abs(sample).max())
        self.scale = 1.0 if largest == 0.0 else float(np.ldexp(1.0, -int(np.clip(np.frexp(largest)[1], -120, 120))))
        self.buffer = np.empty((most, self.width), dtype=np.float32)

    def augmented(self, rows: np.ndarray | slice, count: int) -> np.ndarray:
        """[z, 1, |z|²] of these rows; overwritten by the next call."""
        out = self.buffer[:count]
        z = out[:, :-2]
        np.subtract(self.x[rows], self.shift, out=z)
        if self.scale != 1.0:
            z *= self.scale
        out[:, -2] = 1.0
        np.einsum("nd,nd->n", z, z, out=out[:, -1])
        return out


def flat_rows(x: Layer) -> np.ndarray:
    """(n, d + 2) rows group by group, without those that only fill up."""
    real = np.arange(x.rows.shape[1]) < x.sizes[:, None]
    return x.rows.reshape(-1, x.rows.shape[2]) if real.all() else x.rows[real]


def _members(groups: np.ndarray) -> list[np.ndarray] | list[slice]:
    """Rows of each group; as slices where they were dealt like cards, since a slice is read without a copy."""
    count = int(groups.max()) + 1
    if np.array_equal(groups, np.arange(len(groups)) % count):
        return [slice(g, None, count) for g in range(count)]
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.cumsum(np.bincount(groups))[:-1])


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
