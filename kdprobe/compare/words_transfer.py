"""What of one very teacher reached its student, in plain words: only what exceeds sibling teachers is called transferred."""

from typing import NamedTuple

from kdprobe.compare.compared import Compared
from kdprobe.compare.judge import LEAST, Judged, closer, judged
from kdprobe.core.words import listed, over_seeds
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT

NAMED = 5
"""Measures that are named; the rest stands in the table."""


def transfer(comparison: Compared) -> str:
    """Return the sentences on sibling teachers; "" where there are none."""
    if not comparison.siblings and not comparison.seeds:
        return ""
    if comparison.unfit:
        verb = "are" if len(comparison.unfit) > 1 else "is"
        return (
            f"What is of this very teacher no word says: {listed(comparison.unfit)} {verb} no fit sibling, as the warning tells, and the "
            "numbers under contrast and specific are not to be read."
        )
    if not comparison.twins:
        return (
            f"Beside {siblings(comparison)} the student's preference for its own teacher is shown as the contrast; but without twins it "
            "is unknown how far a network that nobody taught prefers this teacher too, and nothing is called transferred."
        )
    found = judged(comparison, "specific")
    if not found:
        return f"How much nearer the student is to its own teacher than to {siblings(comparison)} could not be measured."
    if all(one.p is None for one in found.values()):
        return _too_few(comparison)
    chance = "new seeds" if comparison.seeds else "new rows, one more twin or one more sibling"
    toward, away, unsound = shown(comparison, found)
    family = f"of {len(found)} measures, false discovery rate {100 * LEVEL:.0f} %"
    if not toward:
        text = (
            f"Nothing is shown to have been transferred from this very teacher: by none {family}, is the student nearer to it than to "
            f"{siblings(comparison)} by more than twins show and {chance} would give. What it shares with its teacher, any teacher of "
            "this recipe, or simply a better network, may give."
        )
    else:
        text = (
            f"Transferred from this very teacher, as the student is nearer to it than to {siblings(comparison)} by more than twins show "
            f"and {chance} would give ({len(toward)} {family}): {named(comparison, toward)}."
        )
    if away:
        text += f" The other way, further from its own teacher than from siblings: {named(comparison, away)}."
    if unsound:
        titles = listed([comparison.probes[name].title for name in unsound])
        text += (
            f" No word stands on {titles}: there the twins too, which nobody taught, are nearer to or further from the teacher of their "
            "own seed than from the others, so pairs of one seed share more than teaching."
        )
    return text


class Shown(NamedTuple):
    """What is shown of a student's own teacher: nearer to it than to siblings, further from it, and where no word may stand."""

    toward: dict[str, Judged]
    away: dict[str, Judged]
    unsound: list[str]


def shown(comparison: Compared, found: dict[str, Judged]) -> Shown:
    """Sort what stands out of the differences called specific by where it points."""
    unsound = [name for name, one in judged(comparison, "placebo").items() if comparison.seeds and one.shown]
    toward = {name: one for name, one in found.items() if one.shown and closer(comparison, name, one.found) and name not in unsound}
    away = {name: one for name, one in found.items() if one.shown and name not in (*toward, *unsound)}
    return Shown(toward, away, unsound)


def _too_few(comparison: Compared) -> str:
    if comparison.seeds:
        return (
            f"Whether anything was transferred from these very teachers no word is given below {SEEDS_FOR_A_VERDICT} seeds; "
            "the numbers stand under specific."
        )
    return (
        f"Whether anything was transferred from this very teacher cannot be told from {siblings(comparison)} and {len(comparison.twins)} "
        f"twin{'' if len(comparison.twins) == 1 else 's'}: pass {LEAST} or more of each, to see how far one more would lie off."
    )


def siblings(comparison: Compared) -> str:
    """The other teachers, in words."""
    if comparison.seeds:
        return f"the {comparison.seeds - 1 + len(comparison.siblings)} other teachers of the recipe"
    count = len(comparison.siblings)
    return "its sibling teacher" if count == 1 else f"its {count} sibling teachers"


def named(comparison: Compared, found: dict[str, Judged]) -> str:
    """The surest of what was found, by name and number."""
    surest = sorted(found.items(), key=lambda item: item[1].p or 0.0)
    measured = [(comparison.probes[name].title, one.found) for name, one in surest[:NAMED]]
    told = [f"{title} {over_seeds(one.value, one.low, one.high, one.unit, seeds=comparison.seeds)}" for title, one in measured]
    return listed([*told, f"{len(surest) - NAMED} more, in the table"] if len(surest) > NAMED else told)
