"""The four objectives of teaching, each by the scheme that stands for it where teacher sizes are compared."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.sweep.plans.gap import GapPlan

LEADING = {
    "compression": "transfer_rows",
    "expansion": "expansion",
    "adaptation": "adaptation",
    "enhancement": "multi_teacher_transfer",
}
"""Schemes that the law of nested least squares speaks of too: fresh rows, a smaller teacher, a moved one, the mean of several."""
Sizes = TypeVar("Sizes", bound=GapPlan)


def with_objectives(plan: Sizes, objectives: Sequence[str]) -> Sizes:
    """Return a plan with the schemes of some objectives in the place of its own.

    Raises
    ------
    PlanError
        If an objective is unknown or there twice, or the plan names schemes as well.

    Examples
    --------
    >>> with_objectives(GapPlan(), ("expansion",)).schemes
    ('expansion',)
    """
    for name in objectives:
        if name not in LEADING:
            raise PlanError(f"objective {name!r} is unknown: {did_you_mean(name, LEADING)}")
    if len(set(objectives)) < len(objectives):
        raise PlanError(f"objective={','.join(objectives)}: give each once")
    if plan.schemes != GapPlan.schemes:
        raise PlanError(
            f"objective={','.join(objectives)} and scheme={','.join(plan.schemes)}: an objective is a scheme, give one of the two"
        )
    return replace(plan, schemes=tuple(LEADING[name] for name in objectives))
