"""The page of the advisor: would distillation help on these data, where do they lie, and which theorems say so?"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from kdprobe.core.files import write_atomically
from kdprobe.core.pages import sealed
from kdprobe.core.result import Result
from kdprobe.core.section import Card, Column, Content, Figure, Finding, Table
from kdprobe.report.page import check_target, compose
from kdprobe.report.theme.phase import Cross, phase
from kdprobe.report.theme.plots import Panel, Series, panels
from kdprobe.theory.advisor import Advice
from kdprobe.theory.gains import Bounds, Gain, nested_share
from kdprobe.theory.objectives import Objective, percent
from kdprobe.theory.theorem import Check

QUESTION = "Would distillation help on these data?"
CLAIM = "distillation helps"
UNCHECKED = (("nothing that data can tell", Check(True, "")),)
_POINTS = 61
_READING = "The cross is these data, with its 95 % interval; the line is where distilling neither helps nor hurts."


def write_advice(advice: Advice, path: Path) -> Path:
    """Write the page of an advice; see `kdprobe.report`."""
    path = check_target(path)
    write_atomically(path, sealed(advice_page(advice)))
    return path


def advice_page(advice: Advice) -> str:
    """Return an advice as one HTML page."""
    many = "endless rows" if advice.transfer is None else f"{advice.transfer:,} rows"
    # before the answer: whoever believes that reads no further
    look = "".join(f"{text} " for text in advice.look)
    lede = (
        f"{look}{advice.rows:,} labelled rows, {many} without labels, {advice.features} features, of which the student has "
        f"{advice.student}. "
        "These are predictions of theory for least squares and ridge, made before anything is trained; how far networks follow them is "
        "what kdprobe sweep --gap measures."
    )
    first = advice.first
    findings = tuple(_finding(one) for one in advice.objectives.values())
    headline = f"a student of {advice.student} of {advice.features} features"
    maps = tuple(figure for figure in (_by_transfer(advice), _by_labels(advice)) if figure)
    parts = [
        ("verdict", QUESTION, Content(
            cards=(Card(
                headline=headline, findings=findings, answer=" ".join(text for text in (advice.sentence, first.next) if text),
                figure=replace(maps[0], caption=f"Where do these data lie? {maps[0].caption}. {_READING}") if maps else None,
            ),)
        )),
        ("phase", "Where do these data lie?", Content(words=_map_words() if maps else (), figures=maps[1:])),
        ("sizes", "Which teacher size?", Content(figures=_curve(first), tables=_sizes(advice))),
        ("data", "What do these data look like?", Content(tables=(_facts(advice),))),
        ("theorems", "Which theorems speak of them?", Content(tables=(_theorems(advice),))),
    ]  # fmt: skip
    return compose(QUESTION, lede, parts)


def _finding(one: Objective) -> Finding:
    return Finding(
        claim=CLAIM, scope=one.name, verdict=one.verdict, measures="share of the excess risk that it takes off",
        number=percent_of(one.share),
        sentences=tuple(text for text in (one.says, one.next) if text),
    )  # fmt: skip


def percent_of(share: Result) -> str:
    """Return a share with its interval, in percent; "" where there is none."""
    if share.value is None or share.low is None or share.high is None:
        return ""
    return percent(Bounds(share.value, share.low, share.high))


def _at(one: Objective) -> Gain | None:
    return next((gain for gain in one.sizes if gain.teacher == one.teacher), None)


def _map_words() -> tuple[str, ...]:
    return (
        "Each map, that of the answer above too, holds all but two quantities at what these data have. Up the side goes what the larger "
        "model leaves unexplained, as a share of what the smaller one does: at 1 its additional features say nothing, "
        "towards 0 they say nearly all. The line is where distilling neither helps nor hurts; shades begin at 0, 5, 20 and 50 % of the "
        "twin's excess risk. The cross is where these data lie, with its 95 % interval.",
    )


def _by_transfer(advice: Advice) -> Figure | None:
    """Where a larger teacher helps, by unlabelled rows."""
    found, p, n = _at(advice.objectives["compression"]), advice.student, advice.rows
    if found is None:
        return None
    q, m = found.teacher, advice.transfer
    if m == 0 or n < q + 3:
        return None
    most = 100 * n if m is None else max(10 * m, 10 * n)
    x, y = np.geomspace(p + 4, most, _POINTS), np.linspace(0.005, 1, _POINTS)
    gains = np.array([[nested_share(float(ratio), n=n, p=p, q=q, m=float(rows)) for rows in x] for ratio in y])
    title = f"A larger teacher ({q} features), {n:,} labelled rows"
    return _map(x, y, gains, found, at=most if m is None else max(m, p + 4), x_label="rows without labels", title=title, prefix="pm")


def _by_labels(advice: Advice) -> Figure | None:
    """Where a smaller teacher helps, or where there is none a larger one, by labelled rows."""
    p, n = advice.student, advice.rows
    smaller = _at(advice.objectives["expansion"])
    larger = _at(advice.objectives["compression"])
    found = smaller or larger
    if found is None:
        return None
    q, m = found.teacher, math.inf if advice.transfer is None else advice.transfer
    if q > p and m == 0:
        return None
    x, y = np.geomspace(max(p, q) + 4, max(10 * n, 10 * (max(p, q) + 4)), _POINTS), np.linspace(0.005, 1, _POINTS)
    gains = np.array([[nested_share(float(ratio), n=rows, p=p, q=q, m=m) for rows in x] for ratio in y])
    title = f"A {'smaller' if smaller else 'larger'} teacher ({q} feature{'' if q == 1 else 's'})"
    return _map(x, y, gains, found, at=n, x_label="labelled rows", title=title, prefix="pn")


def _map(
    x: np.ndarray, y: np.ndarray, gains: np.ndarray, found: Gain, *, at: float, x_label: str, title: str, prefix: str
) -> Figure:  # fmt: skip
    gains = np.clip(gains, -1.5, 1.5)
    helped = float((gains > 0).mean())
    svg = phase(
        x, y, gains, cross=Cross(x=float(at), y=found.ratio, label="these data"), x_label=x_label,
        y_label="left unexplained, larger over smaller", names=("helps", "hurts"), prefix=prefix, title=title,
        description=f"Distilling helps on {100 * helped:.0f} % of the map; these data stand at {at:,.0f} {x_label} and a ratio of "
        f"{found.ratio.value:.2f} ({found.ratio.low:.2f} to {found.ratio.high:.2f}).",
    )  # fmt: skip
    return Figure(svg=svg, caption=title)


def _curve(one: Objective) -> tuple[Figure, ...]:
    if len(one.sizes) < 2:
        return ()
    sizes = np.array([gain.teacher for gain in one.sizes])
    value, low, high = (100 * np.array([getattr(gain.share, end) for gain in one.sizes]) for end in ("value", "low", "high"))
    series = Series(label="distilled", role="one", mean=value, low=low, high=high)
    svg = panels(
        [Panel(title="less excess risk than the twin, %", series=(series,), zero="twin")], x=np.log(sizes), ticks=[str(q) for q in sizes],
        x_label="features of the teacher", prefix="sz", title="Predicted gain by size of the teacher",
        description="; ".join(f"{gain.teacher} features: {percent(gain.share)}" for gain in one.sizes), height=180,
    )  # fmt: skip
    return (Figure(svg=svg, caption="Predicted gain by size of the teacher; intervals hold for all sizes at once."),)


def _sizes(advice: Advice) -> tuple[Table, ...]:
    rows = tuple(
        {
            "objective": one.name, "teacher": gain.teacher, "share": tuple(100 * end for end in gain.share), "gain": tuple(gain.gain),
            "ratio": tuple(gain.ratio),
        }
        for one in advice.objectives.values() for gain in one.sizes
    )  # fmt: skip
    columns = (
        Column(key="objective", title="objective"),
        Column(key="teacher", title="teacher's features", shown="number"),
        Column(key="share", title="less excess risk, %", shown="interval", explains="than the untaught twin; below 0 distilling costs"),
        Column(key="gain", title="gain", shown="interval", explains="in variances of the target"),
        Column(
            key="ratio", title="left unexplained", shown="interval",
            explains="residual variance of the larger model over that of the smaller",
        ),
    )  # fmt: skip
    caption = "Teachers that were tried; intervals hold for all sizes of an objective at once"
    return (Table(columns=columns, rows=rows, caption=caption),) if rows else ()


def _facts(advice: Advice) -> Table:
    facts = (
        ("noise, in target variances", advice.noise, "what all features leave unexplained"),
        ("effective number of features", advice.spectrum, "participation ratio of the features' spectrum"),
        ("alignment", advice.alignment, "share of what all features explain that the student's explain"),
    )
    rows = tuple(
        {"what": what, "value": None if found.value is None else (found.value, found.low, found.high),
         "says": says if found.value is not None else f"{found.reason}: {found.advice}"}
        for what, found, says in facts
    )  # fmt: skip
    columns = (
        Column(key="what", title="quantity"), Column(key="value", title="estimate", shown="interval"),
        Column(key="says", title="what it is", shown="prose"),
    )  # fmt: skip
    return Table(columns=columns, rows=rows, caption="Estimated from the labelled rows, with 95 % intervals")


def _theorems(advice: Advice) -> Table:
    rows = tuple(
        {"theorem": name.replace("_", " "), "applies": "yes" if one.applicable else "no", "assumption": check,
         "holds": "holds" if result.holds else "fails", "found": result.found}
        for name, one in advice.theorems.items() for check, result in one.checked or UNCHECKED
    )  # fmt: skip
    columns = (
        Column(key="theorem", title="theorem"), Column(key="applies", title="speaks of these data"),
        Column(key="assumption", title="assumes", shown="prose"), Column(key="holds", title="here it"),
        Column(key="found", title="found", shown="prose"),
    )  # fmt: skip
    return Table(columns=columns, rows=rows, caption="Every theorem, what it assumes, and what was found on these data")
