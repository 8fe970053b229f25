"""Representational similarity analysis: whether the same rows lie far apart in two representations."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from scipy.stats import rankdata

from kdprobe.core.arguments import choice
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.arrays import centred
from kdprobe.measures.cka.alignment import LARGEST_KERNEL
from kdprobe.measures.cka.hsic import without_each
from kdprobe.measures.similarity.chance import PERMUTATIONS, Found, PairedArrays, of_arrays
from kdprobe.stats.intervals import FISHER

Distance = Literal["correlation", "cosine", "euclidean", "squared euclidean"]
Comparison = Literal["pearson", "spearman", "cosine"]


def rsa(
    x: Any,
    y: Any,
    *,
    distance: Distance = "correlation",
    comparison: Comparison = "pearson",
    blocks: Any = None,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Measurement | Refusal:
    """Representational similarity (Kriegeskorte et al. 2008) of two representations of the same rows, with its null and its interval.

    The distances between all pairs of rows, on either side, are compared. Several definitions are in use: the result names the one taken.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), rows paired; (n, a, b, ...) is flattened. NumPy arrays or torch tensors.
    distance
        Between rows: "correlation" (1 - Pearson across columns), "cosine", "euclidean" or "squared euclidean".
    comparison
        Of the n(n-1)/2 distances: "pearson", "spearman", or "cosine", which is above 0 for unrelated rows.
    blocks
        (n,) labels of rows that belong together: the interval leaves out whole blocks, and there is no p.
    permutations
        Random permutations of rows behind ``p``; 0 for none.
    seed
        Of the permutations.

    Returns
    -------
    Measurement
        ``value`` in [-1, 1]; ``low``, ``high`` by a jackknife over 20 groups of rows, on Fisher's scale. ``details``: ``chance`` and
        ``null_sd`` (exact under permuted rows), ``z``, ``p`` (one-sided: more alike than unrelated rows, from permutations). A refusal
        where all distances of a side are equal, n < 8, or a row has no correlation or angle.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.
    PlanError
        If a choice is unknown.

    Notes
    -----
    O(n² (dx + dy) + permutations · n²) time, 16 n² bytes. Under permuted rows a matrix of distances less its mean splits into what its
    rows add (n - 1 dimensions) and the rest (n(n-3)/2), which never mix: the variance of the product is the sum over both parts of the
    products of squares over the dimension. That is the variance of Mantel (1967). Kriegeskorte, Mur and Bandettini 2008,
    doi:10.3389/neuro.06.004.2008.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 5))
    >>> round(rsa(x, 3 * x).value, 9)
    1.0
    >>> abs(rsa(x, rng.normal(size=(100, 8))).details["z"]) < 3
    True
    """
    choice("distance", distance, get_args(Distance))
    choice("comparison", comparison, get_args(Comparison))
    chosen, name = partial(measure, distance=distance, comparison=comparison), estimator(distance, comparison)
    return of_arrays(x, y, chosen, name, row_blocks=blocks, permutations=permutations, seed=seed)


def estimator(distance: Distance, comparison: Comparison) -> str:
    """Name what was estimated, for the notes of a result."""
    return f"RSA, {distance} distances compared by {comparison.capitalize() if comparison != 'cosine' else comparison}"


def measure(pair: PairedArrays, *, distance: Distance = "correlation", comparison: Comparison = "pearson") -> Found | Refusal:
    """Measure two checked arrays, before their null."""
    n = pair.n
    if n * n > LARGEST_KERNEL:
        return Refusal(reason=f"{n} rows need n × n distances of {8e-9 * n * n:.0f} GB each", advice="give a sample of the rows")
    distances: list[np.ndarray] = []
    order, sizes = np.argsort(pair.groups, kind="stable"), pair.sizes
    for side, name in ((pair.x, pair.names[0]), (pair.y, pair.names[1])):
        found = _distances(side, distance)
        if isinstance(found, int):
            what = "is constant across its columns" if distance == "correlation" else "is zero"
            return Refusal(
                reason=f"row {found} of {name} {what}: its {distance} distance is 0/0", advice="use distance='euclidean', or leave it out"
            )
        distances.append(found[np.ix_(order, order)])
    a, b = distances
    if comparison == "spearman":
        value, left_out = _of_ranks(a, b, sizes)
        a, b = _ranks(a), _ranks(b)
    else:
        values = _compared(a, b, sizes, centre=comparison == "pearson")
        value, left_out = float(values[0]), values[1:]
    if not np.isfinite(value):
        return Refusal(reason="all distances between rows of a side are equal: there is nothing to compare", advice="leave it out")
    null, permuted = _null(a, b, centre=comparison != "cosine")
    place = np.argsort(order)
    return Found(
        value=value,
        left_out=left_out,
        # both sides stand in the order of their groups here
        permuted=lambda rows: permuted(place[rows[order]]),
        chance=null.mean,
        null_sd=null.sd,
        transform=FISHER,
    )


def _distances(x: np.ndarray, distance: Distance) -> np.ndarray | int:
    """(n, n) distances with a zero diagonal, or the first row that has none."""
    if distance in ("correlation", "cosine"):
        largest = np.abs(x, dtype=np.float64).max(axis=1, keepdims=True)
        with np.errstate(all="ignore"):
            # scaled row by row first: squares stay inside the range
            z = np.where(largest > 0, x / largest, 0.0)
        if distance == "correlation":
            z = z - z.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(z, axis=1, keepdims=True)
        flat = norms[:, 0] <= 4 * np.sqrt(x.shape[1]) * np.finfo(np.float64).eps
        if flat.any():
            return int(np.argmax(flat))
        z = z / norms
        found = np.clip(1 - z @ z.T, 0.0, 2.0)
    else:
        z = centred(x)
        square = np.einsum("nd,nd->n", z, z)
        found = np.maximum(square[:, None] + square - 2 * z @ z.T, 0.0)
        if distance == "euclidean":
            found = np.sqrt(found)
    np.fill_diagonal(found, 0.0)
    return found


def _compared(a: np.ndarray, b: np.ndarray, sizes: np.ndarray, *, centre: bool) -> np.ndarray:
    """(1 + g,) Pearson (or cosine) over pairs of rows: of all, then without each group; rows are in the order of their groups."""
    starts = np.cumsum(sizes) - sizes

    def sums(values: np.ndarray) -> np.ndarray:
        return without_each(np.add.reduceat(np.add.reduceat(values, starts, axis=0), starts, axis=1))

    left = np.concatenate([[len(a)], len(a) - sizes])
    pairs = left * (left - 1.0)
    least = [pairs * (1e-12 * side.max()) ** 2 for side in (a, b)]
    if centre:
        # a shift changes nothing, and costs no digits once the mean of all pairs is gone
        a, b = _off_diagonal(a), _off_diagonal(b)
    ab, aa, bb, sum_a, sum_b = (sums(values) for values in (a * b, a * a, b * b, a, b))
    with np.errstate(all="ignore"):
        if centre:
            ab, aa, bb = ab - sum_a * sum_b / pairs, aa - sum_a**2 / pairs, bb - sum_b**2 / pairs
        values = np.clip(ab / (np.sqrt(aa) * np.sqrt(bb)), -1.0, 1.0)
        return np.where((aa > least[0]) & (bb > least[1]), values, np.nan)


def _off_diagonal(a: np.ndarray) -> np.ndarray:
    """Distances less their mean, the diagonal kept at 0."""
    n = len(a)
    out = a - a.sum() / (n * (n - 1))
    np.fill_diagonal(out, 0.0)
    return out


def _ranks(a: np.ndarray) -> np.ndarray:
    """Average ranks of the distances among all pairs, as a symmetric matrix."""
    out = np.zeros_like(a)
    upper = np.triu_indices(len(a), 1)
    out[upper] = rankdata(a[upper])
    return out + out.T


def _of_ranks(a: np.ndarray, b: np.ndarray, sizes: np.ndarray) -> tuple[float, np.ndarray]:
    """Spearman over pairs of rows, ranked anew without each group."""
    ends = np.cumsum(sizes)
    whole = [np.arange(len(a))]
    parts = whole + [np.concatenate([np.arange(end - size), np.arange(end, len(a))]) for size, end in zip(sizes, ends, strict=True)]
    values = []
    for rows in parts:
        one = np.array([len(rows)])
        left, right = (_ranks(side[np.ix_(rows, rows)]) for side in (a, b))
        values.append(_compared(left, right, one, centre=True)[0])
    return float(values[0]), np.array(values[1:])


class _Null(NamedTuple):
    mean: float
    sd: float


def _null(a: np.ndarray, b: np.ndarray, *, centre: bool) -> tuple[_Null, Callable[[np.ndarray], float]]:
    """Exact mean and standard deviation of a comparison under permuted rows, and the comparison itself."""
    n = len(a)
    pairs = n * (n - 1)
    means = a.sum() / pairs, b.sum() / pairs
    parts = [_parts(side) for side in (a, b)]
    if centre:
        a, b = _off_diagonal(a), _off_diagonal(b)
    norm = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    variance = parts[0][0] * parts[1][0] / (n - 1) + parts[0][1] * parts[1][1] * 2 / (n * (n - 3))
    mean = 0.0 if centre else float(pairs * means[0] * means[1]) / norm

    def permuted(order: np.ndarray) -> float:
        return float(np.einsum("ij,ij->", a, b[np.ix_(order, order)])) / norm

    return _Null(mean, float(np.sqrt(variance)) / norm), permuted


def _parts(a: np.ndarray) -> tuple[float, float]:
    """Squares of distances less their mean: of what rows add to all of their distances, and of the rest."""
    a = _off_diagonal(a)
    rows = 2 * float(np.sum(a.sum(axis=1) ** 2)) / (len(a) - 2)
    return rows, max(0.0, float(np.einsum("ij,ij->", a, a)) - rows)
