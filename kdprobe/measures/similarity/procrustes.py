"""Orthogonal Procrustes: how much of two representations a rotation brings to cover each other."""

from dataclasses import replace
from typing import Any

import numpy as np

from kdprobe.core.result import Measurement, Refusal
from kdprobe.measures.similarity.canonical import Grams, Side, decomposed, found
from kdprobe.measures.similarity.chance import PERMUTATIONS, Found, PairedArrays, of_arrays

ESTIMATOR = "orthogonal Procrustes similarity (normalised nuclear norm, not debiased)"


def procrustes(x: Any, y: Any, *, blocks: Any = None, permutations: int = PERMUTATIONS, seed: int = 0) -> Measurement | Refusal:
    """Orthogonal Procrustes similarity of two representations of the same rows, with its null and its interval.

    The nuclear norm of the cross-covariance over the product of Frobenius norms, ``‖XᵀY‖*/(‖X‖‖Y‖)`` of the centred sides: 1 where a
    rotation, a scale and a shift carry one into the other, 0 where no column of one goes with any of the other. It is the normalised
    Bures similarity of the two covariances of rows (Harvey, Larsen and Williams 2023). Unlike debiased CKA it is above 0 for unrelated
    rows, the more so the more columns there are: read it against ``details["chance"]``.

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
        ``value`` in [0, 1]; ``low``, ``high`` by a jackknife over 20 groups of rows, on Fisher's scale, bias not removed. ``details``:
        ``chance`` (mean of the null), ``null_sd``, ``z``, ``p`` (one-sided: more alike than unrelated rows, from permutations),
        ``angle`` (arc cosine of the value, radians: a metric, Williams et al. 2021), ``squared_distance`` (1 - value²: what is left of
        the variance after the best rotation and scale, the disparity of `scipy.spatial.procrustes`). A refusal where a side is constant
        or n < 8.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.

    Notes
    -----
    O(n d² + permutations · (n dx dy + min(dx, dy)² max(dx, dy))) with no more than n columns a side: after a rotation no more are needed.
    Schönemann 1966; Williams et al. 2021, arXiv:2110.14739; Harvey et al. 2023, arXiv:2311.11436.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 5))
    >>> rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    >>> round(procrustes(x, 3 - 2 * x @ rotation).value, 9)
    1.0
    >>> unrelated = procrustes(x, rng.normal(size=(200, 5)))
    >>> abs(unrelated.details["z"]) < 3 and unrelated.details["chance"] > 0.1
    True
    """
    result = of_arrays(x, y, measure, ESTIMATOR, row_blocks=blocks, permutations=permutations, seed=seed)
    return with_distances(result)


def measure(pair: PairedArrays) -> Found | Refusal:
    """Measure two checked arrays, before their null."""
    x, y = decomposed(pair.x), decomposed(pair.y)

    def statistic(grams: Grams) -> float:
        own_x, own_y = (_square(side, gram) for side, gram in ((x, grams.x), (y, grams.y)))
        if not (own_x > 0 and own_y > 0):
            return np.nan
        nuclear = np.linalg.svd(x.scales[:, None] * grams.cross * y.scales, compute_uv=False).sum()
        return float(np.clip(nuclear / np.sqrt(own_x) / np.sqrt(own_y), 0.0, 1.0))

    return found(pair, x, y, statistic)


def _square(side: Side, gram: np.ndarray | None) -> float:
    """Squared Frobenius norm of a side; 0 where rounding alone is left of it."""
    whole = float(side.scales @ side.scales)
    left = whole if gram is None else float(np.diag(gram) @ side.scales**2)
    return left if left > 1e-12 * whole else 0.0


def with_distances(result: Measurement | Refusal) -> Measurement | Refusal:
    """Add the distances that the similarity stands for to the details."""
    if isinstance(result, Refusal):
        return result
    distances = {"angle": float(np.arccos(result.value)), "squared_distance": 1 - result.value**2}
    return replace(result, details={**result.details, **distances})
