"""What of the teacher's information about the target a student has, what it left behind, and what it knows by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from kdprobe.core.section import Column, Content, Figure, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.groups import Group
from kdprobe.report.evidence.transfers import placebo
from kdprobe.report.theme.bars import Bar, bars
from kdprobe.stats.paired import contrast

SHARED, LEFT, OWN = "shared_information", "left_behind", "own_information"
Triple = tuple[float, float, float]
"""Mean over seeds with the ends of its 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """One student in one arm, means over its larger teachers; each quantity (units,) in nats."""

    group: Group
    own: dict[str, np.ndarray]
    """Of the student toward its own teacher: what is shared, left behind, and its own."""
    twin: dict[str, np.ndarray]
    """The same of reference twins, which never met this teacher."""
    siblings: np.ndarray
    """What the student shares with sibling teachers."""
    seeds: int
    placebo: np.ndarray | float = 0.0
    """How much more the paired twin, which nobody taught, shares with the student's teacher than with siblings; 0 if not measured."""

    @property
    def parts(self) -> tuple[float, ...]:
        """Lengths of the bar: as twins share, with any teacher, transferred (beyond both), left behind, its own."""
        shared, twins, siblings = (float(values.mean()) for values in (self.own[SHARED], self.twin[SHARED], self.siblings + self.placebo))
        common = min(twins, shared)
        recipe = min(max(siblings, common), shared)
        return common, recipe - common, shared - recipe, float(self.own[LEFT].mean()), float(self.own[OWN].mean())

    @property
    def transferred(self) -> Triple:
        """Shared with the own teacher, minus with siblings or as twins share, whichever leaves less: value and ends, each the lower one."""
        value, low, high = (
            min(pair)
            for pair in zip(*(triple(self.own[SHARED] - other) for other in (self.siblings + self.placebo, self.twin[SHARED])), strict=True)
        )
        return value, low, high

    @property
    def title(self) -> str:
        """Which student it is."""
        return f"{self.group.task} · {self.group.student}"


def triple(values: np.ndarray) -> Triple:
    """Mean and 95 % interval of the mean over units."""
    found = contrast(values)
    low, high = found.interval()
    return float(found.mean), float(low), float(high)


def draw(evidence: Evidence) -> Content | None:
    """Draw a figure a task and one table."""
    found = [shares for group in evidence.groups if group.primary and (shares := _shares(evidence, group))]
    if not found:
        return None
    figures = [_figure(task, list(group), f"i{i}") for i, (task, group) in enumerate(groupby(found, key=lambda s: s.group.task))]
    return Content(words=tuple(_words(evidence, found)), figures=tuple(figures), tables=(_table(found),))


def _words(evidence: Evidence, found: list[Shares]) -> Iterator[str]:
    placebo = ", less what its own twin does (the placebo)" if any(np.ndim(shares.placebo) for shares in found) else ""
    dark = (
        ", and dark information: the teacher's answers beyond the target" if evidence.value("dark_information", "own").notna().any() else ""
    )
    return (text.format(units=evidence.units, placebo=placebo, dark=dark) for text in WORDS)


def _shares(evidence: Evidence, group: Group) -> Shares | None:
    asked = [(probe, comparison) for probe in (SHARED, LEFT, OWN) for comparison in ("own", "baseline")] + [(SHARED, "siblings")]
    grids = {f"{probe} {comparison}": group.grid(evidence.value(probe, comparison)) for probe, comparison in asked}
    if (untaught := placebo(evidence, group.task, SHARED)) is not None:
        grids["placebo"] = group.grid(untaught)
    if not all(np.isfinite(grid).any() for grid in grids.values()):
        return None
    curve = group.curve(grids)
    larger = curve.sizes > group.student_size
    means = {
        name: values[:, larger if larger.any() else ...].reshape(len(values), -1).mean(axis=1) for name, values in curve.values.items()
    }
    if len(means[f"{SHARED} own"]) < 2:
        return None
    return Shares(
        group=group,
        own={probe: means[f"{probe} own"] for probe in (SHARED, LEFT, OWN)},
        twin={probe: means[f"{probe} baseline"] for probe in (SHARED, LEFT, OWN)},
        siblings=means[f"{SHARED} siblings"],
        seeds=curve.seeds,
        placebo=means.get("placebo", 0.0),
    )


def _figure(task: str, found: list[Shares], prefix: str) -> Figure:
    lines: list[Bar] = []
    for student, group in groupby(found, key=lambda shares: shares.group.student):
        arms = list(group)
        lines.append(Bar(label=student))
        lines += [Bar(label=shares.group.arm, parts=_drawn(shares.parts), beside=shares.transferred) for shares in arms]
        twin = arms[0].twin
        lines.append(
            Bar(label="twins", parts=_drawn((float(twin[SHARED].mean()), 0.0, 0.0, float(twin[LEFT].mean()), float(twin[OWN].mean()))))
        )
    said = (f"{shares.group.student}, {shares.group.arm}: transferred {words.interval(*shares.transferred)}" for shares in found)
    svg = bars(
        lines, parts=PARTS, titles=("nats about the target", "transferred"), prefix=prefix,
        title=f"{task}: what students share with their teachers, left behind and know by themselves",
        description="Nats, means over larger teachers, or over all where none is. " + ". ".join(said),
    )  # fmt: skip
    return Figure(svg=svg, caption=f"{task}. Right: the part that was transferred, in nats, on a scale of its own.")


def _drawn(parts: tuple[float, ...]) -> tuple[float, ...]:
    """A part below zero by chance has no length; the table has its number."""
    return tuple(max(part, 0.0) for part in parts)


def _table(found: list[Shares]) -> Table:
    rows = []
    for shares in found:
        own, twin = shares.own, shares.twin
        known = (own[SHARED] + own[LEFT] > 0).all()
        rows.append(
            {
                "student": shares.title, "arm": shares.group.arm, "seeds": shares.seeds, "transferred": shares.transferred,
                "recipe": triple(shares.siblings - twin[SHARED]), "twins": triple(twin[SHARED]), "left": triple(own[LEFT]),
                "own": triple(own[OWN]), "retained": triple((own[SHARED] + own[OWN]) / (own[SHARED] + own[LEFT])) if known else None,
                "gained": triple(twin[LEFT] - own[LEFT]),
            }
        )  # fmt: skip
    return Table(
        caption="Information about the target in nats, means over larger teachers, or over all where none is",
        columns=COLUMNS,
        rows=tuple(rows),
    )


PARTS = (
    ("shared, as twins do", "muted"),
    ("shared with any teacher", "three"),
    ("transferred", "one"),
    ("left behind", "paper"),
    ("its own", "four"),
)
WORDS = (
    "How much of what the teacher's output tells of the target does the student's output tell too? In nats, read by a calibrated probe "
    "from rows that it never saw: over-confidence plays no part. What the teacher tells and the student does not was left behind; what the "
    "student tells and the teacher does not is its own.",
    "Most of what is shared needs no teaching: untaught twins learned it from labels alone. Transferred is only what the student shares "
    "with its own teacher beyond siblings of that teacher{placebo}, and beyond twins. Intervals are over {units}, not adjusted for their "
    "number; the table of three parts above has adjusted verdicts of similarities{dark}.",
)
COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="twins", title="as twins share", shown="interval", explains="shared by reference twins with this teacher"),
    Column(key="recipe", title="with any teacher", shown="interval", explains="shared with siblings, minus as twins share"),
    Column(
        key="transferred",
        title="transferred",
        shown="interval",
        explains="shared with the own teacher, minus with siblings (and the placebo) or as twins share, whichever leaves less",
    ),
    Column(key="left", title="left behind", shown="interval", explains="told by both together, minus by the student"),
    Column(key="gained", title="twins leave more", shown="interval", explains="left behind by twins, minus by the student"),
    Column(key="own", title="its own", shown="interval", explains="told by both together, minus by the teacher"),
    Column(
        key="retained", title="retained", shown="interval", explains="the student's information over its teacher's; above 1, it tells more"
    ),
    Column(key="seeds", title="seeds", shown="number"),
)

INFORMATION = Section(
    name="information",
    question="How much of the teacher's information arrived, and what was left behind?",
    draw=draw,
    order=22,
    plans=("gap",),
)
