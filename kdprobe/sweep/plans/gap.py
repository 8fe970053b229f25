"""Which teacher size serves a student best? Teacher widths × student widths × seeds, under every setting that is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter

from kdprobe.core.arguments import switch, whole
from kdprobe.core.axes import AXES, TUNABLE, Axes
from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.core.spelling import BESIDE, BY_NAME, Whole, axis_names, counts, words
from kdprobe.core.task import SplitSizes
from kdprobe.sweep.cells import Block
from kdprobe.sweep.checks import beside_in_form, check_block, check_choices, options_in_form
from kdprobe.sweep.controls import controls_beside, widths_of
from kdprobe.sweep.plan import Plan

MOST_DRAWS = 1_000
STAR: Mapping[str, tuple[float, ...]] = {"train_rows": (300,), "temperature": (1.0, 2.0, 4.0)}
"""What stands beside a plan's own setting by default: a gap at one T is not believed, and few labels are where teachers may help."""
ROWS = {"train_rows": "train", "transfer_rows": "transfer"}
"""Axis of rows -> the part of a task's split that it takes the first of."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class GapPlan(Axes, Plan):
    """Which teacher size serves a student best: teacher widths × student widths × seeds, twins included.

    What is called an axis may be a list: every combination of values is a setting of its own, on the same seeds and rows, with a
    verdict of its own.

    Parameters
    ----------
    tasks
        Names of tasks; `kdprobe ls tasks` lists them.
    schemes
        Regimes of distillation; `kdprobe ls schemes` lists them.
    family
        Family of both networks, or of the students where teachers have one of their own.
    teacher_family
        Family of the teachers, where it is another: boosted_trees and lightgbm_trees teach networks what trees have learned.
    teacher_widths
        Hidden units of the teachers, or what their family has in place of them: the number of trees. Sizes are reported as parameter
        counts.
    student_widths
        Hidden units of the students and their twins. Of schemes whose students are as large as their teachers, each has a teacher of its
        own width; of those whose students are larger, the widest of all networks here is the student, of teachers up to its width.
    options
        Options of the family for all its networks, such as depth; `kdprobe ls families` lists them. On the command line each is named
        after a dot: --options.depth 2 --options.norm layer.
    teacher_options
        Options in which teachers differ, as in --teacher-options.dropout 0.1.
    seeds
        Paired seeds, in each draw: one teacher per size, one twin and one student per cell and seed.
    first_seed
        Number of the first seed. Sweeps whose seeds do not overlap share no model.
    draws
        Draws of labelled rows.
    distillers
        Names of distillers; by default L2 imitation for regression, and for classification soft targets, or logit matching where the
        family is fitted in closed form.
    batch_size
        Rows a step.
    weight_decay
        Decoupled weight decay.
    gradient_clip
        Largest norm of a model's gradient; 0 clips nothing.
    patience
        Checks of the validation loss, of 20 in all, without improvement after which a model stops training and keeps its best weights;
        0 trains all steps.
    tune
        Names of axes to choose for each teacher size, by the loss on validation rows of seeds that are in no result. The report gives
        verdicts for each setting and for the chosen ones.
    tune_seeds
        How many seeds to choose on.
    beside
        Values of axes at which each student is trained too, one axis changed at a time: the report shows them beside its verdicts, which
        are of the plan's own setting. In place of the default as a whole, as in --beside.temperature 1,2,4 --beside.train-rows 300; none
        (in Python {}) leaves them out. Axes that have several values or are tuned have nothing beside: they are crossed already. Nor have
        rows that are not fewer than the plan's own.
    controls
        Whether the controls that the regimes name are trained too, read against the first teacher: students with the same rows and steps
        that learn from their own twin, or from labels for as long, in place of the teacher. By default where anything stands beside.
    own_data
        Content hashes of tasks that were made of somebody's own rows; filled in by itself.
    train_rows, transfer_rows, label_noise, steps, alpha, temperature, learning_rate
        Axes; see `kdprobe.core.axes.Axes`.
    teacher_weight_decay, teacher_patience, teacher_steps
        Axes of the teachers alone.

    Examples
    --------
    >>> plan = GapPlan(tasks=("letters",), teacher_widths=(8, 32), student_widths=(8,), seeds=2, beside={})
    >>> len(plan.cells())  # 2 teachers × 1 student × 3 schemes × 2 seeds
    12
    >>> len(replace(plan, controls=True).cells())  # 4 controls × 2 seeds more
    20
    >>> beside = {"temperature": (1, 2, 4), "train_rows": 300}  # at T=2, at T=4, and on 300 labelled rows too
    >>> len(replace(plan, beside=beside, controls=False).cells())
    48
    """

    tasks: Annotated[tuple[str, ...], words("task", "tasks")] = ("letters", "bikeshare")
    schemes: Annotated[tuple[str, ...], words("scheme", "schemes")] = ("same_rows", "transfer_rows", "labelled_and_transfer_rows")
    family: str = "mlp"
    teacher_family: str = ""
    teacher_widths: Annotated[tuple[int, ...], counts("teacher-widths")] = (8, 16, 32, 64, 128, 256)
    student_widths: Annotated[tuple[int, ...], counts("student-widths")] = (8,)
    options: Annotated[dict[str, float | int | str], BY_NAME] = field(default_factory=dict)
    teacher_options: Annotated[dict[str, float | int | str], BY_NAME] = field(default_factory=dict)
    seeds: Whole = 10
    first_seed: Whole = 0
    draws: Whole = 1
    distillers: Annotated[tuple[str, ...], words("distiller", "distillers")] = ()
    batch_size: Whole = 64
    weight_decay: float = 1e-4
    gradient_clip: float = 0.0
    patience: Whole = 0
    tune: Annotated[tuple[str, ...], axis_names("tune")] = ()
    tune_seeds: Whole = 3
    beside: Annotated[dict[str, tuple[float | int, ...]], BESIDE] = field(default_factory=lambda: dict(STAR))
    controls: bool | None = None
    own_data: Annotated[dict[str, str], Parameter(parse=False)] = field(default_factory=dict)

    asks: ClassVar[str] = "gap"
    question: ClassVar[str] = "which teacher size serves a student best?"
    heading: ClassVar[str] = "Which teacher size serves this student best, and how much of the teacher arrives?"
    heading_of_gains: ClassVar[str] = "Which teacher size serves this student best?"
    small: ClassVar[Mapping[str, Any]] = {"teacher_widths": (8, 32, 128), "student_widths": (8,), "seeds": 4, "beside": {}}
    piloted: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.in_form()
        for name in ("teacher_widths", "student_widths"):
            object.__setattr__(self, name, tuple(whole(name, width) for width in getattr(self, name)))
        for name, family in (("options", self.family), ("teacher_options", self.teacher_family or self.family)):
            object.__setattr__(self, name, options_in_form(name, family, getattr(self, name)))
        object.__setattr__(self, "beside", beside_in_form(self.beside))
        if self.controls is not None:
            object.__setattr__(self, "controls", switch("controls", self.controls))
        for name in self.beside:
            if getattr(self, name) is None and name not in ROWS:
                raise PlanError(f"beside holds {name!r}, of which the plan has no value of its own: give one, as in --{_flag(name)} 100")
        check_choices(self, ("tasks", "schemes", "teacher_widths", "student_widths"))
        self._check_distillers()
        if not 1 <= self.draws <= MOST_DRAWS:
            raise PlanError(f"draws={self.draws}: give 1 to {MOST_DRAWS:,}")
        if self.tune_seeds < 1:
            raise PlanError(f"tune_seeds={self.tune_seeds}: give at least 1")
        for block in self.crossed():
            check_block(block)
        self._check_tuned()

    def _check_distillers(self) -> None:
        tasks = [find("tasks", name) for name in self.tasks]
        for name in self.distillers:
            distiller: Distiller = find("distillers", name)
            if distiller.loss is None:
                raise PlanError(f"distiller {name!r} has no teacher: every cell has its twin already, leave it out")
            if not any(task.kind in distiller.tasks for task in tasks):
                raise PlanError(f"distiller {name!r} is for {' and '.join(distiller.tasks)}, none of the tasks {', '.join(self.tasks)} is")
        for task in tasks:
            if not self.distillers_for(task.name):
                raise PlanError(f"no distiller of {', '.join(self.distillers)} is for task {task.name!r} ({task.kind}): add one that is")

    def _check_tuned(self) -> None:
        """Refuse to tune what is no choice, or has one value only."""
        for name in self.tune:
            if name not in TUNABLE:
                raise PlanError(f"tune holds {name!r}: what can be chosen on validation rows is {', '.join(TUNABLE)}")
            if not isinstance(getattr(self, name), tuple):
                raise PlanError(f"tune holds {name!r}, which has one value, {getattr(self, name)}: give several, as in --{name} 1,2")

    def crossed(self) -> tuple[Block, ...]:
        """One block for each task, draw and scheme, and for each control of these."""
        same = {
            name: getattr(self, name)
            for name in (
                *("family", "teacher_family", "options", "teacher_options", "seeds", "first_seed"),
                *("batch_size", "weight_decay", "gradient_clip", "patience", "tune", "tune_seeds"),
            )
        }
        axes = {name: getattr(self, name) for name in AXES}
        own = tuple(
            Block(
                task=task, draw=draw, scheme=scheme, distillers=self.distillers_for(task), axes=axes, teacher_widths=teachers,
                student_widths=students, **self._on(task), **same,
            )
            for task, draw, scheme in product(self.tasks, range(self.draws), self.schemes)
            for teachers, students in widths_of(find("schemes", scheme), self.teacher_widths, self.student_widths)
        )  # fmt: skip
        controls = bool(self.beside) if self.controls is None else self.controls
        return (*own, *(controls_beside(own, self.schemes) if controls else ()))

    def claims(self) -> int:
        """Capacity gaps that a page reads together: tasks, schemes but controls, distillers, settings and students."""
        own = [block for block in self.crossed() if block.draw == 0 and block.scheme in self.schemes]
        attached = {name for block in own for name in find("schemes", block.scheme).controls}
        judged = [block for block in own if find("schemes", block.scheme).judged and block.scheme not in attached]
        return sum(block.curves(name) * len(block.student_widths) for block in judged for name in block.distillers)

    @property
    def units(self) -> tuple[int, str]:
        """Draws where there are several, unless each seed has rows of its own."""
        worlds = [find("tasks", task).world is not None for task in self.tasks]
        return (self.seeds, "seed") if self.draws == 1 or all(worlds) else (self.draws, "draw")

    def _on(self, task: str) -> dict[str, Any]:
        return {"sizes": self._sizes(task), "beside": self.beside_on(task)}

    def beside_on(self, task: str) -> dict[str, tuple[float, ...]]:
        """What of `beside` differs from the plan's own setting on a task."""
        sizes, found = self._sizes(task), dict[str, tuple[float, ...]]()
        for name, values in self.beside.items():
            own = getattr(self, name)
            if isinstance(own, tuple) or name in self.tune:
                continue
            if name in ROWS:
                # fewer rows are the first of the plan's own; more would be other rows
                values = tuple(rows for rows in values if rows < getattr(sizes, ROWS[name]))
            found[name] = tuple(value for value in values if value != own)
        return {name: values for name, values in found.items() if values}

    def _sizes(self, task: str) -> SplitSizes:
        own: SplitSizes = find("tasks", task).split
        changed = {"train": self.train_rows, "transfer": self.transfer_rows}
        most = {name: max(rows) if isinstance(rows, tuple) else rows for name, rows in changed.items() if rows is not None}
        return replace(own, **most)

    def distillers_for(self, task: str) -> tuple[str, ...]:
        """Distillers that run on a task."""
        kind = find("tasks", task).kind
        if not self.distillers:
            by_steps = find("families", self.family).fit == "steps"
            return ("l2_imitation",) if kind == "regression" else ("kd",) if by_steps else ("logit_mse",)
        return tuple(name for name in self.distillers if kind in find("distillers", name).tasks)


def _flag(name: str) -> str:
    return name.replace("_", "-")
