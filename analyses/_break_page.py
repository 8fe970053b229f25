"""The page of `break_conditions.py`, from the numbers that it keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kdprobe.core.section import Column, Content, Figure, Table
from kdprobe.report import words
from kdprobe.report.page import compose
from kdprobe.report.theme.forest import Line, forest

QUESTION = "Where do the mechanisms of distillation break?"
SAYS = {
    "M1": (
        "a good teacher compresses", "gain over the untaught twin", "If the teacher is poorly trained or over-fits, students may be misled",
    ),
    "M2": (
        "features teach beside answers", "response and features less response alone",
        "If features differ much, matching may transfer nothing",
    ),
    "M3": (
        "one student takes over two specialists", "accuracy within the halves, student less specialists",
        "If objectives conflict, the outcome may not be reached",
    ),
}  # fmt: skip
UNITS = {"M1": "nats, or target variances", "M2": "nats", "M3": "accuracy"}
RULES = (
    "Doses and rules were committed before any result. Intervals of one curve hold together at 95 %, over paired seeds.",
    "M1 broke at the smallest dose where the gain over the untaught twin is shown to be below 0, in calibrated NLL or squared error. The "
    "student’s own labels are clean; the teacher’s are wrong in the share that is named (of a regression, noise in standard deviations of "
    "the target), or the teacher saw few of the rows, twice as long and without decay.",
    "M2 broke at the first step where features are not shown to add to response; where they are not even between equal networks, there was "
    "nothing to break. Students have three hidden layers, matched to the teacher’s by linear maps that are trained along.",
    "M3 broke at the smallest dose where the student’s accuracy within the halves of the classes is shown to be more than two points below "
    "its specialists’. The dose is the voice that each specialist has on rows of the other’s classes; labels are not shown to the student.",
)
LIMITS = (
    "M2 was not asked of letters, whose deep students would have taken as long as all the rest.",
    "Perceptrons on tables and small images, one draw of labelled rows, α .5 where there are labels, T 1, one weight of the feature loss. "
    "What is called another family is a network whose hidden layer is random. Tasks that conflict in other ways (several targets, several "
    "objectives) were not tried.",
)


def page(found: Mapping[str, Any]) -> str:
    """The whole page."""
    mechanisms = found["mechanisms"]
    answers = tuple(f"{one['name']}, {SAYS[one['name']][0]}: {one['outcome']}{shown(one)}." for one in mechanisms)
    drawn = tuple(figure for one in mechanisms for figure in _figures(one))
    outcomes = Table(
        caption="What became of each curve",
        columns=(Column(key="where", title="setting"), Column(key="name", title="mechanism"), Column(key="told", title="outcome")),
        rows=tuple({"where": curve["where"], "name": one["name"], "told": curve["told"]} for one in mechanisms for curve in one["curves"]),
    )
    columns = (
        Column(key="name", title="mechanism"), Column(key="says", title="says", shown="prose"),
        Column(key="breaks", title="the survey’s break condition", shown="prose"), Column(key="outcome", title="outcome", shown="prose"),
    )  # fmt: skip
    table = Table(
        caption="Mechanisms and what became of them", columns=columns,
        rows=tuple(
            {
                "name": one["name"], "says": SAYS[one["name"]][0], "breaks": SAYS[one["name"]][2], "outcome": one["outcome"],
            }
            for one in mechanisms
        ),
    )  # fmt: skip
    missing = (f"Not to be had: {'; '.join(found['missing'])}.",) if found["missing"] else ()
    curves = sum(len(one["curves"]) for one in mechanisms)
    lede = (
        f"Three mechanisms, {curves} curves of doses on letters, digits, Fashion-MNIST and bikeshare, {found['seeds']} paired seeds. "
        "Each ends in a dose at which it broke, or did not break in this range. Intervals are 95 %, for all doses of a curve together."
    )
    sections = [
        (
            "answer",
            "What broke, and at which dose?",
            Content(words=answers, figures=drawn, tables=(outcomes,)),
        ),
        ("rules", "When is something said to be broken?", Content(words=(*RULES, *missing), tables=(table,))),
        ("curves", "What was found at each dose?", Content(tables=tuple(_table(one) for one in mechanisms))),
        ("limits", "What is this no evidence of?", Content(words=LIMITS)),
    ]
    return compose(QUESTION, lede, sections)


def shown(one: Mapping[str, Any]) -> str:
    """A dose with its number: the first at which anything broke, or else the last of the first curve that could, or the first of all."""
    curves = one["curves"]
    if not curves:
        return ""
    curve = next((curve for curve in curves if curve["told"].startswith("broke")), None)
    if curve is not None:
        place = curve["doses"].index(curve["told"].removeprefix("broke at "))
    else:
        curve = next((curve for curve in curves if curve["told"].startswith("did not")), curves[0])
        place = len(curve["doses"]) - 1 if curve["told"].startswith("did not") else 0
    unit = "target variances" if "bikeshare" in curve["where"] else UNITS[one["name"]].partition(",")[0]
    told = words.interval(*curve["values"][place], unit)
    return f", as {curve['where']} at {curve['doses'][place]}: {told}, {SAYS[one['name']][1]}"


def _figures(one: Mapping[str, Any]) -> list[Figure]:
    """One figure, or one for students with the teacher's rows and one for students with rows of their own."""
    groups = [[curve for curve in one["curves"] if curve["where"].endswith(rows)] for rows in ("own rows", "unlabelled rows")]
    rest = [curve for curve in one["curves"] if not any(curve in group for group in groups)]
    return [_figure(one, group, place) for place, group in enumerate([*groups, rest]) if group]


def _figure(one: Mapping[str, Any], curves: Sequence[Mapping[str, Any]], place: int) -> Figure:
    lines, described = [], []
    for curve in curves:
        lines.append(Line(label=curve["where"], role="heading"))
        for dose, value, seeds in zip(curve["doses"], curve["values"], curve["seeds"], strict=True):
            role = "one" if value[1] > 0 else "two" if value[2] < 0 else "muted"
            lines.append(Line(label=dose, role=role, values=((*value, np.array(seeds)),)))
        described.append(f"{curve['where']}: {curve['told']}")
    svg = forest(
        lines, columns=[UNITS[one["name"]]], prefix=f"{one['name'].lower()}-{place}", title=f"{one['name']}: {SAYS[one['name']][1]}",
        description=". ".join(described),
    )  # fmt: skip
    return Figure(svg=svg, caption=f"{one['name']}: {SAYS[one['name']][1]}, by dose. Ticks are seeds.")


def _table(one: Mapping[str, Any]) -> Table:
    rows = [
        {"where": curve["where"], "dose": dose, "value": tuple(value), "told": curve["told"]}
        for curve in one["curves"]
        for dose, value in zip(curve["doses"], curve["values"], strict=True)
    ]
    columns = (
        Column(key="where", title="setting"), Column(key="dose", title="dose"),
        Column(key="value", title=SAYS[one["name"]][1], shown="interval", explains=UNITS[one["name"]]),
        Column(key="told", title="the curve"),
    )  # fmt: skip
    return Table(caption=f"{one['name']}: {SAYS[one['name']][1]}", columns=columns, rows=tuple(rows))
