"""Canonical correlations of the directions that hold most of the variance."""

from functools import partial
from typing import Any

import numpy as np

from kdprobe.core.arguments import number
from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.similarity.canonical import SINGULAR, Grams, Side, correlations, decomposed, found, trivial
from kdprobe.measures.similarity.chance import PERMUTATIONS, Found, PairedArrays, of_arrays

VARIANCE = 0.99


def svcca(
    x: Any, y: Any, *, variance: float = VARIANCE, blocks: Any = None, permutations: int = PERMUTATIONS, seed: int = 0
) -> Measurement | Refusal:
    """Singular vector canonical correlation (Raghu et al. 2017) of two representations, with its null and its interval.

    Each side keeps the fewest leading principal directions that hold a share `variance` of its variance (their section 2.1, step 1);
    the value is the mean canonical correlation of what is kept (step 2 and their ρ̄). Directions of little variance no longer count; among
    those kept all count alike.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), rows paired; (n,) means (n, 1), and (n, a, b, ...) is flattened. NumPy arrays or torch tensors.
    variance
        Share kept, above 0 and up to 1. ``details["kept_x"]`` and ``["kept_y"]`` say how many directions that is.
    blocks
        (n,) labels of rows that belong together: the interval leaves out whole blocks, and there is no p.
    permutations
        Random permutations of rows behind ``chance``, ``null_sd``, ``z`` and ``p``; 0 for none.
    seed
        Of the permutations.

    Returns
    -------
    Measurement
        As `kdprobe.cca` gives it. The interval keeps the same number of directions without each group, found anew.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.
    PlanError
        If `variance` is not a share.

    Notes
    -----
    O(n d² + groups · d³ + permutations · (n kx ky + k³)). Raghu et al. 2017, arXiv:1706.05806.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 3))
    >>> noisy = np.column_stack([x, 1e-3 * rng.normal(size=(200, 3))])
    >>> round(svcca(noisy, x).value, 4), svcca(noisy, x).details["kept_x"]
    (1.0, 3.0)
    """
    advice = f"give the share of variance to keep, above 0 and up to 1, such as {VARIANCE}"
    variance = number("variance", variance, above=0.0, most=1.0, advice=advice)
    chosen = partial(measure, variance=variance)
    return of_arrays(x, y, chosen, estimator(variance), row_blocks=blocks, permutations=permutations, seed=seed)


def estimator(variance: float) -> str:
    """Name what was estimated, for the notes of a result."""
    return f"SVCCA, mean correlation of directions that hold {100 * variance:g} % of the variance (not debiased)"


def measure(pair: PairedArrays, *, variance: float = VARIANCE) -> Found | Refusal:
    """Measure two checked arrays, before their null."""
    x, y = decomposed(pair.x), decomposed(pair.y)
    kept_x, kept_y = (_kept(side, variance) for side in (x, y))
    if refusal := trivial(pair, kept_x, kept_y):
        return refusal

    def statistic(grams: Grams) -> float:
        left, right = (_basis(side, gram, kept) for side, gram, kept in ((x, grams.x, kept_x), (y, grams.y, kept_y)))
        if left is None or right is None:
            return np.nan
        return float(np.mean(correlations(left.T @ grams.cross @ right)))

    # all rows need no more than what is kept
    few_x, few_y = (Side(side.rows[:, :kept], side.scales[:kept], side.axes[:kept]) for side, kept in ((x, kept_x), (y, kept_y)))
    whole = found(pair, x, y, statistic, details={"kept_x": kept_x, "kept_y": kept_y})

    def permuted(order: np.ndarray) -> float:
        return float(np.mean(correlations(few_x.rows.T @ few_y.rows[order])))

    return Found(value=whole.value, left_out=whole.left_out, permuted=permuted, details=whole.details)


def _kept(side: Side, variance: float) -> int:
    share = np.cumsum(side.scales**2)
    # a share of exactly 1 must not hang on rounding
    return int(np.searchsorted(share, variance * share[-1] * (1 - 1e-12))) + 1


def _basis(side: Side, gram: np.ndarray | None, kept: int) -> np.ndarray | None:
    """(r, kept) combinations of U that are the leading principal directions of some rows, with unit variance.

    Fewer where some rows have lost directions; None where none is left, or one is too faint to be found.
    """
    if gram is None:
        return np.eye(side.rank, kept)
    kept = min(kept, int(np.sum(np.linalg.eigvalsh(gram) > SINGULAR)))
    if kept == 0:
        return None
    values, vectors = np.linalg.eigh(side.scales[:, None] * gram * side.scales)
    values, vectors = values[::-1][:kept], vectors[:, ::-1][:, :kept]
    if values[-1] <= SINGULAR * values[0]:
        return None
    return side.scales[:, None] * vectors / np.sqrt(values)
