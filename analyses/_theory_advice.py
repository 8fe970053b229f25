"""What `regression_theory.py` advises, and where it says that theory and training part ways; every imperative is chosen by numbers."""

from collections.abc import Mapping, Sequence

from _ratio_claims import Claim
from _theory_networks import NAMES
from _theory_real import Draws
from paired import Interval

from kdprobe.report import words
from kdprobe.report.theme.agreement import Cells

ENOUGH, TO_REACH = 20, 0.8
"""Answers that a hit rate needs, and the share of the gains that intervals were to hold."""


def advice(found: Sequence[Claim], draws: Sequence[Draws], gains: Sequence[Cells] = ()) -> tuple[str, ...]:
    """What to do.

    Parameters
    ----------
    gains
        Of networks whose hidden layers learn, what the law had said and what was found.
    """
    holds = {claim.name: claim.verdict == "SUPPORTED" for claim in found}
    settled = [answer for one in draws for answer in one.settled()]
    right, sets = [good for _, good in settled], [one.data.name for one in draws if one.settled()]
    held = [float(share) for one in draws for share in one.holds[one.spoken]]
    sign = "Believe" if len(right) >= ENOUGH and sum(right) >= 0.9 * len(right) else "Do not yet believe"
    untried = (
        "" if any(word == "CONTRADICTED" for word, _ in settled) else "; none of them says that distilling hurts, so that was not tried"
    )
    of_set = {one.data.name: float(one.holds[one.spoken].mean()) for one in draws if one.spoken.any()}
    least = min(of_set, key=lambda name: of_set[name], default="")
    size = "no interval was given"
    if held:
        size = f"its 95 % intervals held {100 * sum(held) / len(held):.0f} % of the gains, where {100 * TO_REACH:.0f} % were to be reached"
        size += f", and of the set where they held least, {least}, {100 * of_set[least]:.0f} %"
    # where all do on average and one set does not, a reader's own may be like the one
    take = "Do not take the gain that it names at its word"
    if held and sum(held) >= TO_REACH * len(held):
        take = "Take the gain as it is" if of_set[least] >= TO_REACH else "Take the gain as a first guess, and try it on your own data"
    return (
        f"{sign} the advisor's sign for least squares: on real sets it was right in {sum(right)} of the {len(right)} answers whose truth "
        f"is known, draws of {words.counted(len(sets), 'set')} ({words.listed(sets) or 'none'}){untried}. {take}: {size}.",
        *(_measure(one) for one in gains),
        f"{'Do not' if holds['C4'] else 'You may'} distil least squares on its teacher's own rows: find rows without labels.",
        f"{'Clean labels' if holds['C18'] else 'Noise may not matter'} where one larger teacher of least squares is to help: see C18. It "
        "says nothing of several teachers, nor of networks: what these gained on noisy labels stands under what a teacher can add.",
        f"{'Tune the ridge, and leave it at that' if holds['C12'] else 'Try another round after a tuned ridge'}: see C12.",
    )


def _measure(gains: Cells) -> str:
    """What the law is worth to those whose networks have hidden layers."""
    inside, many = int((gains.apart <= 3).sum()), len(gains.apart)
    if inside == many:
        return f"Of {gains.label} all {many} gains lay within 3 standard errors of the law: small ones, so measure your own."
    return f"Measure {gains.label} in place of believing the law: {many - inside} of {many} gains lay beyond 3 standard errors of it."


def apart(gains: Sequence[Cells]) -> tuple[str, ...]:
    """How near each kind of student keeps to the law."""
    told = []
    for one in gains:
        inside, sign = int((one.apart <= 3).sum()), int((one.predicted * one.observed > 0).sum())
        wide = float(one.error.max()) > float(abs(one.observed).mean())
        little = ", larger than most gains: where it is, being within 3 of them says little" if wide else ""
        told.append(
            f"{one.label.capitalize()}: {inside} of {len(one.apart)} gains within 3 standard errors of the law, the sign right in {sign} "
            f"of the {int((one.predicted != 0).sum())} that it gives one to; at most {one.apart.max():.1f} standard errors off. The "
            f"largest standard error is {one.error.max():.2g} target variances{little}."
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
