"""What of a plan cannot be run, known before any data is read."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from kdprobe.core.arguments import whole
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.recipe import Distiller, Family, Option
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme
from kdprobe.core.task import Task
from kdprobe.sweep.axes import check_tuned
from kdprobe.training.job import TUNING_SEEDS

if TYPE_CHECKING:
    from kdprobe.sweep.plan import GapPlan


def check(plan: "GapPlan") -> None:
    """Refuse what cannot be run, before anything is trained."""
    for name in ("tasks", "schemes", "teacher_widths", "student_widths"):
        if not getattr(plan, name):
            raise PlanError(f"{name} is empty: give at least one")
        _check_repeats(name, getattr(plan, name))
    tasks: list[Task] = [find("tasks", name) for name in plan.tasks]
    family: Family = find("families", plan.family)
    for name in plan.schemes:
        scheme: Scheme = find("schemes", name)
        if scheme.takes_steps and family.fit != "steps":
            raise PlanError(f"scheme {name!r} counts steps, and {family.title} is fitted in closed form and takes none: leave it out")
        if scheme.cohort and (plan.patience or plan.teacher_patience):
            raise PlanError(
                f"patience={plan.patience or plan.teacher_patience}: in scheme {name!r} networks learn together, and one that stops would "
                "teach no more: give 0"
            )
    for task in tasks:
        if plan.family not in task.families:
            raise PlanError(f"family {plan.family!r} does not fit task {task.name!r}: {did_you_mean(plan.family, task.families)}")
    for name in ("teacher_widths", "student_widths"):
        for width in getattr(plan, name):
            if width < family.minimum_width:
                raise PlanError(f"{name} holds {width}: {family.title}s need at least {family.minimum_width} {family.knob}")
    for name in plan.distillers:
        distiller: Distiller = find("distillers", name)
        if distiller.loss is None:
            raise PlanError(f"distiller {name!r} has no teacher: every cell has its twin already, leave it out")
        if not any(task.kind in distiller.tasks for task in tasks):
            raise PlanError(f"distiller {name!r} is for {' and '.join(distiller.tasks)}, none of the tasks {', '.join(plan.tasks)} is")
    for task in tasks:
        if not plan.distillers_for(task.name):
            raise PlanError(f"no distiller of {', '.join(plan.distillers)} is for task {task.name!r} ({task.kind}): add one that is")
    if plan.seeds < 2:
        raise PlanError(f"seeds={plan.seeds}: an interval over seeds needs at least 2, a verdict 8")
    if plan.first_seed < 0 or plan.first_seed + plan.seeds > TUNING_SEEDS:
        raise PlanError(f"seeds={plan.seeds} from first_seed={plan.first_seed}: give numbers from 0 to below {TUNING_SEEDS}")
    for name in ("draws", "batch_size", "tune_seeds"):
        if getattr(plan, name) < 1:
            raise PlanError(f"{name}={getattr(plan, name)}: give at least 1")
    check_tuned(plan)
    for name in ("steps", "learning_rate", "teacher_weight_decay", "teacher_patience", "teacher_steps"):
        value = getattr(plan, name)
        if family.fit != "steps" and (isinstance(value, tuple) if name == "learning_rate" else value is not None):
            raise PlanError(f"{name}={value}: {family.title} is fitted in closed form and takes none: leave it out")
    if plan.patience < 0:
        raise PlanError(f"patience={plan.patience}: give a number of checks, or 0 to train all steps")
    for name, (low, high) in {"weight_decay": (0.0, 10.0), "gradient_clip": (0.0, 1e9)}.items():
        value = getattr(plan, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise PlanError(f"{name}={value!r}: give a number from {low:g} to {high:g}")


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


def _check_repeats(name: str, values: Iterable[Any]) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise PlanError(f"{name} holds {value!r} twice: give each once")
        seen.add(value)
