"""What of a gap sweep may be given as a list, beside the widths: each combination of values is a condition of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated, Any

from cyclopts import Parameter

from kdprobe.core.errors import PlanError

Numbers = float | tuple[float, ...]
Counts = int | tuple[int, ...]


def _convert_whole(_: Any, tokens: Sequence[Any]) -> int:
    found = tokens[0]
    try:
        # no way round by float: it would cut digits, and cyclopts' own way rounds 4.5 to 4
        return int(found.value.removesuffix(".0"))
    except ValueError:
        # of a file of settings the keyword is [seeds]
        spelt = f"{found.keyword[1:-1]}=" if found.keyword.startswith("[") else f"{found.keyword} "
        raise PlanError(f"{spelt}{found.value}: give a whole number") from None


Whole = Annotated[int, Parameter(converter=_convert_whole)]
"""A whole number, read from the command line without rounding."""

RANGES: dict[str, tuple[float, float]] = {
    "train_rows": (10, 1e9), "transfer_rows": (10, 1e9), "label_noise": (0.0, 1.0), "steps": (1, 1e9), "alpha": (0.0, 1.0),
    "temperature": (1e-3, 1e6), "learning_rate": (1e-12, 10.0), "teacher_weight_decay": (0.0, 1e3), "teacher_patience": (0, 1e9),
    "teacher_steps": (1, 1e9),
}  # fmt: skip
"""Every axis with the values it may take."""
WHOLE = ("train_rows", "transfer_rows", "steps", "teacher_patience", "teacher_steps")
"""Axes of whole numbers."""
TUNABLE = ("alpha", "temperature", "learning_rate", "teacher_weight_decay", "teacher_patience", "teacher_steps")
"""What a practitioner is free to choose. Rows, noise and steps are what the choice is made under."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One value of each axis; None is what it is without the axis: all rows, the task's own steps, the same as for all models."""

    train_rows: int | None
    transfer_rows: int | None
    label_noise: float
    steps: int | None
    alpha: float
    temperature: float
    learning_rate: float
    teacher_weight_decay: float | None
    teacher_patience: int | None
    teacher_steps: int | None

    @property
    def of_teacher_and_twin(self) -> "Setting":
        """The part of it that a student shares with its teacher and its twin, whatever the student itself learns from."""
        return replace(self, transfer_rows=None, alpha=0.0, temperature=1.0)


def axis(name: str) -> Parameter:
    """How an axis is spelt on the command line: --alpha 0.3,0.7 or --alpha 0.3 0.7."""

    def convert(_: Any, tokens: Sequence[Any]) -> Any:
        return normalised(name.replace("-", "_"), [_number(name, part) for token in tokens for part in token.value.split(",") if part])

    return Parameter(
        name=f"--{name}", converter=convert, consume_multiple=True, n_tokens=-1, negative=(), metavar="NUMBER...",
        show_default=lambda value: "by task" if value is None else str(value),
    )  # fmt: skip


def several(name: str, given: Any) -> tuple[Any, ...]:
    """Return a list of values as a tuple.

    Raises
    ------
    PlanError
        If it is a single value: a word is no list of its letters.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise PlanError(f"{name}={given!r}: give a list, such as ({given!r},)")
    return tuple(given)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PlanError(f"--{name} {text}: give a number, or several as in 1,2,4") from None


def normalised(name: str, given: Any) -> Any:
    """Return an axis in the one form that a plan keeps: a number, or a tuple of several; whole numbers as int.

    Raises
    ------
    PlanError
        If a list is empty or holds a value twice, or a value is no number of the axis's range.

    Examples
    --------
    >>> normalised("alpha", [1, 0.5]), normalised("steps", [300.0]), normalised("steps", None)
    ((1.0, 0.5), 300, None)
    """
    if given is None:
        return None
    several = isinstance(given, Iterable) and not isinstance(given, str)
    values = tuple(_checked(name, value) for value in (given if several else [given]))
    if not values:
        raise PlanError(f"{name} is empty: give at least one")
    for place, value in enumerate(values):
        if value in values[:place]:
            raise PlanError(f"{name} holds {value!r} twice: give each once")
    return values[0] if len(values) == 1 else values


def _checked(name: str, value: Any) -> float:
    low, high = RANGES[name]
    whole = name in WHOLE
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value == value and value != int(value)):
        raise PlanError(f"{name}={value!r}: give a {'whole ' if whole else ''}number")
    if not low <= value <= high:
        least = f"at least {low:g}" if high >= 1e9 else f"a number from {low:g} to {high:g}"
        raise PlanError(f"{name}={value}: give {least}")
    return int(value) if whole else float(value)


def listed_values(value: Any) -> tuple[Any, ...]:
    """The values of an axis, one or many."""
    return value if isinstance(value, tuple) else (value,)


def settings(plan: Any, *, sizes: Any) -> tuple[Setting, ...]:
    """Every combination of a plan's axes, the first axis slowest.

    Parameters
    ----------
    sizes
        Of the split that the plan's models share. Fewer rows are a prefix of it, all of them are written None.
    """
    values = {name: listed_values(getattr(plan, name)) for name in RANGES}
    for name, whole in (("train_rows", sizes.train), ("transfer_rows", sizes.transfer)):
        values[name] = tuple(None if rows == whole else rows for rows in values[name])
    return tuple(Setting(**dict(zip(values, chosen, strict=True))) for chosen in product(*values.values()))


def check_tuned(plan: Any) -> None:
    """Refuse to tune what is no choice, or has one value only."""
    for name in plan.tune:
        if name not in TUNABLE:
            raise PlanError(f"tune holds {name!r}: what can be chosen on validation rows is {', '.join(TUNABLE)}")
        if not isinstance(getattr(plan, name), tuple):
            raise PlanError(f"tune holds {name!r}, which has one value, {getattr(plan, name)}: give several, as in --{name} 1,2")
