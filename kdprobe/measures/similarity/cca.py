"""Canonical correlations: how alike two representations are, up to any invertible linear map."""

from functools import partial
from typing import Any

import numpy as np

from kdprobe.core.arguments import switch
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.cka.null import Shape, null_of
from kdprobe.measures.similarity.canonical import Grams, Side, correlations, decomposed, found, trivial, whitened
from kdprobe.measures.similarity.chance import PERMUTATIONS, Found, PairedArrays, of_arrays


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
    return of_arrays(x, y, partial(measure, squared=squared), estimator(squared), row_blocks=blocks, permutations=permutations, seed=seed)


def estimator(squared: bool) -> str:
    """Name what was estimated, for the notes of a result."""
    return f"mean {'squared ' if squared else ''}canonical correlation (not debiased)"


def measure(pair: PairedArrays, *, squared: bool = False) -> Found | Refusal:
    """Measure two checked arrays, before their null."""
    x, y = decomposed(pair.x), decomposed(pair.y)
    if refusal := trivial(pair, x.rank, y.rank):
        return refusal

    def statistic(grams: Grams) -> float:
        values = correlations(whitened(grams))
        return float(np.mean(values**2 if squared else values))

    details = {"rank_x": x.rank, "rank_y": y.rank, "largest": float(correlations(x.rows.T @ y.rows)[0])}
    exact = _squared_null(x, y) if squared else {}
    return found(pair, x, y, statistic, details=details, notes=dropped(pair, x, y), **exact)


def dropped(pair: PairedArrays, x: Side, y: Side) -> tuple[str, ...]:
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
