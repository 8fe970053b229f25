"""What two models' outputs tell of the target, alone and together: `information_decomposition` of outputs, made cheap for sweeps.

The same quantities from the same families of probes, with three savings. What is known of one model is kept on its trace, as a sweep meets
it in hundreds of pairs. A probe is learned once, from all rows, by Newton's method, and each fold's by one more Newton step from there,
which leaves an error of second order in the fold's share. Classifiers' answers are read in float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.arrays import check_rows
from kdprobe.measures.information.copula import unit_columns
from kdprobe.measures.information.decomposition_terms import LEAST_CLASS_ROWS, few_rows
from kdprobe.measures.information.pool import Terms, pool
from kdprobe.measures.information.usable_classes import FOLDS, folds_of, one_class_only
from kdprobe.measures.information.usable_information import LEAST_ROWS, from_terms
from kdprobe.measures.information.usable_values import fixed, gaussian_terms
from kdprobe.measures.information.usable_values import folds_of as value_folds
from kdprobe.measures.left_out import LeftOut, mean_without
from kdprobe.measures.traces import (
    NO_TARGET,
    blocks,
    check_labels,
    check_paired,
    check_same_outputs,
    check_values,
    log_probabilities,
    two_classes,
)

# of a probability of 0, in nats
_LEAST = -700.0


@dataclass(frozen=True)
class OutputInformation:
    """Information about the target, per row: the teacher's, the student's, and both together."""

    teacher: Terms
    student: Terms
    joint: Terms


def part(choose: Callable[[OutputInformation], Terms]) -> Callable[[Trace, Trace, np.ndarray | None], Result]:
    """Make a probe's ``measure`` from the part of a pair that it asks for."""

    def measure(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
        if target is None:
            return NO_TARGET
        _check(student, teacher)
        pair = _of_classes(student, teacher, target) if student.kind == "classification" else _of_values(student, teacher, target)
        return pair if isinstance(pair, Refusal) else _measured(choose(pair), student)

    return measure


def part_without(choose: Callable[[OutputInformation], Terms]) -> Callable[[Trace, Trace, np.ndarray], LeftOut]:
    """Make a probe's ``without`` from the same: probes are not learned anew, as in the intervals of the value itself."""

    def without(student: Trace, teacher: Trace, target: np.ndarray) -> LeftOut:
        pair = _of_classes(student, teacher, target) if student.kind == "classification" else _of_values(student, teacher, target)
        assert not isinstance(pair, Refusal), "asked of what was measured only"
        return mean_without(choose(pair).held, student)

    return without


def dark_without(student: Trace, teacher: Trace, target: np.ndarray) -> LeftOut:
    """The mean of `dark` without each group of rows."""
    terms = _dark_of_classes(student, teacher, target) if student.kind == "classification" else _dark_of_values(student, teacher, target)
    assert not isinstance(terms, Refusal), "asked of what was measured only"
    return mean_without(terms.held, student)


def dark(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Measure what the student's output tells of the teacher's beyond the target."""
    if target is None:
        return NO_TARGET
    _check(student, teacher)
    terms = _dark_of_classes(student, teacher, target) if student.kind == "classification" else _dark_of_values(student, teacher, target)
    return terms if isinstance(terms, Refusal) else _measured(terms, student)


def _check(student: Trace, teacher: Trace) -> None:
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    check_rows(student.outputs, teacher.outputs, student.name, teacher.name, least=LEAST_ROWS)


def _measured(terms: Terms, trace: Trace) -> Result:
    """Interval of the held-out mean, reaching to what the rows show that the probe learned from; see `information_decomposition`."""
    held, learned = (from_terms(values, blocks=blocks(trace)) for values in (terms.held, terms.learned))
    return replace(held, low=min(held.low, learned.low), high=max(held.high, learned.high))


def _of_classes(student: Trace, teacher: Trace, target: np.ndarray) -> OutputInformation | Refusal:
    refused = two_classes(student)
    if refused:
        return refused
    labels = check_labels(target, student)
    if single := one_class_only(labels):
        return single

    def compute(_: Trace) -> tuple[np.ndarray, OutputInformation]:
        classes = teacher.derived(("classes", id(target)), lambda trace: _Classes(target, trace))
        joint = classes.information([_answers(teacher), _answers(student)])
        return target, OutputInformation(_alone(teacher, target, classes), _alone(student, target, classes), joint)

    # the target lies in the memo too, so that its identity stays its own
    return student.derived(("information", teacher, id(target)), compute)[1]


def _alone(trace: Trace, target: np.ndarray, classes: "_Classes") -> Terms:
    return trace.derived(("information", id(target)), lambda t: (target, classes.information([_answers(t)])))[1]


class _Classes:
    """Labels of some rows with their folds, and what frequencies alone tell of them."""

    def __init__(self, labels: np.ndarray, trace: Trace) -> None:
        self.labels, columns = labels, trace.outputs.shape[1]
        self.folds = np.empty(len(labels), dtype=np.int64)
        counts = np.empty((FOLDS, columns))
        for fold, (learn, held) in enumerate(folds_of(labels, 0, blocks(trace))):
            self.folds[held] = fold
            counts[fold] = np.bincount(labels[learn], minlength=columns)
        # half a row each, as everywhere, keeps classes that a fold lacks at a finite loss
        self.prior, self.priors = (
            np.log((found + 0.5) / (found.sum(axis=-1, keepdims=True) + 0.5 * columns)).astype(np.float32)
            for found in (np.bincount(labels, minlength=columns), counts)
        )
        self.whole = np.repeat(self.prior[:, None], len(labels), axis=1)
        self.without = np.ascontiguousarray(self.priors[self.folds].T)

    def information(self, outputs: Sequence[np.ndarray]) -> Terms:
        """How much less the pool of these log probabilities, each (c, n), errs than the frequencies."""
        rows = np.arange(len(self.labels))
        losses = pool([*outputs, self.whole], [*outputs, self.without], lambda expert: expert[self.labels, rows], self.folds)
        base = Terms(-self.priors[self.folds, self.labels].astype(np.float64), -self.prior[self.labels].astype(np.float64))
        return base - losses


def _answers(trace: Trace) -> np.ndarray:
    """Log probabilities (c, n)."""
    return trace.derived("log answers", lambda t: np.ascontiguousarray(np.maximum(log_probabilities(t), _LEAST).T, dtype=np.float32))


def _dark_of_classes(student: Trace, teacher: Trace, target: np.ndarray) -> Terms | Refusal:
    refused = two_classes(student)
    if refused:
        return refused
    labels = check_labels(target, student)
    few = np.unique(labels, return_counts=True)[1].min()
    if few < LEAST_CLASS_ROWS:
        return few_rows(few)
    classes, answers, from_label, held_from_label = teacher.derived(("dark", id(target)), lambda t: (target, *_mean_answers(t, target)))[1:]
    mine = _answers(student)

    def wanted(expert: np.ndarray) -> np.ndarray:
        return np.einsum("cn,cn->n", answers, expert).astype(np.float64)

    losses = pool([mine, from_label], [mine, held_from_label], wanted, classes.folds)
    return Terms(-wanted(held_from_label), -wanted(from_label)) - losses


def _mean_answers(teacher: Trace, labels: np.ndarray) -> tuple["_Classes", np.ndarray, np.ndarray, np.ndarray]:
    """Folds, the teacher's answers (c, n), and the log of its mean answer to each row's label: of all rows, and without its fold."""
    classes = teacher.derived(("classes", id(labels)), lambda trace: _Classes(labels, trace))
    answers = np.asarray(teacher.outputs, dtype=np.float32)
    columns = answers.shape[1]
    member = np.zeros((FOLDS * columns, len(labels)), dtype=np.float32)
    member[classes.folds * columns + labels, np.arange(len(labels))] = 1.0
    sums = (member @ answers).astype(np.float64).reshape(FOLDS, columns, columns)
    counts = member.sum(axis=1, dtype=np.float64).reshape(FOLDS, columns, 1)

    def log_mean(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        # half a row of the uniform answer keeps answers that were never given at a finite loss
        return np.log((sums + 0.5 / columns) / (counts + 0.5)).astype(np.float32)

    whole, without = log_mean(sums.sum(axis=0), counts.sum(axis=0)), log_mean(sums.sum(axis=0) - sums, counts.sum(axis=0) - counts)
    from_label, held = (np.ascontiguousarray(values.T) for values in (whole[labels], without[classes.folds, labels]))
    return classes, np.ascontiguousarray(answers.T), from_label, held


def _of_values(student: Trace, teacher: Trace, target: np.ndarray) -> OutputInformation | Refusal:
    y = _standardised(check_values(target, student))
    if not y.any(axis=0).all():
        return Refusal(reason="a column of the target is constant: there is nothing to know", advice="leave it out")

    def alone(trace: Trace) -> Terms | None:
        return trace.derived(("information", id(target)), lambda t: (target, _gaussian(y, _values(t), _folds_of_values(t))))[1]

    def compute(_: Trace) -> tuple[np.ndarray, list[Terms | None]]:
        both = np.hstack([_values(teacher), _values(student)])
        return target, [alone(teacher), alone(student), _gaussian(y, both, _folds_of_values(teacher))]

    # the target lies in the memo too, so that its identity stays its own
    found = [terms for terms in student.derived(("information", teacher, id(target)), compute)[1] if terms is not None]
    if len(found) < 3:
        return Refusal(reason="a model predicts the target exactly: the information is infinite", advice="report R²")
    return OutputInformation(*found)


def _dark_of_values(student: Trace, teacher: Trace, target: np.ndarray) -> Terms | Refusal:
    y = _standardised(check_values(target, student))
    s, t = _values(student), _values(teacher)
    if not t.any(axis=0).all():
        return Refusal(reason="an output of the teacher is constant: it has nothing dark", advice="leave it out")
    folds = _folds_of_values(teacher)
    from_both = _gaussian(t, np.hstack([y, s]), folds)
    from_label = teacher.derived(("dark", id(target)), lambda _: (target, _gaussian(t, y, folds)))[1]
    if from_both is None or from_label is None:
        reason = "the teacher's output is fixed by the target or the student: infinite, or nothing left"
        return Refusal(reason=reason, advice="leave out what is copied")
    return from_both - from_label


def _folds_of_values(trace: Trace) -> np.ndarray:
    def compute(trace: Trace) -> np.ndarray:
        numbers = np.empty(trace.n, dtype=np.int64)
        for fold, (_, held) in enumerate(value_folds(trace.n, 0, blocks(trace))):
            numbers[held] = fold
        return numbers

    return trace.derived("folds of values", compute)


def _values(trace: Trace) -> np.ndarray:
    return trace.derived("standardised values", lambda t: _standardised(t.outputs))


def _standardised(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1; constant ones 0."""
    columns = unit_columns(values)
    columns = columns - columns.mean(axis=0)
    spread = columns.std(axis=0)
    # a spread that is rounding is none
    return np.where(spread > 1e-9, columns / np.where(spread > 1e-9, spread, 1.0), 0.0)


def _gaussian(y: np.ndarray, x: np.ndarray, folds: np.ndarray) -> Terms | None:
    """Gaussian information from x (n, d) to y (n, c) by least squares; None where it is infinite."""
    design = np.column_stack([np.ones(len(x)), x])
    both = np.hstack([design, y])
    parts = np.stack([both[folds == fold].T @ both[folds == fold] for fold in range(FOLDS)])
    # without each fold, and from all rows
    moments = np.concatenate([parts.sum(axis=0) - parts, parts.sum(axis=0)[None]])
    columns = design.shape[1]
    # directions that only rounding tells apart (a student that copies its teacher) get no weight
    weights = np.linalg.pinv(moments[:, :columns, :columns], rcond=1e-10, hermitian=True) @ moments[:, :columns, columns:]
    learned = y - design @ weights[-1]
    held = y - np.einsum("nd,ndc->nc", design, weights[folds])
    if fixed(held) or fixed(learned):
        return None
    return Terms(gaussian_terms(y, held), gaussian_terms(y, learned))
