"""What `knowledge_transferred.py` claims. Every rule below was written, and committed, before any result of its full run was looked at.

Of each set a claim is read from paired seeds, by one-sided t tests: one that it holds, one of the contrary that its rule names. Both are
Holm-adjusted over the sets of the claim. Over sets a claim is SUPPORTED where it is shown in more than half of those that could be asked,
CONTRADICTED where the contrary is, INCONCLUSIVE otherwise, and NOT APPLICABLE where fewer than two sets could be asked. The number of a
claim is a mean over sets, with an interval whose units are sets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from _knowledge_data import BUDGET_ALPHA, Trained
from _ratio_claims import Claim
from scipy.stats import spearmanr

from kdprobe.core.registry import find
from kdprobe.report import words
from kdprobe.report.evidence.doses import Rung
from kdprobe.stats.multiplicity import holm
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT, contrast

CLOSE, REPRODUCED, PREDICTS, NOTHING = 0.8, 0.5, 0.3, 0.2
"""Share of the taught student's likeness that is called highly similar; share of what teaching moves a rank by that is called reproduced;
rank correlation from which one number is said to predict another; share of full teaching that counts as nothing."""
TAU, RANK, FIDELITY = "transfer_coefficient", "dark_knowledge_rank", "fidelity"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One set: p of the claim being untrue and of its contrary being untrue, and a number without units of the set."""

    name: str
    p: float
    against: float
    number: float


def above(values: np.ndarray, margin: float = 0.0) -> float:
    """One-sided p that the mean over seeds is at or below a margin."""
    return float(contrast(margin - np.asarray(values, dtype=float)).below(0.0))


def outcome(readings: Sequence[Reading]) -> tuple[str, list[str], list[str]]:
    """Verdict over sets, and the sets where the claim and where its contrary is shown."""
    if len(readings) < 2:
        return "NOT APPLICABLE", [], []
    shown = [one.name for one, p in zip(readings, holm([one.p for one in readings]), strict=True) if p < LEVEL]
    refuted = [one.name for one, p in zip(readings, holm([one.against for one in readings]), strict=True) if p < LEVEL]
    half = len(readings) / 2
    return "SUPPORTED" if len(shown) > half else "CONTRADICTED" if len(refuted) > half else "INCONCLUSIVE", shown, refuted


def over_sets(numbers: Iterable[float], unit: str = "") -> str:
    """A mean over sets with its interval, in words."""
    values = np.array([number for number in numbers if np.isfinite(number)])
    return words.result(contrast(values).measurement(unit)) if len(values) > 1 else "too few sets for an interval"


def claim(name: str, says: str, expected: str, readings: Sequence[Reading], measure: str) -> Claim:
    """Settle one claim, in words."""
    verdict, shown, refuted = outcome(readings)
    found = f"{measure}: {over_sets(one.number for one in readings)}, mean over {words.counted(len(readings), 'set')}."
    if len(readings) > 1:
        found += f" Shown in {len(shown)} ({', '.join(shown) or 'none'}), the contrary in {len(refuted)} ({', '.join(refuted) or 'none'})."
        found += f" By set: {', '.join(f'{one.name} {words.number(one.number, 2)}' for one in readings)}."
    return Claim(name=name, says=says, expected=expected, verdict=verdict, found=found)


def rung_of(one: Trained, kind: str, name: str) -> Rung | None:
    """The rung of a scheme or a distiller, by its registered title; None where it was not trained."""
    title = find(kind, name).title.removeprefix("control: ")
    return next((rung for rung in one.found.rungs if rung.name == title), None)


def strongest(one: Trained) -> Rung:
    """Labelled rows at the largest weight, where controls of labelled rows stand beside."""
    return one.found.of("weights")[-1]


def twins_are_similar(sets: Sequence[Trained]) -> Claim:
    """C5: the twin's agreement (R²) with the teacher is at least `CLOSE` of the taught student's at its fullest dose."""
    readings = [
        Reading(
            name=one.name, p=above(one.twin - CLOSE * one.student), against=above(CLOSE * one.student - one.twin),
            number=float(one.twin.mean() / one.student.mean()),
        )
        for one in sets
    ]  # fmt: skip
    says = f"twins that never saw the teacher are highly similar to it: {CLOSE:g} or more of the taught student's likeness"
    return claim("C5", says, "yes", readings, "Likeness of the twin over that of the taught student")


def class_means_reproduce(sets: Sequence[Trained]) -> Claim:
    """C6: class means move the order of wrong classes by at least `REPRODUCED` of what the teacher's own answers do at one weight.

    Asked where own answers are shown to move it at all.
    """
    readings = []
    for one in sets:
        means = rung_of(one, "distillers", "class_means")
        full = strongest(one)
        if means is None or RANK not in means.moved or RANK not in full.moved or above(full.moved[RANK]) >= LEVEL:
            continue
        less = means.moved[RANK] - REPRODUCED * full.moved[RANK]
        share = float(means.moved[RANK].mean() / full.moved[RANK].mean())
        readings.append(Reading(name=one.name, p=above(less), against=above(-less), number=share))
    says = f"class means alone reproduce the order of the wrong classes: {REPRODUCED:g} or more of what the teacher's answers move it by"
    return claim("C6", says, "yes", readings, "What class means move over what the teacher's answers do")


def grows_with_weight(sets: Sequence[Trained]) -> Claim:
    """C7: the least-squares slope of τ (own teacher, less other twins) over α is above 0; contrary: below 0."""
    readings = []
    for one in sets:
        rungs = [rung for rung in one.found.of("weights") if TAU in rung.moved]
        if len(rungs) < 2:
            continue
        alpha = np.array([rung.dose for rung in rungs])
        slope = np.polyfit(alpha, np.stack([rung.moved[TAU] for rung in rungs]), 1)[0]
        readings.append(Reading(name=one.name, p=above(slope), against=above(-slope), number=float(slope.mean())))
    return claim("C7", "τ grows with the weight α of the teacher", "yes", readings, "Slope of τ over α, labelled rows")


def largest_is_not_best(sets: Sequence[Trained]) -> Claim:
    """C8: the dose of the largest τ gains less than the dose of the largest gain.

    Both are chosen without a seed and compared on it, so that no choice flatters itself. Contrary: the loss is shown to be less than
    `NOTHING` of the best dose's gain. Asked where that gain is shown to be above 0. The number that stands beside the verdict was another
    one at the first look: a share of the best dose's gain, which can be close to nothing.
    """
    readings = []
    for one in sets:
        rungs = [rung for rung in (*one.found.of("weights"), *one.found.of("rows")) if TAU in rung.moved]
        if len(rungs) < 2:
            continue
        tau, gain = (np.stack(values, axis=1) for values in ([rung.moved[TAU] for rung in rungs], [rung.gain for rung in rungs]))
        seeds, others = np.arange(len(gain)), ~np.eye(len(gain), dtype=bool)
        most, best = (np.array([values[kept].mean(axis=0).argmax() for kept in others]) for values in (tau, gain))
        lost, whole = gain[seeds, best] - gain[seeds, most], gain[seeds, best]
        if above(whole) < LEVEL:
            share = float(lost.mean() / np.ptp(gain.mean(axis=0)))
            readings.append(Reading(name=one.name, p=above(lost), against=above(NOTHING * whole - lost), number=share))
    says = "the dose that moves the student most (largest τ) is not the one that gains most"
    return claim("C8", says, "yes", readings, "What the dose of the largest τ leaves out, over the range of gains of all doses")


def fidelity_predicts(sets: Sequence[Trained]) -> Claim:
    """C9: over all arms of a seed, Spearman's ρ of fidelity with the NLL gain is above `PREDICTS` and with the accuracy gain below.

    Contrary: ρ with the accuracy gain is shown above it, or with the NLL gain below.
    """
    readings = []
    for one in (one for one in sets if one.kind == "classification"):
        rungs = [rung for rung in one.found.rungs if FIDELITY in rung.moved]
        if len(rungs) < 3:
            continue
        moved = np.stack([rung.moved[FIDELITY] for rung in rungs], axis=1)
        nll, accuracy = (
            np.array([_rank(moved[seed], values[seed]) for seed in range(len(moved))])
            for values in (np.stack([rung.gain for rung in rungs], axis=1), np.stack([rung.score for rung in rungs], axis=1))
        )
        readings.append(
            Reading(
                name=one.name, p=max(above(nll, PREDICTS), above(-accuracy, -PREDICTS)),
                against=min(1.0, 2 * min(above(accuracy, PREDICTS), above(-nll, -PREDICTS))), number=float((nll - accuracy).mean()),
            )
        )  # fmt: skip
    says = f"fidelity predicts the gain in calibrated NLL (ρ above {PREDICTS:g}), not that in accuracy (ρ below it)"
    return claim("C9", says, "yes", readings, "ρ with the NLL gain minus ρ with the accuracy gain, over arms")


def _rank(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's ρ; 0 where one of the two does not vary, which predicts nothing."""
    return float(spearmanr(first, second).statistic) if np.ptp(first) and np.ptp(second) else 0.0


def beats_at_a_budget(sets: Sequence[Trained]) -> Claim:
    """C16: KD gains more calibrated NLL than label smoothing and than argmax labels; contrary: one of them is shown to gain more."""
    readings = []
    for one in (one for one in sets if one.budget):
        kd, *others = (np.asarray(values) for values in one.budget.values())
        ahead = [kd - other for other in others]
        readings.append(
            Reading(
                name=one.name, p=max(above(less) for less in ahead),
                against=min(1.0, len(ahead) * min(above(-less) for less in ahead)), number=float(min(less.mean() for less in ahead)),
            )
        )  # fmt: skip
    says = f"at one budget (rows, steps, α = {BUDGET_ALPHA:g}) KD beats label smoothing and the teacher's argmax"
    return claim("C16", says, "yes", readings, "Gain of KD less that of the better of the two, in nats of calibrated NLL")


def untaught_look_taught(sets: Sequence[Trained]) -> Claim:
    """C17: without siblings every likeness calls an untaught student of equal loss taught: nearer to the teacher than other twins are.

    Contrary: one of the likenesses is shown to move it by less than `NOTHING` of what full teaching does.
    """
    readings = []
    for one in sets:
        untaught, full = rung_of(one, "schemes", "untaught_same_loss"), one.found.fullest
        probes = [probe for probe in one.found.probes if untaught is not None and probe in untaught.moved]
        if untaught is None or full is None or not probes:
            continue
        p = [above(untaught.moved[probe]) for probe in probes]
        less = min(above(NOTHING * full.moved[probe] - untaught.moved[probe]) for probe in probes)
        share = float(np.mean([value < LEVEL for value in p]))
        readings.append(Reading(name=one.name, p=max(p), against=min(1.0, len(probes) * less), number=share))
    says = "an untaught student that is as good as the taught one looks taught to every likeness that has no siblings"
    return claim("C17", says, "yes", readings, "Share of likenesses that call it taught, at 5 % each")


CLAIMS: tuple[Any, ...] = (
    twins_are_similar, class_means_reproduce, grows_with_weight, largest_is_not_best, fidelity_predicts, beats_at_a_budget,
    untaught_look_taught,
)  # fmt: skip


def settled(sets: Sequence[Trained]) -> list[Claim]:
    """Every claim; below eight seeds in any set none of them is settled."""
    found = [one(sets) for one in CLAIMS]
    seeds = min(one.found.seeds for one in sets)
    if seeds >= SEEDS_FOR_A_VERDICT:
        return found
    few = f" {words.counted(seeds, 'seed')}: no claim is settled below {SEEDS_FOR_A_VERDICT}."
    return [
        replace(one, verdict="INCONCLUSIVE" if one.verdict != "NOT APPLICABLE" else one.verdict, found=one.found + few) for one in found
    ]
