"""Sentences of the knowledge section that hold for every student of a page."""

from collections.abc import Iterable

import numpy as np

from kdprobe.core.registry import available
from kdprobe.report import words
from kdprobe.report.evidence.knowledge import CONTROL, Kinds


def knowledge_words(found: list[Kinds], *, weights: int) -> Iterable[str]:
    """How the page is read; `weights` is how many weights of the teacher's loss were tried."""
    chosen = (
        "at each weight α that was tried of the teacher's loss: losses differ in scale, so that one weight for all would compare scales. "
        "Each seed is read at the weight that the validation rows of the other seeds favour, and a kind at its best distiller chosen in "
        "the same way."
    )
    if weights == 1:
        chosen = (
            "at one weight α of the teacher's loss, where it has a choice: losses differ in scale, so that this compares their scales too. "
            "Each seed of a kind is read at the distiller that the validation rows of the other seeds favour."
        )
    yield (
        f"Every distiller taught the same students from the same teachers, seed by seed, {chosen} Nothing is chosen on the rows that are "
        f"read here. {_at(found)}A gap report reads its students at one α for all seeds, and so speaks of others."
    )
    yield _controls(found)
    if any(group.kind == "classification" for group in found):
        yield (
            "Gains of classes are in calibrated NLL: each model's logits are divided by one temperature that is fitted on validation rows, "
            "so that a loss which makes students more or less sure than its labels do is not taken for one that teaches them more or less."
        )
    if any(np.isfinite(arm.specific).any() for group in found for arm in group.arms):
        yield (
            "A gain is not transfer. Likeness to the own teacher is read against sibling teachers (same size, other seeds): what a student "
            "shares with them as much was not taken over from this teacher. What its untaught twin shows of the same is subtracted, where "
            "it was measured."
        )


def _controls(found: list[Kinds]) -> str:
    """What a gain has to exceed, and over how many claims p values are adjusted."""
    schemes = available("schemes")
    names = {arm.name for group in found for arm in group.arms if arm.knowledge == CONTROL}
    over = ["over the paired twin", *(["over every control"] if names else [])]
    if any(reading.over_beside for group in found for reading in group.readings.values()):
        over.append("where a response loss stood beside its own, over that loss alone")
    examples = {
        "classification": "labels smoothed until they are as unsure as the teacher, classes other than the first permuted",
        "regression": "labels that spread as the teacher's predictions do",
    }
    broken = " or ".join(text for kind, text in examples.items() if any(group.kind == kind for group in found))
    taught = {
        f"from targets whose knowledge was broken, such as {broken}": any(name not in schemes for name in names),
        "by their own twin in the teacher's place": any(name in schemes and schemes[name].student.taught_by for name in names),
        "by labels alone, for more steps": any(name in schemes and not schemes[name].student.taught_by for name in names),
    }
    told = [text for text, there in taught.items() if there]
    controls = f"Controls are taught {words.listed(told)}." if told else "No control was trained: what a kind gains may be none of its own."
    claims, rows = sum(len(group.readings) for group in found), sum(len(arm.gain) > 0 for group in found for arm in group.arms)
    return (
        f"A kind of knowledge is said to help where its student gains {words.listed(over)}. {controls} p values are Holm-adjusted: over "
        f"the {words.counted(claims, 'verdict')} of this page, and in the table over its {words.counted(rows, 'row')}."
    )


def _at(found: list[Kinds]) -> str:
    """The T that is the same for all that have one."""
    told = sorted({group.temperature for group in found if group.temperature is not None})
    but = any(group.response_beside for group in found) and told != [1.0]
    beside = ", but for the response loss beside a loss on hidden layers where there are no labels: its T is 1" if but else ""
    return f"T is {words.listed([f'{value:g}' for value in told])} wherever a loss has one{beside}. " if told else ""
