"""Did the pilot name the right teacher sizes?"""

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.groups import short_names
from kdprobe.report.evidence.pilots import Outcome, named_words, outcomes


def draw(evidence: Evidence) -> Content | None:
    """Draw the advice of each student beside what was found, misses included; nothing where there was no pilot."""
    found = outcomes(evidence)
    if not found:
        return None
    return Content(words=(_words(found),), tables=(Table(caption="Predicted and found", columns=COLUMNS, rows=tuple(map(_row, found))),))


def _words(found: list[Outcome]) -> str:
    first = found[0].pilot
    start = (
        f"Before the sweep, a pilot of {words.counted(first.seeds, 'seed')} of its own named for each student and regime those of the "
        "teacher sizes, half of them at most, that most probably hold the best one, from losses on validation rows. "
    )
    tested = [outcome for outcome in found if outcome.right is not None]
    if not tested:
        return start + "The sweep did not train all sizes of the pilot, so whether it was right is not known."
    right, possible = (sum(bool(getattr(outcome, name)) for outcome in tested) for name in ("right", "possible"))
    promised = sum(outcome.pilot.advice.holds for outcome in tested) / len(tested)
    untested = f" Not tested, because not all its sizes were trained: {len(found) - len(tested)}." if len(tested) < len(found) else ""
    return start + (
        f"It named the size with the best mean in {right} of {words.counted(len(tested), 'case')} ({100 * right / len(tested):.0f} %; "
        f"its own probabilities promised {100 * promised:.0f} %), and a size of the sweep's 95 % set of best ones in {possible}.{untested}"
    )


def _row(outcome: Outcome) -> dict[str, object]:
    pilot, gap = outcome.pilot, outcome.gap
    word = {True: "hit", False: "miss", None: "not tested"}[outcome.right]
    if outcome.right is False and outcome.possible:
        word = "miss, but one that may be the best is named"
    best = None
    if outcome.best is not None and gap is not None:
        noun, names = short_names(gap.curve.teachers)
        best = f"{noun} {names[gap.reading.best]}"
    return {
        **{"student": f"{pilot.task} · {pilot.student}", "arm": pilot.arm, "named": named_words(pilot), "holds": pilot.advice.holds},
        **{"best": best, "word": word},
    }


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="named", title="pilot named"),
    Column(key="holds", title="promised", shown="number", explains="probability that the best size is among the named ones"),
    Column(key="best", title="best mean found"),
    Column(key="word", title="outcome"),
)

PILOT = Section(name="pilot", question="Did the pilot name the right teacher sizes?", plans=("gap",), draw=draw, order=20)
