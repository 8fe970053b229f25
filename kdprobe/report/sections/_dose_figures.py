"""Figures of doses: the plane of amount and quality, curves over doses, and the ladder of controls."""

from collections.abc import Iterable, Sequence

import numpy as np

from kdprobe.core.section import Figure
from kdprobe.report import words
from kdprobe.report.evidence.doses import Doses, Of, Rung
from kdprobe.report.evidence.transfers import title_of
from kdprobe.report.theme.forest import HEADING, Line, forest
from kdprobe.report.theme.plane import Point, plane
from kdprobe.report.theme.plots import Panel, Series, panels
from kdprobe.stats.paired import contrast

ROLE: dict[Of, str] = {"weights": "one", "rows": "two", "control": "muted"}
HEADINGS: dict[Of, str] = {"weights": "labelled rows, by weight", "rows": "unlabelled rows", "control": "controls"}
AXES: dict[Of, str] = {"weights": "weight α of the teacher's loss", "rows": "unlabelled rows (log scale)"}
SHORT = {"target variances": "variances"}
NAMES = 170.0
"""Room for the names of the ladder, in points: those of controls are sentences."""


def plane_figure(found: Doses, prefix: str) -> Figure | None:
    """Amount and quality of every rung: up is better, right is more of this very teacher."""
    rungs = [rung for rung in found.rungs if found.primary in rung.specific]
    if not rungs:
        return None
    points = [
        Point(
            label=rung.name,
            role=ROLE[rung.of],
            x=_triple(rung.specific[found.primary]),
            y=_triple(rung.gain),
            seeds=np.stack([rung.specific[found.primary], rung.gain], axis=1),
        )
        for rung in rungs
    ]
    unit = SHORT.get(found.unit, found.unit)
    told = [f"{p.label}: amount {words.interval(*p.x)}, gain {words.interval(*p.y, found.unit)}" for p in points]
    svg = plane(
        points,
        x_label=f"{title_of(found.primary)}: own teacher − siblings",
        y_label=f"gain over the untaught twin ({unit})",
        prefix=prefix,
        title=f"{found.task}, student {found.student}: amount transferred and what it is worth",
        description=". ".join(told),
    )
    return Figure(
        svg=svg,
        caption="Up is better than the untaught twin, right is more of this very teacher. Grey: controls. Small dots are seeds: likeness "
        "and gain are measured on different rows.",
    )


def dose_figure(found: Doses, prefix: str) -> Iterable[Figure]:
    """Amount and quality over the dose, for weights and for rows."""
    for of, label in AXES.items():
        rungs = [rung for rung in found.of(of) if found.primary in rung.specific]
        if len(rungs) < 2:
            continue
        dose = np.array([rung.dose for rung in rungs])
        x = dose if of == "weights" else np.log2(dose)
        likeness = [probe for probe in [*found.probes[:1], "transfer_coefficient"] if all(probe in rung.specific for rung in rungs)]
        stack = [
            _panel(f"{title_of(probe)}: own − siblings", [rung.specific[probe] for rung in rungs]) for probe in dict.fromkeys(likeness)
        ]
        stack.append(_panel(f"gain ({SHORT.get(found.unit, found.unit)})", [rung.gain for rung in rungs], "untaught twin"))
        ends = [f"{rung.name}: {words.interval(*_triple(rung.specific[found.primary]))}" for rung in rungs]
        svg = panels(
            stack, x=x, ticks=[f"{value:g}" for value in dose], x_label=label, prefix=f"{prefix}{of[0]}",
            title=f"{found.task}, student {found.student}: amount and quality by dose", description=". ".join(ends), height=110,
        )  # fmt: skip
        yield Figure(svg=svg, caption=f"{found.task} · student {found.student}. Thin lines are seeds.")


def _panel(title: str, values: Sequence[np.ndarray], zero: str = "nothing") -> Panel:
    grid = np.stack(values, axis=1)
    found = contrast(grid.T)
    low, high = found.interval()
    series = Series(label="", role="one", mean=grid.mean(axis=0), low=low, high=high, seeds=grid)
    return Panel(title=title, series=(series,), zero=zero)


def ladder_figure(found: Doses, prefix: str) -> Iterable[Figure]:
    """Doses above their controls, with every seed."""
    lines: list[Line] = []
    for of, heading in HEADINGS.items():
        rungs = [rung for rung in found.of(of) if found.primary in rung.specific]
        if rungs:
            lines.append(Line(label=heading, role=HEADING))
            lines += [Line(label=rung.name, role=ROLE[of], values=(_line(rung, found.primary),)) for rung in rungs]
    if len(lines) > 2:
        told = [
            f"{rung.name}: {words.interval(*_triple(rung.specific[found.primary]))}"
            for rung in found.rungs
            if found.primary in rung.specific
        ]
        svg = forest(
            lines, columns=("own teacher − siblings",), prefix=prefix, names=NAMES,
            title=f"{found.task}, student {found.student}: {title_of(found.primary)}, own teacher minus siblings",
            description=". ".join(told),
        )  # fmt: skip
        yield Figure(svg=svg, caption=f"{found.task} · student {found.student} · {title_of(found.primary)}. Ticks are seeds.")


def _line(rung: Rung, probe: str) -> tuple[float, float, float, np.ndarray]:
    return (*_triple(rung.specific[probe]), rung.specific[probe])


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    found = contrast(values).measurement()
    return found.value, found.low, found.high
