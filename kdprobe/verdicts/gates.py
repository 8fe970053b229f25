"""Gates of a transfer metric, as functions of numbers: what was read in, number, threshold and outcome out. G6 asks the probe itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.stats import binomtest, page_trend_test  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT, contrast
from kdprobe.stats.partial_rank import clustered_partial_rank, partial_rank

Outcome = Literal["pass", "fail", "refused"]
HELD_OUT = 1000
"""Untaught twins that a metric must not call taught, at least."""
BINOMIAL_LEVEL = 0.01
MARGIN = 0.2
"""Share of what full teaching moves a metric by that counts as nothing."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate and what a metric did at it.

    Parameters
    ----------
    name, asks
        "G1" to "G6", and its question.
    number, threshold
        What was found and what it is held to; None where there is no number.
    outcome
        "pass", "fail", or "refused" where the networks cannot tell.
    says
        One sentence: which numbers, and what refused.
    details
        Further finite numbers.
    """

    name: str
    asks: str
    number: float | None
    threshold: float | None
    outcome: Outcome
    says: str
    details: Mapping[str, float] = field(default_factory=dict[str, float])


ASKS = {
    "G1": "Does it call untaught twins taught no oftener than it says?",
    "G2": "Does it grow with the weight of the teacher?",
    "G3": "Does it stay at nothing where nothing of this teacher was taught?",
    "G4": "Does it tell of the gain beyond what the student's score tells?",
    "G5": "Does it do so without any one of the arms?",
    "G6": "Does it keep what it declares: known answers, bounds, invariances?",
}


def gate(name: str, number: float | None, threshold: float | None, outcome: Outcome, says: str, **details: float) -> Gate:
    """One gate by its name."""
    return Gate(name=name, asks=ASKS[name], number=number, threshold=threshold, outcome=outcome, says=says, details=details)


def null(groups: np.ndarray) -> Gate:
    """G1: readings (groups, seeds) of held-out twins, groups disjoint and all networks trained independently; NaN where refused.

    Each group gives a verdict: one-sided t over its seeds at 5 %. The gate fails where so many verdicts would come by chance in less than
    1 % of cases, at any depth; it passes with `HELD_OUT` twins or more.
    """
    answered = np.isfinite(groups).all(axis=1) if groups.size else np.zeros(len(groups), dtype=bool)
    twins, verdicts = int(answered.sum()) * groups.shape[1], int(answered.sum())
    if verdicts * 2 < len(groups) or not verdicts:
        return gate("G1", None, BINOMIAL_LEVEL, "refused", f"it has no answer in {len(groups) - verdicts} of {len(groups)} groups")
    taught = int(contrast(groups[answered]).exceeds().sum())
    p = float(binomtest(taught, verdicts, LEVEL, alternative="greater").pvalue)
    said = f"{taught} of {verdicts} verdicts call untaught twins taught ({100 * taught / verdicts:.1f} %), of {twins:,} held-out twins"
    details = {"taught": float(taught), "verdicts": float(verdicts), "held_out_twins": float(twins)}
    if p <= BINOMIAL_LEVEL:
        return gate("G1", p, BINOMIAL_LEVEL, "fail", f"{said}: by chance in {p:.2g} of cases", **details)
    if twins < HELD_OUT:
        return gate("G1", p, BINOMIAL_LEVEL, "refused", f"{said}: too few to pass, give {HELD_OUT:,} or more", **details)
    return gate("G1", p, BINOMIAL_LEVEL, "pass", said, **details)


def dose(readings: np.ndarray) -> Gate:
    """G2: readings (seeds, doses), doses rising: Page's test for a trend, one-sided at 5 %."""
    if refused := _refused("G2", readings):
        return refused
    found = page_trend_test(readings)
    p, means = float(found.pvalue), readings.mean(axis=0)
    said = f"mean readings {', '.join(f'{mean:.3g}' for mean in means)} from the least weight to the most"
    return gate("G2", p, LEVEL, "pass" if p < LEVEL else "fail", said, page=float(found.statistic))


def specificity(full: np.ndarray, controls: Mapping[str, np.ndarray]) -> Gate:
    """G3: readings (seeds,) of full teaching and of each control, paired: all controls are within a fifth of full teaching (TOST, 5 %)."""
    for values in (full, *controls.values()):
        if refused := _refused("G3", values[:, None]):
            return refused
    if not bool(contrast(full).exceeds()):
        return gate(
            "G3", None, LEVEL, "refused", f"full teaching is not shown to move it ({full.mean():.3g} on average): there is no margin"
        )
    # the margin is read from the same seeds: its own error belongs to the test
    p = {name: max(_above(MARGIN * full - values), _above(MARGIN * full + values)) for name, values in controls.items()}
    shares = {name: float(values.mean() / full.mean()) for name, values in controls.items()}
    worst = max(p, key=lambda name: p[name])
    beyond = [name for name in p if p[name] >= LEVEL]
    told = f"{len(p) - len(beyond)} of {len(p)} controls are shown to stay within {MARGIN:.0%} of full teaching"
    told += "" if not beyond else f"; not {', '.join(f'{name} ({shares[name]:.0%})' for name in beyond)}"
    return gate("G3", p[worst], LEVEL, "fail" if beyond else "pass", told, **{f"share, {name}": share for name, share in shares.items()})


def incremental(reading: np.ndarray, gain: np.ndarray, score: np.ndarray) -> Gate:
    """G4: (seeds, arms) each, of three disjoint sets of rows: Spearman's ρ of reading and gain given the score, seeds resampled whole."""
    if refused := _refused("G4", reading):
        return refused
    found = clustered_partial_rank(reading, gain, score)
    if found is None:
        return gate("G4", None, 0.0, "refused", "readings, gains or scores do not vary: there is nothing to rank")
    within = partial_rank(*(values - values.mean(axis=0) for values in (reading, gain, score)))
    between = partial_rank(*(values.mean(axis=0) for values in (reading, gain, score)))
    told = f"ρ = {found.value:.2f} [{found.low:.2f}, {found.high:.2f}] given the score"
    told += "".join(f", {name} {value:.2f}" for name, value in (("within arms", within), ("between arms", between)) if value is not None)
    return gate("G4", found.low, 0.0, "pass" if found.low > 0 else "fail", told, rho=found.value)


def sign(reading: np.ndarray, gain: np.ndarray, score: np.ndarray, arms: tuple[str, ...]) -> Gate:
    """G5: the same with each arm left out in turn: ρ stays above 0."""
    if refused := _refused("G5", reading):
        return refused
    without = {name: partial_rank(*(np.delete(values, i, axis=1) for values in (reading, gain, score))) for i, name in enumerate(arms)}
    known = {name: value for name, value in without.items() if value is not None}
    if len(known) < len(without):
        return gate("G5", None, 0.0, "refused", "readings, gains or scores do not vary without one of the arms")
    least = min(known, key=lambda name: known[name])
    told = f"ρ is least without {least}: {known[least]:.2f}"
    return gate("G5", known[least], 0.0, "pass" if known[least] > 0 else "fail", told)


def _above(values: np.ndarray) -> float:
    """One-sided p of a mean above 0."""
    found = contrast(values)
    half = float(found.p) / 2
    return half if float(found.mean) > 0 else 1 - half


def _refused(name: str, readings: np.ndarray) -> Gate | None:
    """The refusal of few seeds, and of readings that are missing."""
    threshold = LEVEL if name in ("G2", "G3") else 0.0
    if len(readings) < SEEDS_FOR_A_VERDICT:
        return gate(name, None, threshold, "refused", f"{len(readings)} seeds: give {SEEDS_FOR_A_VERDICT} or more")
    missing = int((~np.isfinite(readings)).any(axis=1).sum())
    return gate(name, None, threshold, "refused", f"it has no answer for {missing} of {len(readings)} seeds") if missing else None
