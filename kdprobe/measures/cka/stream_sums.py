"""What a stream of batches is kept as: sums over rows of augmented features, and HSIC₁ of its pieces by groups.

A row of a model with layers z₁ … z_L, less a shift near their mean, is augmented to [z₁ … z_L, 1, |z₁|² … |z_L|²].
"""

from typing import NamedTuple

import numpy as np

from kdprobe.measures.cka.hsic import combine

GROUPS = 20
"""Groups of pieces, whose spread makes the interval."""


class Layout(NamedTuple):
    """Where the layers of one model lie in its augmented rows."""

    names: tuple[str, ...]
    widths: tuple[int, ...]

    @property
    def ends(self) -> np.ndarray:
        """(L + 1,) first column of each layer, and the first after the last."""
        return np.concatenate([[0], np.cumsum(self.widths)])

    def columns(self, layer: int) -> np.ndarray:
        """Columns of one layer's [z, 1, |z|²]."""
        ends = self.ends
        return np.concatenate([np.arange(ends[layer], ends[layer + 1]), [ends[-1], ends[-1] + 1 + layer]])


class PieceSums(NamedTuple):
    """HSIC₁·(n-3) summed over the pieces of each group."""

    cross: np.ndarray
    own_x: np.ndarray
    own_y: np.ndarray
    sizes: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, left: int, right: int) -> "PieceSums":
        """Make room for so many layers."""
        return cls(np.zeros((GROUPS, left, right)), np.zeros((GROUPS, left)), np.zeros((GROUPS, right)), np.zeros(GROUPS), np.zeros(GROUPS))

    @property
    def pieces(self) -> int:
        """Pieces in all groups."""
        return int(self.counts.sum())

    def add(self, cross: np.ndarray, own_x: np.ndarray, own_y: np.ndarray, rows: int) -> None:
        """Add a piece to the group that has fewest rows, weighted by its rows."""
        group = int(np.argmin(self.sizes))
        # hsic gives n(n-3) times the unbiased estimate
        self.cross[group] += cross / (rows - 3)
        self.own_x[group] += own_x / (rows - 3)
        self.own_y[group] += own_y / (rows - 3)
        self.sizes[group] += rows
        self.counts[group] += 1

    def plus(self, other: "PieceSums") -> "PieceSums":
        """Add the sums of another stream, group by group."""
        return PieceSums(*(a + b for a, b in zip(self, other, strict=True)))


def point_near_mean(x: np.ndarray) -> np.ndarray:
    """A point near the mean that float32 holds exactly: features less it are exact too. A constant column gives its value."""
    return (x[0] + (x - x[0]).mean(axis=0)).astype(np.float32).astype(np.float64)


def augmented(x: np.ndarray, shift: np.ndarray, side: Layout) -> np.ndarray:
    """[z₁ … z_L, 1, |z₁|² … |z_L|²] of each row."""
    width = sum(side.widths)
    out = np.empty((len(x), width + 1 + len(side.widths)), dtype=x.dtype)
    np.subtract(x, shift.astype(x.dtype), out=out[:, :width])
    out[:, width] = 1.0
    for layer, (first, last) in enumerate(zip(side.ends[:-1], side.ends[1:], strict=True)):
        z = out[:, first:last]
        np.einsum("nd,nd->n", z, z, out=out[:, width + 1 + layer])
    return out


def shift_map(side: Layout, move: np.ndarray) -> np.ndarray:
    """Matrix that maps augmented rows to those whose features are larger by `move`."""
    width = sum(side.widths)
    out = np.eye(width + 1 + len(side.widths))
    out[width, :width] = move
    for layer, (first, last) in enumerate(zip(side.ends[:-1], side.ends[1:], strict=True)):
        out[first:last, width + 1 + layer] = 2 * move[first:last]
        out[width, width + 1 + layer] = move[first:last] @ move[first:last]
    return out


def hsic_of_all_pairs(moments: np.ndarray, left: Layout, right: Layout, n: int) -> np.ndarray:
    """(Ll, Lr) HSIC₁·n(n-3) of all pairs from the sums of both models' augmented rows: two passes over the sums."""
    dl, dr = sum(left.widths), sum(right.widths)
    c, tl, tr = moments[:dl, :dr], moments[:dl, dr], moments[dl, :dr]
    el, er, ql, qr, d = (
        moments[:dl, dr + 1 :],
        moments[dl + 1 :, :dr],
        moments[dl + 1 :, dr],
        moments[dl, dr + 1 :],
        moments[dl + 1 :, dr + 1 :],
    )
    rows, columns = left.ends[:-1], right.ends[:-1]
    squares, crossed = np.empty((len(rows), len(columns))), np.empty((len(rows), len(columns)))
    for i, (first, last) in enumerate(zip(left.ends[:-1], left.ends[1:], strict=True)):
        part = c[first:last]
        squares[i] = np.add.reduceat(np.einsum("ab,ab->b", part, part), columns)
        crossed[i] = np.add.reduceat((tl[first:last] @ part) * tr, columns)
    tl_tl, tr_tr = np.add.reduceat(tl * tl, rows), np.add.reduceat(tr * tr, columns)
    tl_el, tr_er = np.add.reduceat(tl[:, None] * el, rows, axis=0), np.add.reduceat(er * tr, columns, axis=1)
    return combine(squares - d, (tl_tl - ql)[:, None], tr_tr - qr, crossed - tl_el - tr_er + d, n)
