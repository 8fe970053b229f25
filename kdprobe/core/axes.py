"""The axes of a sweep: what may be given as a list beside the widths. Each is one value, declared here and nowhere else.

A field of `Axes` with an `Axis` is all that a new one takes: it is then a field of `kdprobe.GapPlan` and of its files of settings, a flag
of the command line with its help, a column of `kdprobe.Zoo.gains`, a part of the names that reports give to students, and in the
provenance.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import product
from typing import Annotated, Any, get_type_hints

from kdprobe.core.axis import Axis, Counts, Numbers, axis_of, spelt
from kdprobe.core.errors import PlanError


@dataclass(frozen=True, kw_only=True)
@spelt
class Axes:
    """What varies within a sweep: each field takes one value or several. Their order is that of the settings, the first slowest."""

    train_rows: Annotated[
        Counts | None,
        Axis(
            sets="row_limit", of="labelled rows", low=10, high=1e9, whole=True, label="n={:.0f}", column="labelled_rows",
            said="with {:,.0f} labelled rows",
            help="Labelled rows, in place of the task's own number. Fewer rows are the first of the most that are asked for, and scaled as "
            "these are, so that losses keep their unit.",
        ),
    ] = None  # fmt: skip
    transfer_rows: Annotated[
        Counts | None,
        Axis(
            sets="row_limit", of="transfer rows", low=10, high=1e9, whole=True, label="m={:.0f}", column="unlabelled_rows",
            said="with {:,.0f} unlabelled rows",
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
            sets="steps", low=1, high=1e9, whole=True, tunable=True, label="{:.0f} steps",
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
    ] = 0.5  # fmt: skip
    temperature: Annotated[
        Numbers,
        Axis(
            sets="parameters.temperature", of="taught", low=1e-3, high=1e6, tunable=True, label="T={:g}",
            help="Temperature of distillers that have one.",
        ),
    ] = 1.0  # fmt: skip
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
