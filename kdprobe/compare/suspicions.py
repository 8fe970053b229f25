"""What is hardly meant: said before anything else, or refused where every word on transfer would be false."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from kdprobe.compare.stream.passed import Ran
from kdprobe.core.errors import PlanError
from kdprobe.core.result import Refusal
from kdprobe.core.trace import Trace, are_probabilities
from kdprobe.core.views import Streamed
from kdprobe.core.words import interval, listed
from kdprobe.measures.rows import same_outputs, top
from kdprobe.measures.traces import blocks, log_probabilities
from kdprobe.stats.intervals import jackknife
from kdprobe.stats.scores import squared_error

ROWS_A_CLASS = 10
"""With fewer, some order of the classes fits by chance."""
MOST_CLASSES = 2_000
"""The best order takes the third power of them."""
BETTER = 0.25
"""So many more of the rows must agree in another order, than as it is and than by chance, and at least twice as many as it is."""
BELOW = 0.10
"""A sibling whose accuracy, or R², is shown to be below the teacher's, and by more than this, was not trained as the teacher was."""
ONE_MODEL = 1e-4
"""Of the size of the outputs: what is left of one model's beside another's is rounding below it. Two trainings leave far more."""
LOOKED_AT = 1_000
"""Rows that are compared before all are: few pairs of models are alike on them."""
UNREAD = -69.0
"""A log probability below it (1e-30) may be rounding alone."""


class Suspicions(NamedTuple):
    """Warnings, and the names of the teachers that no word on transfer may rest on."""

    warnings: tuple[str, ...]
    unfit: tuple[str, ...]


def suspicions(
    ran: Sequence[Ran],
    pairs: Sequence[tuple[Trace, Trace]],
    students: Sequence[Trace],
    twins: Sequence[Trace],
    teachers: Sequence[Trace],
    siblings: Sequence[Trace],
    target: np.ndarray | Refusal,
) -> Suspicions:
    """Say which models look as if something else was meant.

    Parameters
    ----------
    ran
        All models.
    pairs
        Each model that is compared with a teacher, and that teacher.
    teachers, siblings
        Teachers that taught a student, which are each other's siblings, and those that did not.
    target
        (n,) classes or (n, c) values; else why there is none: siblings are not held against it then.
    """
    beside = [(sibling, teachers[0]) for sibling in (*teachers[1:], *siblings)]
    moved = [sibling.name for sibling, teacher in beside if _in_another_order(sibling, teacher) is not None]
    weak = _weak([sibling for sibling in siblings if sibling.name not in moved], teachers, target)
    told = [
        *_of_labels(ran, students[0]),
        *_reordered([*beside, *pairs]),
        *_not_of_this_recipe(weak),
        *_unsteady(ran),
        *_same(pairs, students, twins),
    ]
    return Suspicions(tuple(told), (*moved, *weak))


def check_siblings(siblings: Sequence[Trace], students: Sequence[Trace], twins: Sequence[Trace], teachers: Sequence[Trace]) -> None:
    """Refuse a sibling that is another model of the comparison: what it shares with that one would be taken for a teacher's.

    Outputs that are equal up to one positive scale and a shift are of one model, as logits or as probabilities of a temperature.

    Raises
    ------
    PlanError
        The text names the argument, the position, and the model that it is.
    """
    for place, sibling in enumerate(siblings):
        for other in (*teachers, *students, *twins, *siblings[:place]):
            if same_outputs(sibling, other) or _one_model(sibling, other):
                scaled = "" if same_outputs(sibling, other) else ", up to one scale and a shift,"
                raise PlanError(
                    f"siblings[{place}] is {other.name}: {other.name} and {sibling.name} give the same outputs{scaled} on every row. Take "
                    "it out of siblings=, and pass other teachers of the recipe, from other seeds, that did not teach the student"
                )


def _one_model(one: Trace, other: Trace) -> bool:
    if isinstance(one, Streamed):
        # a sample that is kept whole will show it
        return False
    if one.n < 3:
        # two predictions are in step with any other two
        return False
    few = slice(None, None, max(one.n // LOOKED_AT, 1))
    return all(
        any(_in_step(mine, others) for mine, others in zip(_written(one, rows), _written(other, rows), strict=True))
        for rows in (few, slice(None))
    )


def _written(trace: Trace, rows: slice) -> list[np.ndarray]:
    """Outputs without a shift: predictions less their means; of classes as given, and as log probabilities, less the row's largest."""
    raw = np.asarray(trace.raw[rows], dtype=np.float64)
    if trace.kind == "regression":
        return [raw - raw.mean(axis=0)]
    logs = log_probabilities(trace)[rows]
    logs = logs - logs.max(axis=1, keepdims=True)
    return [raw - raw.max(axis=1, keepdims=True), np.where(logs < UNREAD, np.nan, logs)]


def _in_step(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether one is the other times a positive number."""
    both = ~(np.isnan(one) | np.isnan(other))
    one, other = one[both], other[both]
    inner, size, others = float(one @ other), float(one @ one), float(other @ other)
    if not size or not others or inner <= 0:
        return False
    return float(np.linalg.norm(one - inner / others * other)) <= ONE_MODEL * np.sqrt(size)


def _weak(siblings: Sequence[Trace], teachers: Sequence[Trace], target: np.ndarray | Refusal) -> dict[str, str]:
    """Siblings that say the same of every row, or are far worse than the teacher, row by row on the target, and by how much."""
    constant = {s.name: "gives the same outputs on every row" for s in siblings if s.n > 1 and _is_constant(s)}
    if isinstance(target, Refusal):
        return constant
    found: dict[str, str] = {}
    for sibling in siblings:
        if sibling.kind == "classification":
            right = np.mean([top(teacher) == target for teacher in teachers], axis=0)
            below = jackknife((top(sibling) == target) - right, blocks=blocks(sibling))
        else:
            taught = np.mean([squared_error(teacher.outputs, target) for teacher in teachers], axis=0)
            less = np.column_stack([taught - squared_error(sibling.outputs, target), np.mean(target**2, axis=1)])
            below = jackknife(less, lambda means: means[..., 0] / means[..., 1], blocks=blocks(sibling))
        if not isinstance(below, Refusal) and below.high < 0 and below.value < -BELOW:
            classes = sibling.kind == "classification"
            scale, unit = (100, "points") if classes else (1, "")
            size = interval(-scale * below.value, -scale * below.high, -scale * below.low, unit)
            found[sibling.name] = f"has {'an accuracy' if classes else 'an R²'} {size} below {_of(teachers)}"
    return constant | found


def _is_constant(trace: Trace) -> bool:
    if isinstance(trace, Streamed):
        return not any(np.ptp(trace.numbers[key]) for key in ("top", "confidence", "spread"))
    return not np.ptp(trace.raw, axis=0).any()


def _of(teachers: Sequence[Trace]) -> str:
    return "the teacher's" if len(teachers) == 1 else "the teachers' mean"


def _not_of_this_recipe(weak: dict[str, str]) -> list[str]:
    if not weak:
        return []
    return [
        f"{listed([f'{name} {what}' for name, what in weak.items()])}: not of this recipe, so that being nearer to the teacher than to "
        "such siblings is no transfer. Pass teachers that were trained as the teacher was, from other seeds."
    ]


def _of_labels(ran: Sequence[Ran], student: Trace) -> list[str]:
    """Probabilities of labels that do not exclude each other, which a softmax makes something else of."""
    if student.kind != "classification":
        return []
    names = [one.model.name for one in ran if one.raw.size and one.raw.min() >= 0 and one.raw.max() <= 1 and not are_probabilities(one.raw)]
    if not names:
        return []
    return [
        f"Outputs of {listed(names)} lie between 0 and 1 and do not sum to one: they are read as logits. If they are probabilities of "
        "labels that do not exclude each other, say task='multilabel'; if of classes, divide each row by its sum."
    ]


def _unsteady(ran: Sequence[Ran]) -> list[str]:
    """Functions that give other outputs for the same rows: with dropout on, say."""
    names = [one.model.name for one in ran if not one.steady]
    if not names:
        return []
    verb = "give" if len(names) > 1 else "gives"
    return [
        f"{listed(names)} {verb} other outputs when asked twice of the same rows: if dropout is on inside the function, call .eval() on "
        "the network in it."
    ]


def _same(pairs: Sequence[tuple[Trace, Trace]], students: Sequence[Trace], twins: Sequence[Trace]) -> list[str]:
    """A student passed as its own twin, or as its own teacher."""
    found = [
        f"{student.name} and {twin.name} give the same outputs on every row: if the student was passed as its own twin, pass the network "
        "that was trained without the teacher."
        for student in students
        for twin in twins
        if same_outputs(student, twin)
    ]
    return found + [
        f"{model.name} gives the outputs of {teacher.name} on every row: if one model was passed twice, pass the student."
        for model, teacher in pairs
        if same_outputs(model, teacher)
    ]


def _reordered(pairs: Sequence[tuple[Trace, Trace]]) -> list[str]:
    """Models whose classes seem to be in another order than their teacher's: similarities of shape do not notice it."""
    shares = {model.name: share for model, teacher in pairs if (share := _in_another_order(model, teacher)) is not None}
    if not shares:
        return []
    told = listed([f"{name} with {100 * best:.0f} % of the rows instead of {100 * plain:.0f} %" for name, (plain, best) in shares.items()])
    return [
        f"Classes seem to be in another order than the teacher's: with its columns put in another order, {told} would name the teacher's "
        "class. Give the columns of all models one order."
    ]


def _in_another_order(model: Trace, teacher: Trace) -> tuple[float, float] | None:
    """Agreement as it is and in the best order of the classes, where that one is far better."""
    if model.kind != "classification":
        return None
    n, c = model.n, model.columns
    if n < ROWS_A_CLASS * c or c > MOST_CLASSES:
        return None
    table = np.bincount(top(model) * c + top(teacher), minlength=c * c).reshape(c, c)
    plain = float(table.trace()) / n
    if plain > 0.5:
        return None
    best = _best(table) / n
    # two models that name one class on most rows agree in some order whatever they know
    chance = _best(np.outer(table.sum(axis=1), table.sum(axis=0)) / n) / n
    return (plain, best) if best > BETTER + max(plain, chance) and best > 2 * plain else None


def _best(table: np.ndarray) -> float:
    """Rows that agree in the best order of the classes."""
    return float(table[linear_sum_assignment(table, maximize=True)].sum())
