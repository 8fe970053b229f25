"""Teacher sizes by objective: best sizes, their ratio to the student and the verdict, beside what the law of least squares says."""

from functools import lru_cache
from typing import Any

import numpy as np

from kdprobe.core.registry import available
from kdprobe.core.result import Measurement
from kdprobe.core.section import Column, Content, Figure, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import Gap, gaps
from kdprobe.report.evidence.groups import short_names
from kdprobe.report.theme.plots import Panel, Role, Series, panels
from kdprobe.sweep.controls import LEADING
from kdprobe.theory.nested_ols import nested_ols

STUDENT, LABELLED, FRESH, NOISE, FEATURES, MOVED, TEACHERS = 8, 80, 160, 0.25, 60, 0.25, 3
"""The law's world: coefficients j^-0.75 of 60 features; a teacher of a source learned them a quarter larger; three teachers for one."""
ROLES: tuple[Role, ...] = ("one", "two", "three", "four")


def draw(evidence: Evidence) -> Content | None:
    """Draw one table objective × task × student, and the law's curves."""
    found = [gap for gap in gaps(evidence) if _objective(evidence, gap)]
    schemes = set(evidence.students["scheme"]) - evidence.attached
    if not found or not schemes <= set(LEADING.values()):
        # a page on regimes of one objective has no such table
        return None
    supported = [gap for gap in found if gap.reading.verdict == "SUPPORTED"]
    named = words.listed([f"{_objective(evidence, gap)} on {gap.task} ({gap.student})" for gap in supported])
    told = (
        f"A smaller teacher serves better than the largest in {len(supported)} of {words.counted(len(found), 'case')}"
        f"{f': {named}' if supported else ''}. A ratio belongs to its objective, task and rows: the law itself has another best size for "
        "each objective."
    )
    return Content(words=(told,), figures=(_figure(),), tables=(_table(evidence, found),))


def _objective(evidence: Evidence, gap: Gap) -> str:
    group = next(group for group in (*evidence.groups, *evidence.tuned_groups) if (group.task, group.student, group.arm) == _place(gap))
    known: Any = available("schemes").get(group.scheme)
    return "" if known is None or known.objective == "control" else known.objective


def _place(gap: Gap) -> tuple[str, str, str]:
    return gap.task, gap.student, gap.arm


def _table(evidence: Evidence, found: list[Gap]) -> Table:
    order = list(LEADING)
    rows = [_row(_objective(evidence, gap), gap) for gap in sorted(found, key=lambda gap: order.index(_objective(evidence, gap)))]
    for objective in order:
        sizes, gains = law(objective)
        best = int(np.argmax(gains))
        rows.append(
            {
                "objective": objective, "task": "the law", "student": f"{STUDENT} features", "best": f"{sizes[best]:.0f} features",
                "ratio": f"{sizes[best] / STUDENT:.3g}", "gain": f"{gains[best]:.3g}", "verdict": "exact",
            }
        )  # fmt: skip
    return Table(caption="Best teacher sizes by objective and task, and the law's", columns=COLUMNS, rows=tuple(rows))


def _row(objective: str, gap: Gap) -> dict[str, Any]:
    reading, (noun, names) = gap.reading, short_names(gap.curve.teachers)
    known = names and not reading.direction_only and reading.deficit is not None
    ratio = reading.ratio if known else None
    told = words.result(ratio) if ratio is not None else "not known (too few seeds or sizes)"
    return {
        "objective": objective,
        "task": gap.task,
        "student": gap.student,
        "best": f"{noun} {words.span(names, reading.best_set)}" if known else "not known",
        "ratio": told,
        "gain": words.result(gap.helps.gain) if isinstance(gap.helps.gain, Measurement) else "not known",
        "verdict": reading.verdict,
        "said": reading.qualifier,
    }


@lru_cache(maxsize=4)
def law(objective: str) -> tuple[np.ndarray, np.ndarray]:
    """Teacher sizes in features, and the exact gain of a student of 8 features over its twin, by objective.

    Expansion is where the teacher is no larger than the student, compression where it is no smaller; the other two are read at all sizes.
    In adaptation the twin learned on the source.
    """
    beta = np.arange(1, FEATURES + 1) ** -0.75
    low, high = {"compression": (STUDENT, FEATURES), "expansion": (1, STUDENT)}.get(objective, (1, FEATURES))
    more: dict[str, Any] = {"adaptation": {"shift": MOVED * beta}, "enhancement": {"teachers": TEACHERS}}.get(objective, {})
    sizes = np.arange(low, high + 1)
    found = [nested_ols(beta, NOISE, n=LABELLED, p=STUDENT, q=int(size), m=FRESH, **more) for size in sizes]
    return sizes.astype(float), np.array([one.twin - one.student for one in found])


def _figure() -> Figure:
    ticks = 2.0 ** np.arange(-3, 3)
    series = []
    for objective, role in zip(LEADING, ROLES, strict=True):
        sizes, gains = law(objective)
        nowhere = np.full(len(sizes), np.nan)
        series.append(Series(label=objective, role=role, x=np.log2(sizes / STUDENT), mean=gains, low=nowhere, high=nowhere))
    told = [f"{one.label}: most at {2 ** float(one.x[np.argmax(one.mean)]):.3g} times the student's size" for one in series]
    svg = panels(
        [Panel(title="the law's gain over the twin (variance)", series=tuple(series), zero="untaught twin")],
        x=np.log2(ticks), ticks=[f"{tick:g}" for tick in ticks], x_label="teacher size / student size", prefix="ol",
        title="The exact gain of nested least squares by teacher size, for each objective", description=". ".join(told),
    )  # fmt: skip
    return Figure(svg=svg, caption=f"The law, with {LABELLED} labelled and {FRESH} fresh rows: {'; '.join(told)}.")


COLUMNS = (
    Column(key="objective", title="objective"),
    Column(key="task", title="task"),
    Column(key="student", title="student"),
    Column(key="best", title="best teacher sizes", explains="those that may be best (95 % set); of the law the best one"),
    Column(key="ratio", title="teacher / student", shown="prose", explains="in parameters, at the curve's maximum; of the law in features"),
    Column(key="gain", title="largest gain", shown="prose", explains="over the untaught twin, simultaneous over the sizes"),
    Column(key="verdict", title="capacity gap"),
    Column(key="said", title="note", shown="prose"),
)

OBJECTIVE_SIZES = Section(
    name="objective_sizes", question="Which teacher size serves each objective best?", plans=("gap",), draw=draw, order=12
)
