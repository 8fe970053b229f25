"""Exact debiased CKA of all pairs of layers in one stream of batches, in memory that does not grow with the number of rows.

Batches are kept as the sums over rows of [z₁ … z_L, 1, |z₁|² … |z_L|²]ᵀ times the same of the other model, with z the features less a
shift near their mean. From these sums the closed form of HSIC₁ (see `hsic`) follows for every pair of layers. A change of shift is linear
in that row, so accumulators that saw different rows, on other machines or before an interruption, add up exactly after one congruence.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Result
from kdprobe.measures.arrays import as_matrix
from kdprobe.measures.cka.alignment import Alignment, features_are_cheaper, measured, too_small
from kdprobe.measures.cka.all_pairs import cka_of_all_pairs
from kdprobe.measures.cka.feature_space import shape_of
from kdprobe.measures.cka.hsic import Terms, hsic
from kdprobe.measures.cka.neighbours import Neighbours
from kdprobe.measures.cka.null import Shape
from kdprobe.measures.cka.stream_sums import GROUPS, Layout, PieceSums, augmented, hsic_of_all_pairs, point_near_mean, shift_map

START = 640
"""Rows that are waited for at least, so that a short stream has groups enough for an interval."""
PIECE = 1024
"""Rows in each later piece: products of fewer rows would cost more to add up than to make."""
LEAST = 8
"""Rows in the smallest piece that is taken for one."""


class CKAStream:
    """Debiased linear CKA of every layer of one model with every layer of another, from batches.

    Parameters
    ----------
    left, right
        Width of each layer by name, in the order wanted. Layers may be the same ones: a model with itself.

    Notes
    -----
    Rows are kept as long as n × n kernels would cost less than sums of products of features (`features_are_cheaper`): a short stream of
    wide layers is answered from the rows themselves. From then on, time is O(n (2·Dl·Dr + Σd²)) and memory 8·(Dl·Dr + Σd²) bytes beside
    a few thousand buffered rows, D the total widths; the rows that are kept before take no more. Values are exact; intervals come from
    the spread of HSIC₁ between 20 groups of pieces of the stream (each piece unbiased: Nguyen, Raghu and Kornblith 2021), which is a
    little wider than a jackknife of the exact value. Sums of float32 batches are made in float32 and added in float64.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> stream = CKAStream({"hidden": 5}, {"hidden": 3, "logits": 2})
    >>> for _ in range(30):
    ...     x = rng.normal(size=(64, 5))
    ...     stream.update({"hidden": x}, {"hidden": x[:, :3], "logits": rng.normal(size=(64, 2))})
    >>> stream.n, round(float(stream.result()["hidden", "hidden"]), 1)
    (1920, 0.8)
    """

    def __init__(self, left: Mapping[str, int], right: Mapping[str, int]) -> None:
        self.left, self.right = (Layout(tuple(side), tuple(side.values())) for side in (left, right))
        self.n = 0
        """Rows seen."""
        self._shifts: tuple[np.ndarray, ...] | None = None
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._cross = np.zeros((0, 0))
        self._own: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        self._summed = 0
        self._neighbours = tuple([Neighbours(width) for width in side.widths] for side in (self.left, self.right))
        self._groups = PieceSums.empty(len(self.left.widths), len(self.right.widths))

    def update(self, left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
        """Add a batch: features (b, ...) of each layer by name, rows paired.

        Raises
        ------
        DataError
            If a layer is missing, has another width, other rows than the rest, or holds NaN or an infinity (with the row in the stream).
        """
        batch = [self._row(side, values, model) for side, values, model in ((self.left, left, "left"), (self.right, right, "right"))]
        if len(batch[0]) != len(batch[1]):
            raise DataError(f"the left layers have {len(batch[0])} rows, the right ones {len(batch[1])}: rows must be paired")
        self.n += len(batch[0])
        self._waiting.append((batch[0], batch[1]))
        if self._shifts is None and not self._worth_summing:
            return
        if self._groups.pieces < GROUPS:
            if self.n - self._summed >= START:
                self._finish()
            return
        # never leaves so few rows that they are no piece
        while self.n - self._summed >= PIECE + LEAST:
            self._flush(PIECE)

    def merge(self, other: "CKAStream") -> None:
        """Add all that another stream of the same layers has seen. Exact, in any order and grouping, to rounding.

        Raises
        ------
        DataError
            If the layers or their widths differ.
        """
        if (self.left, self.right) != (other.left, other.right):
            raise DataError("streams of different layers do not merge: give both the same names and widths, in the same order")
        if self._shifts is None and other._shifts is None:
            self._waiting += other._waiting
            self.n += other.n
            if self._worth_summing:
                self._finish()
            return
        self._finish()
        other._finish()
        if other._shifts is None:
            return
        shifts = self._shifts or self._begin(*other._shifts)
        moves = [theirs - ours for theirs, ours in zip(other._shifts, shifts, strict=True)]
        a, b = (shift_map(side, move) for side, move in zip((self.left, self.right), moves, strict=True))
        self._cross += a.T @ other._cross @ b
        for k, (side, move, own, theirs) in enumerate(zip((self.left, self.right), moves, self._own, other._own, strict=True)):
            for layer, (first, last) in enumerate(zip(side.ends[:-1], side.ends[1:], strict=True)):
                self._neighbours[k][layer].follow(other._neighbours[k][layer], move[first:last])
                change = shift_map(Layout(("",), (side.widths[layer],)), move[first:last])
                own[layer] += change.T @ theirs[layer] @ change
        self._groups = self._groups.plus(other._groups)
        self.n += other.n
        self._summed += other._summed

    def result(self) -> dict[tuple[str, str], Result]:
        """CKA of each (left layer, right layer): a measurement with its null, p and interval, or a refusal.

        Raises
        ------
        DataError
            If fewer than 4 rows were seen.
        """
        if self.n < 4:
            raise DataError(f"the stream has {self.n} rows: give at least 4")
        if self._shifts is None:
            return self._from_rows()
        self._finish()
        own = [np.array([hsic(m, self.n) for m in side]) for side in self._own]
        shapes = [[shape_of(m, value) for m, value in zip(side, values, strict=True)] for side, values in zip(self._own, own, strict=True)]
        cross = hsic_of_all_pairs(self._cross, self.left, self.right, self.n)
        return {
            (a, b): self._cell(i, j, cross[i, j], own[0][i], own[1][j], (shapes[0][i], shapes[1][j]))
            for i, a in enumerate(self.left.names)
            for j, b in enumerate(self.right.names)
        }

    @property
    def _worth_summing(self) -> bool:
        return self.n >= START and features_are_cheaper(self.n, self.left.widths, self.right.widths)

    def _from_rows(self) -> dict[tuple[str, str], Result]:
        """The answer while all rows are still there."""
        if refusal := too_small(self.n, None):
            return {(a, b): refusal for a in self.left.names for b in self.right.names}
        both = self._take(self.n)
        # batches make way for one copy of all of them, or rows would be there twice while they are worked on
        self._waiting = [both]
        sides: list[dict[str, np.ndarray]] = []
        for side, rows in zip((self.left, self.right), both, strict=True):
            sides.append({name: rows[:, first:last] for name, first, last in zip(side.names, side.ends[:-1], side.ends[1:], strict=True)})
        return cka_of_all_pairs(sides[0], sides[1])

    def _cell(self, i: int, j: int, cross: float, own_x: float, own_y: float, shapes: tuple[Shape, Shape]) -> Result:
        groups = self._groups
        used = groups.sizes > 0
        of_pieces = [part[used] for part in (groups.cross[:, i, j], groups.own_x[:, i], groups.own_y[:, j])]
        c, x, y = (np.concatenate([[part.sum()], part.sum() - part]) for part in of_pieces)
        pieces = Terms(c, x, y, groups.sizes[used])
        exact = Terms(np.array([cross]), np.array([own_x]), np.array([own_y]), groups.sizes[used])
        # the spread of the pieces, round the exact value
        left_out = exact.cka[0] + pieces.cka[1:] - pieces.cka[0]
        names = f"layer {self.left.names[i]!r}", f"layer {self.right.names[j]!r}"
        alike = self._neighbours[0][i].likeness(), self._neighbours[1][j].likeness()
        rest = {"left_out": np.clip(left_out, -1.0, 1.0), "neighbours": alike}
        return measured(Alignment(terms=exact, shapes=shapes, names=names, rows=self.n, blocked=False, **rest))

    def _row(self, side: Layout, values: Mapping[str, Any], model: str) -> np.ndarray:
        missing = [name for name in side.names if name not in values]
        if missing:
            raise DataError(f"the batch has no {model} layer {missing[0]!r}: give {', '.join(side.names)}")
        arrays: list[np.ndarray] = []
        for name, width in zip(side.names, side.widths, strict=True):
            array = as_matrix(values[name], f"{model} layer {name!r}", first_row=self.n)
            if array.shape[1] != width:
                raise DataError(
                    f"{model} layer {name!r} is {array.shape[1]} wide, {width} was announced: give the layer that was announced"
                )
            if arrays and len(array) != len(arrays[0]):
                raise DataError(f"{model} layer {name!r} has {len(array)} rows, {side.names[0]!r} {len(arrays[0])}: rows must be paired")
            arrays.append(array)
        single = all(array.dtype in (np.float32, np.float16) for array in arrays)
        return np.concatenate(arrays, axis=1, dtype=np.float32 if single else np.float64)

    def _finish(self) -> None:
        left = self.n - self._summed
        missing = max(1, GROUPS - self._groups.pieces)
        pieces = max(1, min(missing, left // LEAST))
        for piece in range(pieces):
            rows = left * (piece + 1) // pieces - left * piece // pieces
            if rows:
                self._flush(rows)

    def _flush(self, rows: int) -> None:
        left, right = self._take(rows)
        # float32 holds the shift exactly, so features less the shift are exact too where a mean lies far from 0
        shifts = self._shifts or self._begin(point_near_mean(left), point_near_mean(right))
        a, b = (augmented(z, shift, side) for z, shift, side in zip((left, right), shifts, (self.left, self.right), strict=True))
        cross = (a.T @ b).astype(np.float64)
        own = [[(part := z[:, side.columns(i)]).T @ part for i in range(len(side.names))] for z, side in ((a, self.left), (b, self.right))]
        for z, side, alike in zip((a, b), (self.left, self.right), self._neighbours, strict=True):
            for neighbours, first, last in zip(alike, side.ends[:-1], side.ends[1:], strict=True):
                neighbours.add(z[:, first:last])
        self._cross += cross
        for mine, new in zip(self._own, own, strict=True):
            for total, piece in zip(mine, new, strict=True):
                total += piece
        if rows >= LEAST:
            own_x, own_y = (np.array([hsic(m.astype(np.float64), rows) for m in side]) for side in own)
            self._groups.add(hsic_of_all_pairs(cross, self.left, self.right, rows), own_x, own_y, rows)
        self._summed += rows

    def _begin(self, *shifts: np.ndarray) -> tuple[np.ndarray, ...]:
        """Make room for the sums."""
        self._shifts = shifts
        dl, dr = (1 + sum(side.widths) + len(side.widths) for side in (self.left, self.right))
        self._cross = np.zeros((dl, dr))
        left, right = ([np.zeros((d + 2, d + 2)) for d in side.widths] for side in (self.left, self.right))
        self._own = left, right
        return shifts

    def _take(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        left, right = self._waiting[0] if len(self._waiting) == 1 else (np.concatenate([pair[i] for pair in self._waiting]) for i in (0, 1))
        self._waiting = [(left[rows:], right[rows:])] if len(left) > rows else []
        return left[:rows], right[:rows]
