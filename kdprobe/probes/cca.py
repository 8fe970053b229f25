"""Canonical correlations: how alike two representations are, up to any invertible linear map."""

from typing import Any

import numpy as np

from kdprobe.core.arguments import switch
from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import Trace
from kdprobe.probes._canonical import Grams, Side, correlations, decomposed, found, trivial, whitened
from kdprobe.probes._cases import feature_pair
from kdprobe.probes._chance import PERMUTATIONS, Found, Pair, of_arrays, of_last_hidden
from kdprobe.probes._null import Shape, null_of


def cca(
    x: Any, y: Any, *, squared: bool = False, blocks: Any = None, permutations: int = PERMUTATIONS, seed: int = 0
) -> Measurement | Refusal:
    """Mean canonical correlation of two representations of the same rows, with its null and its interval.

    The mean of the min(rank x, rank y) canonical correlations: 1 where one side is a linear function of the other. All directions count
    alike, however little they vary, so noise directions pull it down and many columns push chance up: read it against
    ``details["chance"]``. `svcca` and `pwcca` are its answers to noise directions.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), rows paired; (n,) means (n, 1), and (n, a, b, ...) is flattened. NumPy arrays or torch tensors.
    squared
        Mean squared correlation (R²_CCA of Kornblith et al. 2019), whose null mean and standard deviation are known exactly.
    blocks
        (n,) labels of rows that belong together: the interval leaves out whole blocks, and there is no p.
    permutations
        Random permutations of rows behind ``p`` (and ``chance``, ``null_sd``, ``z`` unless squared); 0 for none.
    seed
        Of the permutations.

    Returns
    -------
    Measurement
        ``value`` in [0, 1]; ``low``, ``high`` by a jackknife over 20 groups of rows, on Fisher's scale, bias not removed. ``details``:
        ``chance`` (mean of the null), ``null_sd``, ``z``, ``p`` (one-sided: more alike than unrelated rows, from permutations),
        ``largest`` correlation, ``rank_x``, ``rank_y``. A refusal where a side is constant, n < 8, or correlations would be 1 whatever
        the data: as many columns as rows, or two sides that together span all rows.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.

    Notes
    -----
    O(n d² + permutations · (n dx dy + d³)). Directions below the rounding of the arrays are left out. Hotelling 1936; Kornblith et al.
    2019, arXiv:1905.00414; mean and standard deviation of the squared null: Kazi-Aoual et al. 1995.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 5))
    >>> round(cca(x, x @ rng.normal(size=(5, 5))).value, 9)
    1.0
    >>> print(cca(rng.normal(size=(20, 30)), rng.normal(size=(20, 3))).reason[:33])
    x has 30 columns on 20 rows: it c
    """

    squared = switch("squared", squared)

    def measure(pair: Pair) -> Found | Refusal:
        return _measure(pair, squared=squared)

    return of_arrays(x, y, measure, _estimator(squared), row_blocks=blocks, permutations=permutations, seed=seed)


def _estimator(squared: bool) -> str:
    return f"mean {'squared ' if squared else ''}canonical correlation (not debiased)"


def _measure(pair: Pair, *, squared: bool = False) -> Found | Refusal:
    x, y = decomposed(pair.x), decomposed(pair.y)
    if refusal := trivial(pair, x.rank, y.rank):
        return refusal

    def statistic(grams: Grams) -> float:
        values = correlations(whitened(grams))
        return float(np.mean(values**2 if squared else values))

    details = {"rank_x": x.rank, "rank_y": y.rank, "largest": float(correlations(x.rows.T @ y.rows)[0])}
    exact = _squared_null(x, y) if squared else {}
    return found(pair, x, y, statistic, details=details, notes=dropped(pair, x, y), **exact)


def dropped(pair: Pair, x: Side, y: Side) -> tuple[str, ...]:
    """Notes on columns that add no direction."""
    return tuple(
        f"{name} has {array.shape[1]} columns but spans {side.rank} directions: the rest is constant, repeated or rounding"
        for array, side, name in ((pair.x, x, pair.names[0]), (pair.y, y, pair.names[1]))
        if side.rank < min(array.shape[1], pair.n - 1)
    )


def _squared_null(x: Side, y: Side) -> dict[str, float]:
    """Mean squared correlation is biased CKA of two projections, times √(rx ry) over the smaller rank."""
    n, ranks = len(x.rows), (x.rank, y.rank)
    shapes = [Shape(1.0, side.rank**-0.5, side.rank, float(np.sum(np.sum(side.rows**2, axis=1) ** 2)) / side.rank) for side in (x, y)]
    null, factor = null_of(n, shapes[0], shapes[1], debiased=False), float(np.sqrt(ranks[0] * ranks[1])) / min(ranks)
    return {"chance": factor * null.mean, "null_sd": factor * null.sd}


def _mapped(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 3 + x @ rng.normal(size=(6, 6)))


def _one_of_two(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Of two directions a side, one is shared and one has nothing in common: (1 + 0) / 2, whatever the mixing."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))
    return feature_pair(columns[:, [1, 2]] @ rng.normal(size=(2, 2)), columns[:, [1, 3]] @ rng.normal(size=(2, 2)))


def _at_an_angle(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 2))]))
    return feature_pair(columns[:, 1], 0.6 * columns[:, 1] + 0.8 * columns[:, 2])


def _more_columns_than_rows(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(rng.normal(size=(50, 60)), rng.normal(size=(50, 3)))


CCA = Probe(
    name="cca",
    title="mean canonical correlation, last hidden layer",
    asks="How alike are the two last hidden layers, up to any linear map?",
    measure=of_last_hidden(_measure, _estimator(False)),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="any invertible linear map and a shift", make=_mapped, value=1.0),
        KnownAnswer(name="one of two directions shared", make=_one_of_two, value=0.5, tolerance=1e-8),
        KnownAnswer(name="a correlation of .6", make=_at_an_angle, value=0.6),
        KnownAnswer(name="as many columns as rows fit anything", make=_more_columns_than_rows, value=None),
    ),
    cites="Hotelling 1936, Biometrika 28; Kornblith et al. 2019, arXiv:1905.00414",
)
