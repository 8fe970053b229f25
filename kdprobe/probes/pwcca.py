"""Canonical correlations weighted by how much of one representation each of them accounts for."""

from typing import Any

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import Trace
from kdprobe.probes._canonical import Grams, decomposed, found, trivial, whitened, whitening
from kdprobe.probes._cases import feature_pair
from kdprobe.probes._chance import PERMUTATIONS, Found, Pair, of_arrays, of_last_hidden
from kdprobe.probes.cca import dropped

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
    return of_arrays(x, y, _measure, ESTIMATOR, row_blocks=blocks, permutations=permutations, seed=seed)


def _measure(pair: Pair) -> Found | Refusal:
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


def _mapped(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 3 + x @ rng.normal(size=(6, 6)))


def _weighted(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """A shared column of length 3 and one of length 1 that is not: (3·1 + 1·0)/4."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))
    return feature_pair(columns[:, [1, 2]] * [3.0, 1.0], columns[:, [1, 3]])


def _at_an_angle(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 2))]))
    return feature_pair(columns[:, 1], 0.6 * columns[:, 1] + 0.8 * columns[:, 2])


def _more_columns_than_rows(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(rng.normal(size=(50, 60)), rng.normal(size=(50, 3)))


PWCCA = Probe(
    name="pwcca",
    title="PWCCA, last hidden layer",
    asks="How much of the student's last hidden layer is a linear function of the teacher's?",
    measure=of_last_hidden(_measure, ESTIMATOR),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    invariant=("scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="any invertible linear map and a shift", make=_mapped, value=1.0),
        KnownAnswer(name="long columns count for more", make=_weighted, value=0.75, tolerance=1e-8),
        KnownAnswer(name="a correlation of .6", make=_at_an_angle, value=0.6),
        KnownAnswer(name="as many columns as rows fit anything", make=_more_columns_than_rows, value=None),
    ),
    cites="Morcos et al. 2018, arXiv:1806.05759",
)
