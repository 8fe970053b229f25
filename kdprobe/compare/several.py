"""Several models of one role: as a list, and under names."""

import sys
from collections.abc import Sequence
from typing import Any

from kdprobe.compare.data import is_array
from kdprobe.core.errors import PlanError


def several(given: Any, argument: str) -> list[Any]:
    """Return models as a list; a lone model counts as one, also where it can be iterated (as a torch Sequential).

    Raises
    ------
    PlanError
        If it is neither models nor a sequence of them.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(given, torch.nn.ModuleList):
        return list(given)
    if (torch is not None and isinstance(given, torch.nn.Module)) or hasattr(given, "predict") or callable(given):
        return [given]
    if is_array(given):
        return list(given) if getattr(given, "ndim", 2) == 3 else [given]
    if given is None:
        return []
    if isinstance(given, Sequence) and not isinstance(given, str):
        return list(given)
    raise PlanError(f"{argument} is a {type(given).__name__}: give a list of models")


def seeds_of(teacher: Any, student: Any, teachers: Any, students: Any, twins: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return teachers and students of several seeds, paired by position.

    Raises
    ------
    PlanError
        If their numbers differ, there are fewer than two, or one pair is given as well.
    """
    if teacher is not None or student is not None:
        raise PlanError("teacher or student was given beside teachers= or students=: give one pair, or lists of several seeds")
    of, taught = several(teachers, "teachers"), several(students, "students")
    if len(of) != len(taught):
        raise PlanError(
            f"teachers has {len(of)} {_models(of)}, students {len(taught)}: they are paired by position, give one teacher for each student "
            "(teachers of the recipe without a student go to siblings=)"
        )
    if len(taught) < 2:
        raise PlanError(f"students has {len(taught)} {_models(taught)}: give 2 seeds or more, 8 for a verdict, or one teacher and student")
    if twins and len(twins) != len(taught):
        raise PlanError(
            f"twins has {len(twins)} {_models(twins)}, students {len(taught)}: they are paired by position, give one twin for each student"
        )
    return of, taught


def _models(of: Sequence[Any]) -> str:
    return "model" if len(of) == 1 else "models"


def numbered(role: str, count: int) -> list[str]:
    """Names of so many models of a role.

    Examples
    --------
    >>> numbered("twin", 1), numbered("twin", 2)
    (['twin'], ['twin 1', 'twin 2'])
    """
    return [role] if count == 1 else [f"{role} {i}" for i in range(1, count + 1)]
