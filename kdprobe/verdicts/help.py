"""Does teaching help this student at all, under any teacher of the grid? The gap between teachers is read after this."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT, contrast, quantile
from kdprobe.stats.power import seeds_needed
from kdprobe.verdicts.family import judged, too_few, too_small


@dataclass(frozen=True, kw_only=True)
class HelpReading:
    """What paired intervals say of the largest gain over the twin.

    SUPPORTED: under the best teacher the student is shown better than its twin, "too small to matter" where that is less than is called
    negligible. CONTRADICTED: under every teacher it is shown to gain less than is negligible.
    """

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    best: int = 0
    """Index of the size with the largest mean gain."""
    gain: Measurement | None = None
    """Gain at that size; simultaneous over the sizes, from which it was selected."""
    harmful: bool = False
    """Whether the student is shown worse than its twin under every teacher, among all claims of the page."""
    upper: float = np.inf
    """95 % upper limit of the largest true gain."""
    margin: float = 0.0
    p: float = 1.0
    """Of no gain, adjusted for the selection of its size and, in `read_helps`, for the family of claims."""
    against: float = 1.0
    """Of a gain of the margin or more under any teacher."""
    harm: float = 1.0
    """Of no harm under any one teacher."""
    sd: float = 0.0
    """Over units, of the gain at that size."""
    sizes: int = 1
    """From which that size was selected."""
    needed: int | None = None
    """Units that would show the gain with power .8 if mean, spread and the number of claims stay as they are."""


def read_help(gain: np.ndarray, *, margin: float, unit: str = "", seeds: int | None = None, asked: int | None = None) -> HelpReading:
    """Measure the gains (units, sizes) of one student; the verdict is for `read_helps` to give.

    Parameters
    ----------
    gain
        NaN where a run is missing.
    margin
        Gain that is called negligible.
    seeds
        Paired seeds behind the units, where these are draws.
    asked
        Teacher sizes that were asked for, where some have no gains: what is unknown of these is never shown to be negligible.
    """
    n, sizes = gain.shape
    paired = n if seeds is None else seeds
    if n < 2 or not sizes:
        return HelpReading(verdict="INCONCLUSIVE", qualifier="one seed gives no interval" if n else "no run finished", n=paired)
    found, units = contrast(gain.T), (~np.isnan(gain)).sum(axis=0)
    enough = units >= min(SEEDS_FOR_A_VERDICT, int(units.max()))
    best = int(np.argmax(np.where(enough, found.mean, -np.inf)))
    chosen = contrast(gain[:, best])
    known = bool(enough.all()) and (asked is None or asked == sizes)
    # all below a limit is an intersection-union claim: each at its own level, and the largest p value counts
    return HelpReading(
        verdict="INCONCLUSIVE",
        n=int(units[best]) if seeds is None or seeds == n else paired,
        best=best,
        gain=chosen.measurement(unit, tests=sizes),
        upper=float((found.mean + quantile(1 - LEVEL, found.n) * found.error).max()) if known else np.inf,
        margin=float(margin),
        p=min(float(chosen.p) * sizes, 1.0),
        against=float(found.below(margin).max()) if known else 1.0,
        harm=float(found.below(0.0).max()) if known else 1.0,
        sd=float(chosen.error * np.sqrt(chosen.n)),
        sizes=sizes,
    )


def read_helps(readings: Sequence[HelpReading]) -> list[HelpReading]:
    """Give each reading its verdict, each of its p values Holm-adjusted over the readings with enough seeds."""
    return judged(readings, missing=_missing, judge=_with_verdict, tests=("p", "against", "harm"))


def _missing(reading: HelpReading) -> str | None:
    return None if reading.gain is None else too_few(reading.n)


def _with_verdict(reading: HelpReading, claims: int) -> HelpReading:
    gain = reading.gain
    if gain is not None and gain.value > 0:
        reading = replace(reading, needed=seeds_needed(gain.value, reading.sd, tests=claims * reading.sizes))
    if gain is not None and gain.value > 0 and reading.p < LEVEL:
        return replace(reading, verdict="SUPPORTED", qualifier=too_small(gain.value, reading.margin, reading.against))
    if reading.against < LEVEL:
        harmful = reading.harm < LEVEL
        return replace(reading, verdict="CONTRADICTED", harmful=harmful, qualifier="the untaught twin is better" if harmful else "")
    return reading
