"""Did something of this very teacher reach the student, beyond what any teacher of its recipe gives and an untaught twin shows?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Verdict
from kdprobe.stats.paired import LEVEL, Contrast, contrast
from kdprobe.verdicts.family import adjusted, judged, too_few

SPECIFIC_SHARE = 0.2
"""A teacher-specific part below this share of the student's whole movement toward its teacher is called negligible."""
FAILED = "its placebo failed"


@dataclass(frozen=True, kw_only=True)
class SizeReading:
    """The teacher-specific part under one teacher size."""

    specific: Measurement
    placebo: Measurement | None
    closer: bool
    p: float
    """Holm-adjusted over the teacher sizes of its student."""
    placebo_p: float
    verdict: Verdict = "INCONCLUSIVE"


@dataclass(frozen=True, kw_only=True)
class TransferReading:
    """A similarity in its parts, over seeds; each None below two seeds.

    ``specific`` alone is called transferred. ``recipe`` is what the student shares with any teacher of this recipe, or what any better
    net would share with it.
    """

    verdict: Verdict
    qualifier: str = ""
    n: int = 0
    baseline: Measurement | None = None
    recipe: Measurement | None = None
    contrast: Measurement | None = None
    """The student's own teacher minus siblings, before the placebo is subtracted."""
    placebo: Measurement | None = None
    """The same contrast of the paired twin, which nobody taught; None where it was not measured."""
    specific: Measurement | None = None
    """The student's contrast minus the placebo, seed by seed; the contrast itself where there is no placebo."""
    moved: Measurement | None = None
    """Student to teacher, minus baseline: recipe level, teacher-specific part and placebo together."""
    closer: bool = False
    """Whether the specific part points toward the teacher."""
    moved_closer: bool = False
    """Whether the student is shown to be nearer to its teacher than the reference twins are."""
    negligible: bool = False
    """Whether the specific part is shown to be less than a fifth of the movement, among all claims of the page."""
    p: float = 1.0
    against: float = 1.0
    """Of being a fifth of the movement or more."""
    placebo_p: float = 1.0
    placebo_failed: bool = False
    """Whether the twin's contrast is shown not to be 0, over all claims of the page together."""
    sizes: tuple[SizeReading, ...] = ()
    """By teacher size, where `read_transfer` was given several."""

    @property
    def shown(self) -> tuple[int, ...]:
        """Places of the teacher sizes under which the specific part is shown by itself."""
        return tuple(i for i, size in enumerate(self.sizes) if size.verdict == "SUPPORTED")


def read_transfer(
    own: np.ndarray,
    siblings: np.ndarray,
    baseline: np.ndarray,
    *,
    placebo: np.ndarray | None = None,
    centre: np.ndarray | None = None,
    lower_is_closer: bool = False,
    unit: str = "",
    seeds: int | None = None,
) -> TransferReading:
    """Split a similarity into baseline, recipe level and teacher-specific part; the verdict is for `read_transfers` to give.

    Parameters
    ----------
    own, siblings, baseline
        (units,) or (units, sizes): student to its own teacher, student to its sibling teachers (mean), reference twins to the teacher
        (mean). Of several teacher sizes the mean is read, and each by itself.
    placebo
        Like these: the paired twin to the student's teacher, minus the twin to its siblings (mean). None where it was not measured.
    centre
        Like these: what a teacher has in common with everybody, as reference twins show it; None for the baseline, which is that where
        the reference twins of all are the same.
    lower_is_closer
        True for divergences.
    seeds
        Paired seeds behind the units, where these are draws.

    Notes
    -----
    A teacher that everything is similar to raises its own seed's contrast and lowers all others: that cancels in the mean over seeds, but
    not in their spread. The twin's contrast has the same part, so it goes where the twin's is subtracted; without a placebo the interval
    errs on the wide side.

    For the same reason the placebo's own interval is read after the reference twins' likeness to each teacher, centred over seeds, is
    taken off it: its mean stays what it was, and its spread is what says how well that mean is known.
    """
    n = len(own)
    paired = n if seeds is None else seeds
    if n < 2:
        return TransferReading(verdict="INCONCLUSIVE", qualifier="one seed gives no interval" if n else "no seed finished", n=paired)
    sign = -1.0 if lower_is_closer else 1.0
    parts = [part.reshape(n, -1) for part in (own, siblings, baseline)]
    # of draws, each the mean of its seeds, teachers have no such part: it cancelled within the draw
    common = parts[2] if centre is None else centre.reshape(n, -1)
    twins = None if placebo is None else placebo.reshape(n, -1)
    freed = None if twins is None else untaught_alone(twins, common, clustered=paired != n)
    sizes = _sizes(parts, twins, freed, sign, unit)
    own, siblings, baseline = (part.mean(axis=1) for part in parts)
    nothing = np.zeros(n)
    untaught = None if freed is None else contrast(freed.mean(axis=1))
    student = own - siblings - (nothing if twins is None else twins.mean(axis=1))
    specific, moved = contrast(student), contrast(own - baseline)
    rest = contrast(sign * (student - SPECIFIC_SHARE * (own - baseline)))
    return TransferReading(
        verdict="INCONCLUSIVE",
        n=paired,
        baseline=contrast(baseline).measurement(unit),
        recipe=contrast(siblings - baseline).measurement(unit),
        contrast=contrast(own - siblings).measurement(unit),
        placebo=None if untaught is None else untaught.measurement(unit),
        specific=specific.measurement(unit),
        moved=moved.measurement(unit),
        closer=bool(sign * specific.mean > 0),
        moved_closer=float(contrast(sign * (own - baseline)).interval()[0]) > 0,
        p=float(specific.p),
        against=float(rest.below(0.0)),
        placebo_p=1.0 if untaught is None else float(untaught.p),
        sizes=sizes,
    )


def untaught_alone(placebo: np.ndarray, centre: np.ndarray, *, clustered: bool) -> np.ndarray:
    """The placebo (units, sizes) without what a teacher has in common with everybody: its mean over seeds stays what it was.

    Parameters
    ----------
    placebo, centre
        As in `read_transfer`.
    clustered
        Whether units are draws of several seeds: then that part cancelled within the draw.
    """
    return placebo if clustered else placebo - (centre - centre.mean(axis=0))


def _sizes(
    parts: Sequence[np.ndarray], twins: np.ndarray | None, freed: np.ndarray | None, sign: float, unit: str
) -> tuple[SizeReading, ...]:
    """Each teacher size by itself, p values adjusted over them (Holm)."""
    own, siblings, _ = parts
    if own.shape[1] < 2:
        return ()
    specific = contrast((own - siblings - (0.0 if twins is None else twins)).T)
    untaught = None if freed is None else contrast(freed.T)
    p = adjusted(specific.p.tolist())
    return tuple(
        SizeReading(
            specific=_one(specific, i).measurement(unit),
            placebo=None if untaught is None else _one(untaught, i).measurement(unit),
            closer=bool(sign * specific.mean[i] > 0),
            p=1.0 if value is None else value,
            placebo_p=1.0 if untaught is None else float(untaught.p[i]),
        )
        for i, value in enumerate(p)
    )


def _one(found: Contrast, i: int) -> Contrast:
    return Contrast(found.mean[i], found.error[i], found.p[i], found.n)


def read_transfers(readings: Sequence[TransferReading]) -> list[TransferReading]:
    """Give each reading its verdict, each of its p values Holm-adjusted over the readings with enough seeds.

    Notes
    -----
    A placebo that fails shows that own minus siblings is not 0 where nobody taught: pairs of one seed share more than teaching, such as
    rows, an order of batches or an initialisation. What it adds to the twin is subtracted from the student, but that it adds as much to a
    student, which moved elsewhere, is an assumption that nothing here tests. So no word stands on such a contrast: neither SUPPORTED nor
    CONTRADICTED, whatever is left of it. That costs at most LEVEL of all pages a verdict that they deserved.

    Teacher sizes are judged where their mean is SUPPORTED, Holm-adjusted over the sizes of the student: among the sizes of one student a
    wrong one is said in at most LEVEL of cases, and of a student to whom nothing came only where the page is wrong already.
    """
    return judged(readings, missing=_missing, judge=_with_verdict, tests=("p", "against", "placebo_p"))


def _missing(reading: TransferReading) -> str | None:
    return None if reading.specific is None else too_few(reading.n)


def _with_verdict(reading: TransferReading, claims: int) -> TransferReading:
    reading = replace(reading, placebo_failed=reading.placebo_p < LEVEL, negligible=reading.against < LEVEL)
    if reading.closer and reading.p < LEVEL:
        if reading.placebo_failed:
            return replace(reading, qualifier=FAILED)
        reading = replace(reading, sizes=tuple(_size_with_verdict(size, claims * len(reading.sizes)) for size in reading.sizes))
        # more of its own teacher than of siblings, and yet no nearer to it than a net that nobody taught: the twin belongs in the headline
        qualifier = "not shown nearer to its teacher than twins" if not reading.moved_closer else ""
        return replace(reading, verdict="SUPPORTED", qualifier=qualifier or ("a small part of the movement" if reading.negligible else ""))
    if not reading.moved_closer:
        return replace(reading, verdict="NOT APPLICABLE", qualifier="no movement toward the teacher is shown")
    if reading.placebo_failed:
        return replace(reading, qualifier=FAILED)
    return replace(reading, verdict="CONTRADICTED" if reading.negligible else "INCONCLUSIVE")


def _size_with_verdict(size: SizeReading, placebos: int) -> SizeReading:
    sound = size.placebo_p * placebos >= LEVEL
    return replace(size, verdict="SUPPORTED" if size.closer and size.p < LEVEL and sound else "INCONCLUSIVE")
