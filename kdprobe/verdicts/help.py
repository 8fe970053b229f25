"""Does teaching help this student at all, under any teacher of the grid? The gap between teachers is read after this."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.multiplicity import holm
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT, contrast


@dataclass(frozen=True, kw_only=True)
class HelpReading:
    """What paired intervals say of the largest gain over the twin.

    SUPPORTED: under the best teacher the student is shown better than its twin. CONTRADICTED: under every teacher it is shown to gain
    less than is negligible.
    """

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    best: int = 0
    """Index of the size with the largest mean gain."""
    gain: Measurement | None = None
    """Gain at that size; simultaneous over the sizes, from which it was selected."""
    harmful: bool = False
    """Whether the student is shown worse than its twin under every teacher."""
    upper: float = np.inf
    """95 % upper limit of the largest true gain."""
    margin: float = 0.0
    p: float = 1.0
    """Of the gain, adjusted for the selection of its size and, in `read_helps`, for the family of claims."""


def read_help(gain: np.ndarray, *, margin: float, unit: str = "", seeds: int | None = None) -> HelpReading:
    """Measure the gains (units, sizes) of one student; the verdict is for `read_helps` to give.

    Parameters
    ----------
    margin
        Gain that is called negligible.
    seeds
        Paired seeds behind the units, where these are draws.
    """
    n, sizes = gain.shape
    paired = n if seeds is None else seeds
    if n < 2 or not sizes:
        return HelpReading(verdict="INCONCLUSIVE", qualifier="one seed gives no interval" if n else "no run finished", n=paired)
    found = contrast(gain.T)
    best = int(np.argmax(found.mean))
    chosen = contrast(gain[:, best])
    upper = found.interval()[1]  # all below the limit is an intersection-union claim: each at its own level
    return HelpReading(
        verdict="INCONCLUSIVE",
        n=paired,
        best=best,
        gain=chosen.measurement(unit, tests=sizes),
        harmful=bool((upper < 0).all()),
        upper=float(upper.max()),
        margin=float(margin),
        p=min(float(chosen.p) * sizes, 1.0),
    )


def read_helps(readings: Sequence[HelpReading]) -> list[HelpReading]:
    """Give each reading its verdict, Holm-adjusted over the readings with enough seeds."""
    family = [i for i, reading in enumerate(readings) if reading.gain is not None and reading.n >= SEEDS_FOR_A_VERDICT]
    adjusted = dict(zip(family, holm([readings[i].p for i in family]), strict=True))
    return [_with_verdict(reading, adjusted.get(i)) for i, reading in enumerate(readings)]


def _with_verdict(reading: HelpReading, p: float | None) -> HelpReading:
    gain = reading.gain
    if gain is None:
        return reading
    if p is None:
        return replace(reading, harmful=False, qualifier=f"direction only: below {SEEDS_FOR_A_VERDICT} seeds")
    reading = replace(reading, p=float(p))
    if gain.value > 0 and p < LEVEL:
        return replace(reading, verdict="SUPPORTED")
    if reading.upper < reading.margin:
        return replace(reading, verdict="CONTRADICTED", qualifier="the untaught twin is better" if reading.harmful else "")
    return reading
