"""The page of a capacity gap in runs that were trained elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from kdprobe.core.files import write_atomically
from kdprobe.core.pages import sealed
from kdprobe.core.section import Card, Column, Content, Figure, Finding, Table
from kdprobe.report import words
from kdprobe.report.evidence.gaps import AS_TRAINED, Gap
from kdprobe.report.evidence.groups import Curve
from kdprobe.report.page import check_target, compose
from kdprobe.report.sections._gap_figures import series_of
from kdprobe.report.sections._gap_tables import claims
from kdprobe.report.sections.gap import MEASURED, card
from kdprobe.report.theme.plots import Panel, Series, panels
from kdprobe.stats.paired import contrast
from kdprobe.verdicts.capacity_gap import GapVerdict
from kdprobe.verdicts.gap import GapReading, decide, read_gap
from kdprobe.verdicts.gap_table import Setting
from kdprobe.verdicts.help import read_help, read_helps
from kdprobe.verdicts.own_gap import Pool, RunsGap, advice, direction, grid_of
from kdprobe.verdicts.own_runs import Runs

QUESTION = "Which teacher size serves this student best?"
UNTOLD = "A table of losses cannot tell: kdprobe.compare does, of the models themselves."


def write_gap(found: RunsGap | GapVerdict, path: Path) -> Path:
    """Write the page of an answer; see `kdprobe.report`."""
    path = check_target(path)
    page = gap_page(found) if isinstance(found, RunsGap) else verdict_page(found)
    write_atomically(path, sealed(page))
    return path


def gap_page(found: RunsGap) -> str:
    """Return what a table of runs says as one HTML page."""
    read = gaps_of(found)
    cards = [_pool_card(found, setting, pool) for setting, pool in found.pools.items()]
    cards += [_card(found, one, f"c{i}" if i < MOST_DRAWN else "") for i, one in enumerate(read[:MOST_CARDS])]
    drawn = [one for one in read[:MOST_DRAWN] if one[2].gains]
    columns = {
        "explains": "what was given" if found.margin_given else "a fifth of the seed sd of the twins' score, or of the gain without it"
    }
    table = claims([gap for *_, gap in read])
    table = replace(table, columns=tuple(replace(c, **columns) if c.key == "margin" else c for c in table.columns if c.key not in EMPTY))
    parts = [
        ("gap", QUESTION, Content(
            cards=tuple(cards), words=(_words(found), *_shown(len(read))), tables=(table,),
            figures=tuple(_picture(gap, f"g{i}", seeds=True) for i, (*_, gap) in enumerate(drawn)),
        )),
        ("mind", "What would change our mind?", Content(tables=_mind(cards))),
        ("runs", "What did each run gain?", Content(tables=(_runs(read),))),
        ("made", "How was the table read?", Content(words=(*found.runs.said, *found.runs.left_out))),
    ]  # fmt: skip
    return compose(QUESTION, _lede(found), parts)


def gaps_of(found: RunsGap) -> list[tuple[Setting, GapVerdict, Gap]]:
    """Read every student under every setting as the page of a sweep does, with the words that `capacity_gap` gave."""
    places = [(setting, student, verdict) for setting, of in found.settings.items() for student, verdict in of.by_student.items()]
    read = [_gap(found, setting, student, verdict) for setting, student, verdict in places]
    readings, helps = decide([gap.reading for gap in read]), read_helps([gap.helps for gap in read])
    return [
        (setting, verdict, replace(gap, reading=_as_told(reading, verdict), helps=help_))
        for (setting, _, verdict), gap, reading, help_ in zip(places, read, readings, helps, strict=True)
    ]


def _as_told(reading: GapReading, verdict: GapVerdict) -> GapReading:
    """One answer has one word, wherever it stands."""
    return replace(reading, verdict=verdict.verdict, qualifier=verdict.details["qualifier"], p=verdict.details["p"])


def _gap(found: RunsGap, setting: Setting, student: float, verdict: GapVerdict) -> Gap:
    grid = grid_of(found.runs, setting, student)
    values, kept = grid.paired.values, grid.paired
    margin = float(verdict.details["margin"])
    gain, seeds = values["gain"], int(kept.rows.sum())
    reading = read_gap(gain, values["teacher_loss"], margin=margin, sizes=grid.sizes / student, unit=found.unit, seeds=seeds)
    names = tuple(f"{size:g}" for size in grid.sizes)
    place = _place(found, setting)
    return Gap(
        task=place or "your runs", kind="regression", arm=AS_TRAINED, own_arm=AS_TRAINED, control="", beside="", setting="",
        student=f"{student:g}", student_size=student,  # pyright: ignore[reportArgumentType]
        headline=f"{place + ' · ' if place else ''}student of size {student:g}", scope=AS_TRAINED, unit=found.unit,
        metric=found.runs.metric or "gain",
        curve=Curve(
            teachers=names, sizes=grid.sizes, values=values, seeds=seeds, left_out=int((~kept.rows).sum()),
            missing=tuple(f"size {size:g}" for size in verdict.details["lacking"] if size not in grid.sizes.tolist()),
            lacking={f"{size:g}": count for size, count in verdict.details["lacking"].items()}, largest=bool(kept.columns[-1]),
        ),
        asked_seeds=verdict.details["all_seeds"],
        reading=reading, helps=read_help(gain, margin=margin, unit=found.unit, seeds=seeds),
        gains=tuple(contrast(column).measurement(found.unit, tests=gain.shape[1]) for column in gain.T) if len(gain) > 1 else (),
        fixed=("α, T, the learning rate and whatever else was fixed",),
    )  # fmt: skip


def _place(found: RunsGap, setting: Setting) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(found.runs.by, setting, strict=True))


def _card(found: RunsGap, one: tuple[Setting, GapVerdict, Gap], prefix: str) -> Card:
    setting, verdict, gap = one
    # without its gains it is given no figure of a sweep's
    drawn = card([replace(gap, gains=())], [], prefix)
    more = tuple(text for text in (direction(found.runs, setting, gap.student_size, verdict), advice(verdict)) if text)
    findings = tuple(
        replace(finding, sentences=(*finding.sentences, *more))
        if finding.claim == "capacity gap"
        else replace(finding, measures=finding.measures.removesuffix(MEASURED))
        for finding in drawn.findings
    )
    return replace(drawn, findings=findings, own=UNTOLD, figure=_picture(gap, prefix, seeds=False) if gap.gains and prefix else None)


def _pool_card(found: RunsGap, setting: Setting, pool: Pool) -> Card:
    place, deficit = _place(found, setting), pool.verdict.details["deficit"]
    finding = Finding(
        claim="capacity gap", scope=AS_TRAINED, verdict=pool.verdict.verdict, qualifier=pool.verdict.details["qualifier"],
        measures="best sizes (95 % set); what the largest costs against the best smaller one",
        number=words.result(deficit) if deficit else "", sentences=(f"{pool}",),
        change_our_mind="8 seeds or more for each student, if they differ from what they say together.",
    )  # fmt: skip
    return Card(headline=f"{place + ' · ' if place else ''}all students together", findings=(finding,))


def _picture(gap: Gap, prefix: str, *, seeds: bool) -> Figure:
    """Gains by teacher size, those that may be best marked, with the teachers' own loss below where there is room."""
    at, best = np.log2(gap.curve.sizes / gap.student_size), np.array(gap.reading.best_set, dtype=int)
    few = {name: values[:MOST_TICKS] for name, values in gap.curve.values.items()}
    lines = {name: few[name] if seeds else None for name in few}
    gain = replace(series_of(gap, "gain", gap.metric, "one", seeds=seeds), seeds=lines["gain"])
    nowhere = np.full(len(best), np.nan)
    marked = Series(label="may be best", role="two", x=at[best], mean=gain.mean[best], low=nowhere, high=nowhere)
    stack = [Panel(title=f"Gain over the twin{f' ({gap.unit})' if gap.unit else ''}", series=(gain, marked), zero="twin")]
    if seeds:
        own = replace(series_of(gap, "teacher_loss", gap.metric, "three", seeds=True), seeds=lines["teacher_loss"])
        stack.append(Panel(title="the teacher's own loss (less is better)", series=(own,)))
    ratios = gap.curve.sizes / gap.student_size
    told = ", ".join(f"{name}: {words.result(one)}" for name, one in zip(gap.curve.teachers, gap.gains, strict=False))
    best_names = words.span(gap.curve.teachers, gap.reading.best_set)
    svg = panels(
        stack, x=at, ticks=[f"{ratio:.3g}\n{name}" for ratio, name in zip(ratios, gap.curve.teachers, strict=True)],
        x_label="teacher size / student size, teacher size", prefix=prefix, title=f"Gain of {gap.headline} by teacher size",
        description=f"{told}. May be best: {best_names}", height=130 if seeds else 112,
    )  # fmt: skip
    return Figure(svg=svg, caption=f"{gap.headline}. May be best: size {best_names}" if seeds else "")


def _lede(found: RunsGap) -> str:
    runs = found.runs
    counts = [words.counted(len(np.unique(runs[f"{who}_size"])), f"{who} size") for who in ("student", "teacher")]
    seeds = words.counted(len(np.unique(runs["seed"])), "paired seed")
    settings = f" under {words.counted(len(found.settings), 'setting')} ({words.listed(runs.by)})" if runs.by else ""
    return (
        f"A table of {words.counted(len(runs['seed']), 'run')} that were trained elsewhere: "
        f"{' × '.join(counts)} × {seeds}{settings}. "
        f"Every student is compared with its own twin, the same student without a teacher. Intervals are 95 %, over {_units(runs)}. "
        "Whether twins had the same start, rows and number of steps is for the table's owner to know."
    )


def _units(runs: Runs) -> str:
    """What intervals are over: seeds of one draw share its rows, so where there are several they are the units."""
    return "draws, each the mean of its seeds" if "draw" in runs and len(np.unique(runs["draw"])) > 1 else "seeds"


def _words(found: RunsGap) -> str:
    formed = "the student minus the twin" if found.runs.higher else "the loss of the twin minus that of the student"
    return (
        f"{'Gains are as the table has them' if found.runs.gains_given else f'A gain is {formed}'}; more is "
        "better. The claim is that a smaller teacher serves better than the largest. It is made where the best smaller teacher is shown to "
        "serve better (a sign-flip test over all smaller sizes, and a simultaneous bootstrap interval that excludes 0) and the largest "
        "teacher is itself shown to be the better model. p values are Holm-adjusted over the students and settings of the table."
    )


def _shown(count: int) -> tuple[str, ...]:
    """What a long table leaves out of the page's head."""
    if count <= MOST_DRAWN:
        return ()
    cards = f", and the first {MOST_CARDS} stand on the first screen" if count > MOST_CARDS else ""
    return (f"Of {count} students and settings the first {MOST_DRAWN} are drawn{cards}; all are in the tables below.",)


def _mind(cards: list[Card]) -> tuple[Table, ...]:
    rows = tuple(
        {"where": one.headline, "verdict": finding.verdict, "text": finding.change_our_mind}
        for one in cards for finding in one.findings if finding.change_our_mind
    )  # fmt: skip
    columns = (Column(key="where", title="where"), Column(key="verdict", title="verdict"), Column(key="text", title="what", shown="prose"))
    return (Table(columns=columns, rows=rows, caption="What would overturn each verdict"),) if rows else ()


def _runs(read: list[tuple[Setting, GapVerdict, Gap]]) -> Table:
    def rows() -> Iterator[dict[str, object]]:
        for *_, gap in read:
            for i, name in enumerate(gap.curve.teachers):
                seeds = [value for value in gap.curve.values["gain"][:, i].tolist() if value == value]
                interval = (gap.gains[i].value, gap.gains[i].low, gap.gains[i].high) if gap.gains else None
                yield {
                    "student": gap.headline, "teacher": name, "gain": interval, "n": len(seeds),
                    "seeds": seeds[:MOST_TICKS] if len(read) <= MOST_CARDS else None,
                    "loss": float(np.nanmean(gap.curve.values["teacher_loss"][:, i])), "best": "yes" if i in gap.reading.best_set else "",
                }  # fmt: skip

    columns = (
        Column(key="student", title="student"),
        Column(key="teacher", title="teacher size"),
        Column(key="gain", title="gain over the twin", shown="interval", explains="95 %, simultaneous over the teacher sizes"),
        Column(key="best", title="may be best", explains="in the 95 % set of best sizes, or not ruled out yet"),
        Column(key="loss", title="teacher's own loss", shown="number", explains="mean over seeds; of a score, its negative"),
        Column(key="n", title="seeds", shown="number"),
        Column(key="seeds", title="each seed", shown="strip", explains=f"the first {MOST_TICKS} where there are more"),
    )
    return Table(columns=columns, rows=tuple(rows()), caption="Gain by student and teacher")


MOST_TICKS = 60
"""Seeds that are drawn one by one."""
MOST_DRAWN, MOST_CARDS = 8, 40
"""Students that have pictures, and those that have a card: all are in the tables."""
EMPTY = ("arm",)


def verdict_page(verdict: GapVerdict) -> str:
    """Return a verdict alone as one HTML page: it holds no runs, so there is no curve to draw."""
    settings = verdict.by_setting or {(): verdict}
    cards, rows = list[Card](), list[dict[str, object]]()
    for setting, of_setting in settings.items():
        place = ", ".join(map(str, setting))
        for student, found in (of_setting.by_student or {float("nan"): of_setting}).items():
            headline = (
                " · ".join(text for text in (place, f"student of size {student:g}" if student == student else "") if text) or "student"
            )
            cards.append(_verdict_card(headline, found))
            rows.append(_verdict_row(headline, found))
    columns = (
        *(Column(key=key, title=key) for key in ("student", "verdict")),
        Column(key="best", title="best teacher sizes", explains="95 % set; with few seeds, those not ruled out"),
        Column(
            key="deficit", title="largest costs", shown="interval", explains="gain under the best smaller teacher minus under the largest"
        ),
        Column(key="edge", title="larger is better by", shown="interval"),
        Column(key="ratio", title="best ratio", shown="interval"),
        Column(key="margin", title="negligible below", shown="number"),
        Column(key="p", title="p"),
        Column(key="seeds", title="seeds", shown="number"),
    )
    table = Table(columns=columns, rows=tuple(rows), caption="Every claim with its numbers")
    note = "A verdict holds no runs, so no curve is drawn: `kdprobe gap TABLE -o PAGE.html`, or the report of `kdprobe.runs_gap`, has one."
    content = Content(cards=tuple(cards), words=(note,), tables=(table,))
    lede = "What kdprobe.capacity_gap says of a table of runs. Intervals are 95 %, over seeds."
    return compose(QUESTION, lede, [("gap", QUESTION, content)])


def _verdict_card(headline: str, found: GapVerdict) -> Card:
    deficit = found.details["deficit"]
    finding = Finding(
        claim="capacity gap", scope=AS_TRAINED, verdict=found.verdict, qualifier=found.details["qualifier"],
        measures="what the largest costs against the best smaller one", number=words.result(deficit) if deficit else "",
        sentences=tuple(text for text in (str(found).partition("capacity gap. ")[2], advice(found)) if text),
    )  # fmt: skip
    return Card(headline=headline, findings=(finding,))


def _verdict_row(headline: str, found: GapVerdict) -> dict[str, object]:
    told, ends = found.details, {"ratio": found.ratio, "deficit": found.details["deficit"], "edge": found.details["edge"]}
    return {
        "student": headline,
        "verdict": found.verdict + (f": {told['qualifier']}" if told["qualifier"] else ""),
        "best": words.listed([f"{size:g}" for size in found.best_sizes]) if found.best_sizes else None,
        "margin": told["margin"], "p": words.p_value(told["p"]), "seeds": told["seeds"],
        **{name: (one.value, one.low, one.high) for name, one in ends.items() if one is not None and one.value is not None},
    }  # fmt: skip
