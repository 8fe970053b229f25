"""Sentences of the gap section that hold for every curve."""

from collections.abc import Iterable

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.report import words
from kdprobe.report.evidence.gaps import Gap
from kdprobe.report.evidence.groups import short_names
from kdprobe.report.promises import hopeless
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT
from kdprobe.verdicts.family import TOO_SMALL

CLAIM = "a smaller teacher serves better than the largest"


def seeds_of(gap: Gap) -> str:
    """How many seeds a curve is of."""
    curve = gap.curve
    return words.counted(curve.seeds, "seed") + (f" in {words.counted(len(curve.values['gain']), 'draw')}" if curve.clustered else "")


def copied(gap: Gap) -> str:
    """Which seeds are no seeds of their own."""
    return (
        f"Seeds {gap.copied[0]} and {gap.copied[1]} have the same gains under every teacher: one is a copy of the other, and would count "
        "twice. Train each from a seed of its own."
    )


def missing(gap: Gap) -> Iterable[str]:
    """Which teachers lack runs: the verdict is about all that were asked for."""
    if not gap.curve.lacking:
        return
    yield f"Missing runs: {lacking(gap)}; two teachers are compared by the seeds that have both."
    if gap.curve.missing and gap.curve.largest:
        yield f"Of {words.listed(gap.curve.missing)} too little is known to say that it does not serve better."


def lacking(gap: Gap) -> str:
    """Teachers without some of their runs, each with how many."""
    noun, names = short_names(list(gap.curve.lacking))
    told = [f"{noun} {name} in {count}" for name, count in zip(names, gap.curve.lacking.values(), strict=True)]
    return f"{words.listed(told)} of {words.counted(gap.asked_seeds, 'seed')}"


def unlimited(gap: Gap) -> bool:
    """Whether it is for missing runs that a gain is not said to be negligible: of a teacher without them too little is known."""
    helps = gap.helps
    return helps.verdict == "INCONCLUSIVE" and helps.gain is not None and bool(np.isinf(helps.upper)) and bool(gap.curve.lacking)


def small(gap: Gap) -> Iterable[str]:
    """What a deficit is worth that is smaller than what is called negligible."""
    reading = gap.reading
    if reading.verdict == "SUPPORTED" and reading.deficit is not None and reading.deficit.value < reading.margin:
        yield _small(reading.margin, gap.unit, shown=reading.against < LEVEL)


def small_gain(gap: Gap) -> str:
    """The same of a gain, to be put behind a sentence."""
    helps = gap.helps
    if helps.verdict != "SUPPORTED" or helps.gain is None or helps.gain.value >= helps.margin:
        return ""
    return f" {_small(helps.margin, gap.unit, shown=helps.against < LEVEL)}"


def _small(margin: float, unit: str, *, shown: bool) -> str:
    limit = f"{words.number(margin, words.decimals(margin) + 1)} {unit}".strip()
    return f"It is real, but {'' if shown else 'perhaps '}{TOO_SMALL}: below {limit} two trainings of one twin differ by more."


def contradicted(gap: Gap, rival: str) -> str:
    """Say that no smaller teacher serves better by more than is negligible."""
    reading = gap.reading
    assert reading.deficit is not None, "what is contradicted was measured"
    places = words.decimals(reading.margin) + 1
    more = f" by more than {words.limit(reading.upper, places)} {gap.unit}" if reading.upper > 0 else ""
    return (
        f"{_costs(reading.deficit, rival)}: no smaller one serves better{more} (95 % limit; below {words.limit(reading.margin, places)} is "
        f"negligible; {words.p_told(reading.against)} over the claims of this page)."
    )


def _costs(deficit: Measurement, rival: str) -> str:
    return words.compared(deficit, f"The largest costs {{}} against {rival}", f"The largest gives {{}} more than {rival}")


def prose(found: list[Gap], around: list[Gap]) -> tuple[str, ...]:
    """What a reader must know of the section; `around` is what stands beside the plan's own setting."""
    claims = [gap for gap in found if gap.reading.deficit is not None and not (gap.reading.direction_only or gap.control or gap.copied)]
    family = len(claims)
    apart = "; of what stands beside them, by themselves" if around else ""
    unit = "draws of labelled rows, each the mean of its seeds" if any(gap.curve.clustered for gap in found) else "seeds"
    calibrated = (
        "The loss of classes is the calibrated NLL: each model's logits are divided by one temperature, fitted on validation rows, so that "
        f"a gain is none of being surer or less sure. {_sureness(*found, *around)}Accuracy, and the NLL as it is, have verdicts of their "
        "own in the table of claims.",
    )
    units = max((gap.reading.units for gap in claims), default=0)
    none = hopeless(family, units, "draw" if any(gap.curve.clustered for gap in found) else "seed") if family else ""
    return (
        *([none] if none else []),
        "Each panel shows what distillation gains over training the same student alone (loss of the paired twin minus loss of the "
        f"student, on probe rows that no similarity was measured on) against the size of its teacher. {_lines(found, unit)} a capacity gap "
        "needs a larger teacher that is better itself and serves worse.",
        f"The claim is that {CLAIM}. It is made where (a) the best smaller teacher is shown to serve better: a sign-flip test over all "
        "smaller sizes, which needs no more than symmetry, and a simultaneous bootstrap interval that excludes 0; and (b) the largest "
        f"teacher is itself shown to be the better model. Over the claims of this kind on the page ({family} with {SEEDS_FOR_A_VERDICT} "
        f"seeds or more{apart}) p values are Holm-adjusted, those of CONTRADICTED too: every smaller size is ahead by less than is "
        "negligible. A best size at the grid's edge (c) gives a bound in place of a ratio, a curve that may "
        "have two humps (d) gives none. A deficit below a fifth of the twins' seed-to-seed standard deviation is called negligible. How "
        "often such a verdict is wrong is measured on simulated sweeps: see the end of this page.",
        f"{_OWN if around else ''}A knowledge report chooses α for each seed, where several were tried, and so speaks of other students.",
        *(calibrated if any(gap.raw is not None for gap in found) else ()),
    )


_OWN = "Verdicts are of students at the plan's own setting; those of whom one thing was changed are in the table beside each verdict. "


def _lines(found: list[Gap], unit: str) -> str:
    """How a panel is read: of many settings there are only those of the cards, which have means alone."""
    marks = f"arks are means with 95 % intervals over {unit.partition(' ')[0]}"
    if any(gap.scope == gap.arm and len(gap.curve.sizes) for gap in found):
        return f"Thin lines are {unit}; m{marks}. The teachers' own loss stands below on the same axis:"
    return f"M{marks}; every seed is in the table of cells, and how much better a model the largest is in the table of claims:"


def _sureness(*found: Gap) -> str:
    told = any(gap.temperatures for gap in found)
    return "How sure of themselves models are is shown by the temperatures that were fitted. " if told else ""
