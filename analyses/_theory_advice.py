"""What `regression_theory.py` advises, and where it says that theory and training part ways; every imperative is chosen by numbers."""

from collections.abc import Mapping, Sequence

from _ratio_claims import Claim
from _theory_networks import NAMES
from _theory_real import Draws
from paired import Interval

from kdprobe.report.theme.agreement import Cells

ENOUGH, TO_REACH = 20, 0.8
"""Answers that a hit rate needs, and the share of the gains that intervals were to hold."""


def advice(found: Sequence[Claim], draws: Sequence[Draws]) -> tuple[str, ...]:
    """What to do."""
    holds = {claim.name: claim.verdict == "SUPPORTED" for claim in found}
    right = [word for one in draws for word in one.right()]
    held = [float(share) for one in draws for share in one.holds[one.spoken]]
    sign = "Believe" if len(right) >= ENOUGH and sum(right) >= 0.9 * len(right) else "Do not yet believe"
    size = "no interval was given"
    if held:
        size = f"its intervals held {100 * sum(held) / len(held):.0f} % of the gains, where {100 * TO_REACH:.0f} % were to be reached"
    take = "Take the size as it is" if held and sum(held) >= TO_REACH * len(held) else "Do not take the size that it names at its word"
    return (
        f"{sign} the advisor's sign: on real sets it was right in {sum(right)} of the {len(right)} answers whose truth is known. "
        f"{take}: {size}.",
        f"{'Do not' if holds['C4'] else 'You may'} distil least squares on its teacher's own rows: find rows without labels.",
        f"{'Clean labels before you distil' if holds['C18'] else 'Noise may not matter'}: see C18.",
        f"{'Tune the ridge, and leave it at that' if holds['C12'] else 'Try another round after a tuned ridge'}: see C12.",
    )


def apart(gains: Sequence[Cells]) -> tuple[str, ...]:
    """How near each kind of student keeps to the law."""
    told = []
    for one in gains:
        inside, sign = int((one.apart <= 3).sum()), int((one.predicted * one.observed > 0).sum())
        told.append(
            f"{one.label.capitalize()}: {inside} of {len(one.apart)} gains within 3 standard errors of the law, the sign right in {sign} "
            f"of the {int((one.predicted != 0).sum())} that it gives one to; at most {one.apart.max():.1f} standard errors off. The "
            f"largest standard error is {one.error.max():.2g} target variances, so where it is wide, that says little."
        )
    return tuple(told)


def ways(found: Mapping[tuple[str, str, float], Interval]) -> tuple[str, ...]:
    """Which ways to use a teacher beat the twin, on clean labels and on noisy ones."""
    told = []
    for noise in sorted({key[2] for key in found}):
        named: dict[str, list[str]] = {"better": [], "worse": [], "not told apart": [], "not known": []}
        for (scheme, distiller, level), gain in found.items():
            if level == noise:
                named[gain.word].append(f"{scheme.replace('_', ' ')} with {NAMES[distiller]} ({gain})")
        told.append(
            f"At a noise of {noise:g} on the labels these beat the twin: {'; '.join(named['better']) or 'none'}. "
            f"These are worse than it: {'; '.join(named['worse']) or 'none'}."
        )
    return tuple(told)
