"""Does a smaller teacher serve this student better than the largest one? One of four words, no stronger than paired seeds allow.

How often each word is wrong, and how often it is found where it is true, is measured in ``benchmarks/calibration.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.section import Verdict
from kdprobe.stats.optimum import optimum
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT
from kdprobe.stats.power import seeds_needed
from kdprobe.stats.unimodal import Modality, modality
from kdprobe.verdicts.family import fewest_units, judged, too_few, too_small
from kdprobe.verdicts.gap_numbers import GapNumbers, gap_numbers

MARGIN_SHARE = 0.2
"""A deficit below this share of the twins' seed sd is called negligible: two trainings of one twin differ by more."""
UNITS_FOR_A_VERDICT = 5
"""Fewer draws cannot be told from chance by flipping signs: 2^-4 > .05."""
NO_LARGEST = "the largest teacher has too few runs"
MOST_DIP = 0.5
"""A curve whose deepest valley is deeper than half a standard error may have two humps: it gets no ratio."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GapReading:
    """What paired seeds say of one curve of gains over teacher sizes. Without a deficit there were too few sizes or units."""

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    """Paired seeds that have the largest teacher and the best smaller one."""
    units: int = 0
    """Of these, or draws where those are the units."""
    clustered: bool = False
    """Whether the units are draws of several seeds each."""
    best: int = 0
    rival: int = 0
    best_set: tuple[int, ...] = ()
    deficit: Measurement | None = None
    upper: float = np.inf
    margin: float = 0.0
    edge: Measurement | None = None
    p: float = 1.0
    """Of no deficit, adjusted for the selection of the best smaller size and, by `decide`, for the family of claims."""
    against: float = 1.0
    """Of a deficit of the margin or more, by `decide` adjusted for the family of claims."""
    needed: int | None = None
    """Units that would settle it with power .8 if mean, spread and the number of claims read together stay as they are."""
    sd: float = 0.0
    rivals: int = 1
    """Smaller sizes from which the best was selected."""
    gain: np.ndarray
    """(units, sizes); NaN where a run is missing."""
    sizes: np.ndarray
    """(sizes,) ascending, in units of the student's size."""

    @property
    def direction_only(self) -> bool:
        """Whether there are too few seeds or draws for a verdict."""
        return bool(_missing(self))

    @cached_property
    def modality(self) -> Modality:
        """Whether the curve may have one hump, by the units that have every size."""
        return modality(self.whole)

    @cached_property
    def whole(self) -> np.ndarray:
        """(units, sizes) of the units that have every size: what the shape of the curve is read from."""
        return self.gain[~np.isnan(self.gain).any(axis=1)]

    @property
    def shaped(self) -> bool:
        """Whether enough units have every size to speak of the curve's shape."""
        return len(self.whole) == len(self.gain) or len(self.whole) >= UNITS_FOR_A_VERDICT

    @cached_property
    def conditions(self) -> dict[str, bool]:
        """State whether each condition holds.

        (a) the best smaller teacher serves better than the largest: sign-flip max-t p < .05, and the simultaneous interval of the deficit
        excludes 0; (b) the largest teacher is itself the better model; (c) the best size is not at the edge of the grid; (d) the curve
        may have one hump, which too few units with every size cannot show.
        """
        if self.deficit is None or self.edge is None:
            return {}
        return {
            "a": self.p < LEVEL and self.deficit.low > 0,
            "b": self.edge.low > 0,
            "c": 0 < self.best < self.gain.shape[1] - 1,
            "d": self.shaped and self.modality.p >= LEVEL,
        }

    @cached_property
    def ratio(self) -> Result:
        """Teacher size over student size at which the student gains most, where a gap is shown; see `capacity_gap`."""
        return _ratio(self)


def read_gap(
    gain: np.ndarray,
    teacher_loss: np.ndarray,
    *,
    margin: float,
    sizes: np.ndarray | None = None,
    unit: str = "",
    seeds: int | None = None,
    lost: str = "",
) -> GapReading:
    """Measure one curve. Its verdict is for `decide` to give, because it depends on how many curves are read together.

    Parameters
    ----------
    gain, teacher_loss
        (units, sizes), sizes ascending; NaN in both where a run is missing.
    margin
        Deficit that is called negligible.
    sizes
        Of the teachers, in units of the student's size; by default 1, 2, 4, ...
    seeds
        Paired seeds behind the units, where these are draws.
    lost
        Which teacher that was asked for has too few runs to be in the table: "largest", so that there is no verdict; "smaller", so that the
        claim cannot be contradicted; "" where none is.
    """
    n, count = gain.shape
    sizes = 2.0 ** np.arange(count, dtype=np.float64) if sizes is None else np.asarray(sizes, dtype=np.float64)
    paired = n if seeds is None else seeds
    if count and (lost == "largest" or (n >= 2 and count >= 2 and _apart(gain))):
        return GapReading(verdict="NOT APPLICABLE", qualifier=NO_LARGEST, n=paired, gain=gain, sizes=sizes)
    if n >= 2 and count >= 2:
        least = UNITS_FOR_A_VERDICT if paired > n else SEEDS_FOR_A_VERDICT
        found = gap_numbers(gain, teacher_loss, margin=margin, least=least)
        if lost:
            found = found._replace(upper=np.full_like(found.upper, np.inf), against=np.ones_like(found.against))
        return reading_of(found, gain=gain, sizes=sizes, margin=margin, unit=unit, seeds=paired)
    missing = (
        "no run finished" if not count else "one teacher size" if count < 2 else "one seed gives no interval" if n else "no seed finished"
    )
    verdict: Verdict = "NOT APPLICABLE" if count == 1 else "INCONCLUSIVE"
    return GapReading(verdict=verdict, qualifier=missing, n=paired, gain=gain, sizes=sizes)


def _apart(gain: np.ndarray) -> bool:
    """Whether no smaller size has two units in common with the largest."""
    return bool((~np.isnan(gain[:, :-1] - gain[:, -1:])).sum(axis=0).max() < 2)


def reading_of(
    numbers: GapNumbers, *, gain: np.ndarray, sizes: np.ndarray, margin: float, unit: str = "", seeds: int | None = None
) -> GapReading:
    """Make a reading of the numbers of one curve; the parameters are those of `read_gap`."""
    n, count = gain.shape

    def measurement(values: np.ndarray) -> Measurement:
        value, low, high = (float(end) for end in values)
        return Measurement(value=value, low=min(low, value), high=max(high, value), n=units, unit=unit, estimand="this recipe")

    units = int(numbers.units)
    deficit, sd = measurement(numbers.deficit), float(numbers.sd)
    return GapReading(
        verdict="INCONCLUSIVE",
        n=units if seeds is None or seeds <= n else seeds,
        units=units,
        clustered=seeds is not None and seeds > n,
        best=int(numbers.best),
        rival=int(numbers.rival),
        best_set=tuple(int(i) for i in np.flatnonzero(numbers.best_set)),
        deficit=deficit,
        upper=float(numbers.upper),
        margin=float(margin),
        edge=measurement(numbers.edge),
        p=float(numbers.p),
        against=float(numbers.against),
        sd=sd,
        rivals=count - 1,
        gain=gain,
        sizes=sizes,
    )


def decide(readings: Sequence[GapReading]) -> list[GapReading]:
    """Give each reading its verdict; each of its p values is Holm-adjusted over the readings with enough seeds.

    SUPPORTED needs conditions (a) and (b), and is "too small to matter" where the deficit is shown to be below the margin. (a) without (b)
    is NOT APPLICABLE. Without (a): CONTRADICTED where every smaller size is shown to be ahead by less than the margin (an equivalence test,
    the largest of whose p values counts), else INCONCLUSIVE.
    """
    return judged(readings, missing=_missing, judge=_with_verdict)


def _missing(reading: GapReading) -> str | None:
    if reading.deficit is None:
        return None
    few_draws = f"direction only: below {UNITS_FOR_A_VERDICT} draws" if reading.units < UNITS_FOR_A_VERDICT else ""
    return too_few(reading.n) or few_draws


def _with_verdict(reading: GapReading, claims: int) -> GapReading:
    deficit, edge = reading.deficit, reading.edge
    assert deficit is not None, "a member of the family was measured"
    assert edge is not None, "where there is a deficit there is an edge"
    if reading.p < LEVEL and deficit.low > 0:
        if edge.low <= 0:
            qualifier = "teacher degraded" if edge.high < 0 else "larger teacher not shown better"
            return replace(reading, verdict="NOT APPLICABLE", qualifier=qualifier)
        holds = reading.conditions
        shape = "its shape is not known" if not reading.shaped else "not unimodal" if not holds["d"] else ""
        qualifier = shape or ("" if holds["c"] else "best at the smallest size of the grid")
        small = too_small(deficit.value, reading.margin, reading.against)
        return replace(reading, verdict="SUPPORTED", qualifier="; ".join(filter(None, (small, qualifier))))
    if reading.against < LEVEL:
        return replace(reading, verdict="CONTRADICTED")
    # a page of so many claims takes more seeds than one: each is tested at a share of the level
    if deficit.value > reading.margin:
        needed = seeds_needed(deficit.value, reading.sd, tests=reading.rivals * claims)
        needed = None if needed is None or (least := fewest_units(claims)) is None else max(needed, least)
    else:
        needed = seeds_needed(reading.margin - deficit.value, reading.sd, tests=claims, two_sided=False)
    # more of the same may already have been enough, with luck
    return replace(reading, needed=None if needed is None else max(needed, reading.units + 1))


def _ratio(reading: GapReading) -> Result:
    if reading.deficit is None:
        return Refusal(reason=f"{reading.qualifier}: there is nothing to compare", advice="give teachers of two sizes and their seeds")
    if reading.verdict == "NOT APPLICABLE":
        return Refusal(
            reason=f"{reading.qualifier}: what the largest teacher costs may be its own fault, and is no capacity gap",
            advice="give large teachers that are shown to be the better models",
        )
    if reading.direction_only:
        return Refusal(reason=f"{reading.qualifier}: no capacity gap can be shown yet", advice="add seeds")
    if reading.verdict != "SUPPORTED":
        return Refusal(reason="no capacity gap is shown: there is no best size short of the largest", advice="see the set of best sizes")
    if not reading.shaped:
        return Refusal(reason=f"{len(reading.whole)} seeds have every size: too few for the shape of the curve", advice="add seeds")
    if not reading.conditions["d"]:
        return Refusal(reason="the curve has more than one hump: no one ratio describes it", advice="see the curve and the best sizes")
    if reading.modality.dip > MOST_DIP:
        return Refusal(reason="a second hump is not excluded: a valley is deeper than half a standard error", advice="add seeds")
    if len(reading.sizes) < 3:
        return Refusal(reason=f"{len(reading.sizes)} sizes do not locate a best one", advice="give at least 3 teacher sizes")
    found = optimum(np.log(reading.sizes), reading.whole)
    ways = {name: way for name, way in found._asdict().items() if not isinstance(way, Refusal)}
    if "local" not in ways:
        assert isinstance(found.local, Refusal)
        return found.local
    details = {f"{name}{suffix}": float(np.exp(end)) for name, way in ways.items() for suffix, end in _ends(way)}
    low, high = min(way.low for way in ways.values()), max(way.high for way in ways.values())
    value = float(np.median([way.value for way in ways.values()]))
    # no one way is right for every shape of hump: the value is the middle one, and the interval holds all three
    notes = (
        "The median of a local quadratic, of a quartic where there are 6 sizes, and of the best size; its interval holds all of theirs.",
    )
    if not reading.conditions["c"]:
        # what lies below the grid is not known, so only the upper end is
        notes = ("The best size is the smallest of the grid: the true one may be smaller still.",)
        bound = float(np.exp(high))
        return Measurement(
            value=bound, low=0.0, high=bound, n=reading.n, kind="upper_bound", estimand="this recipe", details=details, notes=notes
        )
    value, low, high = (float(np.exp(end)) for end in (value, low, high))
    return Measurement(value=value, low=low, high=high, n=reading.n, estimand="this recipe", details=details, notes=notes)


def _ends(way: NamedTuple) -> list[tuple[str, float]]:
    value, low, high, *_ = way
    return [("", value), ("_low", low), ("_high", high)]
