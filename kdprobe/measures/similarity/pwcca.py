"""Canonical correlations weighted by how much of one representation each of them accounts for."""

from typing import Any

import numpy as np

from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.similarity.canonical import Grams, decomposed, found, trivial, whitened, whitening
from kdprobe.measures.similarity.cca import dropped
from kdprobe.measures.similarity.chance import PERMUTATIONS, Found, PairedArrays, of_arrays

ESTIMATOR = "PWCCA, canonical correlations weighted by the columns of x (not debiased)"


def pwcca(x: Any, y: Any, *, blocks: Any = None, permutations: int = PERMUTATIONS, seed: int = 0) -> Measurement | Refusal:
    """Projection weighted canonical correlation (Morcos et al. 2018) of two representations, with its null and its interval.

    Σ αᵢρᵢ/Σ αᵢ with ρᵢ the canonical correlations and αᵢ = Σⱼ|⟨hᵢ, xⱼ⟩|, hᵢ being the i-th canonical variable of x at unit length and xⱼ
    its columns (their section 2.2, equations 1 to 3): the weights are those of x, whatever the ranks, so it is not symmetric. Code that
    goes around takes the weights of the side with fewer directions instead.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), rows paired; (n,) means (n, 1), and (n, a, b, ...) is flattened. NumPy arrays or torch tensors.
    blocks
        (n,) labels of rows that belong together: the interval leaves out whole blocks, and there is no p.
    permutations
        Random permutations of rows behind ``chance``, ``null_sd``, ``z`` and ``p``; 0 for none.
    seed
        Of the permutations.

    Returns
    -------
    Measurement
        As `kdprobe.cca` gives it.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.

    Notes
    -----
    O(n d² + permutations · (n dx dy + d³)). A rotation of x changes it, as the weights are sums of absolute values over columns. Morcos,
    Raghu and Bengio 2018, arXiv:1806.05759.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 5))
    >>> round(pwcca(x, x @ rng.normal(size=(5, 5))).value, 9)
    1.0
    """
    return of_arrays(x, y, measure, ESTIMATOR, row_blocks=blocks, permutations=permutations, seed=seed)


def measure(pair: PairedArrays) -> Found | Refusal:
    """Measure two checked arrays, before their null."""
    x, y = decomposed(pair.x), decomposed(pair.y)
    if refusal := trivial(pair, x.rank, y.rank):
        return refusal
    columns = x.scales[:, None] * x.axes

    def statistic(grams: Grams) -> float:
        matrix = whitened(grams)
        if not matrix.size:
            return np.nan
        left, values, _ = np.linalg.svd(matrix, full_matrices=False)
        variables, seen = whitening(grams.x), columns
        if grams.x is not None and variables is not None:
            seen = variables.T @ grams.x @ columns
        weights = np.abs(left.T @ seen).sum(axis=1)
        return float(np.clip(weights @ np.clip(values, 0.0, 1.0) / weights.sum(), 0.0, 1.0)) if weights.sum() > 0 else np.nan

    return found(pair, x, y, statistic, details={"rank_x": x.rank, "rank_y": y.rank}, notes=dropped(pair, x, y))
