"""Which kind of knowledge helps: response, intermediate, relation or information, beside controls that hold none."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from kdprobe.core.section import Card, Column, Content, Figure, Finding, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.knowledge import CONTROL, KINDS, Arm, Kinds, by_knowledge, kinds, title_of
from kdprobe.report.sections._knowledge_answer import LIKENESS, answer, next_of, own_answer
from kdprobe.report.sections._knowledge_words import knowledge_words
from kdprobe.report.sections._scores import knowledge_scores
from kdprobe.report.theme.forest import HEADING, Line, forest
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast
from kdprobe.verdicts.knowledge import KindReading

ROLES = dict(zip(KINDS, ("one", "two", "three", "four"), strict=True)) | {CONTROL: "muted"}


def draw(evidence: Evidence) -> Content | None:
    """Draw a card and a figure a student, one table of all distillers, and one of what could not be asked."""
    found = kinds(evidence)
    if not any(group.readings for group in found):
        return None
    students: dict[str, list[Kinds]] = {}
    for group in found:
        students.setdefault(words.headline(group.task, group.student, group.student_size), []).append(group)
    undefined = evidence.provenance().get("not_applicable", [])
    return Content(
        cards=tuple(
            Card(
                headline=name,
                findings=tuple(_findings(groups, undefined)),
                answer=answer(groups),
                own=own_answer(groups),
                next=next_of(evidence, groups),
                figure=_overview(groups, f"o{i}"),
                scores=knowledge_scores(evidence, groups),
            )
            for i, (name, groups) in enumerate(students.items())
        ),
        words=tuple(knowledge_words(found, weights=len(evidence.provenance().get("plan", {}).get("alphas", ())))),
        figures=tuple(_figure(group, f"k{i}") for i, group in enumerate(found) if group.seeds),
        tables=(_table(found), *([_undefined(undefined)] if undefined else [])),
    )


def _findings(groups: list[Kinds], undefined: list[dict[str, Any]]) -> Iterable[Finding]:
    for group in groups:
        for kind in KINDS:
            if kind in group.readings:
                yield _finding(group, kind)
                continue
            place = (group.task, group.scheme, kind)
            reasons = [row["reason"] for row in undefined if (row["task"], row["scheme"], row["knowledge"]) == place]
            if reasons:
                yield Finding(claim=f"{kind} knowledge helps", scope=_scope(group), verdict="NOT APPLICABLE", sentences=(f"{reasons[0]}.",))


def _finding(group: Kinds, kind: str) -> Finding:
    reading = group.readings[kind]
    return Finding(
        claim=f"{kind} knowledge helps",
        scope=_scope(group),
        verdict=reading.verdict,
        qualifier=reading.qualifier,
        measures="gain over the twin",
        number=words.result(reading.gain) if reading.gain else "",
        sentences=tuple(_sentences(group, kind, reading)),
        change_our_mind=_change_our_mind(reading, unlabelled=group.scheme == "transfer_rows"),
    )


def _scope(group: Kinds) -> str:
    return group.scheme.replace("_", " ")


def _sentences(group: Kinds, kind: str, reading: KindReading) -> Iterable[str]:
    if reading.gain is None:
        yield f"{words.counted(reading.n, 'seed')}: {reading.qualifier}."
        return
    best = group.best[kind]
    beside = ""
    if reading.over_control is not None:
        rival = group.best[CONTROL]
        most = "" if len(set(rival.chosen)) == 1 else "most often "
        beside = (
            f", {words.result(reading.over_control)} over the best control ({most}{title_of(max(rival.chosen, key=rival.chosen.count))})"
        )
    yield f"{_at_choices(best)}: {words.result(reading.gain)} over the twin{beside}."
    if kind != "response" and "response" in group.best:
        yield f"Against response knowledge: {_measured(best.gain - group.best['response'].gain, group.unit)}."
    yield f"Teacher-specific part ({LIKENESS[group.kind]}): {_measured(best.specific)}."
    if reading.verdict == "INCONCLUSIVE" and reading.needed is not None:
        yield f"With this mean and spread, {reading.needed} seeds would settle it."


def _at_choices(best: Arm) -> str:
    """What the seeds of a kind were read at: the others favour one distiller and weight for each, which need not be the same."""
    pairs = list(zip(best.chosen, best.alphas.tolist(), strict=True))
    told, count = f"{title_of(best.usual[0])} at α={best.usual[1]:g}", pairs.count(best.usual)
    return words.capitalised(told) if count == len(pairs) else f"Most often {told} ({count} of {words.counted(len(pairs), 'seed')})"


def _change_our_mind(reading: KindReading, *, unlabelled: bool) -> str:
    if reading.n < SEEDS_FOR_A_VERDICT:
        return f"{SEEDS_FOR_A_VERDICT} seeds (now {reading.n})."
    if reading.verdict == "SUPPORTED":
        return "a control without such knowledge that gains as much, or a twin that is trained longer."
    return f"more seeds, a teacher that knows more, or {'more ' if unlabelled else ''}unlabelled transfer rows."


def _measured(values: np.ndarray, unit: str = "") -> str:
    line = _line(values)
    return "not known (not measured, or too few seeds)" if line is None else words.interval(*line[:3], unit)


def _figure(group: Kinds, prefix: str) -> Figure:
    lines = []
    for knowledge, arms in by_knowledge(group.arms):
        lines.append(Line(label="controls" if knowledge == CONTROL else knowledge, role=HEADING))
        lines += [
            Line(label=title_of(arm.name), role=ROLES.get(knowledge, "muted"), values=(_line(arm.gain), _line(arm.specific)))
            for arm in arms
        ]
    summary = " ".join(
        f"{title_of(arm.name)}: gain {_measured(arm.gain, group.unit)}, teacher-specific {_measured(arm.specific)}."
        for arm in group.arms
        if len(arm.gain) > 1
    )
    svg = forest(
        lines,
        columns=(f"gain ({_short(group.unit)})", "teacher-specific"),
        prefix=prefix,
        title=f"{group.task}, student {group.student}, {_scope(group)}: gain over the twin, and likeness to the own teacher above siblings",
        description=summary,
    )
    return Figure(svg=svg, caption=f"{group.task} · student {group.student} · {_scope(group)}. Ticks are seeds.")


def _overview(groups: list[Kinds], prefix: str) -> Figure | None:
    """What every distiller gains in every regime, controls below: the card's picture."""
    groups = [group for group in groups if group.seeds > 1]
    if not groups:
        return None
    gains = [{arm.name: _line(arm.gain) for arm in group.arms} for group in groups]
    lines = []
    for knowledge, arms in by_knowledge(sorted((arm for group in groups for arm in group.arms), key=_place)):
        lines.append(Line(label="controls" if knowledge == CONTROL else knowledge, role=HEADING))
        for name in dict.fromkeys(arm.name for arm in arms):
            values = tuple(gain.get(name) for gain in gains)
            lines.append(Line(label=title_of(name), role=ROLES.get(knowledge, "muted"), values=values))
    first = groups[0]
    told = [f"{title_of(arm.name)}, {_scope(group)}: {_measured(arm.gain, group.unit)}" for group in groups for arm in group.arms]
    svg = forest(
        lines,
        columns=[_scope(group) for group in groups],
        prefix=prefix,
        title=f"{first.task}, student {first.student}: gain over the untaught twin ({_short(first.unit)}) with every distiller",
        description=". ".join(told),
    )
    return Figure(svg=svg, caption=f"Gain over the untaught twin ({_short(first.unit)}), right of the line is better. Ticks are seeds.")


def _place(arm: Arm) -> int:
    order = (*KINDS, CONTROL)
    return order.index(arm.knowledge) if arm.knowledge in order else len(order)


def _short(unit: str) -> str:
    return {"target variances": "variances"}.get(unit, unit)


def _line(values: np.ndarray) -> tuple[float, float, float, np.ndarray] | None:
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return None
    found = contrast(values).measurement()
    return found.value, found.low, found.high, values


def _table(found: list[Kinds]) -> Table:
    rows = tuple(_row(group, arm) for group in found for arm in group.arms if len(arm.gain))
    columns = COLUMNS if any(row["raw"] is not None for row in rows) else tuple(c for c in COLUMNS if c.key != "raw")
    return Table(caption="Every distiller, each seed at the weight that validation rows of other seeds favour", columns=columns, rows=rows)


def _row(group: Kinds, arm: Arm) -> dict[str, Any]:
    control = group.best.get(CONTROL)
    response = group.best.get("response")
    return {
        "student": f"{group.task} · {group.student}",
        "arm": _scope(group),
        "knowledge": arm.knowledge,
        "distiller": title_of(arm.name),
        "alpha": f"{arm.usual[1]:g}",
        "gain": _triple(arm.gain),
        "score": _triple(arm.score),
        "raw": None if arm.raw is None else _triple(arm.raw),
        "control": None if control is None or arm.knowledge == CONTROL else _triple(arm.gain - control.gain),
        "response": None if response is None or arm.knowledge == "response" else _triple(arm.gain - response.gain),
        "specific": _triple(arm.specific),
        "p": words.p_value(group.p[arm.name]) if arm.name in group.p else "",
        "seeds": group.seeds,
    }


def _triple(values: np.ndarray) -> tuple[float, float, float] | None:
    line = _line(values)
    return None if line is None else line[:3]


def _undefined(rows: list[dict[str, Any]]) -> Table:
    return Table(
        caption="Not applicable: asked for, and undefined there",
        columns=(
            Column(key="distiller", title="distiller"),
            Column(key="knowledge", title="knowledge"),
            Column(key="where", title="where"),
            Column(key="reason", title="reason", shown="prose"),
        ),
        rows=tuple(
            {
                "distiller": title_of(row["distiller"]),
                "knowledge": row["knowledge"],
                "where": f"{row['task']} · {row['family']} · {row['scheme'].replace('_', ' ')}",
                "reason": row["reason"],
            }
            for row in rows
        ),
    )


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="arm", title="regime"),
    Column(key="knowledge", title="knowledge"),
    Column(key="distiller", title="distiller"),
    Column(key="alpha", title="α", explains="weight of the teacher's loss that seeds chose most often"),
    Column(
        key="gain",
        title="gain",
        shown="interval",
        explains="over the paired twin: calibrated NLL in nats (a temperature fitted on validation rows), MSE in target variances",
    ),
    Column(key="score", title="score", shown="interval", explains="accuracy or R², student less twin"),
    Column(key="raw", title="gain, NLL as it is", shown="interval", explains="without the temperature that is fitted after training"),
    Column(key="control", title="over best control", shown="interval", explains="difference of gains; the best is what gains most"),
    Column(key="response", title="over response", shown="interval", explains="difference of gains to the best response distiller"),
    Column(
        key="specific",
        title="teacher-specific",
        shown="interval",
        explains="agreement (for regression R²) with the own teacher less with siblings, less the same of the twin if measured",
    ),
    Column(key="p", title="p", explains="of the gain, Holm-adjusted over all distillers of the page"),
    Column(key="seeds", title="seeds", shown="number"),
)

KNOWLEDGE = Section(name="knowledge", question="Which kind of knowledge helps?", draw=draw, order=10, plans=("knowledge",))
