"""Cross-fitted prediction of real values: every row's Gaussian information under a probe that never saw it, in nats."""

import warnings
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

Fold = tuple[np.ndarray, np.ndarray]
"""(learning rows, held-out rows)"""
FOLDS = 5
# down to almost none: what two nearly equal columns differ by may be what matters
_RIDGES = tuple(float(r) for r in np.logspace(-10, 4, 15))


def folds_of(n: int, seed: int, blocks: np.ndarray | None = None) -> list[Fold]:
    """Folds of n rows, whole blocks on one side."""
    folds = KFold if blocks is None else GroupKFold
    return list(folds(FOLDS, shuffle=True, random_state=seed).split(np.arange(n), groups=blocks))


def residuals(x: np.ndarray, y: np.ndarray, folds: list[Fold], family: Literal["linear", "mlp"], seed: int) -> np.ndarray:
    """Held-out residuals (n, c) of y (n, c) predicted from x (n, d)."""
    found = np.empty(y.shape)
    for learn, held in folds:
        scaler, mean, spread = StandardScaler().fit(x[learn]), y[learn].mean(axis=0), y[learn].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        known, asked = np.asarray(scaler.transform(x[learn])), np.asarray(scaler.transform(x[held]))
        target = (y[learn] - mean) / spread
        # the strength of the ridge goes by leave-one-out, which has a closed form
        model = RidgeCV(alphas=_RIDGES, gcv_mode="svd").fit(known, target) if family == "linear" else _network(known, target, seed)
        found[held] = y[held] - (mean + spread * np.asarray(model.predict(asked)).reshape(len(held), -1))
    return found


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
