"""Nearest neighbours of each row on either side, ties shared out evenly, and what two sides have in common of them.

Where more rows than there are places left lie at the same distance (the dead units of a ReLU put many rows on one point), each of them
takes an equal share of the places. That is the mean over all ways to break the ties, independently on either side, so the answer does
not depend on the order of the rows; taking the first of them would make two sides share neighbours that neither of them names.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kdprobe.core.result import Refusal
from kdprobe.measures.arrays import centred
from kdprobe.measures.similarity.chance import Found, PairedArrays

CHUNK = 2**22
"""Distances that are worked on at once."""
MOST = 2**26
"""Neighbours that are kept, over all rows."""


class Candidates(NamedTuple):
    """The nearest rows of each row, nearest first, more than are needed so that some may be left out."""

    rows: np.ndarray
    """(n, m) their numbers."""
    distances: np.ndarray
    """(n, m) squared; infinite beyond the row's own list."""
    slack: np.ndarray
    """(n,) differences up to this are rounding: a tie."""


def candidates(x: np.ndarray, wanted: int) -> Candidates | None:
    """Find at least `wanted` nearest rows of each row, by Euclidean distance, and all that tie with the last. O(n² d).

    None where ties make the lists too long to keep.
    """
    z = centred(x)
    n = len(z)
    square = np.einsum("nd,nd->n", z, z)
    # what rounding does to a squared distance
    slack = 16 * float(np.finfo(np.float64).eps) * (square + square.max())
    found: list[tuple[np.ndarray, np.ndarray]] = []
    kept = 0
    for first in range(0, n, max(1, CHUNK // n)):
        part = slice(first, first + max(1, CHUNK // n))
        distances = np.maximum(square[part, None] + square - 2 * z[part] @ z.T, 0.0)
        own = np.arange(len(distances)), np.arange(n)[part]
        distances[own] = np.inf
        last = np.partition(distances, wanted - 1, axis=1)[:, wanted - 1]
        count = int((distances <= (last + slack[part])[:, None]).sum(axis=1).max())
        kept += count * len(distances)
        if kept > MOST:
            return None
        nearest = np.argpartition(distances, min(count, n - 1) - 1, axis=1)[:, :count]
        of_nearest = np.take_along_axis(distances, nearest, axis=1)
        order = np.argsort(of_nearest, axis=1, kind="stable")
        found.append((np.take_along_axis(nearest, order, axis=1), np.take_along_axis(of_nearest, order, axis=1)))
    most = max(rows.shape[1] for rows, _ in found)
    pad = [(0, most - rows.shape[1]) for rows, _ in found]
    rows = np.concatenate([np.pad(rows, ((0, 0), more)) for (rows, _), more in zip(found, pad, strict=True)])
    distances = np.concatenate([np.pad(far, ((0, 0), more), constant_values=np.inf) for (_, far), more in zip(found, pad, strict=True)])
    return Candidates(rows, distances, slack)


def graph(found: Candidates, k: int, left: np.ndarray | None = None) -> sparse.csr_array | None:
    """(n, n) shares of neighbours: each row has k, tied ones share what places are left.

    Parameters
    ----------
    left
        (n,) rows that are there; the others have no neighbours and are nobody's. None where a list is too short.
    """
    rows, distances, slack = found
    n = len(rows)
    if left is not None:
        distances = np.where(left[rows], distances, np.inf)
    # the k-th smallest that is left: lists are sorted, so it is where the k-th of them stands
    count = np.cumsum(np.isfinite(distances), axis=1)
    present = np.ones(n, dtype=bool) if left is None else left
    if (count[present, -1] < k).any():
        return None
    at = np.argmax(count >= k, axis=1)
    limit = distances[np.arange(n), at]
    with np.errstate(invalid="ignore"):
        nearer = distances < (limit - slack)[:, None]
        tied = (distances <= (limit + slack)[:, None]) & ~nearer & np.isfinite(distances)
    share = (k - nearer.sum(axis=1)) / np.maximum(tied.sum(axis=1), 1)
    weights = nearer + tied * share[:, None]
    weights[~present] = 0.0
    i, j = np.nonzero(weights)
    return sparse.csr_array((weights[i, j], (i, rows[i, j])), shape=(n, n))


class Shared(NamedTuple):
    """Neighbours of two sides."""

    pair: PairedArrays
    k: int
    x: sparse.csr_array
    y: sparse.csr_array
    left_out: list[np.ndarray]
    """For each group, (n - size,) shared neighbours of each row, found anew without that group."""

    def shared(self, order: np.ndarray | None = None) -> np.ndarray:
        """(n,) neighbours that both sides name of each row, also where the rows of y take another order."""
        y = self.y if order is None else self.y[order][:, order]
        return np.asarray(self.x.multiply(y).sum(axis=1)).ravel()


def shared_neighbours(pair: PairedArrays, k: int) -> Shared | Refusal:
    """Find the k nearest rows of each row on both sides, on all rows and without each group."""
    n, sizes = pair.n, pair.sizes
    if 2 * k > n - 1:
        return Refusal(reason=f"k = {k} neighbours are half or more of the other {n - 1} rows", advice="give more rows, or a smaller k")
    if k > n - int(sizes.max()) - 1:
        return Refusal(reason=f"a block of {sizes.max()} rows leaves fewer than k = {k} others", advice="give a smaller k")
    sides: list[tuple[sparse.csr_array, list[sparse.csr_array]]] = []
    for array, name in ((pair.x, pair.names[0]), (pair.y, pair.names[1])):
        found = _without_each(array, pair.groups, k)
        if found is None:
            return Refusal(
                reason=f"too many rows of {name} lie at the same distance: {k} nearest ones are hardly determined",
                advice="leave this layer out, or give a sample of the rows",
            )
        sides.append(found)
    (x, without_x), (y, without_y) = sides
    left_out = [
        np.asarray(a.multiply(b).sum(axis=1)).ravel()[pair.groups != g] for g, (a, b) in enumerate(zip(without_x, without_y, strict=True))
    ]
    return Shared(pair, k, x, y, left_out)


def share_null_sd(x: sparse.csr_array, y: sparse.csr_array, k: int) -> float:
    """Standard deviation of the mean shared fraction under permuted rows, exactly.

    A matrix of neighbours less its mean splits into what columns add (how often a row is somebody's neighbour, n - 1 dimensions; its rows
    all add up to k), a symmetric and an antisymmetric rest (n(n-3)/2 and (n-1)(n-2)/2). Permutations do not mix them, so the variance of
    the number shared is the sum of the products of squares over the dimension.
    """
    n = _length(x)
    parts = np.array([_squares(side, k) for side in (x, y)])
    dimensions = np.array([n - 1, n * (n - 3) / 2, (n - 1) * (n - 2) / 2])
    return float(np.sqrt(np.sum(parts[0] * parts[1] / dimensions))) / (n * k)


def _length(graph: sparse.csr_array) -> int:
    return len(graph.indptr) - 1


def _squares(side: sparse.csr_array, k: int) -> np.ndarray:
    n = _length(side)
    total, mutual = float(side.multiply(side).sum()), float(side.multiply(side.T).sum())
    less_mean = n * k**2 / (n - 1)
    popular = np.asarray(side.sum(axis=0)).ravel() - k
    # columns add c to all rows but their own, and rows c/(n-1), so that rows still add up to 0
    c = popular * (n - 1) / (n * (n - 2))
    r = c / (n - 1)
    by_column = float(popular @ c)
    # of (r_i + c_j ± r_j ± c_i)/2 over i ≠ j, with Σc = 0
    symmetric = float(np.sum((r + c) ** 2)) * (n - 2) / 2
    antisymmetric = float(np.sum((c - r) ** 2)) * n / 2
    return np.maximum([by_column, (total + mutual) / 2 - less_mean - symmetric, (total - mutual) / 2 - antisymmetric], 0.0)


def _without_each(x: np.ndarray, groups: np.ndarray, k: int) -> tuple[sparse.csr_array, list[sparse.csr_array]] | None:
    """Neighbours on all rows, and without each group; None where ties make too many of them."""
    n, wanted = len(x), min(len(x) - 1, 2 * k + 20)
    while True:
        found = candidates(x, wanted)
        if found is None:
            return None
        graphs = [graph(found, k), *(graph(found, k, groups != g) for g in range(int(groups.max()) + 1))]
        complete = [each for each in graphs if each is not None]
        if len(complete) == len(graphs):
            return complete[0], complete[1:]
        # a block may hold all of a row's neighbours
        wanted = min(n - 1, 2 * wanted)


def found(shared: Shared, of_rows: Callable[[np.ndarray], np.ndarray], *, chance: float | None, null_sd: float | None) -> Found:
    """The mean over rows of a value of the number of shared neighbours."""
    return Found(
        value=float(np.mean(of_rows(shared.shared()))),
        left_out=np.array([np.mean(of_rows(rows)) for rows in shared.left_out]),
        permuted=lambda order: float(np.mean(of_rows(shared.shared(order)))),
        chance=chance,
        null_sd=null_sd,
        details={"neighbours": float(shared.k)},
    )
