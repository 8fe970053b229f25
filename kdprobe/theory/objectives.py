"""The advice on each objective of distillation: its verdict, what it says, what to do next."""

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import chdtri  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.words import counted, interval, limit, plain
from kdprobe.theory.checks import FEW, excess_factor
from kdprobe.theory.gains import Bounds, Gain, all_hurt, nested_gains, ridge_gain
from kdprobe.theory.sample import Sample
from kdprobe.theory.theorem import Applies

Verdict = Literal["SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "NOT APPLICABLE"]

TINY = 1e-9
"""What rounding leaves of a share of nothing."""
NEXT_TO_NOTHING = 0.05
"""Share of a risk below which all of it is called next to nothing: where the first shade of the maps begins."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What one kind of distillation would gain.

    Parameters
    ----------
    name
        "compression" (a larger teacher), "expansion" (a smaller one), "enhancement" (several), "adaptation" (one from elsewhere) or
        "self-distillation" (the same ridge once more).
    verdict
        Of "distillation helps", one of the four words.
    says, next
        The answer, and what to do.
    share, gain
        Of the untaught twin's excess risk, and in target variances, with the teacher named in `teacher`.
    teacher
        Features of the best teacher; None where there is none to name.
    sizes
        Gains by size of the teacher; their intervals hold for all sizes at once.
    theorem
        Name of the theorem behind it.
    """

    name: str
    verdict: Verdict
    says: str
    next: str = ""
    share: Result
    gain: Result
    teacher: int | None = None
    sizes: tuple[Gain, ...] = ()
    theorem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.verdict}: {self.says}" + (f" {self.next}" if self.next else "")


MEASURE = "Measure it: `kdprobe sweep --gap --data FILE --target COLUMN` trains networks on your own rows."


def silent(name: str, reason: str, theorem: str, then: str = "") -> Objective:
    """Give the objective of which theory says nothing, and why."""
    refusal = Refusal(reason=reason, advice=then)
    return Objective(
        name=name,
        verdict="NOT APPLICABLE",
        says=f"Theory says nothing here: {reason}.",
        next=then,
        share=refusal,
        gain=refusal,
        theorem=theorem,
    )


def unasked(name: str, teacher: int, student: int) -> Objective:
    """Give the objective that the teacher which somebody named leaves out."""
    than = "fewer" if name == "compression" else "no fewer"
    reason = f"the teacher named has {_features(teacher)}, {than} than the student's {student}"
    refusal = Refusal(reason=reason, advice="")
    return Objective(name=name, verdict="NOT APPLICABLE", says=f"Not asked: {reason}.", share=refusal, gain=refusal, theorem="nested_ols")


def nested(name: str, sample: Sample, law: Applies, sizes: tuple[int, ...]) -> Objective:
    """Advise on a larger or a smaller teacher, by the nested law."""
    p, n, m = sample.student, sample.rows, sample.transfer
    if not sizes:
        other = "larger" if name == "compression" else "smaller"
        return silent(name, f"there is no {other} teacher beside a student of {p} of {_features(sample.sizes)}", law.theorem.name)
    broken = tuple(why for why in law.failed if not why.startswith("fresh rows"))
    if m == 0:
        return _same_rows(name, sample, sizes, broken)
    if broken:
        return silent(name, "; ".join(broken), law.theorem.name, MEASURE)
    gains = nested_gains(sample, sizes, m=m)
    shown = [one for one in gains if one.share.low > 0]
    best = max(shown or gains, key=lambda one: one.share.value)
    taught = f"{_features(p)} taught by one of {best.teacher}"
    source = "" if name == "compression" else " from a smaller teacher"
    bounds = best.share
    if sizes == (p,):
        verdict: Verdict = "CONTRADICTED"
        says = f"Distilling is expected to change nothing: a teacher of the student's own {_features(p)} tells it what the labels do."
        then = "Train the student on the labels, or name a larger teacher."
    elif shown:
        verdict = "SUPPORTED"
        says = f"Distilling{source} is expected to help: a student of {taught} has {_less(best.share)} excess risk than its twin."
        then = f"Train the teacher on the {n:,} labelled rows, and let it label the others."
    elif all(abs(end) < TINY for one in gains for end in one.share):
        verdict = "CONTRADICTED"
        says = f"Distilling{source} is expected to change nothing: without noise, {m:,.0f} labels of a teacher are worth {n:,} labels."
        then = "Train the student on the labels."
    elif (most := all_hurt(sample, sizes, m=m)) is not None:
        verdict = "CONTRADICTED"
        bounds = Bounds(best.share.value, best.share.low, max(most, best.share.value))
        says = f"Distilling{source} is expected to hurt: at best a student of {taught} has {_less(bounds)} excess risk than its twin."
        if any(one.share.high >= 0 for one in gains):
            says += " The intervals of all sizes at once reach 0; that each of them hurts is shown by one-sided 95 % limits."
        then = "Train the student on the labels."
    else:
        verdict = "INCONCLUSIVE"
        says = (
            f"These {n:,} labelled rows cannot tell whether distilling{source} helps: a student of {taught} has {_less(best.share)} excess "
            "risk than its twin."
        )
        then = "Label more rows" + (", or name one teacher size: several at once widen the intervals." if len(gains) > 1 else ".")
    return Objective(
        name=name, verdict=verdict, says=says, next=then + _few(n), share=_measured(bounds, n, "of the twin's excess risk"),
        gain=_measured(best.gain, n, "target variances"), teacher=best.teacher, sizes=gains, theorem=law.theorem.name,
    )  # fmt: skip


def _few(rows: int) -> str:
    """What is to be known of an answer from so few rows that no check sees much."""
    if rows >= FEW:
        return ""
    return f" {rows} rows are too few for the checks to see much: this holds if the noise is Gaussian."


def _same_rows(name: str, sample: Sample, sizes: tuple[int, ...], broken: tuple[str, ...]) -> Objective:
    """Advise on the labelled rows alone: that nothing changes there is algebra, and assumes nothing; what other rows would give does."""
    p = sample.student
    if name == "expansion":
        return silent(
            name, "on the labelled rows alone nothing is known of a smaller teacher's student", "nested_ols", "Give unlabelled rows."
        )
    zero = Bounds(0.0, 0.0, 0.0)
    if broken:
        then = f"Find unlabelled rows. What they would give theory cannot say here: {'; '.join(broken)}. {MEASURE}"
    else:
        best = max(nested_gains(sample, sizes, m=math.inf), key=lambda one: one.share.value)
        then = f"Find unlabelled rows: with endless ones a teacher of {_features(best.teacher)} would take off {percent(best.share)}."
    return Objective(
        name=name, verdict="CONTRADICTED", next=then, share=_measured(zero, sample.rows, "of the twin's excess risk"),
        says=f"Distilling on the teacher's own rows changes nothing: a least-squares student of {_features(p)} is its twin there.",
        gain=_measured(zero, sample.rows, "target variances"), theorem="nested_ols",
    )  # fmt: skip


def enhancement(sample: Sample, law: Applies, teachers: int) -> Objective:
    """Advise on the mean of several independent teachers."""
    if teachers == 1:
        why = "it takes several independent teachers, each with labelled rows of its own, and teachers=1"
        return silent("enhancement", why, "nested_ols")
    if law.failed:
        return silent("enhancement", "; ".join(law.failed), "nested_ols")
    n, p = sample.rows, sample.student
    value = 1 - 1 / teachers
    # the coefficients' part is divided exactly, and so is the intercept's
    share = Bounds(value, value, value)
    return Objective(
        name="enhancement", verdict="SUPPORTED", share=_measured(share, n, "of the twin's excess risk"),
        gain=_measured(_twin(sample, value), n, "target variances"),
        says=f"The mean of {teachers} independent teachers of the student's own size takes off {100 * value:.0f} % of the excess risk.",
        next=f"It takes {teachers} sets of {n:,} labels: all of them in one fit would do as much or more.", teacher=p, theorem="nested_ols",
    )  # fmt: skip


def _twin(sample: Sample, times: float) -> Bounds:
    p, freedom = sample.student, sample.rows - sample.student - 1
    value = times * sample.variance(p) * excess_factor(p, sample.rows)
    return Bounds(value, value * freedom / float(chdtri(freedom, 0.025)), value * freedom / float(chdtri(freedom, 0.975)))


def self_distillation(sample: Sample, theorem: Applies, ridge: float | None) -> Objective:
    """Advise on one more round of a ridge."""
    name = "self-distillation"
    if theorem.failed:
        return silent(name, "; ".join(theorem.failed), theorem.theorem.name)
    found = ridge_gain(sample, ridge)
    at = f"λ = {plain(found.ridge) if found.ridge >= 1e-6 else f'{found.ridge:.3g}'}"
    share, gain = found.share, found.gain
    if found.tuned:
        verdict: Verdict = "INCONCLUSIVE"
        if share.high < NEXT_TO_NOTHING:
            more = f"one more round of self-distillation has next to nothing to add: at most {_most(share)} of its excess risk"
            then = "Tune the ridge, and leave it at that."
        else:
            more = f"these rows bound what one more round of self-distillation could take off only by {_most(share)} of its excess risk"
            then = "Label more rows, or tune the ridge and leave it at that."
        says = f"At the best ridge, {at}, {more}."
    elif found.pull.low > 0:
        verdict = "SUPPORTED"
        says = (
            f"At {at} one more round of self-distillation with weight {found.mixing:.2f} takes off {percent(share)} of the ridge's excess "
            "risk."
        )
        then = "So does a larger ridge, which needs no second fit."
    elif found.pull.high < 0:
        verdict = "CONTRADICTED"
        says = f"At {at} one more round of self-distillation hurts for every positive weight: the ridge shrinks too much already."
        then = "Take a smaller ridge."
        share = gain = Bounds(0.0, 0.0, 0.0)
    else:
        verdict = "INCONCLUSIVE"
        says = (
            f"At {at} these rows cannot tell whether one more round of self-distillation helps: it takes off at most {_most(share)} of the "
            "ridge's excess risk."
        )
        then = "Label more rows, or tune the ridge instead."
    return Objective(
        name=name, verdict=verdict, says=says, next=then, share=_measured(share, sample.rows, "of the ridge's excess risk"),
        gain=_measured(gain, sample.rows, "target variances"), theorem=theorem.theorem.name,
    )  # fmt: skip


def _measured(bounds: Bounds, rows: int, unit: str) -> Measurement:
    return Measurement(value=bounds.value, low=bounds.low, high=bounds.high, n=rows, unit=unit)


def _features(count: int) -> str:
    return counted(count, "feature")


def _most(share: Bounds) -> str:
    """The upper end of a share, in percent, rounded up."""
    # nobody needs the millionth part of a per cent
    return f"{limit(max(100 * share.high, 0.001), 1 if share.high < NEXT_TO_NOTHING else 0)} %"


def percent(share: Bounds) -> str:
    """Return a share with its interval, in percent."""
    value, low, high = (100 * end for end in share)
    if high - low <= 1e-3:
        # known to more digits than anybody wants
        return f"{plain(round(value, 2) if abs(value) >= 0.01 else value)} %"
    return interval(value, low, high, "%")


def _less(share: Bounds) -> str:
    """A share of a risk that is saved, or that is added."""
    if share.value >= 0:
        return f"{percent(share)} less"
    return f"{percent(Bounds(-share.value, -share.high, -share.low))} more"
