"""What of a teacher reached its students: every similarity of a zoo, in three parts."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kdprobe.core.registry import available
from kdprobe.report.evidence.frames import PRIMARY, Evidence
from kdprobe.report.evidence.groups import Curve, Group
from kdprobe.verdicts.transfer import TransferReading, read_transfer, read_transfers

COMPARISONS = ("own", "siblings", "baseline")


@dataclass(frozen=True, kw_only=True, eq=False)
class Transfer:
    """One similarity of one student in one arm."""

    task: str
    kind: str
    arm: str
    control: str
    """What the student is a control of; nothing is claimed of it then."""
    student: str
    student_size: int
    headline: str
    scope: str
    """Where the page speaks of it."""
    probe: str
    unit: str
    curve: Curve
    """With a value for each comparison."""
    reading: TransferReading
    """Of the mean over the teachers that are larger than the student, or over all where none is."""

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
    return known is None or known.likeness


def transfers(evidence: Evidence) -> list[Transfer]:
    """Read every similarity × student × arm; the verdicts of the primary similarities form one family, the others another."""
    return evidence.derived("transfers", _transfers)


def _transfers(evidence: Evidence) -> list[Transfer]:
    found = []
    for group in (group for group in evidence.groups if group.primary):
        for probe in filter(is_likeness, evidence.probes(group.task)):
            grids = {name: group.grid(evidence.value(probe, name)) for name in COMPARISONS}
            if all(np.isfinite(grid).any() for grid in grids.values()):
                found.append(_transfer(evidence, group, probe, group.curve(grids)))
    for primary in (True, False):
        places = [i for i, transfer in enumerate(found) if transfer.primary is primary and not transfer.control]
        for i, reading in zip(places, read_transfers([found[i].reading for i in places]), strict=True):
            found[i] = replace(found[i], reading=reading)
    unjudged = {"verdict": "NOT APPLICABLE", "qualifier": "a control"}
    return [replace(one, reading=replace(one.reading, **unjudged)) if one.control else one for one in found]


def _transfer(evidence: Evidence, group: Group, probe: str, found: Curve) -> Transfer:
    unit = evidence.unit(group.task, probe)
    # a student can copy a teacher of its own size outright, which says nothing of larger ones
    larger = found.sizes > group.student_size
    shown = larger if larger.any() else np.ones_like(larger)
    own, siblings, baseline = (found.values[name][:, shown].mean(axis=1) if shown.size else np.empty(0) for name in COMPARISONS)
    return Transfer(
        **{"task": group.task, "kind": group.kind, "arm": group.arm, "student": group.student, "student_size": group.student_size},
        control=group.control,
        **dict(zip(("headline", "scope"), evidence.place(group), strict=True)),
        **{"probe": probe, "unit": unit, "curve": found},
        reading=read_transfer(own, siblings, baseline, lower_is_closer=lower_is_closer(probe), unit=unit, seeds=found.seeds),
    )
