"""The plan of a pilot: a tenth of a sweep, before it."""

from dataclasses import replace

from kdprobe.core.errors import PlanError
from kdprobe.sweep.plans.gap import GapPlan
from kdprobe.verdicts.pilot import LEAST_SEEDS

SHARE = 10
"""A pilot has one of so many seeds, and so a tenth of the compute at most."""
FIRST_SEED = 5_000
"""Seeds of its own: they are in no result of the sweep."""
FOLDER = "pilot"
"""Of its own small zoo, inside the sweep's."""


def pilot_plan(plan: GapPlan) -> GapPlan:
    """Return the plan of a pilot: everything of a plan on a tenth of its seeds; what is tuned is not tuned here, and nothing stands beside.

    Raises
    ------
    PlanError
        If a tenth of the seeds is less than the 2 that a pilot needs, or the plan's seeds are the pilot's too.

    Examples
    --------
    >>> few = pilot_plan(GapPlan(tasks=("letters",), seeds=25))
    >>> few.seeds, few.first_seed
    (2, 5000)
    """
    least = SHARE * LEAST_SEEDS
    if plan.seeds < least:
        raise PlanError(f"seeds={plan.seeds}: a pilot of {LEAST_SEEDS} seeds is more than a tenth of that: give at least {least}")
    if plan.first_seed + plan.seeds > FIRST_SEED:
        raise PlanError(f"seeds={plan.seeds} from first_seed={plan.first_seed}: a pilot has the seeds from {FIRST_SEED} on: stay below")
    return replace(plan, seeds=plan.seeds // SHARE, first_seed=FIRST_SEED, tune=(), beside={})
