"""How far apart student and teacher are on the row on which they differ most."""

import numpy as np

from kdprobe import DataError, KnownAnswer, Measurement, Probe, Refusal, Trace


def _worst_row(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Measurement | Refusal:
    if not np.array_equal(student.ids, teacher.ids):
        raise DataError(f"{student.name} has {student.n} rows, {teacher.name} {teacher.n}: give both the same rows")
    if student.n == 0:
        return Refusal(reason="there are no rows", advice="give at least one")
    with np.errstate(over="ignore"):
        value = float(np.abs(student.outputs - teacher.outputs).max())
    if not np.isfinite(value):
        return Refusal(reason="the outputs are too far apart for double precision", advice="scale the target")
    # a maximum over the rows seen says nothing of larger ones to come
    note = "the largest of the rows seen: it has no interval for new rows"
    return Measurement(value=value, low=value, high=value, n=student.n, notes=(note,))


def _same(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    trace = Trace.from_raw("regression", rng.normal(size=(20, 1)))
    return trace, trace, None


def _moved(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    raw = rng.normal(size=(20, 1))
    other = raw.copy()
    other[7] += 3
    return Trace.from_raw("regression", raw), Trace.from_raw("regression", other), None


def _opposite(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    sure = np.array([[1e3, 0.0], [0.0, 1e3]])
    return Trace.from_raw("classification", sure), Trace.from_raw("classification", sure[::-1]), None


WORST_ROW = Probe(
    name="worst_row",
    title="worst row",
    asks="How far apart are student and teacher where they differ most?",
    measure=_worst_row,
    bounds=(0, float("inf")),
    symmetric=True,
    invariant=("row order",),
    truths=(
        KnownAnswer(name="a model and itself", make=_same, value=0.0),
        KnownAnswer(name="one row moved by 3", make=_moved, value=3.0),
        KnownAnswer(name="two classifiers sure of opposite classes", make=_opposite, value=1.0),
    ),
    cites="kdprobe's own tests",
)
