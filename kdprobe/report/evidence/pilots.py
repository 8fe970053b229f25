"""What a pilot said of each student, and what the sweep found: the pilot's own small zoo lies in a folder of the sweep's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import Gap, gaps
from kdprobe.report.evidence.groups import Group, short_names
from kdprobe.sweep.pilot import FOLDER
from kdprobe.verdicts.pilot import LEAST_SEEDS, Advice, advise
from kdprobe.zoo import Zoo
from kdprobe.zoo.writer import INDEX


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """What a pilot said of one student in one arm."""

    task: str
    arm: str
    student: str
    teachers: tuple[str, ...]
    """All sizes of the pilot, ascending."""
    seeds: int
    advice: Advice

    @property
    def named(self) -> tuple[str, ...]:
        """Teachers worth training."""
        return tuple(self.teachers[place] for place in self.advice.named)


def pilots(evidence: Evidence) -> list[Pilot]:
    """Advice of the pilot in a zoo's folder; none where there was no pilot, or its runs failed."""
    path = getattr(evidence.zoo, "path", None)
    if path is None or not (Path(path) / FOLDER / INDEX).exists():
        return []
    with Zoo(Path(path) / FOLDER) as zoo:
        return advised(Evidence(zoo))


def advised(pilot: Evidence) -> list[Pilot]:
    """Advice for every student of a pilot's own zoo, from losses on validation rows: probe rows are for results."""
    if pilot.students.empty:
        return []
    loss = pilot.kept_losses()
    found = []
    for group in pilot.groups:
        curve = group.curve({"gain": group.grid(loss, of="twin_id") - group.grid(loss)})
        if len(curve.sizes) >= 2 and len(curve.values["gain"]) >= LEAST_SEEDS:
            found.append(_pilot(group, curve.teachers, curve.values["gain"], curve.seeds))
    return found


def _pilot(group: Group, teachers: tuple[str, ...], gain: np.ndarray, seeds: int) -> Pilot:
    return Pilot(task=group.task, arm=group.arm, student=group.student, teachers=teachers, seeds=seeds, advice=advise(gain))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A pilot's advice beside what the sweep found."""

    pilot: Pilot
    gap: Gap | None
    """The student's curve in the sweep; None where it was not trained there."""

    @property
    def best(self) -> str | None:
        """Teacher with the best mean of the sweep; None where not all sizes of the pilot were trained, so that nobody knows."""
        if self.gap is None or not set(self.pilot.teachers) <= set(self.gap.curve.teachers):
            return None
        return self.gap.curve.teachers[self.gap.reading.best]

    @property
    def right(self) -> bool | None:
        """Whether the named sizes hold the one with the best mean."""
        return None if self.best is None else self.best in self.pilot.named

    @property
    def possible(self) -> bool | None:
        """Whether the named sizes hold one that may be the best, by the sweep's 95 % set."""
        if self.best is None or self.gap is None:
            return None
        return any(self.gap.curve.teachers[place] in self.pilot.named for place in self.gap.reading.best_set)


def outcomes(evidence: Evidence) -> list[Outcome]:
    """Every piece of advice with what was found."""
    found = {(gap.task, gap.student, gap.arm): gap for gap in gaps(evidence)}
    return [Outcome(pilot=pilot, gap=found.get((pilot.task, pilot.student, pilot.arm))) for pilot in pilots(evidence)]


def named_words(pilot: Pilot) -> str:
    """Name the sizes worth training, as in "width 8, 16 and 32"."""
    noun, names = short_names(pilot.teachers)
    return f"{noun} {words.listed([names[place] for place in pilot.advice.named])}"


def pilot_lines(found: Sequence[Pilot]) -> list[str]:
    """What a pilot says, one line a student and arm."""
    lines = []
    for pilot in found:
        _, names = short_names(pilot.teachers)
        lines.append(
            f"{pilot.task} · {pilot.student} · {pilot.arm}: worth training: {named_words(pilot)} of {names[0]}…{names[-1]} "
            f"(the best is among them with probability {pilot.advice.holds:.2f}, {words.counted(pilot.seeds, 'seed')})"
        )
    return lines


def named_widths(found: Sequence[Pilot]) -> tuple[int, ...]:
    """Widths of teachers that are worth training for any of the students."""
    return tuple(sorted({int(name.rpartition("-")[2]) for pilot in found for name in pilot.named}))
