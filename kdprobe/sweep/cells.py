"""What a plan crosses with what, and the students that come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from kdprobe.core.axes import AXES, Setting, settings
from kdprobe.core.axis import OPTIMISER
from kdprobe.core.recipe import Distiller, Family, Option
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme, Size
from kdprobe.core.task import SplitSizes, Task
from kdprobe.training.job import TUNING_SEEDS

MOST_SEEDS = 10_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """What is fully crossed: distillers × settings × widths × seeds, on one draw of one task's rows under one scheme.

    Parameters
    ----------
    axes
        What the plan gives for each axis: a number, a tuple of several, or None.
    sizes
        Rows in each part of the split: the most that any model of the plan learns from.
    beside
        Values of axes that students are trained at too, one axis changed at a time.
    family, teacher_family
        Of the networks; the teacher's is "" where it is the same.
    options, teacher_options
        Options of all networks, and those in which networks of teacher's size differ; of teachers of another family, all of theirs.
    tune, tune_seeds
        Axes to choose on validation rows, and on how many seeds of their own.
    """

    task: str
    scheme: str
    distillers: tuple[str, ...]
    axes: Mapping[str, Any]
    sizes: SplitSizes
    family: str
    teacher_family: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    teacher_options: Mapping[str, Option] = field(default_factory=dict)
    teacher_widths: tuple[int, ...]
    student_widths: tuple[int, ...]
    seeds: int
    first_seed: int = 0
    draw: int = 0
    beside: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    tune: tuple[str, ...] = ()
    tune_seeds: int = 0
    batch_size: int = 64
    weight_decay: float = 1e-4
    gradient_clip: float = 0.0
    patience: int = 0

    def family_of(self, size: Size) -> Family:
        """Family of the networks of teacher's or of student's size; networks between the two have the student's."""
        return find("families", (self.teacher_family if size == "teacher" else "") or self.family)

    def by_steps(self, size: Size) -> bool:
        """Whether networks of a size are trained by an optimiser, and not fitted at once."""
        return self.family_of(size).fit == "steps"

    @property
    def two_families(self) -> bool:
        """Whether teachers are of another family than students."""
        return self.teacher_family not in ("", self.family)

    def options_of(self, size: Size) -> dict[str, Option]:
        """All options of the networks of teacher's or of student's size, defaults too; networks between the two have the student's."""
        shared = {} if size == "teacher" and self.two_families else self.options
        return {**self.family_of(size).options, **shared, **(self.teacher_options if size == "teacher" else {})}

    def unfit(self, scheme: Scheme) -> str:
        """Why a scheme cannot be run with these families, or nothing."""
        for stage in scheme.stages:
            family = self.family_of(stage.width)
            at_once = "is fitted in closed form and takes none" if family.fit == "ridge" else "are fitted at once and take none"
            if family.fit != "steps" and stage.counts_steps:
                return f"it counts steps, and {family.title} {at_once}"
            if family.fit == "predictor" and stage.taught_by:
                return f"its {stage.role} is taught, and {family.title} learn from labels alone"
            if self.two_families and stage.width == "between":
                return f"its {stage.role} is of a size between teacher and student, which are of two families"
        return ""

    def settings(self, distiller: str) -> tuple[Setting, ...]:
        """Settings that make a difference to a student: every combination of the axes, and then what stands beside these.

        Axes that make no difference have their first value.
        """
        found, given = [*self.own_settings(distiller)], self._given()
        same = self._same(distiller, given)
        for name, values in self.beside.items():
            # one axis changed at a time, around every setting of the plan's own: a star, not a product
            found += [setting.but(**same) for setting in settings({**given, name: values})]
        return tuple(dict.fromkeys(found))

    def own_settings(self, distiller: str) -> tuple[Setting, ...]:
        """Settings of the plan's own, without what stands beside them: each is a claim of the page for each student."""
        given = self._given()
        same = self._same(distiller, given)
        return tuple(dict.fromkeys(setting.but(**same) for setting in settings(given)))

    def curves(self, distiller: str) -> int:
        """How many curves over teacher sizes a report reads of each student: one a setting of the plan's own, and one a choice of those."""
        own = self.own_settings(distiller)
        if not self._tunes(distiller):
            return len(own)
        return len(own) + len({setting.but(**{name: own[0][name] for name in self.tune}) for setting in own})

    def _given(self) -> dict[str, tuple[Any, ...]]:
        """Values of each axis; fewer rows are a prefix of the split's, all of them are written None."""
        given = {name: axis.values(self.axes.get(name, axis.default)) for name, axis in AXES.items()}
        for name, whole in (("train_rows", self.sizes.train), ("transfer_rows", self.sizes.transfer)):
            given[name] = tuple(None if rows == whole else rows for rows in given[name])
        return given

    def _same(self, distiller: str, given: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """The one value of each axis that makes no difference to the students of a distiller."""
        scheme: Scheme = find("schemes", self.scheme)
        taught: Distiller = find("distillers", distiller)
        same: dict[str, Any] = {}
        for name, axis in AXES.items():
            idle = axis.of == "taught" and not scheme.taught
            idle |= bool(axis.parameter) and axis.parameter not in taught.parameters
            sizes: tuple[Size, ...] = ("teacher",) if axis.of == "teachers" else ("teacher", "student")
            idle |= axis.sets in OPTIMISER and not any(map(self.by_steps, sizes))
            if axis.of == "transfer rows" and not any(stage.sees("transfer") for stage in scheme.stages):
                same[name] = axis.default
            elif idle:
                same[name] = given[name][0]
        if scheme.taught and scheme.student.alpha is not None and "response" not in taught.parameters:
            same["alpha"] = scheme.student.alpha
        return same

    def draw_of(self, seed: int) -> int:
        """Draw of the rows of a seed: in a world with a law each seed has rows of its own."""
        task: Task = find("tasks", self.task)
        # far apart, so that more seeds change no draw that is there
        return self.draw if task.world is None else self.draw * MOST_SEEDS + seed

    def seeds_for(self, tuning: bool) -> list[int]:
        """Seeds of its results, and with `tuning` those to choose settings on, which are in no result."""
        first = TUNING_SEEDS + self.first_seed
        return [*range(self.first_seed, self.first_seed + self.seeds), *range(first, first + self.tune_seeds * tuning)]

    def draws(self) -> set[int]:
        """Draws of the rows that it needs."""
        return {self.draw_of(seed) for seed in self.seeds_for(any(map(self._tunes, self.distillers)))}

    def _tunes(self, distiller: str) -> bool:
        """Whether there is anything to choose for the students of a distiller."""
        return any(len({setting[name] for setting in self.settings(distiller)}) > 1 for name in self.tune)

    def cells(self) -> "list[Cell]":
        """Its students, in a fixed order."""
        found: list[Cell] = []
        for distiller in self.distillers:
            own, seeds = set(self.own_settings(distiller)), self.seeds_for(self._tunes(distiller))
            found += [
                Cell(
                    task=self.task, draw=self.draw_of(seed), scheme=self.scheme, distiller=distiller, setting=setting,
                    teacher_width=teacher, student_width=student, seed=seed, block=self, beside=setting not in own,
                )
                for setting, student, teacher, seed in product(self.settings(distiller), self.student_widths, self.teacher_widths, seeds)
            ]  # fmt: skip
        return found


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
    block: Block = field(compare=False, repr=False)
    beside: bool = field(default=False, compare=False)
    """Whether it stands beside the plan's own settings: its gain is shown there, and no likeness is measured of it."""

    @property
    def alpha(self) -> float:
        """Weight of the teacher's loss."""
        return self.setting["alpha"]

    @property
    def tunes(self) -> bool:
        """Whether it is there to choose settings by, and in no result."""
        return self.seed >= TUNING_SEEDS
