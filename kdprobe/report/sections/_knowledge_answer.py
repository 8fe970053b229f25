"""What the verdicts on kinds of knowledge come to, in one sentence a student: which distiller, how much, is it this teacher's own."""

from collections.abc import Sequence
from typing import NamedTuple

from kdprobe.core.result import Measurement
from kdprobe.core.section import Next
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.knowledge import CONTROL, Kinds, title_of
from kdprobe.report.sections._next import fewer_rows, following
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT, contrast
from kdprobe.verdicts.family import TOO_SMALL
from kdprobe.verdicts.knowledge import KindReading

SEEDS = 10
"""Seeds to ask for where there are too few: what the plan has by itself."""
LIKENESS = {"classification": "agreement", "regression": "R² to teacher"}


class Read(NamedTuple):
    """One kind of knowledge in one regime, with its verdict."""

    group: Kinds
    kind: str
    reading: KindReading

    @property
    def mean(self) -> float:
        return float("-inf") if self.reading.gain is None else self.reading.gain.value

    @property
    def small(self) -> bool:
        return self.reading.verdict == "SUPPORTED" and TOO_SMALL in self.reading.qualifier.split("; ")


def read_of(groups: Sequence[Kinds]) -> list[Read]:
    """All kinds that a student was read on, the largest gain first."""
    found = [Read(group, kind, reading) for group in groups for kind, reading in group.readings.items() if reading.gain is not None]
    return sorted(found, key=lambda read: -read.mean)


def answer(groups: Sequence[Kinds]) -> str:
    """One sentence for a student in all its regimes, no stronger than the verdicts that it follows from."""
    read = read_of(groups)
    if not read:
        return "Nothing can be said of this student yet: give 2 seeds or more that finish." if groups else ""
    helped = [one for one in read if one.reading.verdict == "SUPPORTED"]
    if large := [one for one in helped if not one.small]:
        return _use(large[0], large, [one for one in read if one.reading.verdict == "INCONCLUSIVE"])
    open_ = [one for one in read if one.reading.verdict == "INCONCLUSIVE"]
    if helped:
        unsure = f"; whether {_kinds(open_)} knowledge gives more is not settled" if open_ else ""
        return f"{_small(helped[0])}{unsure}."
    if open_:
        return _unsettled(open_)
    return _no_help(read)


def _use(best: Read, large: Sequence[Read], open_: Sequence[Read]) -> str:
    reading = best.reading
    over = ", with no control beside it"
    if reading.over_control is not None:
        over = f" and {words.result(reading.over_control)} over the best control ({_control(best.group)})"
    others = list(dict.fromkeys(one.kind for one in large if one.kind != best.kind))
    also = f"; {words.listed(others)} knowledge help{'s' * (len(others) == 1)} too" if others else ""
    # a reader sees the larger mean in the figure, and asks why it is not the one that is named
    more = list(dict.fromkeys(one.kind for one in open_ if one.mean > best.mean and one.kind != best.kind))
    if more:
        are = "is" if len(more) == 1 else "are"
        also += f"; {words.listed(more)} knowledge gained more on average, and {are} not shown to beat what stands beside it"
    little = f", perhaps {TOO_SMALL}" if TOO_SMALL in reading.qualifier else ""
    return f"Teach this student with {_named(best)}: {words.result(_gain(best))} over training alone{over}{little}{also}."


def own_answer(groups: Sequence[Kinds]) -> str:
    """Whether what the best distiller gave is this teacher's own, in one sentence; "" where `answer` does not say to teach."""
    large = [one for one in read_of(groups) if one.reading.verdict == "SUPPORTED" and not one.small]
    return own_part(large[0]) if large else ""


def own_part(best: Read) -> str:
    """Whether what a kind of knowledge gave is this teacher's own, or what any teacher of the recipe would have given."""
    group, values = best.group, best.group.best[best.kind].specific
    values = values[values == values]
    if len(values) < 2:
        return "Not measured."
    found = contrast(values).measurement("")
    told = f"({LIKENESS[group.kind]} {words.result(found)} above siblings)"
    p = group.own.get(best.kind)
    if p is not None and p < LEVEL and found.value > 0:
        return f"Yes, part of what arrived is its own {told}."
    return f"Not shown {told}."


def _small(best: Read) -> str:
    """What is shown, and does not matter: the gain itself, or what it adds to something cheaper."""
    reading = best.reading
    if reading.gain is not None and reading.gain.value < reading.margin:
        return f"Train this student alone: {words.result(reading.gain)} with {_named(best)} is real, but {TOO_SMALL}"
    control = f"the control ({_control(best.group)})" if CONTROL in best.group.best else ""
    rivals = [(reading.over_control, control), (reading.over_beside, "the response loss alone")]
    over, rival = min(((found, name) for found, name in rivals if found is not None), key=lambda pair: pair[0].value)
    return f"Before you teach this student with {_named(best)}, try {rival}: {words.result(over)} beyond it is real, but {TOO_SMALL}"


def _unsettled(open_: Sequence[Read]) -> str:
    best = open_[0]
    if all(one.reading.n < SEEDS_FOR_A_VERDICT for one in open_):
        return f"Too few seeds to say whether any kind of knowledge helps this student: give {SEEDS_FOR_A_VERDICT} or more."
    control = best.reading.over_control
    over = "" if control is None else f", {words.result(control)} over the best control ({_control(best.group)})"
    return (
        f"Whether any kind of knowledge helps this student is not settled: the largest gain that is left is {words.result(_gain(best))}, "
        f"with {_named(best)}{over}."
    )


def _no_help(read: Sequence[Read]) -> str:
    if all(one.reading.qualifier == "it hurts" for one in read):
        return "Train this student alone: every kind of knowledge made it worse than its untaught twin."
    beaten = next((one for one in read if one.reading.qualifier == "a control gains as much"), None)
    if beaten is not None:
        gain = contrast(beaten.group.best[CONTROL].gain).measurement(beaten.group.unit)
        if gain.low > 0:
            return (
                f"Try the control ({_control(beaten.group)}) in place of a teacher's knowledge: {words.result(gain)} over training alone "
                f"on {_regime(beaten.group)}, and no kind of knowledge gives enough more to matter."
            )
    return "Train this student alone: no kind of knowledge gains it enough to matter."


def _gain(one: Read) -> Measurement:
    assert one.reading.gain is not None, "what has no gain is not read"
    return one.reading.gain


def _named(one: Read) -> str:
    name, alpha = one.group.best[one.kind].usual
    return f"{title_of(name)} ({one.kind} knowledge, α {alpha:g}) on {_regime(one.group)}"


def _regime(group: Kinds) -> str:
    return group.scheme.replace("_", " ")


def _control(group: Kinds) -> str:
    return title_of(group.best[CONTROL].usual[0])


def _kinds(read: Sequence[Read]) -> str:
    return words.listed(list(dict.fromkeys(one.kind for one in read))) if read else ""


def next_of(evidence: Evidence, groups: Sequence[Kinds]) -> Next | None:
    """The command that would change `answer`."""
    if not groups:
        return None
    read, task, student = read_of(groups), groups[0].task, groups[0].student
    most = max(group.seeds + group.left_out for group in groups)

    def seeds(count: int, why: str) -> Next | None:
        return following(evidence, task, student, why, "more-seeds", {"seeds": f"{count}"}, times=count / max(most, 1))

    if not read or all(one.reading.n < SEEDS_FOR_A_VERDICT for one in read):
        return seeds(SEEDS, f"{SEEDS} seeds, enough for a verdict")
    if any(one.reading.verdict == "SUPPORTED" and not one.small for one in read):
        steps = 2 * int(evidence.students.loc[evidence.students["task"] == task, "steps"].max())
        why = "twins and controls that train twice as long: they may gain as much"
        return following(evidence, task, student, why, "longer", {"steps": f"{steps}"}, longer=2)
    needed = [one.reading.needed for one in read if one.reading.verdict == "INCONCLUSIVE" and one.reading.needed is not None]
    if needed:
        count = max(min(needed), most + 1)
        return seeds(count, f"{count} seeds in all, which would settle it if mean and spread stay")
    rows = fewer_rows(evidence, task)
    if rows is None:
        return seeds(2 * most, "twice the seeds, which see smaller gains")
    return following(
        evidence, task, student, f"{rows} labels, of which a student learns less by itself", "few-labels", {"train-rows": f"{rows}"}
    )
