"""Nearest-neighbour estimators of mutual information, as one value a row: their mean is the estimate, in nats.

KSG 1 and 2: Kraskov, Stögbauer and Grassberger (2004), arXiv:cond-mat/0305641, equations 8 and 9. Ross (2014), PLoS ONE 9(2) e87357.
Mixed: Gao, Kannan, Oh and Viswanath (2017), arXiv:1709.06212, with digamma in place of the logarithm of counts, as in the authors' code.

Distances are max-norm up to `TREE_COLUMNS` columns in all, found by trees; beyond, Euclidean within X and within Y (KSG allows any norm in
each), found by float32 matrix products, because trees visit every point there.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.spatial import KDTree as Tree
from scipy.special import digamma
from sklearn.neighbors import KDTree

TREE_COLUMNS = 10
_BLOCK = 256


@dataclass(frozen=True)
class Neighbourhood:
    """What the estimators need of each row: the distance of its k-th neighbour, and how many rows lie nearer in X and in Y alone.

    Parameters
    ----------
    radius
        (n,) joint distance of the k-th neighbour; squared where `norm` is "euclidean".
    near_x, near_y
        (n,) rows strictly nearer than `radius`, the row itself included; where the radius is 0, rows at distance 0.
    same
        (n,) rows at joint distance 0, the row itself included.
    """

    radius: np.ndarray
    near_x: np.ndarray
    near_y: np.ndarray
    same: np.ndarray
    norm: Literal["max", "euclidean"]


def neighbourhood(x: np.ndarray, y: np.ndarray, k: int, *, ties: bool = False) -> Neighbourhood:
    """Find the k-th neighbour of each row of (x, y), both float64 (n, d), and count the marginal neighbours within its distance.

    With `ties`, distances are exact max-norm in any dimension, so that rows at distance 0 are seen as such.
    """
    columns = x.shape[1] + y.shape[1]
    if columns > TREE_COLUMNS and not ties:
        return _by_products(x, y, k)
    joint = np.hstack([x, y])
    order = np.argsort(x[:, 0])
    radius = np.empty(len(x))
    # neighbours in X lie near in memory once sorted, which speeds up the tree's walk by a quarter
    radius[order] = _kth(joint[order], k)[:, 0]
    # a row at distance 0 is its own neighbourhood: only rows at the same place count
    reach = np.where(radius > 0, np.nextafter(radius, 0), 0.0)
    same = np.ones(len(x), dtype=np.int64)
    heaped = radius == 0
    if heaped.any():
        same[heaped] = KDTree(np.hstack([x, y]), metric="chebyshev").query_radius(np.hstack([x, y])[heaped], 0.0, count_only=True)
    return Neighbourhood(radius, _count(x, reach, order=order), _count(y, reach), same, "max")


def ksg1(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """First estimator of Kraskov et al., one value a row (n,)."""
    near = neighbourhood(x, y, k)
    return digamma(k) + digamma(len(x)) - _digamma(near.near_x) - _digamma(near.near_y)


def ksg1_means(x: np.ndarray, y: np.ndarray, rungs: tuple[int, ...]) -> np.ndarray:
    """Mean of `ksg1` (rungs,) at each of several numbers of neighbours, one walk of the tree for all."""
    if len(rungs) == 1:
        return np.array([ksg1(x, y, rungs[0]).mean()])
    n, order = len(x), np.argsort(x[:, 0])
    radius = np.empty((n, len(rungs)))
    radius[order] = _kth(np.hstack([x, y])[order], *rungs)
    reaches = np.where(radius > 0, np.nextafter(radius, 0), 0.0)
    order_y = np.argsort(y[:, 0])
    near = [(_count(x, reach, order=order), _count(y, reach, order=order_y)) for reach in reaches.T]
    counted = [float(_digamma(near_x).mean() + _digamma(near_y).mean()) for near_x, near_y in near]
    return digamma(rungs) + digamma(n) - counted


def mixed(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """Gao et al.'s estimator for continuous, discrete and mixed data, one value a row (n,). Without ties it is KSG 1."""
    near = neighbourhood(x, y, k, ties=True)
    effective = np.where(near.radius > 0, k, near.same)
    return digamma(effective) + digamma(len(x)) - _digamma(near.near_x) - _digamma(near.near_y)


def ksg2(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """Second estimator of Kraskov et al., one value a row (n,): a rectangle in place of a square."""
    n = len(x)
    joint = np.hstack([x, y])
    neighbours = np.asarray(Tree(joint).query(joint, k=k + 1, p=np.inf)[1])
    reach_x, reach_y = np.zeros(n), np.zeros(n)
    for column in range(1, k + 1):
        np.maximum(reach_x, np.abs(x - x[neighbours[:, column]]).max(axis=1), out=reach_x)
        np.maximum(reach_y, np.abs(y - y[neighbours[:, column]]).max(axis=1), out=reach_y)
    # here the row on the edge counts and the row itself does not
    inside = [_count(values, reach, closed=True) - 1 for values, reach in ((x, reach_x), (y, reach_y))]
    return digamma(k) - 1 / k + digamma(n) - digamma(inside[0]) - digamma(inside[1])


def ross(x: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Ross's estimator of I(X; class), x (n, d) continuous and labels (n,), one value a row (n,).

    A class of k rows or fewer uses as many neighbours as it has; rows alone in their class are left out of both counts, as their
    distance to their own kind is unknown.
    """
    classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    known = counts[inverse] > 1
    x, inverse = x[known], inverse[known]
    radius, used = np.empty(len(x)), np.empty(len(x))
    for label in range(len(classes)):
        rows = np.flatnonzero(inverse == label)
        if len(rows) > 1:
            used[rows] = min(k, len(rows) - 1)
            radius[rows] = _kth(x[rows], min(k, len(rows) - 1))[:, 0]
    near = _count(x, np.nextafter(radius, 0))
    return digamma(len(x)) + digamma(used) - digamma(counts[inverse]) - digamma(near)


def _kth(points: np.ndarray, *ks: int) -> np.ndarray:
    """Max-norm distances (n, ks) of the k-th neighbours of each point (n, d)."""
    wanted: Any = [k + 1 for k in ks]  # the stubs do not know that a list asks for these neighbours only
    return np.asarray(Tree(points, leafsize=12, balanced_tree=False, compact_nodes=False).query(points, k=wanted, p=np.inf)[0])


def _count(values: np.ndarray, reach: np.ndarray, *, closed: bool = False, order: np.ndarray | None = None) -> np.ndarray:
    """Rows of `values` (n, d) within `reach` (n,) of each, itself included. `closed` keeps the farthest against rounding.

    `order` sorts the first column, where that is known.
    """
    if values.shape[1] > 1:
        return KDTree(values, metric="chebyshev").query_radius(values, reach, count_only=True)
    column = values[:, 0]
    order = np.argsort(column) if order is None else order
    ranked, reach = column[order], reach[order]
    # centre ± reach is rounded, so the row on the edge may fall on either side: move the edge by two units of the last place
    slack = 2 * np.spacing(np.abs(ranked) + reach)
    slack = np.where(reach == 0, 0.0, slack if closed else -slack)
    reach = reach + slack
    counts = np.empty(len(column), dtype=np.int64)
    counts[order] = np.searchsorted(ranked, ranked + reach, "right") - np.searchsorted(ranked, ranked - reach, "left")
    return counts


def _digamma(counts: np.ndarray) -> np.ndarray:
    """Digamma of counts ≥ 1, from a table: there are few different ones among many."""
    return digamma(np.arange(1, int(counts.max()) + 1))[counts - 1]


def _by_products(x: np.ndarray, y: np.ndarray, k: int) -> Neighbourhood:
    """Squared Euclidean distances by matrix products, a block of rows at a time: (n · _BLOCK) memory."""
    n = len(x)
    parts = [np.ascontiguousarray(values - values.mean(axis=0), dtype=np.float32) for values in (x, y)]
    norms = [np.einsum("ij,ij->i", part, part) for part in parts]
    radius, near = np.empty(n), np.empty((2, n), dtype=np.int64)
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        distances = []
        for part, norm in zip(parts, norms, strict=True):
            square = part[rows] @ part.T
            square *= -2
            square += norm
            square += norm[rows, None]
            # rounding may lift a row's distance to itself above that to a near one
            square[np.arange(len(square)), np.arange(rows.start, rows.stop)] = -np.inf
            distances.append(square)
        edge = np.partition(np.maximum(*distances), k, axis=1)[:, k, None]
        radius[rows] = edge[:, 0]
        for side in (0, 1):
            near[side, rows] = np.count_nonzero(distances[side] < edge, axis=1)
    return Neighbourhood(radius, near[0], near[1], np.ones(n, dtype=np.int64), "euclidean")
