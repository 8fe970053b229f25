"""How much of a teacher reached its student, and how much of that is this teacher's own, beyond what an untaught twin shows?"""

from collections.abc import Iterable, Sequence

import numpy as np

from kdprobe.core.section import Card, Column, Content, Figure, Finding, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import PRIMARY, Evidence
from kdprobe.report.evidence.gaps import Gap, gaps
from kdprobe.report.evidence.groups import axis, short_names
from kdprobe.report.evidence.transfers import UNMEASURED, Transfer, lower_is_closer, title_of, transfers
from kdprobe.report.sections._gap_answer import taught_in
from kdprobe.report.sections._transfer_answer import UNASKED, own_answer
from kdprobe.report.sections._transfer_sizes import by_size, triple, under
from kdprobe.report.theme.plots import Panel, Role, Series, panels
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast

FIGURE_PROBES = tuple(PRIMARY.values())
LINES: dict[str, tuple[str, Role]] = {
    "own": ("own teacher", "one"),
    "siblings": ("siblings", "two"),
    "baseline": ("twins", "three"),
}

ARMS: tuple[Role, ...] = ("one", "two", "four")


def draw(evidence: Evidence) -> Content | None:
    """Draw a card a task, a figure a task × student, and one table of all similarities."""
    found = transfers(evidence)
    regimes = _regimes(evidence)
    if not found:
        return Content(cards=tuple(Card(headline=name, findings=(), own=UNASKED) for name in regimes)) if regimes else None
    cards, figures = [], []
    students = list(dict.fromkeys((transfer.task, transfer.student, transfer.student_size) for transfer in found))
    for i, student in enumerate(students):
        own = [transfer for transfer in found if (transfer.task, transfer.student, transfer.student_size) == student]
        for headline in dict.fromkeys(transfer.headline for transfer in own):
            primary = [transfer for transfer in own if transfer.primary and transfer.headline == headline]
            arrived = own_answer(primary, regime=regimes.get(headline, ""))
            cards.append(Card(headline=headline, findings=tuple(map(_finding, primary)), own=arrived))
        shown = [transfer for transfer in own if transfer.probe in FIGURE_PROBES and len(transfer.curve.sizes)]
        if shown:
            figures.append(_figure(shown, f"t{i}"))
    return Content(
        cards=tuple(card for card in cards if card.findings),
        words=(*_failed(found), *_words(found, evidence.units)),
        figures=tuple(figures),
        tables=(_table(found), *by_size(found)),
    )


def _regimes(evidence: Evidence) -> dict[str, str]:
    """The arm that the answer on teacher sizes names, by headline; "" where it says to teach in none."""
    by_headline: dict[str, list[Gap]] = {}
    for gap in gaps(evidence):
        by_headline.setdefault(gap.headline, []).append(gap)
    named = {headline: taught_in(group) for headline, group in by_headline.items() if any(not gap.control for gap in group)}
    return {headline: "" if gap is None else gap.arm for headline, gap in named.items()}


def _finding(transfer: Transfer) -> Finding:
    reading = transfer.reading
    return Finding(
        claim="teacher-specific transfer",
        scope=transfer.scope,
        verdict=reading.verdict,
        qualifier=_qualifier(transfer),
        measures="under which teachers; own teacher minus siblings" + (", less the same of its twin" if reading.placebo else ""),
        number=_number(transfer),
        sentences=tuple(_sentences(transfer)),
        change_our_mind=_change_our_mind(transfer),
    )


def _words(found: list[Transfer], units: str) -> Iterable[str]:
    """What is said of the measure; of a placebo only where one was measured."""
    measured = any("placebo" in transfer.curve.values for transfer in found)
    return (text.format(units=units) for text in WORDS if measured or text is not PLACEBO)


def _failed(found: list[Transfer]) -> Iterable[str]:
    """What is said before anything else: where the measure sees a teacher in nets that had none."""
    failed = [transfer for transfer in found if transfer.reading.placebo_failed]
    if failed:
        where = [f"{one.task}, student {one.student}, {one.arm} ({title_of(one.probe)})" for one in failed]
        yield (
            "The placebo failed: untaught twins are shown to be nearer to, or further from, the teacher of their seed than its siblings. "
            "Models of one seed share more than teaching there, and a likeness to the own teacher cannot be called transferred. No "
            f"verdict stands on it: {'; '.join(where)}."
        )


def _qualifier(transfer: Transfer) -> str:
    """The verdict's own, and under which teachers it holds: a mean over sizes may be carried by one."""
    reading = transfer.reading
    told = [reading.qualifier] if reading.qualifier else []
    if reading.verdict == "SUPPORTED":
        told += [under(transfer)] if reading.sizes else []
        told += [] if reading.placebo else [UNMEASURED]
    return "; ".join(told)


def _number(transfer: Transfer) -> str:
    """The mean, and before it the sizes: where there is room for nothing else, nobody is to take the one for the others."""
    reading, (noun, names) = transfer.reading, transfer.names
    if reading.specific is None:
        return ""
    where = ""
    if reading.verdict == "SUPPORTED" and reading.sizes:
        shown = words.span(names, reading.shown)
        where = f"{noun} {shown}{' only' if len(reading.shown) == 1 else ''}; " if shown else f"no single {noun}; "
    return where + words.result(reading.specific)


def _sentences(transfer: Transfer) -> Iterable[str]:
    reading = transfer.reading
    if reading.specific is None or reading.moved is None or reading.recipe is None:
        yield f"{words.counted(reading.n, 'seed')}: {reading.qualifier}."
        return
    if reading.placebo_failed and reading.placebo:
        told = words.compared(reading.placebo, "{} more", "{} less")
        yield f"The placebo failed: its untaught twin is {told} like the own teacher than like siblings."
    which = "larger" if (transfer.curve.sizes > transfer.student_size).any() else "all"
    beyond = ", beyond what its untaught twin shows" if reading.placebo else ""
    # what taught a control, if anything did, or a student that learned with a peer, is another than the teacher that it is read against
    other = bool(transfer.control) or transfer.apart
    own, its = ("the teacher that it is read against", "that teacher") if other else ("its own teacher", "its teacher")
    nearer = "" if reading.moved_closer else f", so it is not shown to be nearer to {its} than twins are"
    told = words.compared(reading.specific, "{} more", "{} less")
    yield (
        f"{title_of(transfer.probe)}, mean over {which} teachers: {told} with {own} than with "
        f"siblings{beyond}. {words.capitalised(its.replace('its', 'own'))} minus what untaught twins reach: "
        f"{words.result(reading.moved)}{nearer}."
    )
    if reading.placebo and not reading.placebo_failed:
        yield f"Placebo, the same of its untaught twin: {words.result(reading.placebo)}."
    if not reading.placebo:
        yield f"{words.capitalised(UNMEASURED)}: what an untaught twin shows is not subtracted."


def _change_our_mind(transfer: Transfer) -> str:
    reading = transfer.reading
    if transfer.control:
        return ""
    if reading.n < SEEDS_FOR_A_VERDICT:
        return f"{SEEDS_FOR_A_VERDICT} seeds (now {reading.n})."
    if reading.verdict == "SUPPORTED":
        return "an untaught student of the same loss that shows the same contrast."
    if reading.placebo_failed:
        return "seeds whose teachers and students share nothing but the teaching."
    if reading.verdict == "NOT APPLICABLE":
        return "a student that is shown to be nearer to its teacher than twins are."
    return "more seeds, more rows to learn from, or a wider student."


PLACEBO = (
    "The placebo is the third part of the paired twin, which nobody taught: 0, unless models of one seed share more than teaching. It is "
    "subtracted seed by seed, which also takes out what makes one teacher like everybody. Where it is shown not to be 0 no verdict stands."
)
WORDS = (
    "Networks trained on the same task are alike whether or not one taught the other, so a similarity means nothing by itself. Each one "
    "is split in three. Baseline: reference twins (twins of other seeds, which never met this teacher) to the teacher. Shared with any "
    "teacher of this recipe: student to sibling teachers (the same size, other seeds) minus baseline; any better net may share as much. "
    "Teacher-specific transfer: student to its own teacher minus student to siblings. Only the third is called transferred.",
    PLACEBO,
    "The table gives means over the teachers that are larger than the student, or over all where none is, with intervals over {units}; the "
    "figures show every size. "
    "Verdicts are given for agreement (classification) and R² to the teacher (regression), Holm-adjusted over the page; where the mean is "
    "SUPPORTED each teacher size has a verdict, Holm-adjusted over the sizes of its student. A specific part "
    "that is shown to be less than a fifth of the whole movement is called negligible.",
)


def _figure(group: list[Transfer], prefix: str) -> Figure:
    first = group[0]
    arms = list(dict.fromkeys(transfer.arm for transfer in group))
    rows = []
    for probe in dict.fromkeys(transfer.probe for transfer in group):
        by_arm = {transfer.arm: transfer for transfer in group if transfer.probe == probe}
        drawn = [by_arm[arm] for arm in arms if arm in by_arm]
        rows += [_panel(transfer) for transfer in drawn]
        rows += _placebo_panels([transfer for transfer in drawn if transfer.primary])
    sizes, teachers = axis([transfer.curve for transfer in group])
    noun, names = short_names(teachers)
    svg = panels(
        rows, x=np.log2(sizes / first.student_size), ticks=names, x_label=f"teacher {noun} (log scale of size)", prefix=prefix,
        title=f"{first.task}, student {first.student}: likeness to its teacher beside siblings and twins",
        description="Own teacher minus siblings, means over larger teachers, or over all where none is. " + ". ".join(
            f"{transfer.arm}: {transfer.reading.verdict}, {_number(transfer) or 'not known'}" for transfer in group if transfer.primary),
        height=120,
    )  # fmt: skip
    return Figure(svg=svg, caption=f"{first.task} · student {first.student}")


def _panel(transfer: Transfer) -> Panel:
    series = [_series(transfer, transfer.curve.values[name], label, role) for name, (label, role) in LINES.items()]
    return Panel(title=f"{transfer.title}, {transfer.arm}", series=tuple(series), scale=transfer.probe)


def _placebo_panels(drawn: list[Transfer]) -> Iterable[Panel]:
    """Own teacher minus siblings, of students beside their twin: it is their distance that is judged. Arms of one twin share a panel.

    Teachers that the verdict is not of are left out: a student of their size copies them, and the scale would be theirs.
    """
    by_twin: dict[bytes, list[Transfer]] = {}
    for transfer in drawn:
        by_twin.setdefault(np.round(transfer.curve.values.get("placebo", np.empty(0)), 9).tobytes(), []).append(transfer)
    for arms in (whole[i : i + len(ARMS)] for whole in by_twin.values() for i in range(0, len(whole), len(ARMS))):
        values = [transfer.curve.values for transfer in arms]
        parts = zip(arms, values, ARMS, strict=False)
        series = [_series(arm, own["own"] - own["siblings"], arm.scope, role, arm.read) for arm, own, role in parts]
        if "placebo" in values[0]:
            series.append(_series(arms[0], values[0]["placebo"], "placebo", "three", arms[0].read))
        title = f"{arms[0].title}: own − siblings" + (f", {arms[0].arm}" if len(arms) == 1 else "")
        yield Panel(title=title, series=tuple(series), scale=f"{arms[0].probe} own", zero="0")


def _series(transfer: Transfer, values: np.ndarray, label: str, role: Role, places: Sequence[int] | None = None) -> Series:
    at = np.log2(transfer.curve.sizes / transfer.student_size)
    values, at = (values, at) if places is None else (values[:, list(places)], at[list(places)])
    mean = values.mean(axis=0)
    low, high = contrast(values.T).interval() if len(values) > 1 else (np.full_like(mean, np.nan),) * 2
    return Series(label=label, role=role, x=at, mean=mean, low=low, high=high)


def _table(found: list[Transfer]) -> Table:
    rows = tuple(
        {
            "student": f"{transfer.task} · {transfer.student}", "arm": transfer.arm,
            # a divergence falls where a likeness rises
            "probe": transfer.title + (", less is closer" if lower_is_closer(transfer.probe) else ""),
            "verdict": transfer.reading.verdict, "p": words.p_value(transfer.reading.p), "seeds": transfer.reading.n,
        } | {name: triple(getattr(transfer.reading, name)) for name in ("baseline", "recipe", "placebo", "specific")}
        for transfer in found
    )  # fmt: skip
    caption = "Similarity to the teacher in three parts, means over larger teachers, or over all where none is"
    return Table(caption=caption, columns=COLUMNS, rows=rows)


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="probe", title="similarity"),
    Column(key="baseline", title="baseline", shown="interval", explains="reference twins to the teacher"),
    Column(key="recipe", title="shared with any teacher", shown="interval", explains="student to siblings, minus baseline"),
    Column(key="placebo", title="placebo", shown="interval", explains="paired twin, which nobody taught: own teacher minus siblings"),
    Column(
        key="specific",
        title="teacher-specific",
        shown="interval",
        explains="student: own teacher minus siblings, minus the placebo if measured",
    ),
    Column(key="verdict", title="verdict", explains="of the claim that the teacher-specific part points toward the teacher"),
    Column(
        key="p", title="p", explains="of the teacher-specific part, Holm-adjusted: primary similarities form one family, the others another"
    ),
    Column(key="seeds", title="seeds", shown="number"),
)

TRANSFER = Section(
    name="transfer", question="How much of the teacher arrived, and is it this teacher's own?", draw=draw, order=20, plans=("gap",)
)
