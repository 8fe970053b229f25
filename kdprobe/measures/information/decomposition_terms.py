"""What each row says of the target under probes of the teacher, of the student and of both; and what it says of the teacher beyond it."""

from dataclasses import dataclass

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.measures.information.copula import unit_columns
from kdprobe.measures.information.discrete import codes
from kdprobe.measures.information.usable_classes import Fold, calibrated_losses, dark_terms, feature_losses, prior_losses, too_rare
from kdprobe.measures.information.usable_information import ProbeFamily, from_terms
from kdprobe.measures.information.usable_inputs import Inputs, as_log_probabilities, labels_of_columns
from kdprobe.measures.information.usable_values import fixed, gaussian_terms, residuals

# rows of one class below which its mean answer is not known well enough
LEAST_CLASS_ROWS = 20
_MOST_SYMBOLS = 20
_MOST_DARK_COLUMNS = 10


def of_classes(
    teacher: np.ndarray, student: np.ndarray, labels: np.ndarray, inputs: Inputs, family: ProbeFamily, folds: list[Fold], seed: int
) -> tuple[np.ndarray, "np.ndarray | Refusal | _ByClass"] | Refusal:
    """Terms (n, 3) of teacher, student and both against the classes, and what is dark or why that has no answer."""
    outputs = [as_log_probabilities(side, inputs, 2, name) for side, name in ((teacher, "teacher"), (student, "student"))]
    given = [log_p for log_p in outputs if log_p is not None]
    of_column = labels_of_columns(labels, given[0].shape[1], inputs, "teacher") if len(given) == 2 else None
    if of_column is not None and given[0].shape == given[1].shape:
        base = prior_losses(of_column, folds)
        each = [calibrated_losses(chosen, of_column, folds) for chosen in (given[:1], given[1:], given)]
        few = np.unique(labels, return_counts=True)[1].min()
        enough = few >= LEAST_CLASS_ROWS
        dark = _ByClass(dark_terms(given[0], given[1], of_column, folds), labels) if enough else few_rows(few)
        return base[:, None] - np.stack(each, axis=1), dark
    if inputs in ("logits", "probabilities"):
        held = ", ".join(f"the {name} has {log_p.shape[1]} columns" for log_p, name in zip(given, ("teacher", "student"), strict=True))
        raise DataError(f"inputs={inputs!r}, and {held}: give both a column a class, or say inputs='features'")
    if refused := _constant_side(teacher, student) or too_rare(labels, most=False):
        return refused
    numbers = codes(labels[:, None])[0]
    chosen = "linear" if family == "auto" else family
    each = [feature_losses(x, numbers, folds, chosen, seed) for x in _features(teacher, student)]
    dark = Refusal(
        reason="what was distilled besides the label needs outputs of both models", advice="say inputs='logits', or give probabilities"
    )
    return prior_losses(numbers, folds)[:, None] - np.stack(each, axis=1), dark


def _constant_side(teacher: np.ndarray, student: np.ndarray) -> Refusal | None:
    for name, side in (("teacher", teacher), ("student", student)):
        if (side == side[0]).all():
            return Refusal(reason=f"the {name} is constant: it tells nothing", advice="give a model whose outputs differ between rows")
    return None


def few_rows(rows: int) -> Refusal:
    """The refusal of what needs the teacher's mean answer to each class."""
    reason = f"a class has {rows} rows, {LEAST_CLASS_ROWS} are needed to know the teacher's mean answer"
    return Refusal(reason=reason, advice="give more rows")


def of_values(
    teacher: np.ndarray, student: np.ndarray, y: np.ndarray, family: ProbeFamily, folds: list[Fold], seed: int
) -> tuple[np.ndarray, np.ndarray | Refusal] | Refusal:
    """Terms (n, 3) of teacher, student and both against values, and the dark terms (n,) or why they have no answer."""
    if silent := _constant_side(teacher, student):
        return silent
    chosen = "linear" if family == "auto" else family
    each = [residuals(x, y, folds, chosen, seed) for x in _features(teacher, student)]
    if any(fixed(rest) for rest in each):
        return Refusal(reason="a model predicts the target exactly: the information is infinite", advice="report R²")
    terms = np.stack([gaussian_terms(y, rest) for rest in each], axis=1)
    if teacher.shape[1] > _MOST_DARK_COLUMNS:
        many = f"the teacher has {teacher.shape[1]} columns, at most {_MOST_DARK_COLUMNS} are read as its output"
        return terms, Refusal(reason=many, advice="give the teacher's predictions")
    t = unit_columns(teacher)
    if not t.any(axis=0).all():
        return terms, Refusal(reason="an output of the teacher is constant: it has nothing dark", advice="leave it out")
    t = (t - t.mean(axis=0)) / t.std(axis=0)
    from_label, from_both = (residuals(x, t, folds, chosen, seed) for x in (y, np.hstack([y, unit_columns(student)])))
    if fixed(from_label) or fixed(from_both):
        return terms, Refusal(
            reason="the teacher's output is fixed by the target or the student: infinite, or nothing left",
            advice="leave out what is copied",
        )
    return terms, gaussian_terms(from_label, from_both)


def _features(teacher: np.ndarray, student: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What probes read of the teacher, of the student, and of both."""
    sides = (teacher, student)
    if all(side.dtype.kind in "iub" for side in sides):
        numbers = [codes(side)[0] for side in sides]
        if max(number.max() for number in numbers) < _MOST_SYMBOLS:
            pairs = codes(np.stack(numbers, axis=1))[0]
            first, second, both = (np.eye(number.max() + 1)[number] for number in (*numbers, pairs))
            return first, second, both
    first, second = (unit_columns(side) for side in sides)
    return first, second, np.hstack([first, second])


@dataclass(frozen=True)
class _ByClass:
    """Per-row information with the class of each row."""

    terms: np.ndarray
    labels: np.ndarray


def as_result(dark: "np.ndarray | Refusal | _ByClass", blocks: np.ndarray | None) -> Result:
    """Measure dark terms; of classes also the mean of each class."""
    if isinstance(dark, Refusal):
        return dark
    if isinstance(dark, np.ndarray):
        return from_terms(dark, blocks=blocks)
    whole = from_terms(dark.terms, blocks=blocks)
    by_class = {f"class {label}": float(dark.terms[dark.labels == label].mean()) for label in np.unique(dark.labels)}
    return Measurement(value=whole.value, low=whole.low, high=whole.high, n=whole.n, unit=whole.unit, details={**whole.details, **by_class})
