"""Did something of this very teacher reach the student, beyond what any teacher of its recipe gives?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.paired import LEVEL, contrast
from kdprobe.verdicts.family import judged, too_few

SPECIFIC_SHARE = 0.2
"""A teacher-specific part below this share of the student's whole movement toward its teacher is called negligible."""


@dataclass(frozen=True, kw_only=True)
class TransferReading:
    """A similarity in three parts, over seeds; each None below two seeds.

    ``specific`` alone is called transferred. ``recipe`` is what the student shares with any teacher of this recipe, or what any better
    net would share with it.
    """

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    baseline: Measurement | None = None
    recipe: Measurement | None = None
    specific: Measurement | None = None
    moved: Measurement | None = None
    """Recipe level and teacher-specific part together: student to teacher, minus baseline."""
    closer: bool = False
    """Whether the specific part points toward the teacher."""
    moved_closer: bool = False
    """Whether the student is shown to be nearer to its teacher than the reference twins are."""
    negligible: bool = False
    """Whether the specific part is shown to be less than a fifth of the movement."""
    p: float = 1.0


def read_transfer(
    own: np.ndarray, siblings: np.ndarray, baseline: np.ndarray, *, lower_is_closer: bool = False, unit: str = "", seeds: int | None = None
) -> TransferReading:
    """Split a similarity into baseline, recipe level and teacher-specific part; the verdict is for `read_transfers` to give.

    Parameters
    ----------
    own, siblings, baseline
        (units,): student to its own teacher, student to its sibling teachers (mean), reference twins to the teacher (mean).
    lower_is_closer
        True for divergences.
    seeds
        Paired seeds behind the units, where these are draws.

    Notes
    -----
    The seeds' contrasts share sibling teachers. A teacher that everything is similar to raises its own contrast and lowers all others:
    that cancels in the mean but not in the spread, so the t interval errs on the wide side.
    """
    n = len(own)
    paired = n if seeds is None else seeds
    if n < 2:
        return TransferReading(verdict="INCONCLUSIVE", qualifier="one seed gives no interval" if n else "no seed finished", n=paired)
    sign = -1.0 if lower_is_closer else 1.0
    specific, moved = contrast(own - siblings), contrast(own - baseline)
    rest = contrast(sign * ((own - siblings) - SPECIFIC_SHARE * (own - baseline)))
    return TransferReading(
        verdict="INCONCLUSIVE",
        n=paired,
        baseline=contrast(baseline).measurement(unit),
        recipe=contrast(siblings - baseline).measurement(unit),
        specific=specific.measurement(unit),
        moved=moved.measurement(unit),
        closer=bool(sign * specific.mean > 0),
        moved_closer=float(contrast(sign * (own - baseline)).interval()[0]) > 0,
        negligible=float(rest.interval()[1]) < 0,
        p=float(specific.p),
    )


def read_transfers(readings: Sequence[TransferReading]) -> list[TransferReading]:
    """Give each reading its verdict, Holm-adjusted over the readings with enough seeds."""
    return judged(readings, missing=_missing, judge=_with_verdict)


def _missing(reading: TransferReading) -> str | None:
    return None if reading.specific is None else too_few(reading.n)


def _with_verdict(reading: TransferReading, p: float, _: int) -> TransferReading:
    reading = replace(reading, p=p)
    if reading.closer and p < LEVEL:
        # more of its own teacher than of siblings, and yet no nearer to it than a net that nobody taught: the twin belongs in the headline
        qualifier = "not shown nearer to its teacher than its twin" if not reading.moved_closer else ""
        return replace(reading, verdict="SUPPORTED", qualifier=qualifier or ("a small part of the movement" if reading.negligible else ""))
    if not reading.moved_closer:
        return replace(reading, verdict="NOT APPLICABLE", qualifier="no movement toward the teacher is shown")
    return replace(reading, verdict="CONTRADICTED" if reading.negligible else "INCONCLUSIVE")
