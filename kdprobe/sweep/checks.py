"""What of a plan cannot be run, known before any data is read."""

import importlib.util
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from kdprobe.core.arguments import whole
from kdprobe.core.axes import AXES
from kdprobe.core.axis import OPTIMISER
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.recipe import Family, Option
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme
from kdprobe.core.task import Task
from kdprobe.sweep.cells import Block
from kdprobe.training.job import TUNING_SEEDS


def check_choices(plan: Any, names: Sequence[str]) -> None:
    """Refuse lists of a plan that are empty or hold something twice."""
    for name in names:
        values = getattr(plan, name)
        if not values:
            raise PlanError(f"{name} is empty: give at least one")
        for place, value in enumerate(values):
            if value in values[:place]:
                raise PlanError(f"{name} holds {value!r} twice: give each once")


def check_block(block: Block) -> None:
    """Refuse what cannot be run, before anything is trained."""
    task: Task = find("tasks", block.task)
    family, teachers = block.family_of("student"), block.family_of("teacher")
    scheme: Scheme = find("schemes", block.scheme)
    if family.fit == "predictor":
        raise PlanError(
            f"family {family.name!r} teaches and cannot be taught: give --teacher-family {family.name}, and networks as --family"
        )
    _check_package(teachers)
    if reason := block.unfit(scheme):
        raise PlanError(f"scheme {scheme.name!r}: {reason}: leave it out")
    patience = block.patience or block.axes.get("teacher_patience")
    if scheme.cohort and patience:
        raise PlanError(
            f"patience={patience}: in scheme {scheme.name!r} networks learn together, and one that stops would teach no more: give 0"
        )
    for each in (family, teachers):
        # what is no network takes the rows of any task
        if each.name not in task.families and each.fit != "predictor":
            raise PlanError(f"family {each.name!r} does not fit task {task.name!r}: {did_you_mean(each.name, task.families)}")
    for name, each in (("teacher_widths", teachers), ("student_widths", family)):
        for width in getattr(block, name):
            if width < each.minimum_width:
                many = each.title if each.fit == "predictor" else f"{each.title}s"
                raise PlanError(f"{name} holds {width}: {many} need at least {each.minimum_width} {each.knob}")
    check_choices(block, ("teacher_widths", "student_widths"))
    if block.seeds < 2:
        raise PlanError(f"seeds={block.seeds}: an interval over seeds needs at least 2, a verdict 8")
    if block.first_seed < 0 or block.first_seed + block.seeds > TUNING_SEEDS:
        raise PlanError(f"seeds={block.seeds} from first_seed={block.first_seed}: give numbers from 0 to below {TUNING_SEEDS}")
    if block.batch_size < 1:
        raise PlanError(f"batch_size={block.batch_size}: give at least 1")
    for name, axis in AXES.items():
        axis.normalised(block.axes.get(name, axis.default))
        fitted = teachers if axis.of == "teachers" and teachers.fit != "steps" else family if family.fit != "steps" else None
        if fitted is not None and axis.sets in OPTIMISER and axis.differs(block.axes.get(name, axis.default)):
            how = "is fitted in closed form and takes" if fitted.fit == "ridge" else "are fitted at once and take"
            raise PlanError(f"{name}={block.axes[name]}: {fitted.title} {how} none: leave it out")
    if block.patience < 0:
        raise PlanError(f"patience={block.patience}: give a number of checks, or 0 to train all steps")
    for name, (low, high) in {"weight_decay": (0.0, 10.0), "gradient_clip": (0.0, 1e9)}.items():
        value = getattr(block, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise PlanError(f"{name}={value!r}: give a number from {low:g} to {high:g}")


def _check_package(family: Family) -> None:
    """Refuse a family whose package is not installed: an hour later every teacher would fail."""
    if family.package and importlib.util.find_spec(family.package) is None:
        raise PlanError(f"family {family.name!r} needs {family.package}, which is not installed: pip install {family.package}")


def one_teacher(
    family: str, own: Mapping[str, tuple[int, tuple[int, ...]]], teacher: int | None, students: tuple[int, ...], teacher_family: str = ""
) -> tuple[int, tuple[int, ...]]:
    """Return the width of the teachers and those of the students, of a plan that has one teacher size.

    Parameters
    ----------
    own
        Widths by family, where the plan gives none.

    Raises
    ------
    PlanError
        If there are none, or the teacher's is none.
    """
    if teacher is not None and teacher < 1:
        raise PlanError(f"teacher_width={teacher}: give 1 or more, or leave it out for the family's own")
    by_itself, others = own.get(teacher_family or family, (None, ()))[0], own.get(family, (None, ()))[1]
    found, found_students = teacher or by_itself, students or others
    if found is None and teacher_family:
        raise PlanError(f"teacher_family {teacher_family!r} has no width of its own: give teacher_width")
    if found is None or not found_students:
        raise PlanError(f"family {family!r} has no widths of its own: give teacher_width and student_widths")
    return found, found_students


def options_in_form(name: str, family_name: str, given: Any) -> dict[str, Option]:
    """Return options of a family in the one form that a plan keeps: whole numbers as int where the family's own are.

    Raises
    ------
    PlanError
        If the family has no such option, or it is of another type.

    Examples
    --------
    >>> options_in_form("options", "mlp", {"depth": 2.0, "dropout": 0.5})
    {'depth': 2, 'dropout': 0.5}
    """
    family: Family = find("families", family_name)
    if not isinstance(given, Mapping):
        raise PlanError(f"{name}={given!r}: give options by name, such as {dict(list(family.options.items())[:1])}")
    found: dict[str, Option] = {}
    for option, value in given.items():
        if option not in family.options:
            raise PlanError(f"{name} holds {option!r}, which {family.name} does not have: {did_you_mean(str(option), family.options)}")
        default = family.options[option]
        word = isinstance(default, str)
        if word != isinstance(value, str) or not (word or (isinstance(value, int | float) and isfinite(value))):
            raise PlanError(f"{name}: {option}={value!r}: give {'a word' if word else 'a number'}, such as {default!r}")
        found[option] = whole(f"{name}: {option}", value) if isinstance(default, int) else value
    return found


def beside_in_form(given: Any) -> dict[str, tuple[float, ...]]:
    """Return what stands beside a plan's own setting in the one form that a plan keeps: values by axis, in the order of the axes.

    Raises
    ------
    PlanError
        If it is no mapping, an axis is unknown, or a value is none of its axis.

    Examples
    --------
    >>> beside_in_form({"train-rows": 300, "temperature": [1, 2]})
    {'train_rows': (300,), 'temperature': (1.0, 2.0)}
    """
    if not isinstance(given, Mapping):
        raise PlanError(f"beside={given!r}: give values by axis, such as {{'temperature': (1, 2, 4)}}, or {{}} for none")
    found: dict[str, tuple[float, ...]] = {}
    for spelt, values in given.items():
        name = str(spelt).replace("-", "_")
        if name not in AXES:
            raise PlanError(f"beside holds {spelt!r}, which is no axis: {did_you_mean(name, AXES)}")
        try:
            kept = AXES[name].normalised(() if values is None else values)
        except PlanError as error:
            raise PlanError(f"beside: {error}") from None
        found[name] = AXES[name].values(kept)
    return {name: found[name] for name in AXES if name in found}
