"""The plan of a sweep: from a configuration to cells and jobs, without touching data or disk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter

from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.identity import content_id
from kdprobe.core.recipe import Distiller, Family, Option
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme, Size
from kdprobe.core.task import SplitSizes, Task
from kdprobe.sweep.stages import CellJobs
from kdprobe.training.job import Job


def listed(*names: str) -> Parameter:
    """How a field of several values is spelt on the command line: --task letters bikeshare."""
    return Parameter(
        name=[f"--{name}" for name in names],
        consume_multiple=True,
        negative=(),
        show_default=lambda values: " ".join(map(str, values)) or "by task",
    )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class GapPlan:
    """Which teacher size serves a student best: teacher widths × student widths × seeds, twins included.

    Parameters
    ----------
    tasks
        Names of tasks; `kdprobe ls tasks` lists them.
    schemes
        Regimes of distillation; `kdprobe ls schemes` lists them.
    family
        Family of both networks.
    teacher_widths
        Hidden units of the teachers. Sizes are reported as parameter counts.
    student_widths
        Hidden units of the students and their twins.
    options
        Options of the family for all networks, such as depth; `kdprobe ls families` lists them.
    teacher_options
        Options in which teachers differ.
    seeds
        Paired seeds, in each draw: one teacher per size, one twin and one student per cell and seed.
    draws
        Draws of labelled rows.
    distillers
        Names of distillers; by default L2 imitation for regression, and for classification soft targets, or logit matching where the
        family is fitted in closed form.
    alpha
        Weight of the teacher's loss where there are labels. Of a loss on hidden layers also where there are none: a response loss then
        takes the place of the labels' loss, because nothing else trains the output layer.
    temperature
        Temperature of distillers that have one.
    steps
        Optimiser steps of every model, the same for students, twins and teachers; by default the task's own number. Families that are
        fitted in closed form take none, and the settings of the optimiser do not touch them.
    batch_size
        Rows a step.
    learning_rate
        Peak rate of AdamW; a cosine takes it to zero.
    weight_decay
        Decoupled weight decay.
    gradient_clip
        Largest norm of a model's gradient; 0 clips nothing.
    patience
        Checks of the validation loss, of 20 in all, without improvement after which a model stops training and keeps its best weights;
        0 trains all steps.
    train_rows
        Labelled rows, in place of the task's own number.
    transfer_rows
        Unlabelled rows, in place of the task's own number.

    Examples
    --------
    >>> plan = GapPlan(tasks=("letters",), teacher_widths=(8, 32), student_widths=(8,), seeds=2)
    >>> len(plan.cells())  # 2 teachers × 1 student × 2 schemes × 2 seeds
    8
    """

    tasks: Annotated[tuple[str, ...], listed("task", "tasks")] = ("letters", "bikeshare")
    schemes: Annotated[tuple[str, ...], listed("scheme", "schemes")] = ("same_rows", "transfer_rows")
    family: str = "mlp"
    teacher_widths: Annotated[tuple[int, ...], listed("teacher-widths")] = (8, 16, 32, 64, 128, 256)
    student_widths: Annotated[tuple[int, ...], listed("student-widths")] = (8, 16, 32)
    options: dict[str, Option] = field(default_factory=dict)
    teacher_options: dict[str, Option] = field(default_factory=dict)
    seeds: int = 10
    draws: int = 1
    distillers: Annotated[tuple[str, ...], listed("distiller", "distillers")] = ()
    alpha: float = 0.7
    temperature: float = 2.0
    steps: int | None = None
    batch_size: int = 64
    learning_rate: float = 0.01
    weight_decay: float = 1e-4
    gradient_clip: float = 0.0
    patience: int = 0
    train_rows: int | None = None
    transfer_rows: int | None = None

    asks: ClassVar[str] = "gap"

    def __post_init__(self) -> None:
        # lists come from TOML and from notebooks
        for name in ("tasks", "schemes", "teacher_widths", "student_widths", "distillers"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check(self)

    def quick(self) -> "GapPlan":
        """Return a smaller plan that ends within a minute or so. Only fields that still have their defaults change."""
        small = {"teacher_widths": (8, 32, 128), "student_widths": (8,), "seeds": 4}
        defaults = {field.name: field.default for field in fields(self)}
        return replace(self, **{name: value for name, value in small.items() if getattr(self, name) == defaults[name]})

    @property
    def hash(self) -> str:
        """Content id of the plan: sealed before results."""
        return content_id(self)

    def sizes(self, task: str) -> SplitSizes:
        """Rows in each part of a task's split."""
        own: SplitSizes = find("tasks", task).split
        changed = {"train": self.train_rows, "transfer": self.transfer_rows}
        return replace(own, **{name: rows for name, rows in changed.items() if rows is not None})

    def options_of(self, size: Size) -> dict[str, Option]:
        """All options of the networks of teacher's or of student's size, defaults too; networks between the two have the student's."""
        family: Family = find("families", self.family)
        return {**family.options, **self.options, **(self.teacher_options if size == "teacher" else {})}

    def cells(self) -> "tuple[Cell, ...]":
        """Every student of the plan, in a fixed order."""
        return tuple(
            Cell(
                task=task,
                draw=draw,
                scheme=scheme,
                distiller=distiller,
                teacher_width=teacher,
                student_width=student,
                seed=seed,
                alpha=self._alpha(scheme, distiller),
            )
            for task, draw, scheme in product(self.tasks, range(self.draws), self.schemes)
            for distiller in self.distillers_for(task)
            for student, teacher, seed in product(self.student_widths, self.teacher_widths, range(self.seeds))
        )

    def distillers_for(self, task: str) -> tuple[str, ...]:
        """Distillers that run on a task."""
        kind = find("tasks", task).kind
        if not self.distillers:
            return ("l2_imitation",) if kind == "regression" else ("kd",) if self._trained_by_steps else ("logit_mse",)
        return tuple(name for name in self.distillers if kind in find("distillers", name).tasks)

    def jobs(self, data: Mapping[tuple[str, int], str]) -> "list[Job]":
        """Every model of the plan, students last.

        Parameters
        ----------
        data
            (task, draw) -> content hash of its split.
        """
        jobs: dict[str, Job] = {}
        for cell in self.cells():
            for job in self._stages(cell, data).all():
                jobs.setdefault(job.id, job)
        return sorted(jobs.values(), key=lambda job: job.role == "student")

    def student(self, cell: "Cell", data: Mapping[tuple[str, int], str]) -> Job:
        """Return the job of a cell's student."""
        return self._stages(cell, data).job("student")

    def twin_id(self, cell: "Cell", data: Mapping[tuple[str, int], str]) -> str:
        """Id of a cell's paired twin: same seed, initialisation and number of steps, no teacher."""
        return self._stages(cell, data).job("twin").id

    def _alpha(self, scheme: str, distiller: str) -> float:
        """Weight of the teacher's loss, beside the labels' or, for losses on hidden layers of unlabelled rows, beside a response loss."""
        fixed: float | None = find("schemes", scheme).student.alpha
        return self.alpha if fixed is None or "response" in find("distillers", distiller).parameters else fixed

    def _stages(self, cell: "Cell", data: Mapping[tuple[str, int], str]) -> CellJobs:
        return CellJobs(self, cell, data[cell.task, cell.draw])

    @property
    def _trained_by_steps(self) -> bool:
        return find("families", self.family).fit == "steps"

    def differences(self, other: "GapPlan") -> list[str]:
        """Fields in which another plan differs, in words."""
        return [
            f"{field.name}: {getattr(self, field.name)} -> {getattr(other, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        ]

    def extends(self, other: "GapPlan") -> bool:
        """Whether every model of another plan belongs to this one too."""
        data = {(task, draw): task for task in {*self.tasks, *other.tasks} for draw in range(max(self.draws, other.draws))}
        same_rows = (self.train_rows, self.transfer_rows) == (other.train_rows, other.transfer_rows)
        return same_rows and {job.id for job in other.jobs(data)} <= {job.id for job in self.jobs(data)}


@dataclass(frozen=True, kw_only=True, order=True)
class Cell:
    """One student of a sweep."""

    task: str
    draw: int
    scheme: str
    distiller: str
    teacher_width: int
    student_width: int
    seed: int
    alpha: float
    """Weight of the teacher's loss."""


def _check(plan: GapPlan) -> None:
    """Refuse what cannot be run, before anything is trained."""
    for name in ("tasks", "schemes", "teacher_widths", "student_widths"):
        if not getattr(plan, name):
            raise PlanError(f"{name} is empty: give at least one")
        _check_repeats(name, getattr(plan, name))
    tasks: list[Task] = [find("tasks", name) for name in plan.tasks]
    family: Family = find("families", plan.family)
    for name in plan.schemes:
        scheme: Scheme = find("schemes", name)
        if scheme.takes_steps and family.fit != "steps":
            raise PlanError(f"scheme {name!r} counts steps, and {family.title} is fitted in closed form and takes none: leave it out")
        if scheme.cohort and plan.patience:
            raise PlanError(
                f"patience={plan.patience}: in scheme {name!r} networks learn together, and one that stops would teach no more: give 0"
            )
    for task in tasks:
        if plan.family not in task.families:
            raise PlanError(f"family {plan.family!r} does not fit task {task.name!r}: {did_you_mean(plan.family, task.families)}")
    for name in ("teacher_widths", "student_widths"):
        for width in getattr(plan, name):
            if width < family.minimum_width:
                raise PlanError(f"{name} holds {width}: {family.title}s need at least {family.minimum_width} {family.knob}")
    for name in ("options", "teacher_options"):
        for option, value in getattr(plan, name).items():
            _check_option(name, family, option, value)
    for name in plan.distillers:
        distiller: Distiller = find("distillers", name)
        if distiller.loss is None:
            raise PlanError(f"distiller {name!r} has no teacher: every cell has its twin already, leave it out")
        if not any(task.kind in distiller.tasks for task in tasks):
            raise PlanError(f"distiller {name!r} is for {' and '.join(distiller.tasks)}, none of the tasks {', '.join(plan.tasks)} is")
    for task in tasks:
        if not plan.distillers_for(task.name):
            raise PlanError(f"no distiller of {', '.join(plan.distillers)} is for task {task.name!r} ({task.kind}): add one that is")
    if plan.seeds < 2:
        raise PlanError(f"seeds={plan.seeds}: an interval over seeds needs at least 2, a verdict 8")
    for name in ("draws", "steps", "batch_size"):
        if getattr(plan, name) is not None and getattr(plan, name) < 1:
            raise PlanError(f"{name}={getattr(plan, name)}: give at least 1")
    if family.fit != "steps" and plan.steps is not None:
        raise PlanError(f"steps={plan.steps}: {family.title} is fitted in closed form and takes none: leave it out")
    if plan.patience < 0:
        raise PlanError(f"patience={plan.patience}: give a number of checks, or 0 to train all steps")
    ranges = {"alpha": (0.0, 1.0), "temperature": (1e-3, 1e6), "learning_rate": (1e-12, 10.0), "weight_decay": (0.0, 10.0)}
    for name, (low, high) in (ranges | {"gradient_clip": (0.0, 1e9)}).items():
        if not low <= getattr(plan, name) <= high:
            raise PlanError(f"{name}={getattr(plan, name)}: give a number from {low:g} to {high:g}")
    for name in ("train_rows", "transfer_rows"):
        rows = getattr(plan, name)
        if rows is not None and rows < 10:
            raise PlanError(f"{name}={rows}: give at least 10")


def _check_option(name: str, family: Family, option: str, value: Option) -> None:
    if option not in family.options:
        raise PlanError(f"{name} holds {option!r}, which {family.name} does not have: {did_you_mean(option, family.options)}")
    default = family.options[option]
    if isinstance(default, str) != isinstance(value, str):
        raise PlanError(f"{name}: {option}={value!r}: give {'a word' if isinstance(default, str) else 'a number'}, such as {default!r}")


def _check_repeats(name: str, values: Iterable[Any]) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise PlanError(f"{name} holds {value!r} twice: give each once")
        seen.add(value)
