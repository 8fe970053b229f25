"""Where what is a teacher's own arrives: by class or region of the target, by how sure the teacher was, and by layer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import false_discovery_control

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.trace import TaskKind, Trace
from kdprobe.report.evidence.doses import Doses, doses
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.own_by_layer import own_by_layer
from kdprobe.stats.paired import contrast
from kdprobe.sweep.circle import Circle

FEWEST_ROWS = 20
"""Of a place: fewer give no mean worth a line."""
FIFTHS = ("lowest fifth", "second", "third", "fourth", "highest fifth")
LAYER = "layer, student's with teacher's (CKA)"
LEVEL = 0.1
"""Rate of false discoveries over all places of the page."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """The teacher-specific part of one student at its fullest dose, by place. Over rows, the mean of places by their rows is the whole."""

    task: str
    student: str
    by: str
    """What the places are: classes, fifths of the target, fifths of the teacher's certainty; `LAYER` for pairs of layers, read as CKA."""
    names: tuple[str, ...]
    rows: tuple[int, ...]
    values: np.ndarray
    """(seeds, places)"""
    p: np.ndarray
    """(places,) two-sided, of nothing there; adjusted for false discoveries over all places of the page (Benjamini-Hochberg)."""

    @property
    def found(self) -> np.ndarray:
        """(places,) whether something of this teacher, or of its siblings, is found there."""
        return self.p < LEVEL


def likeness_by_row(kind: TaskKind, student: Trace, teacher: Trace) -> np.ndarray:
    """(n,) whose mean is the primary likeness: 1 where the two agree, or for regression 1 - squared difference in teacher's variances."""
    if kind == "classification":
        return (student.raw.argmax(axis=1) == teacher.raw.argmax(axis=1)).astype(float)
    spread = ((teacher.outputs - teacher.outputs.mean(axis=0)) ** 2).sum(axis=1).mean()
    return 1 - ((student.outputs - teacher.outputs) ** 2).sum(axis=1) / spread


def own_by_row(kind: TaskKind, students: Mapping[int, Trace], twins: Mapping[int, Trace], teachers: Mapping[int, Trace]) -> np.ndarray:
    """(seeds, n) own teacher minus siblings (mean), less the same of the untaught twin. All of one draw, three seeds or more.

    Siblings are those that the sweep read the student against.
    """
    seeds = sorted(students)
    circle = Circle(tuple(seeds))

    def contrasted(models: Mapping[int, Trace]) -> np.ndarray:
        found = []
        for seed in seeds:
            siblings = [likeness_by_row(kind, models[seed], teachers[other]) for other in sorted(circle.siblings(seed))]
            found.append(likeness_by_row(kind, models[seed], teachers[seed]) - np.mean(siblings, axis=0))
        return np.stack(found)

    return contrasted(students) - contrasted(twins)


def arrivals(evidence: Evidence) -> list[Places]:
    """Read every student at its fullest dose; none where networks or rows are not at hand. Costs a forward pass of each model."""
    return evidence.derived("arrivals", _arrivals)


def _arrivals(evidence: Evidence) -> list[Places]:
    found: list[Places] = []
    for one in doses(evidence):
        try:
            found += _of(evidence, one)
        except (DataError, PlanError):
            # a page is drawn also where weights or data are not at hand any more
            continue
    if not found:
        return []
    p = iter(false_discovery_control(np.concatenate([places.p for places in found])).tolist())
    return [replace(places, p=np.array([next(p) for _ in places.p])) for places in found]


def _of(evidence: Evidence, one: Doses) -> list[Places]:
    full = one.fullest
    if full is None or len(full.models) < 3 or not hasattr(evidence.zoo, "split"):
        return []
    table = evidence.models().set_index("model_id").loc[list(full.models)]
    # siblings and rows are those of one draw
    if table["draw"].nunique() > 1:
        return []
    traces: dict[str, dict[int, Trace]] = {"student": {}, "twin": {}, "teacher": {}}
    for model, row in table.iterrows():
        for role, name in (("student", str(model)), ("twin", str(row["twin_id"])), ("teacher", str(row["teacher_id"]))):
            trace = evidence.trace(name)
            if trace is None:
                return []
            traces[role][int(row["seed"])] = trace
    kind: TaskKind = "classification" if one.kind == "classification" else "regression"
    own = own_by_row(kind, traces["student"], traces["twin"], traces["teacher"])
    parts = evidence.zoo.split(evidence.zoo.job(full.models[0]).data)
    target = np.asarray(parts.probe_a.y)
    if kind == "classification":
        places_by = [("class", target.astype(int), tuple(str(name) for name in parts.names))]
        # by the mean of all teachers, so that a row has one place for every seed
        sure = np.mean([trace.outputs.max(axis=1) for trace in traces["teacher"].values()], axis=0)
        places_by.append(("certainty of the teacher", _fifths(sure), FIFTHS))
    else:
        places_by = [("target", _fifths(target.reshape(len(target), -1)[:, 0]), FIFTHS)]
    names, by_layer = own_by_layer(traces["student"], traces["twin"], traces["teacher"])
    layers = Places(
        task=one.task,
        student=one.student,
        by=LAYER,
        names=names,
        rows=(len(target),) * len(names),
        values=by_layer,
        p=np.asarray(contrast(by_layer.T).p, dtype=float),
    )
    return [*(_places(one, by, own, place, names) for by, place, names in places_by), *([layers] if names else [])]


def _fifths(values: np.ndarray) -> np.ndarray:
    """(n,) which fifth of the rows a value is in; ties by order, so that fifths are alike in size."""
    return (np.argsort(np.argsort(values, kind="stable"), kind="stable") * len(FIFTHS)) // len(values)


def _places(one: Doses, by: str, own: np.ndarray, place: np.ndarray, names: tuple[str, ...]) -> Places:
    counts = np.bincount(place, minlength=len(names))
    kept = np.flatnonzero(counts >= FEWEST_ROWS)
    values = np.stack([own[:, place == i].mean(axis=1) for i in kept], axis=1)
    return Places(
        task=one.task,
        student=one.student,
        by=by,
        names=tuple(names[i] for i in kept),
        rows=tuple(int(counts[i]) for i in kept),
        values=values,
        p=np.asarray(contrast(values.T).p, dtype=float),
    )
