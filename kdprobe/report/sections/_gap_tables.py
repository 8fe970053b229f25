"""The tables of the gap section."""

import numpy as np

from kdprobe.core.result import Refusal
from kdprobe.core.section import Column, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import LOSS, Evidence
from kdprobe.report.evidence.gaps import SECOND, TITLES, Gap
from kdprobe.report.evidence.groups import short_names
from kdprobe.stats.model_comparison import compare_models


def claims(found: list[Gap]) -> Table:
    """One row a student, regime and metric."""
    rows = []
    for gap in found:
        loss = LOSS[gap.kind]
        readings = [(loss, gap.reading, gap.unit), (f"{loss}_calibrated", gap.calibrated, gap.unit), (SECOND[gap.kind], gap.second, "")]
        for metric, reading, unit in readings:
            if reading is None:
                continue
            noun, names = short_names(gap.curve.teachers)
            first = reading is gap.reading
            rows.append(
                {
                    "student": f"{gap.task} · {gap.student}", "arm": gap.arm, "unit": unit, "seeds": reading.n,
                    "metric": gap.metric if first else TITLES[metric],
                    "verdict": reading.verdict + (f": {reading.qualifier}" if reading.qualifier else ""),
                    "set": f"{noun} {words.span(names, reading.best_set)}" if reading.best_set else None,
                    "rival": f"{noun} {names[reading.rival]}" if reading.deficit else None,
                    "ratio": None if isinstance(reading.ratio, Refusal) else _triple(reading.ratio),
                    "deficit": reading.deficit and _triple(reading.deficit), "margin": reading.margin, "p": words.p_value(reading.p),
                    "edge": reading.edge and _triple(reading.edge),
                    "inherited": _triple(gap.inherited) if gap.inherited and first else None,
                    "discrimination": _triple(gap.discrimination) if gap.discrimination and first else None,
                }
            )  # fmt: skip
    return Table(caption="Every claim with its numbers", columns=COLUMNS, rows=tuple(rows))


def choices(evidence: Evidence) -> tuple[Table, ...]:
    """Which settings validation rows chose for each teacher size."""
    tune = evidence.tune
    rows = [
        {"student": f"{group.task} · {group.student}", "arm": group.arm, "teacher": teacher}
        | {name: float(own[name].iloc[0]) if own[name].notna().iloc[0] else "as for all" for name in tune}
        for group in evidence.tuned_groups
        for teacher, own in group.frame.groupby("teacher", sort=False)
    ]
    columns = (
        Column(key="student", title="student"),
        Column(key="arm", title="regime"),
        Column(key="teacher", title="teacher"),
        *(Column(key=name, title=name.replace("_", " "), shown="number") for name in tune),
    )
    caption = "What was chosen on validation rows, on seeds that are in no result"
    return (Table(caption=caption, columns=columns, rows=tuple(rows)),) if rows else ()


def laws(found: list[Gap]) -> tuple[Table, ...]:
    """In a world with a law: what is true under each teacher, beside what was found."""
    rows = []
    for gap in found:
        if gap.law is None or not gap.gains:
            continue
        noun, names = short_names(gap.curve.teachers)
        best = int(np.argmax(gap.law.gain))
        for i, (name, gain) in enumerate(zip(names, gap.gains, strict=True)):
            rows.append(
                {
                    "student": f"{gap.task} · {gap.student}", "arm": gap.arm, "teacher": f"{noun} {name}", "found": _triple(gain),
                    "law": float(gap.law.gain[i]), "teacher_law": float(gap.law.teacher_loss[i]), "unit": gap.unit,
                    "best": ("yes, " + ("in" if i in gap.reading.best_set else "not in") + " the set") if i == best else "",
                }
            )  # fmt: skip
    titles = words.listed(list(dict.fromkeys(gap.law.title for gap in found if gap.law)))
    return (Table(caption=f"What {titles} says, and what was found", columns=LAWS, rows=tuple(rows)),) if rows else ()


def shapes(found: list[Gap]) -> tuple[Table, ...]:
    """Which shape predicts the gains of a seed that was left out."""
    rows = []
    for gap in found:
        gain = gap.reading.gain
        if len(gain) < 3 or gain.shape[1] < 4:
            continue
        scores = compare_models(np.log(gap.reading.sizes), gain)
        near = [score.name for score in scores[1:] if score.behind.low <= 0]
        shown = {score.name: (score.behind.value, score.behind.low, score.behind.high) for score in scores[1:]}
        rows.append(
            {"student": f"{gap.task} · {gap.student}", "arm": gap.arm, "best": scores[0].name, "near": words.listed(near)}
            | {"flat": shown.get("flat"), "unimodal": shown.get("unimodal"), "saturating": shown.get("saturating")}
        )
    return (Table(caption="Which shape the gains have", columns=SHAPES, rows=tuple(rows)),) if rows else ()


def _triple(found: object) -> tuple[float, float, float]:
    return (found.value, found.low, found.high)  # pyright: ignore[reportAttributeAccessIssue]


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="metric", title="metric"),
    Column(key="verdict", title="verdict"),
    Column(
        key="set",
        title="best teachers",
        explains="95 % set: sizes that no other is shown to beat (Hsu, bootstrap over seeds)",
    ),
    Column(key="rival", title="best smaller", explains="the smaller teacher with the largest mean gain"),
    Column(
        key="deficit", title="largest costs", shown="interval", explains="gain under the best smaller teacher minus gain under the largest"
    ),
    Column(
        key="inherited", title="of that over-confidence", shown="interval", explains="the part of it that one temperature a model removes"
    ),
    Column(key="discrimination", title="of that discrimination", shown="interval", explains="the rest: it stays whatever the temperature"),
    Column(
        key="ratio",
        title="best ratio",
        shown="interval",
        explains="teacher size over student size with the largest gain, at this setting; only where a gap with one hump is shown",
    ),
    Column(
        key="edge", title="larger is better by", shown="interval", explains="own loss of the best smaller teacher minus that of the largest"
    ),
    Column(key="margin", title="negligible below", shown="number", explains="a fifth of the seed sd of the twins' score"),
    Column(
        key="p",
        title="p",
        explains="of the deficit: one-sided sign flips over all smaller sizes, Holm-adjusted over this page",
    ),
    Column(key="seeds", title="seeds", shown="number"),
    Column(key="unit", title="unit"),
)

LAWS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="teacher", title="teacher"),
    Column(key="law", title="true gain", shown="number"),
    Column(key="found", title="found", shown="interval", explains="95 %, simultaneous over the teacher sizes"),
    Column(key="best", title="truly best", explains="and whether the 95 % set of best sizes holds it"),
    Column(key="teacher_law", title="teacher's true loss", shown="number"),
    Column(key="unit", title="unit"),
)

SHAPES = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="best", title="predicts best", explains="smallest squared error on a seed left out, its level taken off"),
    Column(key="near", title="not shown to be worse", shown="prose", explains="95 % interval of the difference over seeds holds 0"),
    Column(key="flat", title="flat, behind by", shown="interval"),
    Column(key="saturating", title="saturating, behind by", shown="interval"),
    Column(key="unimodal", title="one hump, behind by", shown="interval", explains="error less the best shape's, in squared units"),
)
