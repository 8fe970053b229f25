"""What is legal and yet hardly meant: said before anything else."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from kdprobe.compare.run import Ran
from kdprobe.core.trace import Trace
from kdprobe.core.words import listed
from kdprobe.measures.traces import top

ROWS_A_CLASS = 10
"""With fewer, some order of the classes fits by chance."""
MOST_CLASSES = 2_000
"""The best order takes the third power of them."""
BETTER = 0.25
"""So many more of the rows must agree in another order, than as it is and than by chance, and at least twice as many as it is."""


def suspicions(ran: Sequence[Ran], pairs: Sequence[tuple[Trace, Trace]], students: Sequence[Trace], twins: Sequence[Trace]) -> list[str]:
    """Say which models look as if something else was meant.

    Parameters
    ----------
    ran
        All models.
    pairs
        Each model that is compared with a teacher, and that teacher.
    """
    return [*_unsteady(ran), *_same(pairs, students, twins), *_reordered(pairs)]


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
        if np.array_equal(student.raw, twin.raw)
    ]
    return found + [
        f"{model.name} gives the outputs of {teacher.name} on every row: if one model was passed twice, pass the student."
        for model, teacher in pairs
        if np.array_equal(model.raw, teacher.raw)
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
    n, c = model.outputs.shape
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
