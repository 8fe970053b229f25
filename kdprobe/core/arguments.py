"""Arguments of public functions, checked in one place: a whole number, a number in a range, a switch, one of some words."""

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, cast

from kdprobe.core.errors import PlanError, did_you_mean


def whole(name: str, value: Any, *, least: int | None = None, advice: str = "give a whole number") -> int:
    """Return a whole number as int, whatever type it came as.

    Raises
    ------
    PlanError
        If it is none, or below the least.

    Examples
    --------
    >>> whole("seeds", 20.0)
    20
    """
    fits = not isinstance(value, bool) and (isinstance(value, Integral) or (isinstance(value, float) and value.is_integer()))
    if not fits or (least is not None and value < least):
        raise PlanError(f"{name}={value!r}: {advice}")
    return int(value)


def seed_number(value: Any) -> int:
    """Return the seed of a random generator.

    Raises
    ------
    PlanError
        If it is no whole number from 0 on: without a seed a result could not be repeated.
    """
    return whole("seed", value, least=0, advice="give a whole number from 0 on, so that the result can be repeated")


def number(name: str, value: Any, *, above: float, most: float = math.inf, advice: str) -> float:
    """Return a finite number above one limit and up to another.

    Raises
    ------
    PlanError
        If it is none.
    """
    try:
        found = float(value) if isinstance(value, Real) and value is not True and value is not False else math.nan
    except OverflowError:
        found = math.inf
    if not above < found <= most or found == math.inf:
        raise PlanError(f"{name}={value!r}: {advice}")
    return found


def switch(name: str, value: Any) -> bool:
    """Return True or False; a word such as "no" would count as true.

    Raises
    ------
    PlanError
        If it is neither.
    """
    # NumPy's own truth values equal Python's
    if type(value).__name__ not in ("bool", "bool_"):
        raise PlanError(f"{name}={value!r}: give True or False")
    return bool(value)


def choice(name: str, value: Any, options: Sequence[str]) -> None:
    """Check that a value is one of some words.

    Raises
    ------
    PlanError
        If it is not.
    """
    if not isinstance(value, str) or value not in options:
        raise PlanError(f"{name}={value!r} is unknown: {did_you_mean(str(value), options)}")


def several(name: str, given: Any) -> tuple[Any, ...]:
    """Return a list of values as a tuple.

    Raises
    ------
    PlanError
        If it is a single value: a word is no list of its letters.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise PlanError(f"{name}={given!r}: give a list, such as ({given!r},)")
    return tuple(cast("Iterable[Any]", given))
