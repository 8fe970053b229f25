"""Cross-fitted prediction of classes: every row's log loss under a probe that never saw it, in nats.

Three families of probes. "calibrated": outputs of one or more classifiers, their log probabilities added with one fitted weight each and
one for the log prior (for one classifier that is a temperature and a prior: Guo et al. 2017, arXiv:1706.04599). "linear" and "mlp": a
logistic regression or a small network on features, its logits brought to the right temperature on rows kept aside.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from kdprobe.core.trace import log_softmax
from kdprobe.stats.scores import fit_temperature, nll

Family = Literal["calibrated", "linear", "mlp"]
FOLDS = 5
# inverse strength of the ridge, over which the kept-aside rows decide
_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


def folds_of(labels: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of (learning rows, held-out rows), with each class spread over the folds as evenly as it goes."""
    with warnings.catch_warnings():
        # a class with fewer rows than folds is absent from some folds, which the losses then show
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels))


def entropy_terms(labels: np.ndarray) -> np.ndarray:
    """One value a row (n,) with mean H(Y): minus the log frequency of its class, plus the share of the Miller-Madow correction."""
    counts = np.bincount(labels)
    correction = (np.count_nonzero(counts) - 1) / (2 * len(labels))
    return -np.log(counts[labels] / len(labels)) + correction


def calibrated_losses(outputs: Sequence[np.ndarray], labels: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Held-out loss (n,) of the log-linear pool of classifiers' log probabilities, each (n, c).

    The pool is the posterior of conditionally independent experts when its weights are right, and any single expert among its members: so
    adding an expert costs only the error of one weight.
    """
    columns = outputs[0].shape[1]
    losses = np.empty(len(labels))
    for learn, held in folds:
        # the add-half prior keeps classes that a fold lacks at a finite loss
        prior = np.log((np.bincount(labels[learn], minlength=columns) + 0.5) / (len(learn) + 0.5 * columns))
        experts = np.stack([*outputs, np.broadcast_to(prior, outputs[0].shape)])
        weights = _pool(experts[:, learn], labels[learn])
        losses[held] = nll(log_softmax(np.tensordot(weights, experts[:, held], axes=1)), labels[held])
    return losses


def feature_losses(x: np.ndarray, labels: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]], family: Family, seed: int) -> np.ndarray:
    """Held-out loss (n,) of a linear or MLP probe on features (n, d)."""
    losses = np.empty(len(labels))
    classes = int(labels.max()) + 1
    for learn, held in folds:
        predict = _fit(x[learn], labels[learn], classes, family, seed)
        losses[held] = nll(predict(x[held]), labels[held])
    return losses


def _pool(experts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights (k,) of experts (k, n, c) with the least log loss; convex."""
    rows = np.arange(len(labels))
    # saturated rows reach -700: without a common unit the first step of the search overflows
    scale = np.maximum(experts.std(axis=(1, 2)), 1e-3)
    scaled = experts / scale[:, None, None]
    of_label = scaled[:, rows, labels]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        log_p = log_softmax(np.tensordot(weights, scaled, axes=1))
        expected = np.einsum("nc,knc->k", np.exp(log_p), scaled)
        return -float(log_p[rows, labels].mean()), (expected - of_label.sum(axis=1)) / len(rows)

    start = np.where(np.arange(len(scale)) < len(scale) - 1, scale / max(1, len(scale) - 1), 0.0)
    # a tiny ridge settles the weights where two experts say the same, or a prior is flat
    penalised = lambda w: tuple(a + b for a, b in zip(loss(w), (1e-8 * float(w @ w), 2e-8 * w), strict=True))  # noqa: E731
    return minimize(penalised, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x / scale


def _fit(x: np.ndarray, labels: np.ndarray, classes: int, family: Family, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Learn a probe; the map takes features to log probabilities (m, classes).

    A fifth of the rows is kept aside to choose the strength of the ridge and the temperature; the linear probe is then learned again from
    all rows.
    """
    scaler = StandardScaler().fit(x)
    x = np.asarray(scaler.transform(x))
    prior = np.log((np.bincount(labels, minlength=classes) + 0.5) / (len(labels) + 0.5 * classes))
    present = np.unique(labels)
    if len(present) < 2:
        return lambda values: np.broadcast_to(log_softmax(prior[None]), (len(values), classes))
    fit, aside = _aside(labels, seed)
    temperatures: dict[float, tuple[float, float]] = {}
    models = {}
    for strength in _STRENGTHS if family == "linear" else (1e-4, 1e-2):
        model = _learn(x[fit], labels[fit], family, strength, seed)
        logits = _spread(model, x[aside], prior, classes)
        temperature = fit_temperature(logits, labels[aside])
        temperatures[strength] = float(np.mean(nll(log_softmax(logits / temperature), labels[aside]))), temperature
        models[strength] = model
    best = min(temperatures, key=lambda strength: temperatures[strength][0])
    model = _learn(x, labels, family, best, seed) if family == "linear" else models[best]
    temperature = temperatures[best][1]
    return lambda values: log_softmax(_spread(model, np.asarray(scaler.transform(values)), prior, classes) / temperature)


def _aside(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    counts = np.bincount(labels)
    if counts[counts > 0].min() >= 2 and len(labels) // 5 >= np.count_nonzero(counts):
        fit, aside = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=seed).split(labels, labels))
    else:
        fit, aside = np.split(np.random.default_rng(seed).permutation(len(labels)), [4 * len(labels) // 5])
    return fit, aside


def _learn(x: np.ndarray, labels: np.ndarray, family: Family, strength: float, seed: int) -> LogisticRegression | MLPClassifier:
    with warnings.catch_warnings():
        # the held-out loss judges the probe, converged or not
        warnings.simplefilter("ignore", ConvergenceWarning)
        if family == "linear":
            return LogisticRegression(C=strength, max_iter=200).fit(x, labels)
        return MLPClassifier(
            hidden_layer_sizes=(64,),
            alpha=strength,
            early_stopping=True,
            max_iter=60,
            n_iter_no_change=5,
            learning_rate_init=3e-3,
            random_state=seed,
        ).fit(x, labels)


def _spread(model: LogisticRegression | MLPClassifier, x: np.ndarray, prior: np.ndarray, classes: int) -> np.ndarray:
    """Logits (n, classes); a class that the model never met keeps its share of the prior."""
    with np.errstate(divide="ignore"):
        known = model.predict_log_proba(x)
    logits = np.broadcast_to(prior, (len(x), classes)).copy()
    logits[:, model.classes_] = np.maximum(known, -700.0)
    return logits
