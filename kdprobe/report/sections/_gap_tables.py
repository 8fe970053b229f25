"""The tables of the gap section."""

from collections.abc import Iterator, Sequence

import numpy as np

from kdprobe.core.result import Refusal
from kdprobe.core.section import Column, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import LOSS as RAW
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import SECOND, TITLES, Gap
from kdprobe.report.evidence.groups import short_names
from kdprobe.stats.model_comparison import compare_models
from kdprobe.zoo.gains import LOSS


def claims(found: list[Gap]) -> Table:
    """One row a student, regime and metric."""
    rows = []
    for gap in found:
        loss = RAW[gap.kind] if gap.raw is None else LOSS[gap.kind]
        readings = [(loss, gap.reading, gap.unit), (SECOND[gap.kind], gap.second, ""), (RAW[gap.kind], gap.raw, gap.unit)]
        for metric, reading, unit in readings:
            if reading is None:
                continue
            noun, names = short_names(gap.curve.teachers)
            rows.append(
                {
                    "student": f"{gap.task} · {gap.student}", "arm": gap.arm, "unit": unit, "seeds": reading.n,
                    "metric": gap.metric if reading is gap.reading else TITLES[metric],
                    "verdict": reading.verdict + (f": {reading.qualifier}" if reading.qualifier else ""),
                    "set": f"{noun} {words.span(names, reading.best_set)}" if reading.best_set else None,
                    "rival": f"{noun} {names[reading.rival]}" if reading.deficit else None,
                    "ratio": None if isinstance(reading.ratio, Refusal) else _triple(reading.ratio),
                    "deficit": reading.deficit and _triple(reading.deficit), "margin": reading.margin, "p": words.p_value(reading.p),
                    "edge": reading.edge and _triple(reading.edge),
                }
            )  # fmt: skip
    return Table(caption="Every claim with its numbers", columns=COLUMNS, rows=tuple(rows))


def besides(around: list[Gap]) -> Iterator[Table]:
    """One row a student, regime and setting beside the plan's own: a family of claims of its own."""
    rows = []
    for gap in around:
        (noun, names), reading, helps = short_names(gap.curve.teachers), gap.reading, gap.helps
        rows.append(
            {
                "student": f"{gap.task} · {gap.student}", "arm": gap.own_arm, "beside": gap.beside, "unit": gap.unit, "seeds": reading.n,
                "helps": helps.verdict, "gain": helps.gain and _triple(helps.gain),
                "under": f"{noun} {names[helps.best]}" if helps.gain else None,
                "verdict": reading.verdict + (f": {reading.qualifier}" if reading.qualifier else ""),
                "set": f"{noun} {words.span(names, reading.best_set)}" if reading.best_set else None,
                "deficit": reading.deficit and _triple(reading.deficit),
                "raw": gap.raw and gap.raw.deficit and _triple(gap.raw.deficit),
            }
        )  # fmt: skip
    if rows:
        caption = "Beside each verdict: the same students, one setting changed, a family of claims of its own"
        yield Table(caption=caption, columns=BESIDE if any(row["raw"] for row in rows) else BESIDE[:-1], rows=tuple(rows))


def temperatures(found: Sequence[Gap]) -> Iterator[Table]:
    """How over-confident teachers, twins and students are."""
    rows = tuple(
        {"who": f"{gap.task} · {gap.student}", "arm": gap.own_arm, "at": gap.beside or gap.setting}
        | {role: _triple(temperature) for role, temperature in gap.temperatures.items()}
        for gap in sorted(found, key=lambda gap: (gap.task, gap.student_size, gap.student, gap.own_arm))
        if gap.temperatures
    )
    if rows:
        yield Table(caption="Over-confidence: the temperature that makes a model's probabilities fit", columns=FITTED, rows=rows)


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
        *(Column(key=name, title=words.setting(name), shown="number") for name in tune),
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
        gain = gap.reading.whole
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


DEFICIT = Column(
    key="deficit", title="largest costs", shown="interval", explains="gain under the best smaller teacher minus gain under the largest"
)
COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="metric", title="metric"),
    Column(key="verdict", title="verdict"),
    Column(
        key="set",
        title="best teachers",
        explains="95 % set: sizes that no other is shown to beat (Hsu, bootstrap over seeds or draws); with few, those not ruled out",
    ),
    Column(key="rival", title="best smaller", explains="the smaller teacher with the largest mean gain"),
    DEFICIT,
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

BESIDE = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="beside", title="changed"),
    Column(key="helps", title="teaching helps"),
    Column(key="gain", title="largest gain", shown="interval", explains="over the untaught twin at the same setting; of all teacher sizes"),
    Column(key="under", title="under"),
    Column(key="verdict", title="capacity gap"),
    Column(key="set", title="best teachers", explains="95 % set"),
    DEFICIT,
    Column(key="seeds", title="seeds", shown="number"),
    Column(key="unit", title="unit"),
    Column(key="raw", title="the same in NLL as it is", shown="interval", explains="with what the temperature does to confidence"),
)

FITTED = (
    Column(key="who", title="student"),
    Column(key="arm", title="regime"),
    Column(key="at", title="at"),
    *(
        Column(key=role, title=f"fitted temperature, {role}", shown="interval", explains=text)
        for role, text in {
            "teacher": "fitted on validation rows, mean over all teacher sizes; above 1: over-confident",
            "twin": "untaught",
            "student": "",
        }.items()
    ),
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
