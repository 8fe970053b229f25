"""The plan that compares kinds of knowledge: many distillers on the same teachers, students and seeds, each at several strengths."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import product
from typing import Annotated, ClassVar

from cyclopts import Parameter

from kdprobe.core.errors import PlanError
from kdprobe.core.identity import content_id
from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.core.task import SplitSizes, Task
from kdprobe.core.trace import TaskKind
from kdprobe.sweep.axes import Whole, several
from kdprobe.sweep.plan import Cell, GapPlan, listed
from kdprobe.sweep.refusals import Undefined, undefined
from kdprobe.tasks.splits import split
from kdprobe.training.job import Job

REPRESENTATIVES: dict[TaskKind, tuple[str, ...]] = {
    "classification": (
        *("kd", "dkd", "hint", "attention", "pkt", "sp", "vid", "crd"),
        *("label_smoothing", "permuted_others", "shuffled_in_class", "argmax_labels"),
    ),
    "regression": ("l2_imitation", "l1_imitation", "hint", "attention", "pkt", "sp", "vid", "crd", "mean_imitation", "shuffled_imitation"),
}
"""Two distillers of each kind of knowledge, and the controls."""
WIDTHS: dict[str, tuple[int, tuple[int, ...]]] = {"mlp": (128, (16,)), "cnn": (16, (4,)), "gru": (64, (16,)), "transformer": (32, (8,))}
"""Width of teachers and of students by family."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class KnowledgePlan:
    """Which kind of knowledge helps: distillers × strengths × seeds under one teacher size, twins and controls included.

    Parameters
    ----------
    tasks
        Names of tasks; `kdprobe ls tasks` lists them.
    distillers
        Names of distillers; by default two of each kind of knowledge, and controls. Where one is undefined (attention maps on an mlp) it
        is left out before anything trains, and the report says why.
    alphas
        Weights of the teacher's loss, tried for each distiller alike. Losses differ in scale by orders of magnitude, so one weight for
        all would compare scales; the report takes, for each seed, the weight with the best validation loss of the other seeds. On rows
        without labels, losses on hidden layers stand beside a response loss, which takes the place of the labels' loss.
    schemes
        Regimes of distillation; `kdprobe ls schemes` lists them.
    family
        Family of both networks; by default a cnn where the inputs are images, else an mlp.
    teacher_width
        Width of the teachers; by default the family's.
    student_widths
        Widths of the students and their twins; by default the family's.
    seeds
        Paired seeds: one teacher, one twin and one student per cell and seed.
    temperature
        Temperature of distillers that have one. By default 1: on rows without labels the response loss beside
        a loss on hidden layers is KL at T=1, so the two differ by the hidden layers alone.
    steps
        Optimiser steps of every model; by default the task's own number.
    batch_size
        Rows a step.
    learning_rate
        Peak rate of AdamW; a cosine takes it to zero.
    weight_decay
        Decoupled weight decay.
    train_rows
        Labelled rows, in place of the task's own number.
    transfer_rows
        Unlabelled rows, in place of the task's own number.

    Examples
    --------
    >>> plan = KnowledgePlan(tasks=("letters",), schemes=("same_rows",), distillers=("kd", "hint", "attention"), seeds=2)
    >>> len(plan.cells())  # 2 distillers × 4 weights × 2 seeds
    16
    >>> print(plan.refused[0].reason)
    no layer of the student has places to attend to: it needs spatial maps, or sequences (student 16, teacher 128)
    """

    tasks: Annotated[tuple[str, ...], listed("task", "tasks")] = ("letters", "bikeshare")
    distillers: Annotated[tuple[str, ...], listed("distiller", "distillers")] = ()
    alphas: Annotated[tuple[float, ...], listed("alpha", "alphas")] = (0.3, 0.9, 0.99, 0.999)
    schemes: Annotated[tuple[str, ...], listed("scheme", "schemes")] = ("same_rows", "transfer_rows")
    family: str = ""
    teacher_width: Whole | None = None
    student_widths: Annotated[tuple[Whole, ...], listed("student-widths")] = ()
    seeds: Whole = 10
    temperature: float = 1.0
    steps: Whole | None = None
    batch_size: Whole = 64
    learning_rate: float = 0.01
    weight_decay: float = 1e-4
    train_rows: Whole | None = None
    transfer_rows: Whole | None = None

    draws: ClassVar[int] = 1
    asks: ClassVar[str] = "knowledge"

    def __post_init__(self) -> None:
        for name in ("tasks", "distillers", "alphas", "schemes", "student_widths"):
            object.__setattr__(self, name, several(name, getattr(self, name)))
        if not self.alphas or len(set(self.alphas)) < len(self.alphas) or not all(0 < alpha < 1 for alpha in self.alphas):
            raise PlanError(f"alphas={self.alphas}: give weights of the teacher's loss between 0 and 1, each once")
        for name in ("tasks", "schemes"):
            if not getattr(self, name):
                raise PlanError(f"{name} is empty: give at least one")
        if len(set(self.distillers)) < len(self.distillers):
            raise PlanError(f"distillers={self.distillers}: give each once")
        if self.teacher_width is not None and self.teacher_width < 1:
            raise PlanError(f"teacher_width={self.teacher_width}: give 1 or more, or leave it out for the family's own")
        for task in self.tasks:
            # everything else is checked as a plan of its own, with its own words
            for scheme in self.schemes:
                self._settings(task, scheme, self.alphas[0], self._wanted(task)[:1])
        for name in self.distillers:
            distiller: Distiller = find("distillers", name)
            if not any(find("tasks", task).kind in distiller.tasks for task in self.tasks):
                raise PlanError(f"distiller {name!r} is for {' and '.join(distiller.tasks)}, none of the tasks {', '.join(self.tasks)} is")
        for task in self.tasks:
            if not self._wanted(task):
                kind = find("tasks", task).kind
                raise PlanError(
                    f"task {task!r} is {kind}, and none of the distillers {', '.join(self.distillers)} is for it: "
                    f"add one (see `kdprobe ls distillers`), or leave the task out"
                )

    def quick(self) -> "KnowledgePlan":
        """Return a smaller plan that ends within a minute or so. Only fields that still have their defaults change."""
        small = {"alphas": (0.7, 0.99), "seeds": 4, "steps": 300}
        defaults = {field.name: field.default for field in fields(self)}
        return replace(self, **{name: value for name, value in small.items() if getattr(self, name) == defaults[name]})

    @property
    def hash(self) -> str:
        """Content id of the plan: sealed before results."""
        return content_id(self)

    def sizes(self, task: str) -> SplitSizes:
        """Rows in each part of a task's split."""
        return self._settings(task, self.schemes[0], self.alphas[0], ()).sizes(task)

    def draws_of(self, task: str) -> tuple[int, ...]:
        """Draws of a task's rows that the plan needs."""
        return self._settings(task, self.schemes[0], self.alphas[0], ()).draws_of(task)

    def cells(self) -> tuple[Cell, ...]:
        """Every student of the plan, in a fixed order. Reads the tasks' data once, for the shapes of its networks."""
        return tuple(cell for plan in self._plans.values() for cell in plan.cells())

    def jobs(self, data: Mapping[tuple[str, int], str]) -> list[Job]:
        """Every model of the plan: teachers and twins first, then students; see `GapPlan.jobs`."""
        jobs = {job.id: job for plan in self._plans.values() for job in plan.jobs(data)}
        return sorted(jobs.values(), key=lambda job: job.role == "student")

    def student(self, cell: Cell, data: Mapping[tuple[str, int], str]) -> Job:
        """Return the job of a cell's student."""
        return self._plans[cell.task, cell.scheme, cell.alpha].student(cell, data)

    def twin_id(self, cell: Cell, data: Mapping[tuple[str, int], str]) -> str:
        """Id of a cell's paired twin."""
        return self._plans[cell.task, cell.scheme, cell.alpha].twin_id(cell, data)

    @cached_property
    def refused(self) -> tuple[Undefined, ...]:
        """Distillers that are undefined somewhere, with the reason; their cells are no part of the plan."""
        found = []
        for task, scheme in product(self.tasks, self.schemes):
            whole = self._settings(task, scheme, self.alphas[0], self._wanted(task))
            found += undefined(whole, split(find("tasks", task), sizes=self.sizes(task)))
        return tuple(found)

    @cached_property
    def _plans(self) -> dict[tuple[str, str, float], GapPlan]:
        """What is trained, as plans of one task, scheme and weight each."""
        out = {(found.task, found.scheme, found.distiller) for found in self.refused}
        plans: dict[tuple[str, str, float], GapPlan] = {}
        for task, scheme in product(self.tasks, self.schemes):
            defined = tuple(name for name in self._wanted(task) if (task, scheme, name) not in out)
            if not defined:
                raise PlanError(f"every distiller is undefined on task {task!r}, scheme {scheme!r}: {self.refused[0].reason}")
            fixed = find("schemes", scheme).student.alpha
            # where the scheme fixes the weight, only losses on hidden layers still have one: beside the response loss that they get there
            free = tuple(name for name in defined if fixed is None or "response" in find("distillers", name).parameters)
            for alpha in self.alphas if free else ():
                plans[task, scheme, alpha] = self._settings(task, scheme, alpha, free)
            if fixed is not None and len(free) < len(defined):
                plans[task, scheme, fixed] = self._settings(task, scheme, fixed, tuple(name for name in defined if name not in free))
        return plans

    def _wanted(self, task: str) -> tuple[str, ...]:
        kind: TaskKind = find("tasks", task).kind
        return tuple(name for name in self.distillers or REPRESENTATIVES[kind] if kind in find("distillers", name).tasks)

    def _settings(self, task: str, scheme: str, alpha: float, distillers: tuple[str, ...]) -> GapPlan:
        family = self.family or _family_of(find("tasks", task))
        teacher, students = WIDTHS.get(family, (None, ()))
        teacher, students = self.teacher_width or teacher, self.student_widths or students
        if teacher is None or not students:
            raise PlanError(f"family {family!r} has no widths of its own: give teacher_width and student_widths")
        same = {name: getattr(self, name) for name in SHARED}
        return GapPlan(
            **{"tasks": (task,), "schemes": (scheme,), "family": family, "teacher_widths": (teacher,), "student_widths": students},
            **{"alpha": alpha, "distillers": distillers, **same},
        )

    def differences(self, other: "KnowledgePlan") -> list[str]:
        """Fields in which another plan differs, in words."""
        return [
            f"{field.name}: {getattr(self, field.name)} -> {getattr(other, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        ]

    def extends(self, other: "KnowledgePlan") -> bool:
        """Whether every model of another plan belongs to this one too."""
        data = {(task, draw): task for plan in (self, other) for task in plan.tasks for draw in plan.draws_of(task)}
        same_rows = (self.train_rows, self.transfer_rows) == (other.train_rows, other.transfer_rows)
        return same_rows and {job.id for job in other.jobs(data)} <= {job.id for job in self.jobs(data)}


SHARED = ("seeds", "temperature", "steps", "batch_size", "learning_rate", "weight_decay", "train_rows", "transfer_rows")


def _family_of(task: Task) -> str:
    """Cnn where a task has images (so that maps exist), else the task's first family."""
    return "cnn" if "cnn" in task.families else task.families[0]
