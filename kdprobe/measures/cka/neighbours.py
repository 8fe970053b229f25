"""Are neighbouring rows alike? Then rows cannot change places, and a null that permutes them is too narrow.

The question is itself one of alignment: of the features' kernel with the graph in which each row is joined to the next. Debiased alignment
with any kernel has mean 0 and standard deviation √(2/(n(n-3))) when rows are permuted (see `null`), so the test needs no simulation, and
O(n d) time: inner products with that graph are sums over neighbours. A sum over n - 1 neighbours is close to normal whatever the spectrum.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kdprobe.measures.arrays import centred
from kdprobe.measures.cka.hsic import combine, hsic
from kdprobe.measures.cka.null import null_sd

COLUMNS = 16
"""Wider features are projected on so many directions, drawn once: the test stays exact, and costs O(16 n d)."""
ALARM = 4.0
"""Standard deviations of the null: the least whole number at which independent rows raise it in 1 % of data at most, whatever their tails
(3 does in 1.6 % of log-normal ones); with light tails it is far below."""
AT_ONCE = 4096
"""Rows that are projected at once."""


class Likeness(NamedTuple):
    """How alike neighbouring rows of one side are."""

    z: float
    """Above the mean of all orders of these rows, in standard deviations over orders."""
    share: float
    """Likeness of neighbours above that of any two rows, over that of a row with itself: the autocorrelation at lag 1 of a series."""


class Neighbours:
    """Sums over rows, in the order of a stream, that `Likeness` is made of. Exact for any cut into pieces.

    Parameters
    ----------
    width
        Number of features.
    """

    def __init__(self, width: int) -> None:
        self._directions = _directions(width)
        self.n = 0
        self._lag = 0.0
        k = min(width, COLUMNS)
        self._ends = np.zeros((2, k))
        self._moments = np.zeros((k + 2, k + 2))

    def add(self, z: np.ndarray) -> None:
        """Add the next rows (m, d), less a point near their mean."""
        if not len(z):
            return
        p = z.astype(np.float64, copy=False) if self._directions is None else (z @ self._directions.astype(z.dtype)).astype(np.float64)
        if self.n:
            self._lag += float(self._ends[1] @ p[0])
        else:
            self._ends[0] = p[0]
        self._lag += float(np.einsum("nd,nd->", p[:-1], p[1:]))
        self._ends[1] = p[-1]
        rows = np.concatenate([p, np.ones((len(p), 1)), np.einsum("nd,nd->n", p, p)[:, None]], axis=1)
        self._moments += rows.T @ rows
        self.n += len(p)

    def follow(self, other: "Neighbours", move: np.ndarray) -> None:
        """Add what another stream saw, as rows that come after; `move` is its point near the mean less the one of this stream."""
        if not other.n:
            return
        delta = move if self._directions is None else move @ self._directions
        moved = other._ends + delta
        self._lag += float(self._ends[1] @ moved[0]) if self.n else 0.0
        t = other._moments[:-2, -2]
        inner = other._ends.sum(axis=0)
        self._lag += other._lag + float(delta @ (2 * t - inner)) + (other.n - 1) * float(delta @ delta)
        change = np.eye(len(other._moments))
        change[-2, :-2], change[:-2, -1], change[-2, -1] = delta, 2 * delta, delta @ delta
        self._moments += change.T @ other._moments @ change
        self._ends = np.stack([self._ends[0] if self.n else moved[0], moved[1]])
        self.n += other.n

    def likeness(self) -> Likeness:
        """Return how alike neighbours are; (0, 0) where rows are constant or fewer than 4."""
        n, total = self.n, self._moments[:-2, -2]
        if n < 4:
            return Likeness(0.0, 0.0)
        mean = total / n
        squares = float(self._moments[-2, -1] - total @ mean)
        own = float(hsic(self._moments, n))
        if not (squares > 0 and own > 1e-9 * squares**2 / n):
            return Likeness(0.0, 0.0)
        lag = self._lag - float(mean @ (2 * total - self._ends.sum(axis=0))) + (n - 1) * float(mean @ mean)
        ends = float(np.sum((self._ends - mean) ** 2))
        # the graph that joins each row to the next has n - 1 edges; rows but the two ends have two neighbours
        edges = 2.0 * (n - 1)
        # the kernel with the graph, and the graph with itself
        terms = np.array([[2 * lag, edges], [-squares, edges], [edges, edges], [ends - 2 * squares, 4.0 * n - 6]])
        cross, graph = combine(terms[0], terms[1], terms[2], terms[3], n)
        return Likeness(float(cross / np.sqrt(own * graph) / null_sd(n)), (lag / (n - 1) + squares / (n * (n - 1))) / (squares / n))


def likeness(x: np.ndarray) -> Likeness:
    """How alike neighbouring rows of features (n, d) are, in the order given. O(16 n d).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.normal(size=(200, 3))
    >>> likeness(steps).z < ALARM < likeness(np.cumsum(steps, axis=0)).z
    True
    """
    directions = _directions(x.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        pieces = [_projected(x[first : first + AT_ONCE], x[0], directions) for first in range(0, len(x), AT_ONCE)]
        p = np.concatenate(pieces)
    if not np.isfinite(p).all():
        # beyond the range of products: scale first
        p = centred(x) if directions is None else centred(x) @ directions
    found = Neighbours(p.shape[1])
    found.add(centred(p))
    return found.likeness()


def alarm(x: Likeness, y: Likeness) -> str:
    """What a reader must know where neighbours are alike on both sides; empty where rows of one side can change places: that is enough."""
    if min(x.z, y.z) <= ALARM:
        return ""
    return (
        f"neighbouring rows are alike on both sides (autocorrelation {x.share:.2f} and {y.share:.2f}): where they come from one series, "
        "document or recording, p is too small and the interval too narrow, so name what belongs together with blocks=; where rows were "
        "only sorted, shuffle them"
    )


def _projected(x: np.ndarray, origin: np.ndarray, directions: np.ndarray | None) -> np.ndarray:
    dtype = np.float32 if x.dtype in (np.float16, np.float32) else np.float64
    z = np.subtract(x, origin, dtype=dtype)
    return z.astype(np.float64) if directions is None else (z @ directions.astype(dtype)).astype(np.float64)


@lru_cache(maxsize=32)
def _directions(width: int) -> np.ndarray | None:
    """(width, 16) directions, the same for every process; None where features are few."""
    if width <= COLUMNS:
        return None
    return np.random.default_rng(width).normal(size=(width, COLUMNS)) / np.sqrt(width)
