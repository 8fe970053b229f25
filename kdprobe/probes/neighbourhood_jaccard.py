"""Jaccard index of neighbourhoods: the rows near each row on both sides, over those near it on either."""

from typing import Any

import numpy as np
from scipy.stats import hypergeom

from kdprobe.core.arguments import whole
from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import Trace
from kdprobe.probes._cases import feature_pair
from kdprobe.probes._chance import PERMUTATIONS, Found, Pair, of_arrays, of_last_hidden
from kdprobe.probes._neighbours import found, shared_neighbours

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

    def measure(pair: Pair) -> Found | Refusal:
        return _measure(pair, k=k)

    return of_arrays(x, y, measure, _estimator(k), row_blocks=blocks, permutations=permutations, seed=seed)


def _estimator(k: int) -> str:
    return f"mean Jaccard index of the {k} nearest rows, Euclidean"


def _measure(pair: Pair, *, k: int = NEIGHBOURS) -> Found | Refusal:
    shared = shared_neighbours(pair, k)
    if isinstance(shared, Refusal):
        return shared
    whole = all(np.array_equal(side.data, np.ones_like(side.data)) for side in (shared.x, shared.y))
    counts = np.arange(k + 1)
    chance = float(hypergeom.pmf(counts, pair.n - 1, k, k) @ (counts / (2 * k - counts)))
    return found(shared, lambda rows: np.minimum(rows / (2 * k - rows), 1.0), chance=chance if whole else None, null_sd=None)


def _moved(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 1e3 - 1e-3 * x @ np.linalg.qr(rng.normal(size=(6, 6)))[0])


def _same_groups(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Twelve far places, eleven rows at each: the ten nearest are those at one's own place, on both sides."""
    places = rng.permutation(np.repeat(np.arange(12), 11))
    return feature_pair(places + 1e-3 * rng.normal(size=132), 5.0 * rng.permutation(12)[places] + 1e-3 * rng.normal(size=132))


def _ties(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Two places of 40 rows each, all at one point: a row shares 10·10/39 of its 10 with itself."""
    side = np.repeat([0.0, 1.0], 40)
    return feature_pair(side, side)


def _too_few(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(rng.normal(size=(15, 3)), rng.normal(size=(15, 3)))


NEIGHBOURHOOD_JACCARD = Probe(
    name="neighbourhood_jaccard",
    title="Jaccard index of neighbourhoods, last hidden layer",
    asks="How much do the rows near each row overlap in the two last hidden layers?",
    measure=of_last_hidden(_measure, _estimator(NEIGHBOURS)),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="rotated, scaled and shifted", make=_moved, value=1.0),
        KnownAnswer(name="the same groups of eleven in other places", make=_same_groups, value=1.0),
        KnownAnswer(name="ties are shared out", make=_ties, value=(100 / 39) / (20 - 100 / 39)),
        KnownAnswer(name="k is half of the rows or more", make=_too_few, value=None),
    ),
    cites="Klabunde et al. 2023, arXiv:2305.06329",
)
