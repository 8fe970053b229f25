"""Mutual nearest neighbours: whether each row has the same rows near it in two representations."""

from functools import partial
from typing import Any

import numpy as np

from kdprobe.core.arguments import whole
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.similarity.chance import PERMUTATIONS, Found, PairedArrays, of_arrays
from kdprobe.measures.similarity.neighbours import found, share_null_sd, shared_neighbours

NEIGHBOURS = 10


def mutual_knn(
    x: Any, y: Any, *, k: int = NEIGHBOURS, blocks: Any = None, permutations: int = PERMUTATIONS, seed: int = 0
) -> Measurement | Refusal:
    """Mean share of the k nearest rows that two representations of the same rows have in common, with its null and its interval.

    Of each row's k nearest rows (Euclidean) on either side, the fraction that both name. It looks at what is near only: two maps that
    differ in their large shape can agree.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), rows paired; (n,) means (n, 1), and (n, a, b, ...) is flattened. NumPy arrays or torch tensors.
    k
        Neighbours of each row, fewer than half of the rows. The value belongs to this k among this many rows.
    blocks
        (n,) labels of rows that belong together: the interval leaves out whole blocks, and there is no p.
    permutations
        Random permutations of rows behind ``p``; 0 for none.
    seed
        Of the permutations.

    Returns
    -------
    Measurement
        ``value`` in [0, 1]; ``low``, ``high`` by a jackknife over 20 groups of rows, neighbours found anew without each. ``details``:
        ``chance`` (k/(n-1)) and ``null_sd``, both exact under permuted rows, ``z``, ``p`` (one-sided: more alike than unrelated rows, from
        permutations), ``neighbours``. A refusal where a side is constant, n < 8 or k is half of the rows or more.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.
    PlanError
        If k is below 1.

    Notes
    -----
    O(n² (dx + dy) + permutations · n k) time, O(n k) memory. Rows at equal distance share the places that are left: the value is the mean
    over independent ways to break the ties, so a side with many equal rows is less than 1 similar to itself. Huh et al. 2024,
    arXiv:2405.07987, whose distances are of rows at unit length.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 5))
    >>> mutual_knn(x, 3 - 2 * x).value
    1.0
    >>> unrelated = mutual_knn(x, rng.normal(size=(200, 5)))
    >>> round(unrelated.details["chance"], 4), abs(unrelated.details["z"]) < 3
    (0.0503, True)
    """
    k = whole("k", k, least=1, advice=f"give the number of neighbours, at least 1, such as {NEIGHBOURS}")
    return of_arrays(x, y, partial(measure, k=k), estimator(k), row_blocks=blocks, permutations=permutations, seed=seed)


def estimator(k: int) -> str:
    """Name what was estimated, for the notes of a result."""
    return f"mean shared fraction of the {k} nearest rows, Euclidean"


def measure(pair: PairedArrays, *, k: int = NEIGHBOURS) -> Found | Refusal:
    """Measure two checked arrays, before their null."""
    shared = shared_neighbours(pair, k)
    if isinstance(shared, Refusal):
        return shared
    return found(shared, lambda rows: np.minimum(rows / k, 1.0), chance=k / (pair.n - 1), null_sd=share_null_sd(shared.x, shared.y, k))
