"""Does a smaller teacher serve this student better than the largest one? One of four words, no stronger than paired intervals allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.multiplicity import holm
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT, Contrast, contrast
from kdprobe.stats.power import seeds_needed

MARGIN_SHARE = 0.2
"""A deficit below this share of the twins' seed sd is called negligible: two trainings of one twin differ by more."""


@dataclass(frozen=True, kw_only=True)
class GapReading:
    """What paired intervals say of one curve of gains over teacher sizes.

    Conditions: (a) the best smaller teacher beats the largest; (b) the largest is itself the better model; (c) the best size is not the
    smallest of the grid; (d) no reversal is shown on either side of the best size. A reading without a deficit has too few sizes or seeds.
    """

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    best: int = 0
    """Index of the size with the largest mean gain."""
    rival: int = 0
    """Index of the best smaller size."""
    best_set: tuple[int, ...] = ()
    deficit: Measurement | None = None
    """How far the largest teacher is behind the best smaller one; simultaneous over the smaller sizes, from which that was selected."""
    upper: float = np.inf
    """95 % upper limit of the largest true deficit over all smaller sizes."""
    margin: float = 0.0
    edge: Measurement | None = None
    """Loss of the best smaller teacher minus that of the largest: positive where the largest is the better model."""
    p: float = 1.0
    """Of the deficit, adjusted for the selection of the best smaller size and, in `read_gaps`, for the family of claims."""
    needed: int | None = None
    """Seeds that would settle it if mean, spread and the number of claims read together stay as they are."""
    sd: float = 0.0
    """Of the deficit over seeds."""
    rivals: int = 1
    """Smaller sizes from which the best was selected."""
    conditions: dict[str, bool] = field(default_factory=dict)


def rival_of_largest(gain: np.ndarray) -> tuple[np.ndarray, Contrast]:
    """Best smaller teacher, and by how much the largest one falls short of it.

    Parameters
    ----------
    gain
        (..., units, sizes).

    Returns
    -------
    tuple
        The index (...) of the best smaller size, and the contrast. Its p value is multiplied by the number of smaller sizes, because the
        best of them was selected (Bonferroni); `interval` wants the same number.
    """
    smaller = gain.shape[-1] - 1
    deficits = contrast(np.moveaxis(gain[..., :-1] - gain[..., -1:], -2, -1))
    best = np.argmax(deficits.mean, axis=-1)
    mean, error, p = (np.take_along_axis(part, best[..., None], -1)[..., 0] for part in deficits[:3])
    return best, Contrast(mean, error, np.minimum(p * smaller, 1.0), deficits.n)


def best_sizes(gain: np.ndarray) -> np.ndarray:
    """95 % set of the best size: those that no other size is shown to beat.

    Each pair is compared one-sided at level .05 / (sizes - 1), so that the truly best size is left out with probability .05 at most
    (Gupta's subset selection, by Bonferroni on paired differences). (..., units, sizes) -> (..., sizes) booleans.
    """
    # [..., i, j]: size i over size j
    pairs = contrast(np.moveaxis(gain[..., :, :, None] - gain[..., :, None, :], -3, -1))
    return np.logical_not(np.any(pairs.exceeds(tests=gain.shape[-1] - 1), axis=-2))


def shows_reversal(gain: np.ndarray, peak: int) -> bool:
    """Whether a curve (units, sizes) is shown to fall on the way up to its peak, or to rise on the way down from it."""
    sizes = gain.shape[1]
    pairs = [(i, j) for j in range(peak) for i in range(j)] + [(j, i) for j in range(peak + 1, sizes) for i in range(peak + 1, j)]
    return bool(pairs) and bool(contrast(np.stack([gain[:, i] - gain[:, j] for i, j in pairs])).exceeds(len(pairs)).any())


def read_gap(gain: np.ndarray, teacher_loss: np.ndarray, *, margin: float, unit: str = "", seeds: int | None = None) -> GapReading:
    """Measure one curve. Its verdict is for `read_gaps` to give, because it depends on how many curves are read together.

    Parameters
    ----------
    gain, teacher_loss
        (units, sizes), sizes ascending, no NaN.
    margin
        Deficit that is called negligible.
    seeds
        Paired seeds behind the units, where these are draws.
    """
    n, sizes = gain.shape
    paired = n if seeds is None else seeds
    if not sizes:
        return GapReading(verdict="INCONCLUSIVE", qualifier="no run finished", n=paired)
    if sizes < 2:
        return GapReading(verdict="NOT APPLICABLE", qualifier="one teacher size", n=paired)
    if n < 2:
        return GapReading(verdict="INCONCLUSIVE", qualifier="one seed gives no interval" if n else "no seed finished", n=paired)
    best = int(np.argmax(gain.mean(axis=0)))
    rival, deficit = rival_of_largest(gain)
    edge = contrast(teacher_loss[:, int(rival)] - teacher_loss[:, -1])
    mean, sd = float(deficit.mean), float(deficit.error) * np.sqrt(n)
    return GapReading(
        verdict="INCONCLUSIVE",
        n=paired,
        best=best,
        rival=int(rival),
        best_set=tuple(int(i) for i in np.flatnonzero(best_sizes(gain))),
        deficit=deficit.measurement(unit, tests=sizes - 1),
        # the largest deficit is below the margin only if each one is: an intersection-union test, so each at its own level
        upper=float(contrast((gain[:, :-1] - gain[:, -1:]).T).interval()[1].max()),
        margin=float(margin),
        edge=edge.measurement(unit),
        p=float(deficit.p),
        # above the margin it would be settled by showing the deficit, below it by excluding it
        needed=seeds_needed(mean, sd, tests=sizes - 1) if mean > margin else seeds_needed(margin - mean, sd),
        sd=sd,
        rivals=sizes - 1,
        conditions={
            "a": mean > 0 and float(deficit.p) < LEVEL,
            "b": float(edge.interval()[0]) > 0,
            "c": best > 0,
            "d": not shows_reversal(gain, best),
        },
    )


def read_gaps(readings: Sequence[GapReading]) -> list[GapReading]:
    """Give each reading its verdict; condition (a) is Holm-adjusted over the readings with enough seeds."""
    family = [i for i, reading in enumerate(readings) if reading.deficit is not None and reading.n >= SEEDS_FOR_A_VERDICT]
    adjusted = dict(zip(family, holm([readings[i].p for i in family]), strict=True))
    return [_with_verdict(reading, adjusted.get(i)) for i, reading in enumerate(readings)]


def _with_verdict(reading: GapReading, p: float | None) -> GapReading:
    deficit, edge = reading.deficit, reading.edge
    if deficit is None or edge is None:
        return reading
    if p is None:
        return replace(reading, qualifier=f"direction only: below {SEEDS_FOR_A_VERDICT} seeds")
    conditions = reading.conditions | {"a": deficit.value > 0 and p < LEVEL}
    before = max(reading.p, 1e-300)
    reading = replace(reading, conditions=conditions, p=float(p))
    if conditions["a"] and not conditions["b"]:
        qualifier = "teacher degraded" if edge.high < 0 else "larger teacher not shown better"
        return replace(reading, verdict="NOT APPLICABLE", qualifier=qualifier)
    if conditions["a"]:
        qualifier = "not unimodal" if not conditions["d"] else "" if conditions["c"] else "best at the smallest size of the grid"
        return replace(reading, verdict="SUPPORTED", qualifier=qualifier)
    if reading.upper < reading.margin:
        return replace(reading, verdict="CONTRADICTED")
    needed = reading.needed
    if deficit.value > reading.margin:
        # what Holm multiplied p by is how many times more tests the deficit must be shown over
        needed = seeds_needed(deficit.value, reading.sd, tests=reading.rivals * p / before)
    return replace(reading, verdict="INCONCLUSIVE", needed=needed)
