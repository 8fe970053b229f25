"""Where did it arrive: the teacher-specific part by class, by how sure the teacher was, by region of a regression's target, by layer."""

from typing import Any

from kdprobe.core.section import Column, Content, Figure, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.arrivals import LEVEL, Places, arrivals
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.theme.forest import Line, forest
from kdprobe.stats.paired import contrast

MOST_LINES = 30


def draw(evidence: Evidence) -> Content | None:
    """Draw places of each student below each other, and one table of all."""
    found = [places for places in arrivals(evidence) if places.names]
    if not found:
        return None
    return Content(
        words=(_said(found), *WORDS),
        figures=tuple(_figure(places, f"w{i}") for i, places in enumerate(found)),
        tables=(_table(found),),
    )


def _said(found: list[Places]) -> str:
    """Which places are found, in one sentence."""
    told = []
    for places in found:
        names = [name for name, there in zip(places.names, places.found, strict=True) if there]
        if names:
            listed = words.listed(names) if len(names) <= 6 else f"{len(names)} of {len(places.names)}"
            told.append(f"{places.task}, student {places.student}, by {places.by}: {listed}")
    places = sum(len(each.names) for each in found)
    if not told:
        return f"At no single place is a part shown that is this teacher's own, of {places} that were asked about."
    return f"A part that is this teacher's own is found at these places, of {places} that were asked about: {'; '.join(told)}."


WORDS = (
    "Each row of the probe rows says how much more a student is like its own teacher there than like siblings, less the same of its "
    "untaught twin; a place is the mean of its rows, an interval is over seeds. Of the places called found at most "
    f"{LEVEL:.0%} are expected to be false (Benjamini-Hochberg, over all places of the page). How sure the teacher was is the mean of all "
    "teachers' largest probability on a row. A layer of a student is read with a layer of its teacher, by CKA over all rows, and so in "
    "another unit than places are; of a network of many layers, four that are evenly spaced.",
)


def _figure(places: Places, prefix: str) -> Figure:
    lines = []
    for i, name in enumerate(places.names[:MOST_LINES]):
        mean, low, high = _triple(places, i)
        lines.append(Line(label=name, role="one" if places.found[i] else "muted", values=((mean, low, high, places.values[:, i]),)))
    told = [f"{name}: {words.interval(*_triple(places, i))}" for i, name in enumerate(places.names)]
    left = "" if len(places.names) <= MOST_LINES else f" The first {MOST_LINES} of {len(places.names)}; the table has all."
    svg = forest(
        lines, columns=("own teacher − siblings",), prefix=prefix,
        title=f"{places.task}, student {places.student}: teacher-specific part by {places.by}", description=". ".join(told),
    )  # fmt: skip
    caption = f"{places.task} · student {places.student} · by {places.by}. Coloured where found, ticks are seeds.{left}"
    return Figure(svg=svg, caption=caption)


def _triple(places: Places, i: int) -> tuple[float, float, float]:
    found = contrast(places.values[:, i]).measurement()
    return found.value, found.low, found.high


def _table(found: list[Places]) -> Table:
    rows: list[dict[str, Any]] = [
        {
            "student": f"{places.task} · {places.student}", "by": places.by, "place": name, "rows": places.rows[i],
            "specific": _triple(places, i), "p": words.p_value(float(places.p[i])), "found": "found" if places.found[i] else "",
        }
        for places in found
        for i, name in enumerate(places.names)
    ]  # fmt: skip
    return Table(caption="Teacher-specific part by place, at the fullest dose", columns=COLUMNS, rows=tuple(rows))


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="by", title="by"),
    Column(key="place", title="place"),
    Column(key="rows", title="rows", shown="number"),
    Column(key="specific", title="teacher-specific", shown="interval", explains="own teacher minus siblings, less the same of its twin"),
    Column(key="p", title="p", explains="two-sided, adjusted for false discoveries over the page"),
    Column(key="found", title=f"found at {LEVEL:.0%}"),
)

ARRIVAL = Section(name="arrival", question="Where did it arrive?", draw=draw, order=15, plans=("transfer",))
