"""Cross-fitted prediction of real values: every row's Gaussian information under a probe that never saw it, in nats."""

import warnings
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold
from sklearn.neural_network import MLPRegressor

Fold = tuple[np.ndarray, np.ndarray]
"""(learning rows, held-out rows)"""
FOLDS = 5
# down to almost none: what two nearly equal columns differ by may be what matters
_RIDGES = np.logspace(-10, 4, 15)
# squared residuals this small against the target are rounding
_EXACT = 1e-12


def folds_of(n: int, seed: int, blocks: np.ndarray | None = None) -> list[Fold]:
    """Folds of n rows, whole blocks on one side."""
    folds = KFold if blocks is None else GroupKFold
    return list(folds(FOLDS, shuffle=True, random_state=seed).split(np.arange(n), groups=blocks))


def residuals(x: np.ndarray, y: np.ndarray, folds: list[Fold], family: Literal["linear", "mlp"], seed: int) -> np.ndarray:
    """Held-out residuals (n, c) of y (n, c) predicted from x (n, d)."""
    found = np.empty(y.shape)
    for learn, held in folds:
        (known, asked), (target, _), (mean, spread) = _standard(x, learn, held), _standard(y, learn, learn), _moments(y[learn])
        if family == "linear":
            predicted = asked @ ridge(known, target)
        else:
            predicted = np.asarray(_network(known, target, seed).predict(asked)).reshape(len(held), -1)
        found[held] = y[held] - (mean + spread * predicted)
    return found


def ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights (d, c) of centred y (n, c) on centred x (n, d); the strength goes by the leave-one-out error, which has a closed form."""
    u, singular, directions = np.linalg.svd(x, full_matrices=False)
    projected = u.T @ y
    shrink = singular[:, None] ** 2 / (singular[:, None] ** 2 + _RIDGES)
    # a row's own weight in its prediction; the mean, which is learned too, adds 1/n
    own = u**2 @ shrink + 1 / len(x)
    rest = np.maximum(1 - own, np.finfo(np.float64).eps)
    errors = [np.mean(((y - u @ (kept[:, None] * projected)) / left[:, None]) ** 2) for kept, left in zip(shrink.T, rest.T, strict=True)]
    best = int(np.argmin(errors))
    return directions.T @ ((singular / (singular**2 + _RIDGES[best]))[:, None] * projected)


def _standard(values: np.ndarray, learn: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both parts of `values` (n, d), by the mean and spread of the learning rows."""
    mean, spread = _moments(values[learn])
    return (values[learn] - mean) / spread, (values[held] - mean) / spread


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spread = values.std(axis=0)
    # a constant column is left where it is
    return values.mean(axis=0), np.where(spread > 0, spread, 1.0)


def fixed(rest: np.ndarray) -> bool:
    """Whether residuals (n, c) of a standardised target leave nothing of it, or of a combination of its columns, but rounding."""
    return bool(np.linalg.eigvalsh(rest.T @ rest / len(rest))[0] <= _EXACT)


def gaussian_terms(y: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """One value a row (n,) with mean ½ log(det Σ_y / det Σ_rest): log density of `rest` less that of `y`, each under its own Gaussian.

    For one target it is -½ log(1 - R²) on held-out rows.
    """
    return _surprise(y - y.mean(axis=0)) - _surprise(rest)


def _surprise(values: np.ndarray) -> np.ndarray:
    moment = values.T @ values / len(values)
    distance = np.einsum("ij,ij->i", values @ np.linalg.pinv(moment, hermitian=True), values)
    return 0.5 * (np.linalg.slogdet(moment)[1] + distance)


def _network(x: np.ndarray, y: np.ndarray, seed: int) -> MLPRegressor:
    with warnings.catch_warnings():
        # the held-out residuals judge the probe, converged or not
        warnings.simplefilter("ignore", ConvergenceWarning)
        return MLPRegressor(
            hidden_layer_sizes=(64,),
            alpha=1e-3,
            early_stopping=True,
            max_iter=100,
            n_iter_no_change=8,
            learning_rate_init=3e-3,
            random_state=seed,
        ).fit(x, y.ravel() if y.shape[1] == 1 else y)
