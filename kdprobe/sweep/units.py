"""Units of work: what is handed to a worker at once, and what each waits for."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kdprobe.core.identity import content_id
from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.sweep.cells import Cell
from kdprobe.sweep.circle import Circle
from kdprobe.sweep.grid import Grid
from kdprobe.training.job import Job

GROUPS = 16
"""Most groups of students in one unit of measuring: more keep one worker busy while the others wait."""
SEEDS = 32
"""Most seeds of students in one unit of measuring, where each is read against a part of the others: bounds what a worker holds at once."""
STACK = 64
"""Most models in one stack: more saves nothing and costs memory."""


@dataclass(frozen=True, kw_only=True)
class TrainUnit:
    """Jobs of one stack key, trained at once and written as one shard; or of several, where networks learn together.

    Parameters
    ----------
    jobs
        Those of the first stack key, then those of the second in the same order, and so on.
    stages
        How many stack keys there are.
    """

    jobs: tuple[Job, ...]
    stages: int = 1

    @property
    def id(self) -> str:
        """Content id."""
        return content_id([job.id for job in self.jobs])

    @property
    def title(self) -> str:
        """For progress and for failed rows, such as "letters: 10 teachers mlp-64"."""
        first = self.jobs[0]
        own = self.groups[0]
        seeds = sorted({job.seed for job in own})
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
        scheme = f", {first.scheme}, {first.distiller}" if first.scheme else ""
        return f"{first.task}: {len(own)} {first.role}{'s' if len(own) > 1 else ''} {first.family}-{first.width}{scheme}, {which}"

    @property
    def models(self) -> int:
        """Models that it trains."""
        return len(self.jobs)

    @property
    def needs(self) -> frozenset[str]:
        """Ids of models that must be there first."""
        return frozenset(model for job in self.jobs for model in job.needs)

    @property
    def groups(self) -> tuple[tuple[Job, ...], ...]:
        """Jobs by stack key; those in the same place of each learn together."""
        size = len(self.jobs) // self.stages
        return tuple(self.jobs[start : start + size] for start in range(0, len(self.jobs), size))

    def part(self, places: slice) -> "TrainUnit":
        """A smaller unit."""
        return TrainUnit(jobs=tuple(job for group in self.groups for job in group[places]), stages=self.stages)

    def halves(self) -> "tuple[TrainUnit, TrainUnit]":
        """Two smaller units with the same jobs."""
        middle = len(self.jobs) // self.stages // 2
        return self.part(slice(middle)), self.part(slice(middle, None))


@dataclass(frozen=True, kw_only=True)
class MeasureUnit:
    """Students of one teacher and one student, of one size and recipe each, with everything they are read against.

    Parameters
    ----------
    students
        For each group that shares scheme, distiller and setting, model ids by seed.
    teachers, twins
        Model ids by seed.
    probes
        Names of the probes to run.
    circle
        Who stands beside whom, of all seeds of the plan.
    """

    task: str
    data: str
    draw: int
    teacher_width: int
    student_width: int
    students: Mapping[tuple[str, ...], Mapping[int, str]]
    teachers: Mapping[int, str]
    twins: Mapping[int, str]
    probes: tuple[str, ...]
    circle: Circle
    models: int = field(default=0)

    @property
    def id(self) -> str:
        """Content id."""
        groups = {"/".join(key): sorted(group.values()) for key, group in self.students.items()}
        content = [groups, sorted(self.teachers.values()), sorted(self.twins.values()), self.probes]
        # where all stand beside each, which is what it was before there was a choice, a unit that is done stays done
        return content_id(content if self.circle.whole else [*content, self._beside])

    @property
    def _beside(self) -> list[tuple[int, list[int], list[int]]]:
        """Siblings and references of each seed of its students."""
        return [(seed, sorted(self.circle.siblings(seed)), sorted(self.circle.references(seed))) for seed in sorted(self.seeds)]

    @property
    def seeds(self) -> frozenset[int]:
        """Seeds of its students."""
        return frozenset(seed for group in self.students.values() for seed in group)

    @property
    def pairs(self) -> int:
        """How often a likeness is asked: of twins and students, toward own teachers and siblings."""
        return len(self.circle.untaught(self.seeds)) + sum(
            1 + len(self.circle.siblings(seed)) for group in self.students.values() for seed in group
        )

    @property
    def title(self) -> str:
        """For progress and for failed rows."""
        draw = f", draw {self.draw}" if self.draw else ""
        part = "" if self.seeds.issuperset(self.circle.seeds) else f", seeds {min(self.seeds)}-{max(self.seeds)}"
        return f"{self.task}: probes of students {self.student_width} under teachers {self.teacher_width}{draw}{part}"

    @property
    def needs(self) -> frozenset[str]:
        """Ids of models that must be there first."""
        students = (model for group in self.students.values() for model in group.values())
        return frozenset([*students, *self.teachers.values(), *self.twins.values()])


def train_units(jobs: Sequence[Job], known: Sequence[Job] = ()) -> list[TrainUnit]:
    """Group jobs into stacks; teachers and twins come first, the widest first, so that the last unit to end is a short one.

    Parameters
    ----------
    known
        All jobs of the plan, the teachers of `jobs` among them. Where a distiller reads features, students share a stack only if their
        teachers are of one architecture. Of networks that learn together all are trained again if one is missing.
    """
    by_id = {job.id: job for job in (*known, *jobs)}
    alone = {job.alone: job for job in by_id.values() if job.peers}
    groups: dict[tuple[object, ...], list[tuple[Job, ...]]] = defaultdict(list)
    cohorts = {cohort[0].id: cohort for job in jobs for cohort in [_cohort(job, alone)]}
    for cohort in cohorts.values():
        first = cohort[0]
        distiller: Distiller = find("distillers", first.distiller)
        deep = first.taught_by and ("features" in distiller.needs or distiller.auxiliary is not None)
        teachers = tuple(by_id[model].network for model in first.taught_by) if deep else ()
        groups[*(job.stack_key for job in cohort), teachers].append(cohort)
    units = []
    for group in groups.values():
        if find("families", group[0][0].family).fit == "ridge":
            # students of one seed have one hidden layer, which is factored once for those that are fitted together
            group.sort(key=lambda cohort: cohort[0].seed)
        stacks = -(-len(group) // STACK)
        size = -(-len(group) // stacks)
        for start in range(0, len(group), size):
            columns = zip(*group[start : start + size], strict=True)
            units.append(TrainUnit(jobs=tuple(job for column in columns for job in column), stages=len(group[0])))
    return sorted(units, key=lambda unit: (unit.jobs[0].role == "student", -unit.jobs[0].width))


def _cohort(job: Job, alone: Mapping[str, Job]) -> tuple[Job, ...]:
    """A job and those it learns together with, the student first."""
    return tuple(sorted((job, *(alone[name] for name in job.peers)), key=lambda job: (job.role != "student", job.role)))


def measure_units(grid: Grid, probes: tuple[str, ...]) -> list[MeasureUnit]:
    """Units of one task × draw × teacher size × student size, with many schemes, distillers and weights: they share teachers and twins.

    Those with the largest networks come first, so that no worker is left with one of them at the end. Of students beside the plan's own
    settings only what is read beside their twin is asked: likeness to each sibling teacher costs several times as much.
    """
    panel = tuple(name for name in probes if (probe := find("probes", name)).panel and not probe.likeness)
    groups: dict[tuple[Any, ...], dict[tuple[str, ...], dict[int, str]]] = defaultdict(lambda: defaultdict(dict))
    teachers: dict[tuple[Any, ...], dict[int, str]] = defaultdict(dict)
    twins: dict[tuple[Any, ...], dict[int, str]] = defaultdict(dict)
    for cell in grid.cells:
        if cell.tunes:
            continue
        student, group = grid.student(cell), _group_of(cell)
        # of one seed there is one teacher and one twin in a unit
        read_against = find("schemes", cell.scheme).read_against
        key = (cell.task, cell.draw, cell.teacher_width, cell.student_width, cell.setting.of_teacher_and_twin, cell.beside, read_against)
        groups[key][group][cell.seed] = student.id
        teachers[key][cell.seed] = student.teacher or ""
        twins[key][cell.seed] = grid.twin_id(cell)
    units: list[MeasureUnit] = []
    for key, students in sorted(groups.items(), key=lambda item: -(item[0][2] + item[0][3])):
        circle = Circle(tuple(sorted(teachers[key])))
        for seeds in _parts(circle):
            met, untaught = _of(teachers[key], circle.teachers(seeds)), _of(twins[key], circle.twins(seeds))
            there = {group: chosen for group, of in students.items() if (chosen := _of(of, seeds))}
            units += [
                MeasureUnit(
                    task=key[0],
                    data=grid.data[key[0], key[1]],
                    draw=key[1],
                    teacher_width=key[2],
                    student_width=key[3],
                    students={group: there[group] for group in list(there)[start : start + GROUPS]},
                    teachers=met,
                    twins=untaught,
                    probes=panel if key[5] else probes,
                    circle=circle,
                )
                for start in range(0, len(there), GROUPS)
            ]
    return units


def _parts(circle: Circle) -> list[tuple[int, ...]]:
    """Seeds that are measured at once. From the first on, so that more seeds leave the parts before them as they are."""
    size = len(circle.seeds) if circle.whole else SEEDS
    return [circle.seeds[start : start + size] for start in range(0, len(circle.seeds), size)]


def _of(models: Mapping[int, str], seeds: Collection[int]) -> dict[int, str]:
    return {seed: model for seed, model in models.items() if seed in seeds}


def _group_of(cell: Cell) -> tuple[str, ...]:
    """What the students of one teacher and one twin may differ in, as the ids of units have it."""
    own = cell.setting
    first = (cell.scheme, cell.distiller, f"{own['alpha']:g}", f"{own['temperature']:g}", f"{own['transfer_rows']}")
    named = ("alpha", "temperature", "transfer_rows")
    # an axis that came later is in an id only where it is used, so that a unit that is done stays done
    later = (f"{axis.name}={value}" for axis, value in own if axis.of_student_alone and axis.name not in named and value != axis.default)
    return (*first, *later)
