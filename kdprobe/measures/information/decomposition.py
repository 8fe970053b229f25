"""What of the teacher's information about the target the student has, what it left behind, and what it knows by itself."""

import html
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

import numpy as np

from kdprobe.core.arguments import choice, seed_number
from kdprobe.core.result import Measurement, Refusal, Result, Status
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind
from kdprobe.measures.arrays import as_matrix, check_rows
from kdprobe.measures.information.copula import unit_columns
from kdprobe.measures.information.decomposition_terms import as_result, of_classes, of_values
from kdprobe.measures.information.redundancy import redundancy_limits
from kdprobe.measures.information.usable_classes import Fold, one_class_only, too_rare
from kdprobe.measures.information.usable_classes import folds_of as class_folds
from kdprobe.measures.information.usable_information import LEAST_ROWS, ProbeFamily, blocks_for_folds, from_terms, kind_of
from kdprobe.measures.information.usable_inputs import Inputs, as_labels
from kdprobe.measures.information.usable_values import folds_of as value_folds
from kdprobe.measures.threads import single_threaded
from kdprobe.stats.intervals import ratio


@dataclass(frozen=True, kw_only=True)
class InformationDecomposition:
    """Information about the target, in nats: a = teacher, b = student, j = joint, all from the same rows, folds and family of probes.

    Parameters
    ----------
    teacher, student, joint
        a, b and j.
    retained
        b / a, without unit; a Refusal where the teacher has no information that can be told from zero.
    left_behind
        j - b: what the teacher knows and the student does not.
    own
        j - a: what the student knows and the teacher does not.
    co_information
        a + b - j; negative where the two know more together than apart.
    redundancy
        What both know of the target: the knowledge transferred in the sense of Dissanayake et al. (2025). A bracket whose ends are 95 %
        limits; its value is min(a, b), the answer of the minimal-information decomposition, exact for jointly Gaussian outputs; `details`
        holds the atoms that follow from it, the information unique to the teacher and to the student, and their synergy. A Refusal where
        the limits cross.
    dark
        What the student's output tells of the teacher's output beyond the target: for classes with `details` by class.
    status
        "ok", or "invalid" where the limits of the redundancy cross: the joint probe has failed.
    """

    teacher: Measurement
    student: Measurement
    joint: Measurement
    retained: Result
    left_behind: Measurement
    own: Measurement
    co_information: Measurement
    redundancy: Result
    dark: Result
    status: Status

    def __str__(self) -> str:
        return "\n".join(f"{name:15} {getattr(self, name)}" for name in self._parts())

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{html.escape(name.replace('_', ' '))}</th><td>{getattr(self, name)._repr_html_()}</td></tr>" for name in self._parts()
        )
        return f"<table>{''.join(rows)}</table>"

    def _parts(self) -> list[str]:
        return [field.name for field in fields(self) if field.name != "status"]


@single_threaded
def information_decomposition(
    teacher: Any,
    student: Any,
    target: Any,
    *,
    task: TaskKind | Task,
    inputs: Inputs = "auto",
    family: ProbeFamily = "auto",
    blocks: Any = None,
    seed: int = 0,
) -> InformationDecomposition | Refusal:
    """Split the usable information about a target between a teacher and its student.

    Parameters
    ----------
    teacher, student
        (n, d) outputs (logits, probabilities, predictions) or features, rows paired, n ≥ 50.
    target
        (n,) integer classes, or (n,) or (n, c) real values.
    task
        "classification", "regression", or a Task.
    inputs
        As in `usable_information`, for both. Integer arrays with at most 20 distinct rows are read as symbols, every pair of them its own.
    family
        Of probes on features.
    blocks
        (n,) labels of rows that are not independent.
    seed
        Of folds, networks and the bootstrap.

    Returns
    -------
    InformationDecomposition or Refusal
        Intervals speak of new rows of this checkpoint, and reach to what the rows show of probes that learned from them: between the
        two lies what learning costs. A Refusal for a single class, a constant target, or a target predicted exactly.

    Raises
    ------
    DataError
        NaN or infinities, unpaired rows, fewer than 50 rows; probabilities that do not sum to one.
    PlanError
        An unknown task, kind of inputs or family.

    Notes
    -----
    Usable information may break the data processing inequality: a student that makes its teacher's knowledge easier to read has b > a, and
    that is a finding, not an error. About 0.5 s for outputs of 10 classes and 10,000 rows. Of a model's outputs beyond 2^21 (2,097 rows of
    1,000 classes), the two or three weights of a pool are learned from so many rows, evenly drawn, and read on all: held out, what is
    found stays a lower bound, about .001 nats below what all rows would give.

    References
    ----------
    Dissanayake et al. 2025, "Quantifying knowledge distillation using partial information decomposition" (AISTATS), arXiv:2411.07483;
    Williams and Beer 2010, arXiv:1004.2515; Barrett 2015, arXiv:1411.2832 (Gaussian case); Xu et al. 2020, arXiv:2002.10689.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=2000)
    >>> teacher = y + rng.normal(size=2000)
    >>> student = teacher + rng.normal(size=2000)  # the teacher, degraded
    >>> parts = information_decomposition(teacher, student, y, task="regression")
    >>> abs(round(parts.own.value, 2)), parts.status
    (0.0, 'ok')
    """
    kind = kind_of(task)
    choice("inputs", inputs, get_args(Inputs))
    choice("family", family, get_args(ProbeFamily))
    seed = seed_number(seed)
    sides = as_matrix(teacher, "teacher"), as_matrix(student, "student")
    check_rows(*sides, "teacher", "student", least=LEAST_ROWS)
    units = blocks_for_folds(blocks, len(sides[0]))
    rows = np.arange(len(sides[0]))
    everything: list[Fold] = [(rows, rows)]
    if kind == "classification":
        labels = as_labels(target)
        check_rows(sides[0], labels[:, None], "teacher", "target", least=LEAST_ROWS)
        if refused := one_class_only(labels) or too_rare(labels, most=True):
            return refused
        held, learned = (
            of_classes(*sides, labels, inputs, family, folds, seed) for folds in (class_folds(labels, seed, units), everything)
        )
        if isinstance(held, Refusal):
            return held
        assert not isinstance(learned, Refusal)
    else:
        y = unit_columns(as_matrix(target, "target"))
        check_rows(sides[0], y, "teacher", "target", least=LEAST_ROWS)
        if (y == y[0]).all(axis=0).any():
            return Refusal(reason="a column of the target is constant: there is nothing to know", advice="leave it out")
        y = (y - y.mean(axis=0)) / y.std(axis=0)
        held, learned = (of_values(*sides, y, family, folds, seed) for folds in (value_folds(len(y), seed, units), everything))
        if isinstance(held, Refusal):
            return held
        # many columns may fit every row that they are learned from, and then say nothing of any other
        learned = held if isinstance(learned, Refusal) else learned
    dark = as_result(held[1], units)
    if isinstance(dark, Measurement) and not isinstance(learned[1], Refusal):
        dark = _reaching(dark, as_result(learned[1], units))
    return _decomposed(held[0], learned[0], dark, units, seed)


def _decomposed(terms: np.ndarray, learned: np.ndarray, dark: Result, blocks: np.ndarray | None, seed: int) -> InformationDecomposition:
    a, b, j = terms.T
    limits = redundancy_limits(terms, learned, blocks, np.random.default_rng(seed))

    def part(*weights: float) -> Measurement:
        """Weighted sum of a, b and j."""
        return _reaching(*(from_terms(values @ np.array(weights), blocks=blocks) for values in (terms, learned)))

    redundancy: Result
    if limits.crossed:
        low, high = limits.held
        redundancy = Refusal(
            reason=f"its limits cross, at least {low:.3f} and at most {high:.3f} nats: the probe of both models failed",
            advice="give more rows, or fewer columns",
        )
    else:
        shared = float(np.clip(min(a.mean(), b.mean()), limits.low, limits.high))
        # the other three atoms of the decomposition whose redundancy is `shared`
        atoms = {"unique_teacher": a.mean() - shared, "unique_student": b.mean() - shared, "synergy": (j - a - b).mean() + shared}
        redundancy = Measurement(
            value=shared,
            low=limits.low,
            high=limits.high,
            n=len(terms),
            unit="nats",
            kind="bracket",
            details={name: float(atom) for name, atom in atoms.items()},
        )
    known, share = part(1, 0, 0), ratio(b, a, blocks=blocks)
    retained: Result
    if known.low <= 0 or isinstance(share, Refusal):
        reason = f"the teacher's information, {known}, is not above zero: there is nothing to retain"
        retained = Refusal(reason=reason, advice="give more rows, or another family of probes")
    else:
        retained = Measurement(value=share.value, low=share.low, high=share.high, n=share.n, details={"error": share.error})
    return InformationDecomposition(
        teacher=known,
        student=part(0, 1, 0),
        joint=part(0, 0, 1),
        retained=retained,
        left_behind=part(0, -1, 1),
        own=part(-1, 0, 1),
        co_information=part(1, 1, -1),
        redundancy=redundancy,
        dark=dark,
        status="invalid" if limits.crossed else "ok",
    )


def _reaching(held: Measurement, learned: Result) -> Measurement:
    """Interval of a held-out mean, reaching to what the same rows show of a probe that learned from them.

    Learning a probe from n rows costs about half a parameter over n in held-out loss, and its own rows show that much too little. Where the
    truth is 0 (a student that only degrades its teacher has nothing of its own), that cost is as large as the standard error: without this
    reach 18 % of the intervals of `own` lie below 0.
    """
    if isinstance(learned, Refusal):
        return held
    return replace(held, low=min(held.low, learned.low), high=max(held.high, learned.high))
