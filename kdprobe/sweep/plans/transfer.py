"""How much was transferred, and how good was it? Doses of teaching, and a ladder of controls that were taught nothing of this teacher."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter

from kdprobe.core.arguments import whole
from kdprobe.core.axes import AXES
from kdprobe.core.errors import PlanError
from kdprobe.core.registry import find
from kdprobe.core.spelling import Whole, counts, numbers, words
from kdprobe.core.task import SplitSizes, Task
from kdprobe.core.trace import TaskKind
from kdprobe.sweep.cells import Block
from kdprobe.sweep.checks import check_block, check_choices, one_teacher
from kdprobe.sweep.plan import Plan

TAUGHT: dict[TaskKind, str] = {"classification": "kd", "regression": "l2_imitation"}
"""The distiller whose doses are given."""
EMPTIED: dict[TaskKind, tuple[str, ...]] = {
    "classification": ("shuffled", "class_means", "permuted_others"),
    "regression": ("shuffled_imitation", "mean_imitation"),
}
"""Targets of the own teacher of which what it says of single rows was taken away."""
LADDER = ("random_teacher", "other_task_teacher", "weak_teacher", "sibling_teacher", "untaught_same_loss", "true_labels")
"""Schemes of students that were taught by another teacher, or by none."""
WIDTHS: dict[str, tuple[int, tuple[int, ...]]] = {"mlp": (128, (32,)), "cnn": (16, (4,)), "gru": (64, (16,)), "transformer": (32, (8,))}
"""Width of teachers and of students by family: wide enough to take over what is this teacher's own."""
SHARES = (16, 4, 1)
"""The task's own unlabelled rows are given by a sixteenth, a quarter, and whole."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TransferPlan(Plan):
    """How much of a teacher arrives and how good it is: doses × seeds under one teacher size, beside a ladder of controls.

    Parameters
    ----------
    tasks
        Names of tasks; `kdprobe ls tasks` lists them.
    alphas
        Doses on labelled rows: weights of the teacher's loss. Weight 0 is the untaught twin, which is there anyway.
    doses
        Doses on unlabelled rows: how many, the first of the most. By default a sixteenth, a quarter and all of the task's own.
    family
        Family of both networks; by default the task's first.
    teacher_family
        Family of the teachers, where it is another than the students', such as boosted_trees.
    teacher_width
        Width of the teachers; by default the family's.
    student_widths
        Widths of the students and their twins; by default the family's.
    seeds
        Paired seeds: one teacher, one twin and one student per cell and seed.
    temperature
        Temperature of distillers that have one.
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
    controls
        Whether the ladder is trained: students of an untrained, a weak, a sibling and another task's teacher, of emptied targets, and
        untaught ones on true labels, one of them stopped where it is as good as the taught student.
    own_data
        Content hashes of tasks that were made of somebody's own rows; filled in by itself.

    Examples
    --------
    >>> plan = TransferPlan(tasks=("letters",), alphas=(0.5, 1.0), seeds=2)
    >>> len(plan.cells())  # (2 weights, 3 numbers of rows, 3 emptied targets and 6 other teachers) × 2 seeds
    28
    """

    tasks: Annotated[tuple[str, ...], words("task", "tasks")] = ("letters", "bikeshare")
    alphas: Annotated[tuple[float, ...], numbers("alpha", "alphas")] = (0.25, 0.5, 0.75, 1.0)
    doses: Annotated[tuple[int, ...], counts("doses")] = ()
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
    controls: bool = True
    own_data: Annotated[dict[str, str], Parameter(parse=False)] = field(default_factory=dict)

    asks: ClassVar[str] = "transfer"
    question: ClassVar[str] = "how much was transferred, and how good is it?"
    heading: ClassVar[str] = "How much of the teacher was transferred, and is what was transferred any good?"
    small: ClassVar[Mapping[str, Any]] = {"alphas": (0.5, 1.0), "seeds": 8, "steps": 300}

    def __post_init__(self) -> None:
        self.in_form()
        if not self.alphas or len(set(self.alphas)) < len(self.alphas) or not all(0 < alpha <= 1 for alpha in self.alphas):
            raise PlanError(f"alphas={self.alphas}: give weights of the teacher's loss above 0 and up to 1, each once")
        for name in ("student_widths", "doses"):
            object.__setattr__(self, name, tuple(whole(name, count) for count in getattr(self, name)))
        check_choices(self, ("tasks",))
        if len(set(self.doses)) < len(self.doses):
            raise PlanError(f"doses={self.doses}: give each number of unlabelled rows once")
        for block in self.crossed():
            check_block(block)

    def crossed(self) -> tuple[Block, ...]:
        """Blocks of the doses of each task, and of its controls."""
        return tuple(block for task in self.tasks for block in (*self._doses(task), *(self._ladder(task) if self.controls else ())))

    def claims(self) -> int:
        """Students of each task: the amount at the fullest dose, which is settled before any result."""
        return sum(len(next(self._doses(task)).student_widths) for task in self.tasks)

    def _doses(self, task: str) -> Iterator[Block]:
        taught = TAUGHT[find("tasks", task).kind]
        for alpha in self.alphas:
            yield self._block(task, "same_rows", taught, alpha=alpha)
        for rows in self.rows_of(task):
            yield self._block(task, "transfer_rows", taught, transfer_rows=rows)

    def _ladder(self, task: str) -> Iterator[Block]:
        kind = find("tasks", task).kind
        for name in EMPTIED[kind]:
            yield self._block(task, "same_rows", name, alpha=max(self.alphas))
        for scheme in LADDER:
            block = self._block(task, scheme, TAUGHT[kind], alpha=max(self.alphas))
            # teachers that are no networks have no untrained or half-trained state to be read beside them
            unfit = block.family_of("teacher").fit == "predictor" and block.unfit(find("schemes", scheme))
            if not unfit and (scheme != "untaught_same_loss" or block.by_steps("student")):
                yield block

    def rows_of(self, task: str) -> tuple[int, ...]:
        """Doses of unlabelled rows, ascending; the last is all there are."""
        if self.doses:
            return tuple(sorted(self.doses))
        own = find("tasks", task).split.transfer
        return tuple(dict.fromkeys(max(own // share, 10) for share in SHARES))

    def _family(self, task: str) -> str:
        return self.family or find("tasks", task).families[0]

    def _block(self, task: str, scheme: str, distiller: str, *, alpha: float | None = None, transfer_rows: int | None = None) -> Block:
        found: Task = find("tasks", task)
        family, rows = self._family(task), self.rows_of(task)
        teacher, students = one_teacher(family, WIDTHS, self.teacher_width, self.student_widths, self.teacher_family)
        axes = {name: AXES[name].normalised(getattr(self, name)) for name in ("temperature", "steps", "learning_rate", "train_rows")}
        sizes: SplitSizes = replace(found.split, transfer=rows[-1])
        return Block(
            task=task, scheme=scheme, distillers=(distiller,), family=family, teacher_family=self.teacher_family,
            axes=axes | {"alpha": self.alphas[0] if alpha is None else alpha, "transfer_rows": transfer_rows},
            sizes=sizes if self.train_rows is None else replace(sizes, train=self.train_rows),
            teacher_widths=(teacher,), student_widths=students, seeds=self.seeds, batch_size=self.batch_size,
            weight_decay=self.weight_decay,
        )  # fmt: skip
