"""Jaccard index of neighbourhoods: the rows near each row on both sides, over those near it on either."""

from functools import partial
from typing import Any

import numpy as np
from scipy.stats import hypergeom

from kdprobe.core.arguments import whole
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.similarity.chance import PERMUTATIONS, Found, PairedArrays, of_arrays
from kdprobe.measures.similarity.neighbours import found, shared_neighbours

NEIGHBOURS = 10


def neighbourhood_jaccard(
    x: Any, y: Any, *, k: int = NEIGHBOURS, blocks: Any = None, permutations: int = PERMUTATIONS, seed: int = 0
) -> Measurement | Refusal:
    """Mean Jaccard index of the neighbourhoods of each row in two representations, with its null and its interval.

    Of each row's k nearest rows (Euclidean) on either side, the number that both name over the number that any names. It says what
    `mutual_knn` says on another scale: a row that shares s of k has s/(2k - s) instead of s/k.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), rows paired; (n,) means (n, 1), and (n, a, b, ...) is flattened. NumPy arrays or torch tensors.
    k
        Neighbours of each row, fewer than half of the rows. The value belongs to this k among this many rows.
    blocks
        (n,) labels of rows that belong together: the interval leaves out whole blocks, and there is no p.
    permutations
        Random permutations of rows behind ``null_sd``, ``z`` and ``p``; 0 for none.
    seed
        Of the permutations.

    Returns
    -------
    Measurement
        ``value`` in [0, 1]; ``low``, ``high`` by a jackknife over 20 groups of rows, neighbours found anew without each. ``details``:
        ``chance`` (exact where no rows tie: shared neighbours of a row are hypergeometric under permuted rows), ``null_sd``, ``z``, ``p``
        (one-sided: more alike than unrelated rows, from permutations), ``neighbours``. A refusal where a side is constant, n < 8 or k is
        half of the rows or more.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.
    PlanError
        If k is below 1.

    Notes
    -----
    O(n² (dx + dy) + permutations · n k) time, O(n k) memory. Ties as in `mutual_knn`.
    Klabunde et al. 2023, arXiv:2305.06329.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 5))
    >>> neighbourhood_jaccard(x, 3 - 2 * x).value
    1.0
    >>> abs(neighbourhood_jaccard(x, rng.normal(size=(200, 5))).details["z"]) < 3
    True
    """
    k = whole("k", k, least=1, advice=f"give the number of neighbours, at least 1, such as {NEIGHBOURS}")
    return of_arrays(x, y, partial(measure, k=k), estimator(k), row_blocks=blocks, permutations=permutations, seed=seed)


def estimator(k: int) -> str:
    """Name what was estimated, for the notes of a result."""
    return f"mean Jaccard index of the {k} nearest rows, Euclidean"


def measure(pair: PairedArrays, *, k: int = NEIGHBOURS) -> Found | Refusal:
    """Measure two checked arrays, before their null."""
    shared = shared_neighbours(pair, k)
    if isinstance(shared, Refusal):
        return shared
    whole = all(np.array_equal(side.data, np.ones_like(side.data)) for side in (shared.x, shared.y))
    counts = np.arange(k + 1)
    chance = float(hypergeom.pmf(counts, pair.n - 1, k, k) @ (counts / (2 * k - counts)))
    return found(shared, lambda rows: np.minimum(rows / (2 * k - rows), 1.0), chance=chance if whole else None, null_sd=None)
