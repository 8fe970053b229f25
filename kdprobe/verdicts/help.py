"""Does teaching help this student at all, under any teacher of the grid? The gap between teachers is read after this."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.paired import LEVEL, contrast
from kdprobe.verdicts.family import judged, too_few


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
    return judged(readings, missing=_missing, judge=_with_verdict, unjudged=_direction)


def _missing(reading: HelpReading) -> str | None:
    return None if reading.gain is None else too_few(reading.n)


def _direction(reading: HelpReading, missing: str) -> HelpReading:
    return replace(reading, harmful=False, qualifier=missing)


def _with_verdict(reading: HelpReading, p: float, _: int) -> HelpReading:
    reading, gain = replace(reading, p=p), reading.gain
    if gain is not None and gain.value > 0 and p < LEVEL:
        return replace(reading, verdict="SUPPORTED")
    if reading.upper < reading.margin:
        return replace(reading, verdict="CONTRADICTED", qualifier="the untaught twin is better" if reading.harmful else "")
    return reading
