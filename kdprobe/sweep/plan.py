"""The plan of a sweep: from a configuration to cells and jobs, without touching data or disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter

from kdprobe.core.arguments import whole
from kdprobe.core.identity import content_id
from kdprobe.core.recipe import Distiller, Family, Option
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme, Size
from kdprobe.core.task import SplitSizes
from kdprobe.sweep.axes import RANGES, Counts, Numbers, Setting, Whole, axis, listed_values, normalised, settings, several
from kdprobe.sweep.checks import check, options_in_form
from kdprobe.sweep.stages import CellJobs
from kdprobe.training.job import TUNING_SEEDS, Job

MOST_SEEDS = 10_000_000


def listed(*names: str) -> Parameter:
    """How a field of several values is spelt on the command line: --task letters bikeshare."""
    return Parameter(
        name=[f"--{name}" for name in names],
        consume_multiple=True,
        negative=(),
        show_default=lambda values: " ".join(map(str, values)) or "by task",
    )


def names(name: str) -> Parameter:
    """How a field of names is spelt on the command line: --tune alpha,temperature or --tune alpha temperature."""

    def convert(_: Any, tokens: Sequence[Any]) -> tuple[str, ...]:
        return tuple(part.replace("-", "_") for token in tokens for part in token.value.split(",") if part)

    return Parameter(
        name=f"--{name}", converter=convert, consume_multiple=True, n_tokens=-1, negative=(), metavar="NAME...", show_default=False
    )


BY_NAME = Parameter(show_default=lambda values: " ".join(f"{name} {value}" for name, value in values.items()) or "the family's own")
"""How options of a family are spelt on the command line: --options.depth 2 --options.norm layer.

Their type has float first, because the first one that fits is taken, and 0.5 would be made the int 0; the family says which are whole.
"""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class GapPlan:
    """Which teacher size serves a student best: teacher widths × student widths × seeds, twins included.

    What is called an axis may be a list: every combination of values is a condition of its own, on the same seeds and rows, with a
    verdict of its own.

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
        Options of the family for all networks, such as depth; `kdprobe ls families` lists them. On the command line each is named after a
        dot: --options.depth 2 --options.norm layer.
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
    alpha
        Axis. Weight of the teacher's loss where there are labels. Of a loss on hidden layers also where there are none: a response loss
        then takes the place of the labels' loss, because nothing else trains the output layer.
    temperature
        Axis. Temperature of distillers that have one.
    steps
        Axis. Optimiser steps of every model, the same for students, twins and teachers; by default the task's own number. Families that
        are fitted in closed form take none, and the settings of the optimiser do not touch them.
    batch_size
        Rows a step.
    learning_rate
        Axis. Peak rate of AdamW; a cosine takes it to zero.
    weight_decay
        Decoupled weight decay.
    gradient_clip
        Largest norm of a model's gradient; 0 clips nothing.
    patience
        Checks of the validation loss, of 20 in all, without improvement after which a model stops training and keeps its best weights;
        0 trains all steps.
    train_rows
        Axis. Labelled rows, in place of the task's own number. Fewer rows are the first of the most that are asked for, and scaled as
        these are, so that losses keep their unit.
    transfer_rows
        Axis. Unlabelled rows, in place of the task's own number; fewer are the first of the most.
    label_noise
        Axis. Share of the labelled rows whose class is replaced by another one, or standard deviation of normal noise on regression
        targets, in theirs. Which rows is the same for all models of a draw, and those of less noise are among those of more. Rows to
        validate, to measure or to transfer on are never changed.
    teacher_weight_decay
        Axis. Decoupled weight decay of the teachers alone, in place of what all models have.
    teacher_patience
        Axis. Patience of the teachers alone, in place of what all models have: 0 trains all steps.
    teacher_steps
        Axis. Optimiser steps of the teachers alone, in place of what all models have: teachers that are trained longer, or less.
    tune
        Names of axes to choose for each teacher size, by the loss on validation rows of seeds that are in no result. The report gives
        verdicts for each setting and for the chosen ones.
    tune_seeds
        How many seeds to choose on.

    Examples
    --------
    >>> plan = GapPlan(tasks=("letters",), teacher_widths=(8, 32), student_widths=(8,), seeds=2)
    >>> len(plan.cells())  # 2 teachers × 1 student × 2 schemes × 2 seeds
    8
    """

    tasks: Annotated[tuple[str, ...], listed("task", "tasks")] = ("letters", "bikeshare")
    schemes: Annotated[tuple[str, ...], listed("scheme", "schemes")] = ("same_rows", "transfer_rows")
    family: str = "mlp"
    teacher_widths: Annotated[tuple[Whole, ...], listed("teacher-widths")] = (8, 16, 32, 64, 128, 256)
    student_widths: Annotated[tuple[Whole, ...], listed("student-widths")] = (8, 16, 32)
    options: Annotated[dict[str, float | int | str], BY_NAME] = field(default_factory=dict)
    teacher_options: Annotated[dict[str, float | int | str], BY_NAME] = field(default_factory=dict)
    seeds: Whole = 10
    first_seed: Whole = 0
    draws: Whole = 1
    distillers: Annotated[tuple[str, ...], listed("distiller", "distillers")] = ()
    alpha: Annotated[Numbers, axis("alpha")] = 0.7
    temperature: Annotated[Numbers, axis("temperature")] = 2.0
    steps: Annotated[Counts | None, axis("steps")] = None
    batch_size: Whole = 64
    learning_rate: Annotated[Numbers, axis("learning-rate")] = 0.01
    weight_decay: float = 1e-4
    gradient_clip: float = 0.0
    patience: Whole = 0
    train_rows: Annotated[Counts | None, axis("train-rows")] = None
    transfer_rows: Annotated[Counts | None, axis("transfer-rows")] = None
    label_noise: Annotated[Numbers, axis("label-noise")] = 0.0
    teacher_weight_decay: Annotated[Numbers | None, axis("teacher-weight-decay")] = None
    teacher_patience: Annotated[Counts | None, axis("teacher-patience")] = None
    teacher_steps: Annotated[Counts | None, axis("teacher-steps")] = None
    tune: Annotated[tuple[str, ...], names("tune")] = ()
    tune_seeds: Whole = 3

    asks: ClassVar[str] = "gap"

    def __post_init__(self) -> None:
        # lists come from TOML and from notebooks
        for name in ("tasks", "schemes", "teacher_widths", "student_widths", "distillers", "tune"):
            object.__setattr__(self, name, several(name, getattr(self, name)))
        for name in ("teacher_widths", "student_widths"):
            object.__setattr__(self, name, tuple(whole(name, width) for width in getattr(self, name)))
        for name in ("seeds", "first_seed", "draws", "batch_size", "patience", "tune_seeds"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        for name in ("options", "teacher_options"):
            object.__setattr__(self, name, options_in_form(name, self.family, getattr(self, name)))
        for name in RANGES:
            object.__setattr__(self, name, normalised(name, getattr(self, name)))
        check(self)

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
        """Rows in each part of a task's split: the most that any model of the plan learns from."""
        own: SplitSizes = find("tasks", task).split
        changed = {"train": self.train_rows, "transfer": self.transfer_rows}
        return replace(own, **{name: max(listed_values(rows)) for name, rows in changed.items() if rows is not None})

    def settings(self, task: str, scheme: str, distiller: str) -> tuple[Setting, ...]:
        """Every combination of the axes that makes a difference to a student; axes that make none have their first value."""
        found: Scheme = find("schemes", scheme)
        taught: Distiller = find("distillers", distiller)
        same: dict[str, Any] = {}
        if not found.taught:
            same |= {"alpha": listed_values(self.alpha)[0], "temperature": listed_values(self.temperature)[0]}
        elif found.student.alpha is not None and "response" not in taught.parameters:
            same["alpha"] = found.student.alpha
        if "temperature" not in taught.parameters:
            same["temperature"] = listed_values(self.temperature)[0]
        if not self._trained_by_steps:
            same["learning_rate"] = listed_values(self.learning_rate)[0]
        if all(stage.rows != "transfer" for stage in found.stages):
            same["transfer_rows"] = None
        return tuple(dict.fromkeys(replace(setting, **same) for setting in settings(self, sizes=self.sizes(task))))

    def options_of(self, size: Size) -> dict[str, Option]:
        """All options of the networks of teacher's or of student's size, defaults too; networks between the two have the student's."""
        family: Family = find("families", self.family)
        return {**family.options, **self.options, **(self.teacher_options if size == "teacher" else {})}

    def draws_of(self, task: str) -> tuple[int, ...]:
        """Draws of a task's rows that the plan needs. In a world with a law each seed has rows of its own."""
        return tuple(sorted({cell.draw for cell in self.cells() if cell.task == task}))

    def _draw(self, task: str, draw: int, seed: int) -> int:
        # far apart, so that more seeds change no draw that is there
        return draw if find("tasks", task).world is None else draw * MOST_SEEDS + seed

    def cells(self) -> "tuple[Cell, ...]":
        """Every student of the plan, in a fixed order; those to tune on have seeds of their own."""
        cells: list[Cell] = []
        for task, draw, scheme in product(self.tasks, range(self.draws), self.schemes):
            for distiller in self.distillers_for(task):
                own = self.settings(task, scheme, distiller)
                chosen = any(len({getattr(setting, name) for setting in own}) > 1 for name in self.tune)
                tuning = TUNING_SEEDS + self.first_seed
                seeds = [
                    *range(self.first_seed, self.first_seed + self.seeds),
                    *range(tuning, tuning + self.tune_seeds * chosen),
                ]
                cells += [
                    Cell(
                        task=task, draw=self._draw(task, draw, seed), scheme=scheme, distiller=distiller, setting=setting,
                        teacher_width=teacher, student_width=student, seed=seed,
                    )
                    for setting, student, teacher, seed in product(own, self.student_widths, self.teacher_widths, seeds)
                ]  # fmt: skip
        return tuple(cells)

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
        data = {(task, draw): task for plan in (self, other) for task in plan.tasks for draw in plan.draws_of(task)}
        same_rows = all(self.sizes(task) == other.sizes(task) for task in other.tasks if task in self.tasks)
        return same_rows and {job.id for job in other.jobs(data)} <= {job.id for job in self.jobs(data)}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One student of a sweep."""

    task: str
    draw: int
    scheme: str
    distiller: str
    setting: Setting
    teacher_width: int
    student_width: int
    seed: int

    @property
    def alpha(self) -> float:
        """Weight of the teacher's loss."""
        return self.setting.alpha

    @property
    def tunes(self) -> bool:
        """Whether it is there to choose settings by, and in no result."""
        return self.seed >= TUNING_SEEDS
