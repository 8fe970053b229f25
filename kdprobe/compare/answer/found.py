"""Did teaching help, and is it this teacher's own: one sentence each, no stronger than the judgements that they follow from."""

from typing import Literal, NamedTuple

from kdprobe.compare.compared import Compared
from kdprobe.compare.judge import PERFORMANCE, Judged, judged
from kdprobe.compare.words_gain import beside, few, measure, part, read
from kdprobe.compare.words_transfer import named, shown, siblings
from kdprobe.core.result import Measurement
from kdprobe.core.words import listed
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT

Word = Literal["helped", "hurt", "both", "not shown", "too few", "not known"]


class Helped(NamedTuple):
    """Whether teaching helped: in a word for rules, in a sentence for people."""

    word: Word
    says: str


class Own(NamedTuple):
    """Whether what reached the student is its own teacher's."""

    word: Literal["yes", "not shown", "too few", "not known"]
    says: str


def answer(comparison: Compared) -> str:
    """Return whether teaching helped, in one sentence; where something else was hardly meant, that first.

    Its part before the first colon can stand alone, as what a page shows in bold.
    """
    says = helped(comparison).says
    if not comparison.warnings:
        return says
    first, *others = comparison.warnings
    more = f" ({len(others)} more below.)" if others else ""
    return f"Warning: {first}{more} With the models as they are given, {says[0].lower()}{says[1:]}"


def helped(comparison: Compared) -> Helped:
    """Judge by new rows and one more twin, or by new seeds, as every other word of a comparison."""
    if not comparison.twins:
        lacks = "no twin was given, which is the student's network trained without the teacher"
        return Helped("not known", f"Whether teaching helped is not known: {lacks}.")
    if not comparison.scores:
        return Helped("not known", f"Whether teaching helped is not known: without {target(comparison)} no model can be scored.")
    family = judged(comparison, "panel", PERFORMANCE)
    found = read(family)
    if not found:
        return Helped("not known", "Whether teaching helped is not known: what it gained could not be measured.")
    if all(one.p is None for one in found.values()):
        return Helped("too few", _too_few(comparison, found))
    better = {name: one for name, one in found.items() if one.shown and one.found.value > 0}
    worse = {name: one for name, one in found.items() if one.shown and one.found.value < 0}
    whom = f"these {comparison.seeds} students, on average" if comparison.seeds else "this student"
    told = _told(comparison, {**better, **worse})
    doubtful = {name: one for name, one in found.items() if better and name not in worse and _is_harm(one)}
    if doubtful:
        told += f"; but {_whose(comparison)} {_parts(comparison, doubtful)}, though no more than {_chance(comparison)} would give"
    if better and worse:
        gained, lost = (listed([measure(comparison, name) for name in group]) for group in (better, worse))
        return Helped("both", f"Teaching helped {whom}, in {gained}, and hurt in {lost}: {told}.")
    if better:
        return Helped("helped", f"Teaching helped {whom}: {told}.")
    if worse:
        return Helped("hurt", f"Teaching hurt {whom}: {told}.")
    return Helped("not shown", _not_shown(comparison, found))


def own(comparison: Compared) -> Own:
    """Only what exceeds sibling teachers, by more than twins show and chance would give, is this teacher's own."""
    if not comparison.siblings and not comparison.seeds:
        return Own("not known", "Not known: only sibling teachers, of the same recipe from other seeds, can tell.")
    if comparison.unfit:
        return Own("not known", f"Not known: {listed(comparison.unfit)} {'is' if len(comparison.unfit) == 1 else 'are'} no fit sibling.")
    if not comparison.twins:
        return Own("not known", "Not known: without twins a network that nobody taught may prefer this teacher as much.")
    found = judged(comparison, "specific")
    if not found:
        return Own("not known", f"Not known: how much nearer it is to its own teacher than to {siblings(comparison)} was not measured.")
    if all(one.p is None for one in found.values()):
        given = f"{comparison.seeds} seeds" if comparison.seeds else f"{_count(comparison.siblings, 'sibling')} and {_twins(comparison)}"
        return Own("too few", f"Not known: {given} are too few to tell.")
    toward, away, unsound = shown(comparison, found)
    many = f"{len(found)} measure{'' if len(found) == 1 else 's'}"
    against = f"; by {len(away)} it is further from it" if away else ""
    silent = f"; on {len(unsound)} no word stands, as twins show it too" if unsound else ""
    nearer = f"nearer to its own teacher than to {siblings(comparison)}, by more than twins show and chance would give"
    if toward:
        surest = min(toward, key=lambda name: toward[name].p or 0.0)
        first = named(comparison, {surest: toward[surest]})
        told = f"({'surest: ' if len(toward) > 1 else ''}{first})"
        return Own("yes", f"Yes, in part: by {len(toward)} of {many} it is {nearer} {told}{against}{silent}.")
    return Own("not shown", f"Not shown: by none of {many} is it {nearer}{against}{silent}.")


def target(comparison: Compared) -> str:
    """What models are scored against."""
    return "labels of these rows" if comparison.kind == "classification" else "true values of these rows"


def _too_few(comparison: Compared, found: dict[str, Judged]) -> str:
    told = _told(comparison, found)
    if comparison.seeds:
        why = f"of {comparison.seeds} seeds that is a direction only, below {SEEDS_FOR_A_VERDICT} no word is given"
    else:
        why = f"{few(comparison)} cannot tell how far the next one would lie off"
    return f"Whether teaching helped is not settled: {told}; {why}."


def _not_shown(comparison: Compared, found: dict[str, Judged]) -> str:
    """Nothing beyond chance: what was found all the same, first where it is harm on these rows."""
    harm = {name: one for name, one in found.items() if _is_harm(one)}
    told = f"{_told(comparison, harm or found)}, no more than {_chance(comparison)} would give"
    lead = comparison.lead
    worse = (
        f"; nor {'are their teachers' if comparison.seeds else 'is its teacher'} shown to be better than twins"
        if isinstance(lead, Measurement) and lead.low <= 0
        else ""
    )
    return f"{'Neither help nor harm' if harm else 'No help'} from teaching is shown: {told}{worse}."


def _is_harm(one: Judged) -> bool:
    return one.found.value < 0 and one.on_rows


def _chance(comparison: Compared) -> str:
    return "new seeds" if comparison.seeds else "new rows or one more twin"


def _told(comparison: Compared, found: dict[str, Judged]) -> str:
    """Such as "against its twins' mean, its accuracy is 2 points [1, 3] higher"."""
    twins = "their twins, seed by seed" if comparison.seeds else beside(comparison)
    return f"against {twins}, {_whose(comparison)} {_parts(comparison, found)}"


def _whose(comparison: Compared) -> str:
    return "their" if comparison.seeds else "its"


def _parts(comparison: Compared, found: dict[str, Judged]) -> str:
    return listed([part(comparison, name, one.found) for name, one in found.items()])


def _twins(comparison: Compared) -> str:
    return _count(comparison.twins, "twin")


def _count(names: tuple[str, ...], what: str) -> str:
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}"
