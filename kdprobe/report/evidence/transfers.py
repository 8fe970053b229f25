"""What of a teacher reached its students: every similarity of a zoo, in three parts, beside the placebo of an untaught twin."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kdprobe.core.registry import available
from kdprobe.report.evidence.arms import Frame
from kdprobe.report.evidence.frames import CELL, PRIMARY, Evidence
from kdprobe.report.evidence.groups import Curve, Group, short_names
from kdprobe.sweep.circle import Circle
from kdprobe.verdicts.transfer import TransferReading, read_transfer, read_transfers

COMPARISONS = ("own", "siblings", "baseline")
PLACEBO = ("twin", "twin_siblings")
UNMEASURED = "no placebo was measured"


@dataclass(frozen=True, kw_only=True, eq=False)
class Transfer:
    """One similarity of one student in one arm."""

    task: str
    kind: str
    arm: str
    control: str
    """What the student is a control of; nothing is claimed of it then."""
    apart: bool
    """Whether the student learned together with a peer, and never met the teacher that it is read against."""
    student: str
    student_size: int
    headline: str
    scope: str
    """Where the page speaks of it."""
    probe: str
    unit: str
    curve: Curve
    """With a value for each comparison, and for "placebo" where it was measured: the paired twin's own teacher minus siblings."""
    read: tuple[int, ...]
    """Places of the teachers that `reading` is of: those that are larger than the student, or all where none is."""
    reading: TransferReading
    """Of the mean over these teachers, and of each by itself."""

    @property
    def names(self) -> tuple[str, tuple[str, ...]]:
        """What to call the teachers that `reading` is of, and how to tell them apart."""
        return short_names([self.curve.teachers[i] for i in self.read])

    @property
    def title(self) -> str:
        """Name of the similarity with its unit."""
        return f"{title_of(self.probe)} ({self.unit})" if self.unit else title_of(self.probe)

    @property
    def primary(self) -> bool:
        """Whether this is the similarity that gives the task's verdicts."""
        return PRIMARY.get(self.kind) == self.probe


def title_of(probe: str) -> str:
    """What a probe is called on a page: its title, or its name where the probe is not installed any more."""
    known: Any = available("probes").get(probe)
    return probe if known is None else known.title


def lower_is_closer(probe: str) -> bool:
    """Whether a probe is a divergence."""
    known: Any = available("probes").get(probe)
    return known is not None and known.better == "lower"


def is_likeness(probe: str) -> bool:
    """Whether a probe compares the student with the model that it is read against."""
    known: Any = available("probes").get(probe)
    return known is None or bool(known.likeness)


def placebo(evidence: Evidence, task: str, probe: str) -> Frame | None:
    """By student, how much nearer its paired twin, which nobody taught, is to the student's teacher than to siblings.

    None where that was not measured of all students of a task that have a twin: zoos of before it was stored, and those that such a zoo
    was extended to. A placebo of some alone would leave out the others, or compare what is not alike.
    """

    def measured(_: Evidence) -> Frame | None:
        table = evidence.measurements()
        table = table[(table["task"] == task) & (table["probe"] == probe)]
        twins, strangers = (set(table.loc[table["comparison"] == name, "model_id"]) for name in PLACEBO)
        found = evidence.value(probe, PLACEBO[0]) - evidence.value(probe, PLACEBO[1])
        return found if twins and twins == strangers and found.notna().any() else None

    return evidence.derived(("placebo", task, probe), measured)


def centre(evidence: Evidence, task: str, probe: str) -> Frame:
    """By student, how much nearer reference twins are to its teacher than they are to any: what its teacher has in common with everybody.

    Where all other twins are references that is the baseline itself, for they are then the same ones for every teacher. Around a circle of
    more seeds they are not, and how near each of them comes to the siblings of its own seed is taken off.
    """
    return evidence.derived(("centre", task, probe), lambda _: _centre(evidence, task, probe))


def _centre(evidence: Evidence, task: str, probe: str) -> Frame:
    table = evidence.measurements()
    counts = table.loc[(table["task"] == task) & (table["probe"] == probe) & (table["comparison"] == PLACEBO[1]), "n"]
    baseline, strangers = evidence.value(probe, "baseline"), evidence.value(probe, PLACEBO[1])
    rows, found = evidence.students, baseline.copy()
    for _, cell in rows[(rows["task"] == task) & rows["model_id"].isin(baseline.index)].groupby([*CELL, "draw"], sort=False):
        of = dict(zip(cell["seed"], cell["model_id"], strict=True))
        circle = Circle(tuple(sorted(of)), most=int(counts.max()) if counts.notna().any() else len(of))
        if not circle.whole:
            for seed, model in of.items():
                found[model] -= strangers.reindex([of[other] for other in circle.references(seed)]).mean()
    return found


def specific(evidence: Evidence, task: str, probe: str) -> Frame:
    """Teacher-specific part by student: own teacher minus siblings, minus the same of its paired twin where that was measured."""
    student = evidence.value(probe, "own") - evidence.value(probe, "siblings")
    untaught = placebo(evidence, task, probe)
    return student if untaught is None else student - untaught


def transfers(evidence: Evidence) -> list[Transfer]:
    """Read every similarity × student × arm; the verdicts of the primary similarities form one family, the others another."""
    return evidence.derived("transfers", _transfers)


def _transfers(evidence: Evidence) -> list[Transfer]:
    found = []
    for group in (group for group in evidence.groups if group.primary and group.scheme not in evidence.attached):
        for probe in filter(is_likeness, evidence.probes(group.task)):
            grids = {name: group.grid(evidence.value(probe, name)) for name in COMPARISONS}
            if (untaught := placebo(evidence, group.task, probe)) is not None:
                grids["placebo"] = group.grid(untaught)
                grids["centre"] = group.grid(centre(evidence, group.task, probe))
            if all(np.isfinite(grid).any() for grid in grids.values()):
                found.append(_transfer(evidence, group, probe, group.curve(grids)))
    for primary in (True, False):
        places = [i for i, transfer in enumerate(found) if transfer.primary is primary and not transfer.control]
        for i, reading in zip(places, read_transfers([found[i].reading for i in places]), strict=True):
            found[i] = replace(found[i], reading=reading)
    unjudged = {"verdict": "NOT APPLICABLE", "qualifier": "a control"}
    return [replace(one, reading=replace(one.reading, **unjudged)) if one.control else one for one in found]


def measured(probe: str, unit: str, found: Curve, shown: np.ndarray) -> TransferReading:
    """What a likeness shows under some teachers (sizes,), before any verdict."""
    values = {name: grid[:, shown] if shown.size else np.empty(0) for name, grid in found.values.items()}
    return read_transfer(
        *(values[name] for name in COMPARISONS),
        **{"placebo": values.get("placebo"), "centre": values.get("centre")},
        **{"lower_is_closer": lower_is_closer(probe), "unit": unit, "seeds": found.seeds},
    )


def _transfer(evidence: Evidence, group: Group, probe: str, found: Curve) -> Transfer:
    unit = evidence.unit(group.task, probe)
    # a student can copy a teacher of its own size outright, which says nothing of larger ones
    larger = found.sizes > group.student_size
    shown = larger if larger.any() else np.ones_like(larger)
    return Transfer(
        **{"task": group.task, "kind": group.kind, "arm": group.arm, "student": group.student, "student_size": group.student_size},
        control=group.control,
        apart=_apart(group),
        **dict(zip(("headline", "scope"), evidence.place(group), strict=True)),
        **{"probe": probe, "unit": unit, "curve": found},
        read=tuple(np.flatnonzero(shown).tolist()),
        reading=measured(probe, unit, found, shown),
    )


def _apart(group: Group) -> bool:
    scheme: Any = available("schemes").get(group.scheme)
    return scheme is not None and scheme.student.together
