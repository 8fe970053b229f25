"""Which kind of knowledge helps? Many distillers on the same teachers, students and seeds, each at several strengths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter

from kdprobe.core.arguments import whole
from kdprobe.core.axes import AXES
from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.core.spelling import Whole, counts, numbers, words
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind
from kdprobe.sweep.cells import Block
from kdprobe.sweep.checks import check_block, check_choices, one_teacher
from kdprobe.sweep.controls import controls_beside
from kdprobe.sweep.plan import Plan
from kdprobe.sweep.refusals import Undefined, undefined
from kdprobe.tasks.splits import Split, split

REPRESENTATIVES: dict[TaskKind, tuple[str, ...]] = {
    "classification": (
        *("kd", "dkd", "hint", "attention", "pkt", "sp", "vid", "crd"),
        *("label_smoothing", "permuted_others", "shuffled_in_class", "argmax_labels"),
    ),
    "regression": ("l2_imitation", "l1_imitation", "hint", "attention", "pkt", "sp", "vid", "crd", "matched_labels"),
}
"""Two distillers of each kind of knowledge, and controls whose targets are no worse for knowing nothing of the row: a constant would be
beaten by anything."""
WIDTHS: dict[str, tuple[int, tuple[int, ...]]] = {"mlp": (128, (16,)), "cnn": (16, (4,)), "gru": (64, (16,)), "transformer": (32, (8,))}
"""Width of teachers and of students by family."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class KnowledgePlan(Plan):
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
    teacher_family
        Family of the teachers, where it is another than the students', such as boosted_trees.
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
    controls
        Whether the controls that the regimes name are trained too: students that learn from their own twin in the teacher's place, by the
        response loss.
    own_data
        Content hashes of tasks that were made of somebody's own rows; filled in by itself.

    Examples
    --------
    >>> plan = KnowledgePlan(tasks=("letters",), schemes=("same_rows",), distillers=("kd", "hint", "attention"), seeds=2)
    >>> len(plan.cells())  # (2 distillers and 1 control) × 4 weights × 2 seeds
    24
    >>> print(plan.refused[0].reason)
    no layer of the student has places to attend to: it needs spatial maps, or sequences (student 16, teacher 128)
    """

    tasks: Annotated[tuple[str, ...], words("task", "tasks")] = ("letters", "bikeshare")
    distillers: Annotated[tuple[str, ...], words("distiller", "distillers")] = ()
    alphas: Annotated[tuple[float, ...], numbers("alpha", "alphas")] = (0.3, 0.9, 0.99, 0.999)
    schemes: Annotated[tuple[str, ...], words("scheme", "schemes")] = ("same_rows", "transfer_rows")
    family: str = ""
    teacher_family: str = ""
    teacher_width: Whole | None = None
    student_widths: Annotated[tuple[int, ...], counts("student-widths")] = ()
    seeds: Whole = 10
    temperature: float = 1.0
    steps: Whole | None = None
    batch_size: Whole = 64
    learning_rate: float = 0.01
    weight_decay: float = 1e-4
    train_rows: Whole | None = None
    transfer_rows: Whole | None = None
    controls: bool = True
    own_data: Annotated[dict[str, str], Parameter(parse=False)] = field(default_factory=dict)

    asks: ClassVar[str] = "knowledge"
    question: ClassVar[str] = "which kind of knowledge helps?"
    heading: ClassVar[str] = "Which kind of knowledge helps this student, and is it this teacher's own?"
    small: ClassVar[Mapping[str, Any]] = {"alphas": (0.7, 0.99), "seeds": 4, "steps": 300}

    def __post_init__(self) -> None:
        self.in_form()
        if not self.alphas or len(set(self.alphas)) < len(self.alphas) or not all(0 < alpha < 1 for alpha in self.alphas):
            raise PlanError(f"alphas={self.alphas}: give weights of the teacher's loss between 0 and 1, each once")
        object.__setattr__(self, "student_widths", tuple(whole("student_widths", width) for width in self.student_widths))
        check_choices(self, ("tasks", "schemes"))
        if len(set(self.distillers)) < len(self.distillers):
            raise PlanError(f"distillers={self.distillers}: give each once")
        for name in self.distillers:
            distiller: Distiller = find("distillers", name)
            if not any(find("tasks", task).kind in distiller.tasks for task in self.tasks):
                raise PlanError(f"distiller {name!r} is for {' and '.join(distiller.tasks)}, none of the tasks {', '.join(self.tasks)} is")
        for block in self.crossed():
            check_block(block)
        for task in self.tasks:
            if not self._wanted(task):
                kind = find("tasks", task).kind
                raise PlanError(
                    f"task {task!r} is {kind}, and none of the distillers {', '.join(self.distillers)} is for it: "
                    f"add one (see `kdprobe ls distillers`), or leave the task out"
                )

    def crossed(self) -> tuple[Block, ...]:
        """One block for each task and scheme at the first weight, and one for each control of these at each of its weights."""
        own = tuple(self._block(task, scheme, self.alphas[0], self._wanted(task)) for task, scheme in product(self.tasks, self.schemes))
        return (*own, *(self._controls(own) if self.controls else ()))

    def _controls(self, own: Sequence[Block]) -> Iterator[Block]:
        """Controls of the schemes of some blocks: taught by the plan's first response loss that their rows allow, or the usual one."""
        for block in controls_beside(own, self.schemes):
            usual, student = REPRESENTATIVES[find("tasks", block.task).kind][0], find("schemes", block.scheme).student
            losses: list[Distiller] = [find("distillers", name) for name in self._wanted(block.task)]
            fit = [loss for loss in losses if student.labels_where_taught or "labels" not in loss.needs]
            response = [loss.name for loss in fit if loss.knowledge == "response"]
            for alpha in self.alphas if student.taught_by and student.alpha is None else (student.alpha or self.alphas[0],):
                yield replace(block, distillers=((*response, usual)[0],), axes={**block.axes, "alpha": alpha})

    def blocks(self) -> tuple[Block, ...]:
        """One block for each task, scheme and weight, without what is undefined. Reads the tasks' data once, for shapes."""
        out = {(found.task, found.scheme, found.distiller) for found in self.refused}
        blocks: list[Block] = []
        for task, scheme in product(self.tasks, self.schemes):
            defined = tuple(name for name in self._wanted(task) if (task, scheme, name) not in out)
            if not defined:
                raise PlanError(f"every distiller is undefined on task {task!r}, scheme {scheme!r}: {self.refused[0].reason}")
            fixed = find("schemes", scheme).student.alpha
            # where the scheme fixes the weight, only losses on hidden layers still have one: beside the response loss that they get there
            free = tuple(name for name in defined if fixed is None or "response" in find("distillers", name).parameters)
            blocks += [self._block(task, scheme, alpha, free) for alpha in self.alphas if free]
            if fixed is not None and len(free) < len(defined):
                blocks.append(self._block(task, scheme, fixed, tuple(name for name in defined if name not in free)))
        controls = (block for block in self.crossed() if block.scheme not in self.schemes)
        return (*blocks, *(block for block in controls if (block.task, block.scheme, *block.distillers) not in out))

    def claims(self) -> int:
        """Kinds of knowledge, in each task, scheme and student."""
        kinds = {
            (block.task, block.scheme, width, find("distillers", name).knowledge)
            for block in self.blocks()
            if block.scheme in self.schemes
            for width, name in product(block.student_widths, block.distillers)
        }
        return sum(knowledge != "control" for *_, knowledge in kinds)

    def check_on(self, parts: Split) -> None:
        """Refuse nothing: what is undefined is left out, and the report says so."""

    @property
    def refused(self) -> tuple[Undefined, ...]:
        """Distillers that are undefined somewhere, with the reason; their cells are no part of the plan."""
        return self._refused

    @cached_property
    def _refused(self) -> tuple[Undefined, ...]:
        found: list[Undefined] = []
        for task in self.tasks:
            blocks = [block for block in self.crossed() if block.task == task]
            found += undefined(blocks, split(find("tasks", task), sizes=self.sizes(task)))
        return tuple(found)

    def _wanted(self, task: str) -> tuple[str, ...]:
        kind: TaskKind = find("tasks", task).kind
        return tuple(name for name in self.distillers or REPRESENTATIVES[kind] if kind in find("distillers", name).tasks)

    def _block(self, task: str, scheme: str, alpha: float, distillers: tuple[str, ...]) -> Block:
        found: Task = find("tasks", task)
        family = self.family or _family_of(found)
        teacher, students = one_teacher(family, WIDTHS, self.teacher_width, self.student_widths, self.teacher_family)
        axes = {name: AXES[name].normalised(getattr(self, name)) for name in VARIED} | {"alpha": alpha}
        rows = {"train": axes["train_rows"], "transfer": axes["transfer_rows"]}
        return Block(
            task=task, scheme=scheme, distillers=distillers, axes=axes, family=family, teacher_family=self.teacher_family,
            sizes=replace(found.split, **{name: count for name, count in rows.items() if count is not None}),
            teacher_widths=(teacher,), student_widths=students, seeds=self.seeds, batch_size=self.batch_size,
            weight_decay=self.weight_decay,
        )  # fmt: skip


VARIED = ("temperature", "steps", "learning_rate", "train_rows", "transfer_rows")
"""Axes that have one value here, which the plan may give."""


def _family_of(task: Task) -> str:
    """Cnn where a task has images (so that maps exist), else the task's first family."""
    return "cnn" if "cnn" in task.families else task.families[0]
