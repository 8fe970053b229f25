"""Linear CKA of one pair of float32 features at the rate of a matrix product, with all that goes with it.

Each group of rows is shifted near its mean and multiplied once, in float32; what follows are a few passes over the products of the groups.
‖C - C_g‖² = ‖C‖² - 2⟨C, C_g⟩ + ‖C_g‖² needs no difference of matrices, and a product with itself is made and kept as one triangle.
Products and inner products are float32, what is added up of them is float64: the relative error stays near 1e-8 for the value, also where
means are a thousand times the spread.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import ssyrk  # pyright: ignore[reportAttributeAccessIssue]

from kdprobe.measures.arrays import Rows, members
from kdprobe.measures.cka.feature_space import shape_of
from kdprobe.measures.cka.hsic import Terms, combine
from kdprobe.measures.cka.null import Shape


class Alone(NamedTuple):
    """CKA without each of a few rows that lie far out."""

    rows: np.ndarray
    values: np.ndarray


def terms_in_single_precision(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> tuple[Terms, tuple[Shape, Shape], Alone]:
    """Terms, shapes and influences of one pair of float32 features, in about 12·g·max(dx, dy)² bytes.

    Entries that overflow float32, NaN or infinite ones included, give terms that are not finite.
    """
    sizes = np.bincount(groups)
    a, b = _Shifted(x, int(sizes.max())), _Shifted(y, int(sizes.max()))
    own_x, own_y, cross = (_Products(*side, len(sizes)) for side in ((a.width, None), (b.width, None), (a.width, b.width)))
    with np.errstate(over="ignore", invalid="ignore"):
        for g, rows in enumerate(members(groups)):
            left, right = a.augmented(rows), b.augmented(rows)
            own_x.add(g, left)
            own_y.add(g, right)
            cross.add(g, left, right)
        terms = Terms(cross.hsic(sizes), own_x.hsic(sizes), own_y.hsic(sizes), sizes)
        shapes = shape_of(own_x.moments(len(x)), float(terms.own_x[0])), shape_of(own_y.moments(len(x)), float(terms.own_y[0]))
        far = _far(a.square, b.square)
        u, v = a.rows(far), b.rows(far)
        without = [side.hsic_without(*pair, len(x)) for side, pair in ((cross, (u, v)), (own_x, (u, u)), (own_y, (v, v)))]
        return terms, shapes, Alone(far, Terms(without[0], without[1], without[2], sizes).cka)


class _Sums(NamedTuple):
    """What HSIC needs beside the products themselves, of all rows or of k parts of them: see `hsic`."""

    tx: np.ndarray
    ty: np.ndarray
    ex: np.ndarray
    ey: np.ndarray
    qx: np.ndarray
    qy: np.ndarray
    d: np.ndarray

    def less(self, part: "_Sums") -> "_Sums":
        return _Sums(*(whole - lost for whole, lost in zip(self, part, strict=True)))

    def hsic(self, squares: np.ndarray, between: np.ndarray, n: np.ndarray | int) -> np.ndarray:
        """HSIC₁·n(n-3) from ‖C‖² and txᵀ·C·ty."""
        crossed = between - _dot(self.tx, self.ex) - _dot(self.ty, self.ey) + self.d
        return combine(squares - self.d, _dot(self.tx, self.tx) - self.qx, _dot(self.ty, self.ty) - self.qy, crossed, n)


class _Products:
    """Products of augmented rows of two sides by group, (g, dx + 2, dy + 2); of a side with itself, the upper triangle only.

    The last two rows and columns are taken out while they are in the cache, so that inner products are those of features alone.
    """

    def __init__(self, width_x: int, width_y: int | None, count: int) -> None:
        self._symmetric = width_y is None
        width_y = width_x if width_y is None else width_y
        self._by_group = np.zeros((count, width_x, width_y), dtype=np.float32)
        self._total = np.zeros(width_x * width_y, dtype=np.float32)
        self._squares = np.empty(count)
        dx, dy = width_x - 2, width_y - 2
        self._parts = _Sums(*(np.empty((count, *shape)) for shape in ((dx,), (dy,), (dx,), (dy,), (), (), ())))

    def add(self, g: int, x: np.ndarray, y: np.ndarray | None = None) -> None:
        """Multiply augmented rows of a group, with themselves or with those of the other side."""
        products = self._by_group[g]
        if y is None:
            # the lower triangle in Fortran's order is the upper one in C's
            ssyrk(1.0, x.T, c=products.T, lower=1, overwrite_c=1)
        else:
            np.matmul(x.T, y, out=products)
        rows = (products[:-2, -2], products[:-2, -1]) if y is None else (products[-2, :-2], products[-1, :-2])
        q = products[-2, -1] if y is None else products[-1, -2]
        taken = _Sums(products[:-2, -2], rows[0], products[:-2, -1], rows[1], q, products[-2, -1], products[-1, -1])
        for part, new in zip(self._parts, taken, strict=True):
            part[g] = new
        products[-2:] = 0.0
        products[:, -2:] = 0.0
        flat = products.ravel()
        self._squares[g] = flat @ flat
        self._total += flat

    def hsic(self, sizes: np.ndarray) -> np.ndarray:
        """(1 + g,) HSIC₁·n(n-3) on all rows, and without each group."""
        whole, sums, n = self._whole, self._sums, int(sizes.sum())
        left = sums.less(self._parts)
        squares, met, lost = self._squares, np.empty(len(sizes)), np.empty(len(sizes))
        u, v = left.tx.astype(np.float32), left.ty.astype(np.float32)
        c = self._by_group[:, :-2, :-2]
        for g, products in enumerate(self._by_group):
            met[g] = products.ravel() @ self._total
            lost[g] = u[g] @ (c[g] @ v[g])
        if self._symmetric:
            # an entry off the diagonal stands for two
            diagonals = np.einsum("gaa->ga", c).astype(np.float64)
            squares, met = 2 * squares - _dot(diagonals, diagonals), 2 * met - diagonals @ np.diag(whole)
            lost = 2 * lost - _dot(diagonals * left.tx, left.ty)
        squares = np.concatenate([[self._square], self._square - 2 * met + squares])
        between = np.concatenate([[sums.tx @ (whole @ sums.ty)], _dot(left.tx @ whole, left.ty) - lost])
        both = _Sums(*(np.concatenate([total[None], part]) for total, part in zip(sums, left, strict=True)))
        return both.hsic(squares, between, np.concatenate([[n], n - sizes]))

    def hsic_without(self, a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
        """(r,) HSIC₁·n(n-3) without each of r rows, given by their features (r, dx) and (r, dy), of n."""
        qa, qb, whole = _dot(a, a), _dot(b, b), self._whole
        left = self._sums.less(_Sums(a, b, a * qb[:, None], b * qa[:, None], qa, qb, qa * qb))
        squares = self._square - 2 * _dot(a @ whole, b) + qa * qb
        between = _dot(left.tx @ whole, left.ty) - _dot(left.tx, a) * _dot(left.ty, b)
        return left.hsic(squares, between, n - 1)

    def moments(self, n: int) -> np.ndarray:
        """(dx + 2, dy + 2) moments of all n rows."""
        s, c = self._sums, self._whole
        out = np.empty((c.shape[0] + 2, c.shape[1] + 2))
        out[:-2, :-2] = c
        out[:-2, -2], out[:-2, -1], out[-2, :-2], out[-1, :-2] = s.tx, s.ex, s.ty, s.ey
        out[-2, -2], out[-2, -1], out[-1, -2], out[-1, -1] = n, s.qy, s.qx, s.d
        return out

    @cached_property
    def _sums(self) -> _Sums:
        return _Sums(*(part.sum(axis=0) for part in self._parts))

    @cached_property
    def _whole(self) -> np.ndarray:
        """(dx, dy) products of features over all rows, in float64: what follows would cast them again and again."""
        whole = self._total.reshape(self._by_group.shape[1:])[:-2, :-2].astype(np.float64)
        if self._symmetric:
            whole += np.triu(whole, 1).T
        return whole

    @cached_property
    def _square(self) -> float:
        return float(self._whole.ravel() @ self._whole.ravel())


class _Shifted:
    """Groups of rows of one side as augmented float32 rows, in one buffer."""

    def __init__(self, x: np.ndarray, most: int) -> None:
        # a shift near the mean is enough: the moments carry what is left of it. Constant columns give exactly the first row
        first = x[0].astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            sample = x[:: max(1, len(x) // 512)].astype(np.float32) - first
            self.shift = first + sample.mean(axis=0)
            largest = float(np.abs(sample).max())
        self.x, self.width = x, x.shape[1] + 2
        exponent = int(np.frexp(largest)[1]) if np.isfinite(largest) else 0
        # sums of fourth powers stay in the range of float32 without a scale between these
        self.scale = float(np.ldexp(1.0, -int(np.clip(exponent, -120, 120)))) if abs(exponent) > 12 else 1.0
        self.square = np.empty(len(x), dtype=np.float32)
        """(n,) |z|², filled while groups are read."""
        self._buffer = np.empty((most, self.width), dtype=np.float32)

    def augmented(self, rows: Rows) -> np.ndarray:
        """[z, 1, |z|²] of these rows; overwritten by the next call."""
        values = self.x[rows]
        out = self._buffer[: len(values)]
        z = out[:, :-2]
        np.subtract(values, self.shift, out=z)
        if self.scale != 1.0:
            z *= self.scale
        out[:, -2] = 1.0
        np.einsum("nd,nd->n", z, z, out=out[:, -1])
        self.square[rows] = out[:, -1]
        return out

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """(r, d) features of a few rows as they were multiplied, in float64."""
        return ((self.x[rows] - self.shift) * np.float32(self.scale)).astype(np.float64)


def _far(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The few rows farthest from the mean: those that alone can move the value much."""
    far = np.sqrt(x), np.sqrt(y)
    return np.unique([*np.argpartition(far[0] * far[1], -3)[-3:], *(np.argmax(f) for f in far)])


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...a,...a->...", a, b)
