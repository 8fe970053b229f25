"""How long a unit may take before it is ended: many times what it should, so that only what hangs is."""

import math

from kdprobe.core.arguments import number
from kdprobe.core.errors import PlanError
from kdprobe.core.probe import Probe
from kdprobe.core.recipe import Family
from kdprobe.core.registry import find
from kdprobe.core.task import SplitSizes
from kdprobe.sweep.units import MeasureUnit, TrainUnit
from kdprobe.tasks.splits import split

FLOOR = 600.0
"""Seconds that every unit has: to load, and to wait for a busy machine."""
GENEROUS = 30.0
STEP = 1e-3
"""Seconds a model and step beside the arithmetic; 0.2e-3 as measured."""
SPEED = 1e9
"""Multiply-adds a second: a tenth of what a slow core does."""
SECONDS = {"cheap": 0.1, "costly": 60.0}
"""One probe on one pair; 0.004 s and a few as measured."""


def training_limit(unit: TrainUnit, sizes: SplitSizes) -> float:
    """Seconds for training: from the multiply-adds of all steps."""
    total = 0.0
    for group in unit.groups:
        job = group[0]
        parts = split(find("tasks", job.task), draw=job.draw, sizes=sizes)
        family: Family = find("families", job.family)
        flops = family.flops(parts.input_shape, parts.outputs, job.width, **job.options)
        if family.fit == "predictor":
            # each node of a tree looks at the rows that reach it, in every column
            total += len(group) * (STEP + flops * parts.train.n * math.prod(parts.input_shape) / SPEED)
        else:
            total += len(group) * max(1, job.steps) * (STEP + 3 * flops * job.batch_size / SPEED)
    return FLOOR + GENEROUS * total


def measuring_limit(unit: MeasureUnit) -> float:
    """Seconds for measuring: from its pairs and what its probes cost."""
    probes: list[Probe] = [find("probes", name) for name in unit.probes]
    return FLOOR + GENEROUS * unit.pairs * sum(SECONDS[probe.cost] for probe in probes)


def checked_limit(unit_timeout: float | None, *, in_process: bool) -> float | None:
    """Return the limit that is asked for.

    Raises
    ------
    PlanError
        If it is no number of seconds, or units run in this process, which nothing could end.
    """
    if unit_timeout is None:
        return None
    if in_process:
        raise PlanError(f"unit_timeout={unit_timeout!r}: only a worker process can be ended: give jobs=1 or more")
    return number("unit_timeout", unit_timeout, above=0, most=1e8, advice="give the seconds a unit may take, above 0")
