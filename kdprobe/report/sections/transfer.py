"""How much of a teacher reached its student, and how much of that is this teacher's own?"""

from collections.abc import Iterable

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Card, Column, Content, Figure, Finding, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import PRIMARY, Evidence
from kdprobe.report.evidence.groups import axis, short_names
from kdprobe.report.evidence.transfers import Transfer, title_of, transfers
from kdprobe.report.theme.plots import Panel, Role, Series, panels
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast

FIGURE_PROBES = (*PRIMARY.values(), "cka")
LINES: dict[str, tuple[str, Role]] = {
    "own": ("own teacher", "one"),
    "siblings": ("siblings", "two"),
    "baseline": ("twins", "three"),
}


def draw(evidence: Evidence) -> Content | None:
    """Draw a card a task, a figure a task × student, and one table of all similarities."""
    found = transfers(evidence)
    if not found:
        return None
    cards, figures = [], []
    students = list(dict.fromkeys((transfer.task, transfer.student, transfer.student_size) for transfer in found))
    for i, student in enumerate(students):
        own = [transfer for transfer in found if (transfer.task, transfer.student, transfer.student_size) == student]
        for headline in dict.fromkeys(transfer.headline for transfer in own):
            said = tuple(_finding(transfer) for transfer in own if transfer.primary and transfer.headline == headline)
            cards.append(Card(headline=headline, findings=said))
        shown = [transfer for transfer in own if transfer.probe in FIGURE_PROBES and len(transfer.curve.sizes)]
        if shown:
            figures.append(_figure(shown, f"t{i}"))
    return Content(
        cards=tuple(card for card in cards if card.findings),
        words=tuple(text.format(units=evidence.units) for text in WORDS),
        figures=tuple(figures),
        tables=(_table(found),),
    )


def _finding(transfer: Transfer) -> Finding:
    reading = transfer.reading
    return Finding(
        claim="teacher-specific transfer",
        scope=transfer.scope,
        verdict=reading.verdict,
        qualifier=reading.qualifier,
        measures="own teacher minus siblings",
        number=words.result(reading.specific) if reading.specific else "",
        sentences=tuple(_sentences(transfer)),
        change_our_mind=_change_our_mind(transfer),
    )


def _sentences(transfer: Transfer) -> Iterable[str]:
    reading = transfer.reading
    if reading.specific is None or reading.moved is None or reading.recipe is None:
        yield f"{words.counted(reading.n, 'seed')}: {reading.qualifier}."
        return
    which = "larger" if (transfer.curve.sizes > transfer.student_size).any() else "all"
    nearer = "" if reading.moved_closer else ", so it is not shown to be nearer to its teacher than twins are"
    yield (
        f"{title_of(transfer.probe)}, mean over {which} teachers: {words.result(reading.specific)} more with its own teacher than with "
        f"siblings. Own teacher minus what untaught twins reach: {words.result(reading.moved)}{nearer}."
    )


def _change_our_mind(transfer: Transfer) -> str:
    reading = transfer.reading
    if transfer.control:
        return ""
    if reading.n < SEEDS_FOR_A_VERDICT:
        return f"{SEEDS_FOR_A_VERDICT} seeds (now {reading.n})."
    if reading.verdict == "SUPPORTED":
        return "an untaught student of the same loss that shows the same contrast."
    if reading.verdict == "NOT APPLICABLE":
        return "a student that is shown to be nearer to its teacher than twins are."
    return "more seeds, more rows to learn from, or a wider student."


WORDS = (
    "Networks trained on the same task are alike whether or not one taught the other, so a similarity means nothing by itself. Each one "
    "is split in three. Baseline: reference twins (twins of other seeds, which never met this teacher) to the teacher. Shared with any "
    "teacher of this recipe: student to sibling teachers (the same size, other seeds) minus baseline; any better net may share as much. "
    "Teacher-specific transfer: student to its own teacher minus student to siblings. Only the third is called transferred.",
    "The table gives means over the teachers that are larger than the student, or over all where none is, with intervals over {units}; the "
    "figures show every size. "
    "Verdicts are given for agreement (classification) and R² to the teacher (regression), Holm-adjusted over the page. A specific part "
    "that is shown to be less than a fifth of the whole movement is called negligible.",
)


def _figure(group: list[Transfer], prefix: str) -> Figure:
    first = group[0]
    arms = list(dict.fromkeys(transfer.arm for transfer in group))
    rows = []
    for probe in dict.fromkeys(transfer.probe for transfer in group):
        by_arm = {transfer.arm: transfer for transfer in group if transfer.probe == probe}
        rows += [_panel(by_arm[arm]) for arm in arms if arm in by_arm]
    sizes, teachers = axis([transfer.curve for transfer in group])
    noun, names = short_names(teachers)
    svg = panels(
        rows, x=np.log2(sizes / first.student_size), ticks=names, x_label=f"teacher {noun} (log scale of size)", prefix=prefix,
        title=f"{first.task}, student {first.student}: likeness to its teacher beside siblings and twins",
        description="Means over larger teachers. " + " ".join(
            f"{transfer.arm}: {' '.join(_sentences(transfer))}" for transfer in group), height=120,
    )  # fmt: skip
    return Figure(svg=svg, caption=f"{first.task} · student {first.student}")


def _panel(transfer: Transfer) -> Panel:
    series = []
    for name, (label, role) in LINES.items():
        values = transfer.curve.values[name]
        mean = values.mean(axis=0)
        low, high = contrast(values.T).interval() if len(values) > 1 else (np.full_like(mean, np.nan),) * 2
        at = np.log2(transfer.curve.sizes / transfer.student_size)
        series.append(Series(label=label, role=role, x=at, mean=mean, low=low, high=high))
    return Panel(title=f"{transfer.title}, {transfer.arm}", series=tuple(series), scale=transfer.probe)


def _table(found: list[Transfer]) -> Table:
    rows = tuple(
        {
            "student": f"{transfer.task} · {transfer.student}", "arm": transfer.arm, "probe": transfer.title,
            "verdict": transfer.reading.verdict, "p": words.p_value(transfer.reading.p), "seeds": transfer.reading.n,
        } | {name: _triple(getattr(transfer.reading, name)) for name in ("baseline", "recipe", "specific")}
        for transfer in found
    )  # fmt: skip
    return Table(caption="Similarity to the teacher in three parts, means over larger teachers", columns=COLUMNS, rows=rows)


def _triple(found: Measurement | None) -> tuple[float, float, float] | None:
    return None if found is None else (found.value, found.low, found.high)


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="probe", title="similarity"),
    Column(key="baseline", title="baseline", shown="interval", explains="reference twins to the teacher"),
    Column(key="recipe", title="shared with any teacher", shown="interval", explains="student to siblings, minus baseline"),
    Column(key="specific", title="teacher-specific", shown="interval", explains="student to its own teacher, minus to siblings"),
    Column(key="verdict", title="verdict", explains="of the claim that the teacher-specific part points toward the teacher"),
    Column(
        key="p", title="p", explains="of the teacher-specific part, Holm-adjusted: primary similarities form one family, the others another"
    ),
    Column(key="seeds", title="seeds", shown="number"),
)

TRANSFER = Section(
    name="transfer", question="How much of the teacher arrived, and is it this teacher's own?", draw=draw, order=20, plans=("gap",)
)
