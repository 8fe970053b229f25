"""Does one kind of knowledge help this student? One of four words, no stronger than paired intervals allow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.paired import LEVEL, contrast
from kdprobe.stats.power import seeds_needed
from kdprobe.verdicts.family import judged, too_few, too_small

MARGIN_SHARE = 0.2
"""A gain below this share of the twins' seed sd is called negligible: two trainings of one twin differ by more."""


@dataclass(frozen=True, kw_only=True)
class KindReading:
    """What paired intervals say of one kind of knowledge.

    "Helps" needs two things: a gain over the paired twin, and a gain over every control, whose targets hold no such knowledge; where a
    response loss stood beside it, a gain over that loss alone too. The largest of the p values counts (an intersection-union test, which
    needs no adjustment for being several).
    """

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    gain: Measurement | None = None
    """Over the paired twin."""
    over_control: Measurement | None = None
    """Over the control that gains most; None where the sweep has none."""
    over_beside: Measurement | None = None
    """Over the response loss alone; None where none stood beside this kind."""
    p: float = 1.0
    """Of no help, in `read_kinds` adjusted for the family of claims."""
    against: float = 1.0
    """Of all its contrasts being the margin or more (the smallest of their p values, times their number)."""
    below: tuple[float, ...] = ()
    """Of each contrast alone being the margin or more: gain, over each control, over the loss beside it."""
    harm: float = 1.0
    """Of no harm."""
    margin: float = 0.0
    weakest: tuple[float, float] = (0.0, 1.0)
    """Mean and sd over seeds of the weakest of the contrasts."""
    needed: int | None = None
    """Seeds that would settle it if mean, spread and the number of claims stay as they are."""


def crossfitted(validation: np.ndarray) -> np.ndarray:
    """For each seed, the option that the *other* seeds' validation losses favour.

    A choice by the seed's own loss would prefer what got lucky there, and the options' best mean would be flattered by the choice.

    Parameters
    ----------
    validation
        (seeds, options) losses, at least 2 seeds.

    Returns
    -------
    np.ndarray
        (seeds,) places of the options.

    Examples
    --------
    >>> crossfitted(np.array([[0.1, 0.9], [0.5, 0.4], [0.6, 0.4]])).tolist()
    [1, 0, 0]
    """
    return np.argmin(validation.sum(axis=0) - validation, axis=1)


def read_kind(
    gain: np.ndarray, control: np.ndarray | None, *, twin_sd: float, beside: np.ndarray | None = None, unit: str = ""
) -> KindReading:
    """Read one kind; the verdict is for `read_kinds` to give.

    Parameters
    ----------
    gain
        (seeds,) gain over the paired twin.
    control
        (seeds,) gain of a control over the same twins, or (controls, seeds); None without controls. Each must be beaten: one that was
        chosen beforehand, by a loss that is not the gain's own, need not be the one that is hardest to beat.
    twin_sd
        Standard deviation of the twins' score over seeds, for the margin.
    beside
        (seeds,) gain of the response loss alone, where one stood beside this kind's loss: what it explains is none of this kind's.
    """
    n, margin = len(gain), MARGIN_SHARE * twin_sd
    if n < 2:
        return KindReading(verdict="INCONCLUSIVE", qualifier="one seed gives no interval" if n else "no seed finished", n=n)
    over = [contrast(gain - other) for other in (() if control is None else np.atleast_2d(control))]
    alone = [] if beside is None else [contrast(gain - beside)]
    contrasts = [contrast(gain), *over, *alone]
    nearest = min(over, key=lambda found: found.mean, default=None)
    weakest = max(contrasts, key=lambda found: (found.mean <= 0, float(found.p)))
    below = tuple(float(found.below(margin)) for found in contrasts)
    return KindReading(
        verdict="INCONCLUSIVE",
        n=n,
        gain=contrasts[0].measurement(unit),
        over_control=None if nearest is None else nearest.measurement(unit),
        over_beside=alone[0].measurement(unit) if alone else None,
        p=float(weakest.p) if weakest.mean > 0 else 1.0,
        against=min(min(below) * len(below), 1.0),
        below=below,
        harm=float(contrasts[0].below(0.0)),
        margin=margin,
        weakest=(float(weakest.mean), float(weakest.error * np.sqrt(n))),
    )


def read_kinds(readings: Sequence[KindReading]) -> list[KindReading]:
    """Give each reading its verdict, each of its p values Holm-adjusted over the readings with enough seeds."""
    return judged(readings, missing=_missing, judge=_with_verdict, tests=("p", "against", "harm"))


def _missing(reading: KindReading) -> str | None:
    return None if reading.gain is None else too_few(reading.n)


def _with_verdict(reading: KindReading, claims: int) -> KindReading:
    gain = reading.gain
    assert gain is not None, "a member of the family was measured"
    mean, sd = reading.weakest
    least = min(found.value for found in (gain, reading.over_control, reading.over_beside) if found is not None)
    reading = replace(reading, needed=seeds_needed(mean, sd, tests=claims) if mean > 0 else None)
    if reading.p < LEVEL:
        told = ["" if reading.over_control else "no control beside it", too_small(least, reading.margin, reading.against)]
        return replace(reading, verdict="SUPPORTED", qualifier="; ".join(filter(None, told)))
    gains = gain.low > 0
    if reading.against < LEVEL:
        if reading.harm < LEVEL:
            return replace(reading, verdict="CONTRADICTED", qualifier="it hurts")
        last = reading.over_beside is not None and int(np.argmin(reading.below)) == len(reading.below) - 1
        rival = "the response loss beside it" if last else "a control"
        return replace(reading, verdict="CONTRADICTED", qualifier=f"{rival} gains as much" if gains else "")
    return replace(reading, qualifier=f"a gain, {_doubt(reading, claims)}" if gains else "")


def _doubt(reading: KindReading, claims: int) -> str:
    for found, rival in ((reading.over_control, "controls"), (reading.over_beside, "the response loss beside it")):
        if found is not None and found.low <= 0:
            return f"not shown to exceed {rival}"
    return f"not shown beyond doubt among {claims} verdicts"
