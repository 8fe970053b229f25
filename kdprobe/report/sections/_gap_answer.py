"""What a student's verdicts come to, in one sentence: which teacher, if any, and what it gives."""

from collections.abc import Iterator, Sequence

from kdprobe.report import words
from kdprobe.report.evidence.gaps import Gap
from kdprobe.report.evidence.groups import short_names
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT
from kdprobe.verdicts.family import TOO_SMALL


def doubt(gap: Gap) -> str:
    """The control that a gain is not shown to exceed: such a gain is none of teaching. "" where there is none."""
    if gap.helps.verdict != "SUPPORTED":
        return ""
    return next((control.title for control in gap.controls if control.beyond.low <= 0), "")


def answer(group: Sequence[Gap]) -> str:
    """One sentence for a student in all its regimes, no stronger than the verdicts that it follows from."""
    judged = [gap for gap in group if not (gap.control or gap.copied)]
    read = [gap for gap in judged if gap.helps.gain is not None]
    if not read:
        return "Nothing can be said of this student yet: see the sentences below." if any(not gap.control for gap in group) else ""
    helped = [gap for gap in read if gap.helps.verdict == "SUPPORTED"]
    sure = [gap for gap in helped if not doubt(gap)]
    if large := [gap for gap in sure if gap.helps.qualifier != TOO_SMALL]:
        return _use(max(large, key=_gain))
    if sure:
        small = max(sure, key=_gain)
        return f"Train this student alone: {_told(small)} {_taught(small)} is there, and {TOO_SMALL}."
    best = max(helped or read, key=_gain)
    if helped:
        gain = _told(best)
        return f"Before you teach this student, try the control ({doubt(best)}): {gain} {_taught(best)} is not shown to be more."
    if all(gap.helps.n < SEEDS_FOR_A_VERDICT for gap in read):
        return f"Too few seeds to say whether a teacher helps this student: give {SEEDS_FOR_A_VERDICT} or more."
    if all(gap.helps.verdict == "CONTRADICTED" for gap in read):
        teachers = _teachers(best)
        if all(gap.helps.harmful for gap in read):
            return f"Train this student alone: {teachers} made it worse than its untaught twin."
        return f"Train this student alone: {teachers} gained it less than is negligible."
    gain = _told(best)
    return f"Whether a teacher helps this student is not settled: its largest gain is {gain} {_taught(best)}. More seeds may tell."


def _told(gap: Gap) -> str:
    return "not known" if gap.helps.gain is None else words.result(gap.helps.gain)


def _gain(gap: Gap) -> float:
    return gap.helps.gain.value if gap.helps.gain is not None else float("-inf")


def _teachers(gap: Gap) -> str:
    noun, names = short_names(gap.curve.teachers)
    return f"the teacher of {noun} {names[0]}" if len(names) == 1 else f"every teacher of {noun} {names[0]}…{names[-1]}"


def _taught(gap: Gap) -> str:
    return f"under its best teacher on {gap.arm}"


def _use(gap: Gap) -> str:
    noun, names = short_names(gap.curve.teachers)
    among = [i for i in gap.reading.best_set if not gap.reading.direction_only] or [gap.helps.best]
    little = f", {gap.helps.qualifier}" if TOO_SMALL in gap.helps.qualifier else ""
    size = f"{noun} {names[among[0]]}" if len(among) == 1 else f"one of {noun}s {words.span(names, among)}"
    return f"Teach this student with {size} on {gap.arm}: {_told(gap)} over training alone{little}{''.join(_more(gap))}."


def _more(gap: Gap) -> Iterator[str]:
    """What the largest teacher would cost, as far as that is known."""
    reading, (noun, names) = gap.reading, short_names(gap.curve.teachers)
    if reading.deficit is None or len(names) < 2:
        return
    if reading.verdict == "SUPPORTED":
        little = f", {reading.qualifier}" if TOO_SMALL in reading.qualifier else ""
        yield f"; the largest costs {words.result(reading.deficit)} of it{little}"
    elif reading.verdict == "CONTRADICTED":
        yield f"; {noun} {names[-1]} costs no more than is negligible against a smaller one"
    elif reading.verdict == "INCONCLUSIVE":
        yield f"; whether {noun} {names[-1]} costs anything against a smaller one is not settled"
    else:
        yield f"; {noun} {names[-1]} is not shown to be a better model than smaller ones"
