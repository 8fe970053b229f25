"""Which objective and which scheme helps? Every scheme of the survey, with its ladder of controls, on the same rows and seeds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter

from kdprobe.core.arguments import whole
from kdprobe.core.axes import AXES
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import available, find
from kdprobe.core.scheme import Scheme
from kdprobe.core.spelling import Whole, counts, words
from kdprobe.core.task import SplitSizes, Task
from kdprobe.core.trace import TaskKind
from kdprobe.sweep.cells import Block
from kdprobe.sweep.checks import check_block, check_choices, one_teacher
from kdprobe.sweep.controls import widths_of
from kdprobe.sweep.grid import Data
from kdprobe.sweep.plan import Plan
from kdprobe.sweep.refusals import Undefined
from kdprobe.tasks.splits import Split, split

TAUGHT: dict[TaskKind, str] = {"classification": "kd", "regression": "l2_imitation"}
"""The distiller of every scheme: what is compared here are schemes."""
CLOSED = "logit_mse"
"""That of classifiers which are fitted in closed form."""
WIDTHS: dict[str, tuple[int, tuple[int, ...]]] = {
    **{"mlp": (128, (16,)), "cnn": (16, (4,)), "gru": (64, (16,)), "transformer": (32, (8,)), "random_features": (256, (30,))},
}
"""Width of teachers and of students by family, where the student is the smaller one."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ObjectivesPlan(Plan):
    """Which objective and which scheme helps: every scheme × seeds under one teacher size, with the rungs of its ladder.

    Parameters
    ----------
    tasks
        Names of tasks; `kdprobe ls tasks` lists them. Where the data of one are not here its rows of the table say how to get them, and
        the others are made all the same.
    schemes
        Names of schemes; by default all that are no controls. `kdprobe ls schemes` lists them.
    family
        Family of all networks; by default the task's first.
    teacher_width
        Width of the teachers; by default the family's. Where a scheme's student is the larger network this is the student's.
    student_widths
        Widths of the students and their twins; by default the family's.
    seeds
        Paired seeds: one teacher, one twin and one student per scheme and seed.
    alpha
        Weight of the teacher's loss where there are labels beside it.
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
    train_rows, transfer_rows
        Labelled and unlabelled rows, in place of the task's own numbers.
    label_noise
        Share of wrong labels, or standard deviation of the noise on a regression target.
    own_data
        Content hashes of tasks that were made of somebody's own rows; filled in by itself.

    Examples
    --------
    >>> plan = ObjectivesPlan(tasks=("letters",), schemes=("adaptation",), seeds=2)
    >>> [(block.scheme, len(block.cells())) for block in plan.blocks()]
    [('adaptation', 2), ('few_labels_own_answers', 2), ('all_target_labels', 2)]
    """

    tasks: Annotated[tuple[str, ...], words("task", "tasks")] = ("letters", "bikeshare")
    schemes: Annotated[tuple[str, ...], words("scheme", "schemes")] = ()
    family: str = ""
    teacher_width: Whole | None = None
    student_widths: Annotated[tuple[int, ...], counts("student-widths")] = ()
    seeds: Whole = 10
    alpha: float = 0.5
    temperature: float = 1.0
    steps: Whole | None = None
    batch_size: Whole = 64
    learning_rate: float = 0.01
    weight_decay: float = 1e-4
    train_rows: Whole | None = None
    transfer_rows: Whole | None = None
    label_noise: float = 0.0
    own_data: Annotated[dict[str, str], Parameter(parse=False)] = field(default_factory=dict)

    asks: ClassVar[str] = "objectives"
    question: ClassVar[str] = "which objective and which scheme helps?"
    heading: ClassVar[str] = "Which objective and which scheme of teaching helps, and is it what the literature says?"
    small: ClassVar[Mapping[str, Any]] = {"seeds": 8, "steps": 300}
    gains_alone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.in_form()
        object.__setattr__(self, "student_widths", tuple(whole("student_widths", width) for width in self.student_widths))
        check_choices(self, ("tasks",))
        if len(set(self.schemes)) < len(self.schemes):
            raise PlanError(f"schemes={self.schemes}: give each once")
        for name in self.schemes:
            scheme: Scheme = find("schemes", name)
            if scheme.objective == "control":
                own = [other.name for other in _claiming() if name in (*other.controls, *other.beats, *other.below)]
                raise PlanError(f"scheme {name!r} is a control and claims nothing: give what it belongs to{_such(own)}")
        for block in self.crossed():
            check_block(block)

    def crossed(self) -> tuple[Block, ...]:
        """One block for each task and scheme, and for each rung of its ladder that is not there."""
        found = dict.fromkeys(key for task, scheme in self._asked if not self._unfit(task, scheme) for key in self._rungs(task, scheme))
        return tuple(self._block(*key) for key in found)

    def blocks(self) -> tuple[Block, ...]:
        """What of `crossed` has its data here."""
        return tuple(block for block in self.crossed() if block.task not in self._missing)

    def claims(self) -> int:
        """Schemes that can be run, in each task and for each student."""
        return sum(block.scheme in self._claimed and len(block.student_widths) for block in self.blocks())

    def data(self) -> Data:
        """Content hash of every split whose data are here.

        Raises
        ------
        DataError
            If the data of no task are here.
        """
        there = tuple(task for task in self.tasks if task not in self._missing)
        # where nothing is left the first error is the answer
        return super().data() if not there or there == self.tasks else replace(self, tasks=there).data()

    def check_on(self, parts: Split) -> None:
        """Refuse nothing: every scheme is taught by outputs alone, which are defined on all rows."""

    @property
    def refused(self) -> tuple[Undefined, ...]:
        """Schemes that cannot be run on a task, with the reason and what to do."""
        return tuple(
            Undefined(task, scheme, self._distiller(task), self._family(task), reason)
            for task, scheme in self._asked
            if (reason := self._missing.get(task) or self._unfit(task, scheme))
        )

    @cached_property
    def _missing(self) -> dict[str, str]:
        """Tasks whose data are not here -> the ways to get them."""
        found: dict[str, str] = {}
        for task in self.tasks:
            try:
                split(find("tasks", task), sizes=self._sizes(task))
            except DataError as error:
                found[task] = str(error)
        return found

    @property
    def _claimed(self) -> tuple[str, ...]:
        return self.schemes or tuple(scheme.name for scheme in _claiming())

    @property
    def _asked(self) -> Iterator[tuple[str, str]]:
        return product(self.tasks, self._claimed)

    def _unfit(self, task: str, name: str) -> str:
        scheme: Scheme = find("schemes", name)
        if scheme.takes_steps and find("families", self._family(task)).fit != "steps":
            return "it counts steps, and these networks are fitted in closed form and take none: give another family"
        return ""

    def _rungs(self, task: str, name: str) -> Iterator[tuple[str, str, tuple[int, ...], tuple[int, ...]]]:
        """A scheme, and those that it is to gain more or less than, at its own widths: a rung of a large student is large too."""
        scheme: Scheme = find("schemes", name)
        teacher, students = one_teacher(self._family(task), WIDTHS, self.teacher_width, self.student_widths)
        wide = ((width,) for width in students) if scheme.student_size == "larger" else ((teacher,),)
        for teachers in wide:
            for sizes in widths_of(scheme, teachers, students if scheme.student_size != "larger" else (teacher,)):
                for rung in (name, *scheme.controls, *scheme.beats, *scheme.below):
                    if not self._unfit(task, rung):
                        yield (task, rung, *sizes)

    def _family(self, task: str) -> str:
        return self.family or find("tasks", task).families[0]

    def _distiller(self, task: str) -> str:
        kind = find("tasks", task).kind
        closed = kind == "classification" and find("families", self._family(task)).fit != "steps"
        return CLOSED if closed else TAUGHT[kind]

    def _sizes(self, task: str) -> SplitSizes:
        rows = {"train": self.train_rows, "transfer": self.transfer_rows}
        own: Task = find("tasks", task)
        return replace(own.split, **{name: count for name, count in rows.items() if count is not None})

    def _block(self, task: str, scheme: str, teachers: tuple[int, ...], students: tuple[int, ...]) -> Block:
        axes = {name: AXES[name].normalised(getattr(self, name)) for name in VARIED}
        return Block(
            task=task, scheme=scheme, distillers=(self._distiller(task),), axes=axes, family=self._family(task), sizes=self._sizes(task),
            teacher_widths=teachers, student_widths=students, seeds=self.seeds, batch_size=self.batch_size, weight_decay=self.weight_decay,
        )  # fmt: skip


VARIED = ("alpha", "temperature", "steps", "learning_rate", "train_rows", "transfer_rows", "label_noise")
"""Axes that have one value here, which the plan may give."""


def _claiming() -> list[Scheme]:
    """Schemes that are no controls, by objective."""
    order = ("compression", "expansion", "adaptation", "enhancement")
    found: list[Scheme] = [scheme for scheme in available("schemes").values() if scheme.objective != "control"]
    return sorted(found, key=lambda scheme: order.index(scheme.objective))


def _such(names: list[str]) -> str:
    return f", such as {names[0]}" if names else ""
