"""How much of their probability two classifiers give to the same classes."""

import numpy as np

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.rows import shared_mass
from kdprobe.measures.traces import blocks, check_paired, check_same_outputs, measured, two_classes
from kdprobe.stats.intervals import jackknife


def overlap(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Mean over the rows of Σ min(p_S, p_T): 1 less the total variation distance."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if refusal := two_classes(student):
        return refusal
    interval = jackknife(shared_mass(student, teacher), blocks=blocks(student))
    if isinstance(interval, Refusal):
        return interval
    return measured(interval._replace(low=max(interval.low, 0.0), high=min(interval.high, 1.0)))
