"""Cross-fitted prediction of classes: every row's log loss under a probe that never saw it, in nats.

Three families of probes. "calibrated": outputs of one or more classifiers, their log probabilities added with one fitted weight each and
one for the log prior (for one classifier that is a temperature and a prior: Guo et al. 2017, arXiv:1706.04599). "linear" and "mlp": a
logistic regression or a small network on features, its logits brought to the right temperature on rows kept aside.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from kdprobe.core.result import Refusal
from kdprobe.core.trace import log_softmax
from kdprobe.measures.information.pool_weights import fitted
from kdprobe.stats.scores import fit_temperature, nll

Family = Literal["calibrated", "linear", "mlp"]
Fold = tuple[np.ndarray, np.ndarray]
"""(learning rows, held-out rows)"""
FOLDS = 5
LEARNED = 2**21
"""Outputs of one classifier that the weights of a pool are learned from: of 1,000 classes 2,097 rows, which cost about .001 nats."""
PIECE = 2**18
"""Outputs that are worked on at once."""
# what the kept-aside rows decide about: the inverse strength of a linear probe's ridge, the strength of a network's
_STRENGTHS = {"linear": (1e-3, 1e-2, 1e-1, 1.0, 10.0), "mlp": (1e-4, 1e-2)}
# share of the largest singular value below which there is rounding
_ROUNDING = 1e-12
Coordinates = Callable[[np.ndarray], np.ndarray]


def folds_of(labels: np.ndarray, seed: int, blocks: np.ndarray | None = None) -> list[Fold]:
    """Folds with each class spread over them as evenly as it goes, whole blocks on one side."""
    folds = StratifiedKFold if blocks is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        # a class with fewer rows than folds is absent from some folds, which the losses then show
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(folds(FOLDS, shuffle=True, random_state=seed).split(labels, labels, blocks))


def one_class_only(labels: np.ndarray) -> Refusal | None:
    """Refuse classes (n,) that are all the same."""
    if labels.min() != labels.max():
        return None
    return Refusal(reason=f"the target holds one class only, {labels[0]}: there is nothing to know", advice="give rows of other classes")


def too_rare(labels: np.ndarray, *, most: bool) -> Refusal | None:
    """Refuse classes (n,) of which not each fold can hold a row: all of them (`most`, where folds cannot be made), or any of them."""
    values, counts = np.unique(labels, return_counts=True)
    place = int(counts.argmax() if most else counts.argmin())
    if counts[place] >= FOLDS:
        return None
    held = f"class {values[place]} of the target has {counts[place]} row{'s' if counts[place] > 1 else ''}"
    return Refusal(
        reason=f"{held}{', and no class has more' if most else ''}: {FOLDS} folds need {FOLDS}",
        advice="give continuous values to task='regression'" if most else "give more rows of it, or leave its rows out",
    )


def prior_losses(labels: np.ndarray, folds: list[Fold]) -> np.ndarray:
    """Held-out loss (n,) of the class frequencies alone, which estimates H(Y).

    It is the same prior that the probes fall back on. So a probe that finds nothing has no information, however many classes there are;
    where it finds something, what the frequencies of few rows cost is not counted in its favour.
    """
    losses = np.empty(len(labels))
    for learn, held in folds:
        losses[held] = -_prior(labels[learn], int(labels.max()) + 1)[labels[held]]
    return losses


def _prior(labels: np.ndarray, columns: int) -> np.ndarray:
    """Log frequencies (columns,) of classes; half a row each keeps classes that a fold lacks at a finite loss."""
    return np.log((np.bincount(labels, minlength=columns) + 0.5) / (len(labels) + 0.5 * columns))


def calibrated_losses(outputs: Sequence[np.ndarray], labels: np.ndarray, folds: list[Fold]) -> np.ndarray:
    """Held-out loss (n,) of the log-linear pool of classifiers' log probabilities, each (n, c).

    The pool is the posterior of conditionally independent experts when its weights are right, and any single expert among its members: so
    adding an expert costs only the error of one weight.
    """
    columns = outputs[0].shape[1]
    losses = np.empty(len(labels))
    for learn, held in folds:
        prior, some = _prior(labels[learn], columns), _some(learn, columns)
        experts = [*(log_p[some] for log_p in outputs), np.broadcast_to(prior, (len(some), columns))]
        weights = _pool(experts, [expert[np.arange(len(some)), labels[some]] for expert in experts])
        for rows in _pieces(held, columns):
            mixed = weights[-1] * prior
            for weight, log_p in zip(weights, outputs, strict=False):
                mixed = mixed + weight * log_p[rows]
            losses[rows] = nll(log_softmax(mixed), labels[rows])
    return losses


def feature_losses(x: np.ndarray, labels: np.ndarray, folds: list[Fold], family: Family, seed: int) -> np.ndarray:
    """Held-out loss (n,) of a linear or MLP probe on features (n, d)."""
    losses = np.empty(len(labels))
    classes = int(labels.max()) + 1
    for learn, held in folds:
        predict = _fit(x[learn], labels[learn], classes, family, seed)
        losses[held] = nll(predict(x[held]), labels[held])
    return losses


def dark_terms(teacher: np.ndarray, student: np.ndarray, labels: np.ndarray, folds: list[Fold]) -> np.ndarray:
    """One value a row (n,): how much better the student's log probabilities (n, c) and the label tell the teacher's answer than the label.

    The teacher's answer is a draw from its softmax; the loss is the expectation over that draw, so that no drawing adds noise. From the
    label alone the best guess is the teacher's mean answer to that label; the student joins it in a log-linear pool.
    """
    terms, columns = np.empty(len(labels)), teacher.shape[1]
    for learn, held in folds:
        mean = np.full((int(labels.max()) + 1, columns), 1.0 / columns)
        for label in np.unique(labels[learn]):
            # half a row of the uniform answer keeps answers that were never given at a finite loss
            mine = np.exp(teacher[learn[labels[learn] == label]])
            mean[label] = (mine.sum(axis=0) + 0.5 / columns) / (len(mine) + 0.5)
        from_label, some = np.log(mean), _some(learn, columns)
        experts, answers = [student[some], from_label[labels[some]]], np.exp(teacher[some])
        weights = _pool(experts, [np.einsum("nc,nc->n", answers, expert) for expert in experts])
        for rows in _pieces(held, columns):
            known = from_label[labels[rows]]
            together = log_softmax(weights[0] * student[rows] + weights[1] * known)
            terms[rows] = np.sum(np.exp(teacher[rows]) * (together - known), axis=1)
    return terms


def _some(rows: np.ndarray, columns: int) -> np.ndarray:
    """Of many rows as many as `LEARNED` outputs make, evenly drawn: two or three weights want no more."""
    most = max(LEARNED // columns, 1)
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _pieces(rows: np.ndarray, columns: int) -> list[np.ndarray]:
    """Rows in pieces that stay in the cache."""
    return np.array_split(rows, max(1, len(rows) * columns // PIECE))


def _pool(experts: Sequence[np.ndarray], scores: Sequence[np.ndarray]) -> np.ndarray:
    """Weights (k,) of experts, each (n, c), with the least log loss, given each one's (n,) mean log score of the answers; convex."""
    by_class = [np.ascontiguousarray(expert.T) for expert in experts]
    start = np.r_[np.full(len(experts) - 1, 1.0 / max(1, len(experts) - 1)), 0.0]
    # a tiny ridge settles the weights where two experts say the same, or a prior is flat
    penalty = 2e-8 * len(scores[0]) * np.maximum([float(expert.std()) for expert in experts], 1e-3) ** 2
    return fitted(by_class, scores, start, penalty, settled=1e-12)[0]


def _fit(x: np.ndarray, labels: np.ndarray, classes: int, family: Family, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Learn a probe; the map takes features to log probabilities (m, classes).

    A fifth of the rows is kept aside to choose coordinates, the strength of the ridge and the temperature; the linear probe is then
    learned again from all rows.
    """
    prior = _prior(labels, classes)
    present = np.unique(labels)
    if len(present) < 2:
        return lambda values: np.broadcast_to(log_softmax(prior[None]), (len(values), classes))
    fit, aside = _aside(labels, seed)
    strengths = _STRENGTHS[family]
    best: tuple[float, Coordinates, float, float, LogisticRegression | MLPClassifier] | None = None
    # in standardised columns a ridge hides the small directions of columns that nearly repeat each other; in components of equal
    # variance it hides none, but noise counts as much as the rest. The rows kept aside decide
    for coordinates, options in ((_standard(x), strengths), (_components(x), strengths[1:])):
        values = coordinates(x)
        for strength in options:
            model = _learn(values[fit], labels[fit], family, strength, seed)
            logits = _spread(model, values[aside], prior, classes)
            temperature = fit_temperature(logits, labels[aside])
            loss = float(np.mean(nll(log_softmax(logits / temperature), labels[aside])))
            if best is None or loss < best[0]:
                best = loss, coordinates, strength, temperature, model
    assert best is not None
    _, coordinates, strength, temperature, model = best
    if family == "linear":
        model = _learn(coordinates(x), labels, family, strength, seed)
    return lambda values: log_softmax(_spread(model, coordinates(values), prior, classes) / temperature)


def _standard(x: np.ndarray) -> Coordinates:
    scaler = StandardScaler().fit(x)
    return lambda values: np.asarray(scaler.transform(values))


def _components(x: np.ndarray) -> Coordinates:
    """Principal components of the standardised columns, each to unit variance; those that are rounding are left out."""
    standard = _standard(x)
    _, singular, directions = np.linalg.svd(standard(x), full_matrices=False)
    used = singular > singular[0] * _ROUNDING
    scaled = directions[used].T * (np.sqrt(len(x)) / singular[used])
    return lambda values: standard(values) @ scaled


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
