"""Where the survey's three mechanisms break, by dose, and the rules by which `break_conditions.py` says so: written before any result.

Seeds are paired, and the intervals of one curve hold together at 95 % (Bonferroni over its doses).

M1, teacher quality. The dose is the share of the teacher's labels that are wrong (of a regression, noise in standard deviations of the
target), or how few of the rows an over-fitted teacher saw (twice the steps, no decay). The student's own labels are clean. It *broke at*
the smallest dose where the gain over the untaught twin, in calibrated NLL or squared error, is shown to be below 0. Where it is below 0
without any dose, nothing was there to break.

M2, features. The steps go from a teacher with the student's own shape over wider, deeper, shallower and another family to layers that are
paired in a wrong order and to features of other rows. At each, a student of response and features is compared with the student of response
alone, in calibrated NLL. Where no gain of features over response is shown at the first step, nothing was there to break; else it *broke at*
the first step where none is shown.

M3, two specialists of half the classes each. The dose is the voice that a specialist has on rows of the other's classes, from 0 (each
speaks of its own) to 1 (both speak of all alike, and contradict each other). It *broke at* the smallest dose where the student's accuracy
within the halves is shown to be below its specialists' by more than two points; where that is so at 0, nothing was there to break.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast

POINTS = 0.02
"""By how much a student may be behind its specialists, in accuracy."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Differences (doses, seeds) of one mechanism on one data set, doses ascending."""

    mechanism: str
    where: str
    doses: tuple[str, ...]
    differences: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Broke:
    """What became of one curve: `at` is the dose, "" where it did not break; `told` says it in words."""

    told: str
    at: str = ""
    nothing: bool = False


def broke(curve: Curve) -> Broke:
    """Apply the rule of the curve's mechanism.

    Examples
    --------
    >>> falls = np.outer([0.2, 0.0, -0.2], np.ones(8)) + 0.01 * np.random.default_rng(0).normal(size=(3, 8))
    >>> broke(Curve(mechanism="M1", where="a", doses=("0", "0.1", "0.2"), differences=falls)).told
    'broke at 0.2'
    """
    if curve.differences.shape[1] < SEEDS_FOR_A_VERDICT:
        return Broke(told=f"not judged: fewer than {SEEDS_FOR_A_VERDICT} seeds", nothing=True)
    low, high = contrast(curve.differences).interval(len(curve.doses))
    if curve.mechanism == "M2":
        if not low[0] > 0:
            return Broke(told="nothing to break: features are not shown to add to response even between equal networks", nothing=True)
        fallen = low <= 0
    else:
        fallen = high < (-POINTS if curve.mechanism == "M3" else 0.0)
        if fallen[0]:
            return Broke(told="nothing to break: it is below from the first dose on", nothing=True)
    where = np.flatnonzero(fallen)
    if not len(where):
        return Broke(told="did not break in this range")
    return Broke(told=f"broke at {curve.doses[where[0]]}", at=curve.doses[where[0]])


def summed(found: Sequence[Broke]) -> str:
    """What the curves of a mechanism come to, counted."""
    asked = [one for one in found if not one.nothing]
    fallen = [one for one in asked if one.at]
    if not asked:
        return f"nothing was there to break in any of {len(found)} settings"
    aside = f"; nothing was there to break in {len(found) - len(asked)} more" if len(asked) < len(found) else ""
    return f"broke in {len(fallen)} of {len(asked)} settings{aside}"
