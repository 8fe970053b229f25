"""The axes of a sweep: what may be given as a list beside the widths. Each is one value, declared here and nowhere else.

A field of `Axes` with an `Axis` is all that a new one takes: it is then a field of `kdprobe.GapPlan` and of its files of settings, a flag
of the command line with its help, a column of `kdprobe.Zoo.gains`, a part of the names that reports give to students, and in the
provenance.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from itertools import product
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_type_hints

from kdprobe.core.errors import PlanError
from kdprobe.core.spelling import axis_values

Numbers = float | tuple[float, ...]
Counts = int | tuple[int, ...]
Models = Literal["all", "teachers", "taught", "labelled rows", "transfer rows"]
OPTIMISER = ("steps", "batch_size", "learning_rate", "weight_decay", "gradient_clip", "patience")
"""Fields of a job that say how the optimiser runs: a closed form takes none of them."""
PARAMETERS = "parameters."


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One thing that may vary within a sweep.

    Parameters
    ----------
    sets
        Field of `kdprobe.training.job.Job` that its values go into, or "parameters.NAME" for a parameter of the teacher's loss.
    of
        Models that it is set for: all; those of teacher's size; those that are taught; or those that learn from labelled rows or from
        transfer rows.
    low, high
        Smallest and largest value.
    whole
        Whether its values are whole numbers.
    tunable
        Whether it is a practitioner's free choice, which may be made on validation rows. Rows, noise and steps are what the choice is made
        under.
    label
        What a report calls a value, as in "α={:g}".
    column
        Column of `kdprobe.Zoo.gains`; by default the field's name.
    help
        What it is, for the command line and for readers.
    name, default
        Of the field that declares it.
    """

    sets: str
    of: Models = "all"
    low: float
    high: float
    whole: bool = False
    tunable: bool = False
    label: str
    column: str = ""
    help: str
    name: str = ""
    default: float | None = None

    @property
    def parameter(self) -> str:
        """Parameter of the teacher's loss that it sets; "" where it sets a field of the job."""
        return self.sets.removeprefix(PARAMETERS) if self.sets.startswith(PARAMETERS) else ""

    @property
    def of_student_alone(self) -> bool:
        """Whether teachers and twins are the same under all of its values."""
        return self.of in ("taught", "transfer rows")

    def values(self, given: Any) -> tuple[Any, ...]:
        """Values of a plan's field, one or many."""
        return cast("tuple[Any, ...]", given) if isinstance(given, tuple) else (given,)

    def normalised(self, given: Any) -> Any:
        """Return values in the one form that a plan keeps: a number, or a tuple of several; whole numbers as int.

        Raises
        ------
        PlanError
            If a list is empty or holds a value twice, or a value is no number of the axis's range.

        Examples
        --------
        >>> AXES["alpha"].normalised([1, 0.5]), AXES["steps"].normalised([300.0]), AXES["steps"].normalised(None)
        ((1.0, 0.5), 300, None)
        """
        if given is None and self.default is None:
            return None
        several = isinstance(given, Iterable) and not isinstance(given, str)
        listed: Iterable[Any] = cast("Iterable[Any]", given) if several else [given]
        values = tuple(self._checked(value) for value in listed)
        if not values:
            raise PlanError(f"{self.name} is empty: give at least one")
        for place, value in enumerate(values):
            if value in values[:place]:
                raise PlanError(f"{self.name} holds {value!r} twice: give each once")
        return values[0] if len(values) == 1 else values

    def _checked(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or (self.whole and value % 1 != 0 and abs(value) < float("inf")):
            raise PlanError(f"{self.name}={value!r}: give a {'whole ' if self.whole else ''}number")
        if not self.low <= value <= self.high:
            open_above = self.high >= 1e9 and value < self.low
            wanted = f"at least {self.low:g}" if open_above else f"a number from {self.low:g} to {self.high:g}"
            raise PlanError(f"{self.name}={value}: give {wanted}")
        return int(value) if self.whole else float(value)

    def differs(self, given: Any) -> bool:
        """Whether a plan's field asks something of it: several values, or one where by default there is none."""
        return isinstance(given, tuple) if self.default is not None else given is not None


Fields = TypeVar("Fields", bound=type)


def _spelt(cls: Fields) -> Fields:
    """Add to the type of each field how the command line spells it; its help is the axis's."""
    for name, hint in get_type_hints(cls, include_extras=True).items():
        found = axis_of(name, hint, getattr(cls, name, MISSING))
        spelling = axis_values(name.replace("_", "-"), found.normalised, found.help)
        cls.__annotations__[name] = Annotated[(get_args(hint)[0], found, spelling)]
    return cls


def axis_of(name: str, hint: Any, default: Any) -> Axis:
    """The axis that a field declares."""
    declared = next(part for part in get_args(hint)[1:] if isinstance(part, Axis))
    return replace(declared, name=name, column=declared.column or name, default=default)


@dataclass(frozen=True, kw_only=True)
@_spelt
class Axes:
    """What varies within a sweep: each field takes one value or several. Their order is that of the settings, the first slowest."""

    train_rows: Annotated[
        Counts | None,
        Axis(
            sets="row_limit", of="labelled rows", low=10, high=1e9, whole=True, label="n={:.0f}", column="labelled_rows",
            help="Labelled rows, in place of the task's own number. Fewer rows are the first of the most that are asked for, and scaled as "
            "these are, so that losses keep their unit.",
        ),
    ] = None  # fmt: skip
    transfer_rows: Annotated[
        Counts | None,
        Axis(
            sets="row_limit", of="transfer rows", low=10, high=1e9, whole=True, label="m={:.0f}", column="unlabelled_rows",
            help="Unlabelled rows, in place of the task's own number; fewer are the first of the most.",
        ),
    ] = None  # fmt: skip
    label_noise: Annotated[
        Numbers,
        Axis(
            sets="label_noise", of="labelled rows", low=0.0, high=1.0, label="label noise {:g}",
            help="Share of the labelled rows whose class is replaced by another one, or standard deviation of normal noise on regression "
            "targets, in theirs. Which rows is the same for all models of a draw, and those of less noise are among those of more. Rows to "
            "validate, to measure or to transfer on are never changed.",
        ),
    ] = 0.0  # fmt: skip
    steps: Annotated[
        Counts | None,
        Axis(
            sets="steps", low=1, high=1e9, whole=True, label="{:.0f} steps",
            help="Optimiser steps of every model, the same for students, twins and teachers; by default the task's own number. Families "
            "that are fitted in closed form take none, and the settings of the optimiser do not touch them.",
        ),
    ] = None  # fmt: skip
    alpha: Annotated[
        Numbers,
        Axis(
            sets="alpha", of="taught", low=0.0, high=1.0, tunable=True, label="α={:g}",
            help="Weight of the teacher's loss where there are labels. Of a loss on hidden layers also where there are none: a response "
            "loss then takes the place of the labels' loss, because nothing else trains the output layer.",
        ),
    ] = 0.7  # fmt: skip
    temperature: Annotated[
        Numbers,
        Axis(
            sets="parameters.temperature", of="taught", low=1e-3, high=1e6, tunable=True, label="T={:g}",
            help="Temperature of distillers that have one.",
        ),
    ] = 2.0  # fmt: skip
    learning_rate: Annotated[
        Numbers,
        Axis(
            sets="learning_rate", low=1e-12, high=10.0, tunable=True, label="learning rate {:g}",
            help="Peak rate of AdamW; a cosine takes it to zero.",
        ),
    ] = 0.01  # fmt: skip
    teacher_weight_decay: Annotated[
        Numbers | None,
        Axis(
            sets="weight_decay", of="teachers", low=0.0, high=1e3, tunable=True, label="teachers' weight decay {:g}",
            help="Decoupled weight decay of the teachers alone, in place of what all models have.",
        ),
    ] = None  # fmt: skip
    teacher_patience: Annotated[
        Counts | None,
        Axis(
            sets="patience", of="teachers", low=0, high=1e9, whole=True, tunable=True, label="teachers stopped after {:.0f} checks",
            help="Patience of the teachers alone, in place of what all models have: 0 trains all steps.",
        ),
    ] = None  # fmt: skip
    teacher_steps: Annotated[
        Counts | None,
        Axis(
            sets="steps", of="teachers", low=1, high=1e9, whole=True, tunable=True, label="teachers {:.0f} steps",
            help="Optimiser steps of the teachers alone, in place of what all models have: teachers that are trained longer, or less.",
        ),
    ] = None  # fmt: skip


AXES: Mapping[str, Axis] = {
    declared.name: axis_of(declared.name, get_type_hints(Axes, include_extras=True)[declared.name], declared.default)
    for declared in fields(Axes)
}
"""Every axis by name."""
TUNABLE = tuple(name for name, axis in AXES.items() if axis.tunable)
"""Names of the axes whose values may be chosen on validation rows."""


MOST_SETTINGS = 100_000
"""Combinations of axes that a plan may have: each is a student a seed, and a verdict of its own."""


@dataclass(frozen=True)
class Setting:
    """One value of each axis; None is what it is without the axis: all rows, the task's own steps, the same as for all models."""

    values: tuple[Any, ...] = field(default_factory=lambda: tuple(axis.default for axis in AXES.values()))
    """In the order of `AXES`."""

    def __getitem__(self, name: str) -> Any:
        return self.values[list(AXES).index(name)]

    def __iter__(self) -> Iterator[tuple[Axis, Any]]:
        return zip(AXES.values(), self.values, strict=True)

    def but(self, **changes: Any) -> "Setting":
        """The same with other values of some axes.

        Examples
        --------
        >>> Setting().but(alpha=0.3)["alpha"]
        0.3
        """
        return Setting(tuple(changes.get(name, value) for name, value in zip(AXES, self.values, strict=True)))

    @property
    def of_teacher_and_twin(self) -> "Setting":
        """The part of it that a student shares with its teacher and its twin, whatever the student itself learns from."""
        return self.but(**{axis.name: None for axis, _ in self if axis.of_student_alone})


def settings(axes: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Every combination of values of the axes, the first axis slowest.

    Parameters
    ----------
    axes
        A number, a tuple of several, or None, by name; an axis that is not there has its default.
    """
    values = [axis.values(axes.get(name, axis.default)) for name, axis in AXES.items()]
    count = math.prod(map(len, values))
    if count > MOST_SETTINGS:
        raise PlanError(f"the axes have {count:,} combinations: give fewer values, so that there are at most {MOST_SETTINGS:,}")
    return tuple(Setting(found) for found in product(*values))
