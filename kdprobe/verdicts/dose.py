"""Does what arrives grow with the dose of teaching, and do controls that were taught nothing of this teacher stay at nothing?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import page_trend_test  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.paired import LEVEL, contrast
from kdprobe.verdicts.family import judged, too_few
from kdprobe.verdicts.transfer import SPECIFIC_SHARE

BEYOND = "a control shows as much"


@dataclass(frozen=True, kw_only=True)
class DoseReading:
    """One question on doses, over seeds."""

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    effect: Measurement | None = None
    """Of a trend: the strongest dose minus the weakest. Of controls: the one that is furthest from nothing. None below two seeds."""
    p: float = 1.0
    """Of the claim being untrue; Holm-adjusted by `read_doses`."""
    against: float = 1.0
    """Of the claim being true by the margin or more."""
    named: tuple[str, ...] = ()
    """Of controls: those that are not shown to stay within the margin."""
    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of controls: mean reading over that of full teaching."""


def read_trend(readings: np.ndarray, moved: np.ndarray, *, unit: str = "") -> DoseReading:
    """Whether a reading rises with the dose: Page's test over seeds, one-sided (Page 1963).

    Parameters
    ----------
    readings
        (seeds, doses), doses rising, larger is nearer to the teacher.
    moved
        (seeds,) the student's whole movement toward its teacher at the strongest dose. A rise that is shown to be less than a fifth of it
        contradicts the claim.
    unit
        Of the readings.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rising = np.linspace(0, 1, 4) + 0.1 * rng.normal(size=(10, 4))
    >>> [reading.verdict for reading in read_doses([read_trend(rising, rising[:, -1])])]
    ['SUPPORTED']
    """
    n, doses = readings.shape
    if n < 2 or doses < 2:
        return DoseReading(verdict="INCONCLUSIVE", qualifier="one dose has no trend" if doses < 2 else "one seed gives no interval", n=n)
    rise = readings[:, -1] - readings[:, 0]
    # Page's test needs three columns; of two doses it is the sign of one difference, which t reads with more power
    steep = float(page_trend_test(readings).pvalue) if doses > 2 else _above(rise)
    return DoseReading(
        verdict="INCONCLUSIVE",
        n=n,
        effect=contrast(rise).measurement(unit),
        p=steep,
        against=float(contrast(rise - SPECIFIC_SHARE * moved).below(0.0)),
    )


def read_controls(full: np.ndarray, controls: Mapping[str, np.ndarray], *, unit: str = "") -> DoseReading:
    """Whether all controls are shown to stay within a fifth of full teaching (two one-sided t tests each, an intersection-union claim).

    Parameters
    ----------
    full
        (seeds,) reading of full teaching, larger is nearer to the teacher.
    controls
        (seeds,) by name, of the same seeds.
    """
    n = len(full)
    if n < 2 or not controls:
        return DoseReading(verdict="INCONCLUSIVE", qualifier="no control was trained" if n > 1 else "one seed gives no interval", n=n)
    if not bool(contrast(full).exceeds()):
        return DoseReading(verdict="NOT APPLICABLE", qualifier="full teaching is not shown to move it: there is no margin", n=n)
    # the margin is read from the same seeds: its own error belongs to the test
    p = {name: max(_above(SPECIFIC_SHARE * full - values), _above(SPECIFIC_SHARE * full + values)) for name, values in controls.items()}
    # that some control lies beyond the margin, on the teacher's side: each tested by itself, the smallest of several
    beyond = min(_above(values - SPECIFIC_SHARE * full) for values in controls.values()) * len(controls)
    worst = max(controls, key=lambda name: p[name])
    return DoseReading(
        verdict="INCONCLUSIVE",
        n=n,
        effect=contrast(controls[worst]).measurement(unit),
        p=p[worst],
        against=min(beyond, 1.0),
        named=tuple(name for name in p if p[name] >= LEVEL),
        shares={name: float(values.mean() / full.mean()) for name, values in controls.items()},
    )


def read_doses(readings: Sequence[DoseReading]) -> list[DoseReading]:
    """Give each reading of one kind its verdict, each of its p values Holm-adjusted over the readings with enough seeds."""
    return judged(readings, missing=_missing, judge=_with_verdict)


def _missing(reading: DoseReading) -> str | None:
    return None if reading.effect is None else too_few(reading.n)


def _with_verdict(reading: DoseReading, claims: int) -> DoseReading:
    rises = reading.effect is not None and (reading.shares or reading.effect.value > 0)
    if reading.p < LEVEL and rises:
        return replace(reading, verdict="SUPPORTED")
    if reading.against < LEVEL:
        return replace(reading, verdict="CONTRADICTED", qualifier=BEYOND if reading.shares else "")
    return reading


def _above(values: np.ndarray) -> float:
    """One-sided p of a mean above 0."""
    return float(contrast(-values).below(0.0))
