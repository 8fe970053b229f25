"""What a student's verdicts come to, in one sentence: which teacher, if any, and what it gives."""

from collections.abc import Iterator, Sequence

import numpy as np

from kdprobe.core.section import Next
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import AS_TRAINED, Gap
from kdprobe.report.evidence.groups import short_names
from kdprobe.report.sections._gap_words import lacking, unlimited
from kdprobe.report.sections._next import again, fewer_rows, following
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast
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
    if best := taught_in(group):
        return _use(best)
    if sure:
        small = max(sure, key=_gain)
        return f"Train this student alone: {_told(small)} {_taught(small)} is real, but {TOO_SMALL}."
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
        return f"Train this student alone: what it gains under {teachers} is negligible."
    gain = f"its largest gain is {_told(best)} {_taught(best)}"
    if ahead := next((control.title for gap in read for control in gap.controls if control.beyond.high < 0), ""):
        return f"Before you teach this student, try the control that gives more ({ahead}): whether a teacher helps is not settled, {gain}."
    return f"Whether a teacher helps this student is not settled: {gain}. {_open(read)}"


def _open(read: Sequence[Gap]) -> str:
    """What keeps it open: runs that are missing, before seeds that are few; `next_of` asks for the same."""
    if (lost := next((gap for gap in read if unlimited(gap)), None)) is not None:
        return f"Runs are missing ({lacking(lost)}{_on(lost)})."
    what = "draws of labelled rows" if read[0].curve.clustered else "seeds"
    return f"More {what} may tell." if _needed(read) else f"At this spread not even 1,000 {what} would tell."


def _needed(read: Sequence[Gap]) -> list[int]:
    """Seeds that would settle what is open, where a number within reach would."""
    return [gap.helps.needed for gap in read if gap.helps.verdict == "INCONCLUSIVE" and gap.helps.needed is not None]


def best_of(group: Sequence[Gap]) -> Gap | None:
    """The regime whose best sizes a picture shows: that of `taught_in`, else that of the largest mean gain."""
    read = [gap for gap in group if not (gap.control or gap.copied) and gap.helps.gain is not None]
    return taught_in(group) or max(read, key=_gain, default=None)


def taught_in(group: Sequence[Gap]) -> Gap | None:
    """The regime that `answer` says to teach in; None where it does not say to teach."""
    judged = [gap for gap in group if not (gap.control or gap.copied) and gap.helps.gain is not None]
    large = [gap for gap in judged if gap.helps.verdict == "SUPPORTED" and not doubt(gap) and gap.helps.qualifier != TOO_SMALL]
    return max(large, key=_gain, default=None)


SEEDS = 10
"""Seeds to ask for where there are too few: what the plan has by itself."""
TRIED = {"α": ("alpha", "0.3,0.5,0.7"), "T": ("temperature", "1,2,4")}
"""What is tuned for each teacher size to try a gap between them: flag and values."""


def next_of(evidence: Evidence, group: Sequence[Gap]) -> Next | None:
    """The command that would change `answer`."""
    read = [gap for gap in group if not (gap.control or gap.copied) and gap.helps.gain is not None]
    if not read:
        return None
    first = read[0]
    task, student, most = first.task, first.student, max(gap.asked_seeds for gap in read)

    def more(count: int, why: str) -> Next | None:
        if first.curve.clustered:
            units = len(first.curve.values["gain"])
            return following(evidence, task, student, why, "more-draws", {"draws": f"{count}"}, times=count / units)
        return following(evidence, task, student, why, "more-seeds", {"seeds": f"{count}"}, times=count / most)

    unit, now = ("draws", len(first.curve.values["gain"])) if first.curve.clustered else ("seeds", most)
    if all(gap.helps.n < SEEDS_FOR_A_VERDICT for gap in read):
        return more(SEEDS, f"{SEEDS} {unit}, enough for a verdict")
    helped = [gap for gap in read if gap.helps.verdict == "SUPPORTED"]
    if large := [gap for gap in helped if not doubt(gap) and gap.helps.qualifier != TOO_SMALL]:
        best = max(large, key=_gain)
        if best.reading.verdict == "INCONCLUSIVE" and best.reading.needed is not None and best.reading.needed > now:
            count = best.reading.needed
            return more(count, f"{count} {unit}, which would settle what the largest costs if mean and spread stay")
        return _other_teachers(evidence, best, most)
    if any(doubt(gap) for gap in helped):
        return more(2 * now, f"twice the {unit}, if what it gives beyond the control then shows")
    if any(unlimited(gap) for gap in read):
        return again(evidence, task, "the runs that are missing: what is there is kept")
    if needed := _needed(read):
        count = max(min(needed), now + 1)
        return more(count, f"{count} {unit}, which would settle it if mean and spread stay")
    rows = fewer_rows(evidence, task)
    if rows is None:
        return more(2 * now, f"twice the {unit}, which see smaller gains")
    return following(
        evidence, task, student, f"{rows} labels, of which a student learns less by itself", "few-labels", {"train-rows": f"{rows}"}
    )


def _other_teachers(evidence: Evidence, gap: Gap, seeds: int) -> Next | None:
    """What would name another teacher: a larger one where the largest costs nothing, else settings chosen for each size."""
    noun, names = short_names(gap.curve.teachers)
    if gap.reading.verdict == "CONTRADICTED" and noun == "width":
        widths = ",".join([*names, f"{2 * int(names[-1])}"])
        why = f"teachers beyond width {names[-1]}, if the curve goes on or turns there"
        return following(
            evidence, gap.task, gap.student, why, "larger-teachers", {"teacher-widths": widths}, times=(len(names) + 1) / len(names)
        )
    tried = [TRIED[name] for name in gap.fixed if name in TRIED]
    if not tried:
        return following(evidence, gap.task, gap.student, "twice the seeds", "more-seeds", {"seeds": f"{2 * seeds}"}, times=2)
    settings = dict(tried) | {"tune": ",".join(flag for flag, _ in tried)}
    times = float(np.prod([len(values.split(",")) for _, values in tried])) * (1 + 3 / seeds)
    why = f"{words.listed([name for name in gap.fixed if name in TRIED])} chosen for each teacher size, if another then serves better"
    return following(evidence, gap.task, gap.student, why, "tuned", settings, times=times)


def _told(gap: Gap) -> str:
    return "not known" if gap.helps.gain is None else words.result(gap.helps.gain)


def _gain(gap: Gap) -> float:
    return gap.helps.gain.value if gap.helps.gain is not None else float("-inf")


def _teachers(gap: Gap) -> str:
    noun, names = short_names(gap.curve.teachers)
    return f"the teacher of {noun} {names[0]}" if len(names) == 1 else f"every teacher of {noun} {names[0]}…{names[-1]}"


def _taught(gap: Gap) -> str:
    return f"under its best teacher{_on(gap)}"


def _on(gap: Gap) -> str:
    """Its regime, where it has one."""
    return "" if gap.arm == AS_TRAINED else f" on {gap.arm}"


def _use(gap: Gap) -> str:
    noun, names = short_names(gap.curve.teachers)
    among = [i for i in gap.reading.best_set if not gap.reading.direction_only] or [gap.helps.best]
    little = f", {gap.helps.qualifier}" if TOO_SMALL in gap.helps.qualifier else ""
    size = f"{noun} {names[among[0]]}" if len(among) == 1 else f"one of {noun}s {words.span(names, among)}"
    return f"Teach this student with {size}{_on(gap)}: {_told(gap)} over training alone{_points(gap)}{little}{''.join(_more(gap))}."


def _points(gap: Gap) -> str:
    """What it is worth in points of accuracy, which everybody knows; "" where there is no accuracy."""
    second, at = gap.second, gap.curve.sizes[gap.helps.best] / gap.student_size
    if gap.kind != "classification" or second is None or at not in second.sizes:
        return ""
    values = second.gain[:, second.sizes.tolist().index(at)]
    values = 100 * values[np.isfinite(values)]
    if len(values) < 2:
        return ""
    found = contrast(values).measurement("points", tests=len(second.sizes))
    return f" (accuracy {words.compared(found, '{} higher', '{} lower')})"


def _more(gap: Gap) -> Iterator[str]:
    """What the largest teacher would cost, as far as that is known."""
    reading, (noun, names) = gap.reading, short_names(gap.curve.teachers)
    if reading.deficit is None or len(names) < 2:
        return
    if reading.verdict == "SUPPORTED":
        little = f", {reading.qualifier}" if TOO_SMALL in reading.qualifier else ""
        yield f"; the largest costs {words.result(reading.deficit)} of it{little}"
    elif reading.verdict == "CONTRADICTED":
        yield f"; {noun} {names[-1]} costs nothing that matters against a smaller one"
    elif reading.verdict == "INCONCLUSIVE":
        yield f"; whether {noun} {names[-1]} costs anything against a smaller one is not settled"
    else:
        yield f"; {noun} {names[-1]} is not shown to be a better model than smaller ones"
