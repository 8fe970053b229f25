"""The page of one student and one teacher."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kdprobe.compare.answer.following import following
from kdprobe.compare.answer.found import answer, own
from kdprobe.compare.comparison import Comparison
from kdprobe.compare.show import SIBLINGS, scores_table
from kdprobe.compare.show_map import note
from kdprobe.compare.words import paragraphs
from kdprobe.core.files import write_atomically
from kdprobe.core.pages import sealed
from kdprobe.core.probe import Probe
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.section import Card, Column, Content, Table
from kdprobe.core.words import listed
from kdprobe.report.among import among
from kdprobe.report.maps import figures
from kdprobe.report.page import check_target, compose
from kdprobe.report.words import capitalised

QUESTION = "What does this student have of its teacher?"


def write_comparison(comparison: Comparison, path: Path) -> Path:
    """Write the page of a comparison; see `kdprobe.report`."""
    path = check_target(path)
    write_atomically(path, sealed(comparison_page(comparison)))
    return path


def comparison_page(comparison: Comparison) -> str:
    """Return a comparison as one HTML page."""
    rows = f"{comparison.n:,} row{'' if comparison.n == 1 else 's'}"
    twins = f"{len(comparison.twins)} untaught twin{'' if len(comparison.twins) == 1 else 's'}" if comparison.twins else "no untaught twin"
    count = len(comparison.siblings)
    others = f"one teacher, {count} sibling{'' if count == 1 else 's'} of it and {twins}" if count else f"one teacher and {twins}"
    lede = f"{comparison.task}: one student, {others} on {rows}. Intervals are 95 %, over rows: they speak of these weights."
    if comparison.seeds:
        beside = " and its untaught twin" if comparison.twins else ", no untaught twins,"
        lede = (
            f"{comparison.task}: {comparison.seeds} students, each with its teacher{beside} on {rows}. Intervals are 95 %, over seeds: "
            "they speak of the recipe."
        )
    parts = [
        ("verdict", "What can be concluded?", Content(cards=(_card(comparison),), words=tuple(paragraphs(comparison)))),
        ("similarity", "How alike are student and teacher?", Content(tables=_similarity(comparison))),
        ("siblings", "Is it this very teacher's?", Content(tables=_siblings(comparison))),
        ("layers", "Which layers are alike?", _map(comparison)),
        ("performance", "What did teaching buy?", Content(tables=_performance(comparison))),
        ("refused", "What could not be measured?", Content(tables=_refused(comparison))),
        ("made", "How was it measured?", Content(words=comparison.notes, tables=(*_layers(comparison), _probes(comparison)))),
    ]
    return compose(QUESTION, capitalised(lede), parts)


def _card(comparison: Comparison) -> Card:
    """The first screen: what was found, whose it is, what next; then the scores and the student among twins and siblings."""
    return Card(
        headline="Did teaching help?",
        title="The models one by one",
        findings=(),
        answer=answer(comparison),
        own=own(comparison).says,
        next=following(comparison),
        figure=next(iter(among(comparison)), None),
        scores=_scores(comparison),
    )


def _similarity(comparison: Comparison) -> tuple[Table, ...]:
    columns = [Column(key="own", title="student and teacher", shown="interval")]
    if comparison.twins:
        many = len(comparison.twins) > 1
        columns += [
            Column(key="baseline", title="twins and teacher, mean" if many else "twin and teacher", shown="interval"),
            Column(key="difference", title="difference", shown="interval"),
        ]
        columns += [Column(key=twin, title=twin, shown="interval") for twin in comparison.twins if many]
    return _table(comparison, columns, "Similarity to the teacher, with and without its teaching")


def _siblings(comparison: Comparison) -> tuple[Table, ...]:
    if not comparison.siblings and not comparison.seeds:
        return ()
    columns = [Column(key=key, title=title, shown="interval") for title, key in SIBLINGS.items()]
    columns[2] = Column(
        key="specific",
        title="specific",
        shown="interval",
        explains="what the student has of its own teacher beyond siblings, less what twins have of it; only this may be called transferred",
    )
    return _table(comparison, columns, "Own teacher and sibling teachers")


def _scores(comparison: Comparison) -> Table | None:
    names, scored = scores_table(comparison)
    columns = (Column(key="model", title="model"), *(Column(key=name, title=name, shown="interval") for name in names))
    rows = tuple({"model": model, **{n: _cell(r) for n, r in zip(names, found, strict=True)}} for model, found in scored)
    return Table(columns=columns, rows=rows, caption="Scores of each model on these rows") if rows else None


def _map(comparison: Comparison) -> Content:
    layers = comparison.layer_map
    if layers is None:
        return Content()
    return Content(words=(note(layers),), figures=figures(layers, prefix="map"))


def _performance(comparison: Comparison) -> tuple[Table, ...]:
    if not comparison.twins:
        return ()
    return _table(
        comparison, [Column(key="panel", title="student over twins", shown="interval")], "Performance of the student over its twins"
    )


def _table(comparison: Comparison, columns: list[Column], caption: str) -> tuple[Table, ...]:
    rows = [
        {"probe": _title(comparison.probes[name], results), **{key: _cell(result) for key, result in results.items()}}
        for name, results in comparison.results.items()
        if columns[0].key in results
    ]
    return (Table(columns=(Column(key="probe", title="probe"), *columns), rows=tuple(rows), caption=caption),) if rows else ()


def _title(probe: Probe, results: Any) -> str:
    unit = next((result.unit for result in results.values() if isinstance(result, Measurement)), "")
    # a divergence falls where a likeness rises
    falls = ", less is closer" if probe.likeness and probe.better == "lower" else ""
    return f"{probe.title}{f', {unit}' if unit else ''}{falls}"


def _cell(result: Result) -> Any:
    return "refused" if isinstance(result, Refusal) else (result.value, result.low, result.high)


def _refused(comparison: Comparison) -> tuple[Table, ...]:
    def rows() -> Iterator[dict[str, str]]:
        for name, results in comparison.results.items():
            for key, result in results.items():
                if isinstance(result, Refusal):
                    yield {"probe": comparison.probes[name].title, "comparison": key, "reason": result.reason, "advice": result.advice}

    found = tuple(rows())
    columns = (
        Column(key="probe", title="probe"),
        Column(key="comparison", title="comparison"),
        Column(key="reason", title="reason", shown="prose"),
        Column(key="advice", title="what would help", shown="prose"),
    )
    return (Table(columns=columns, rows=found, caption="Questions without an answer, and what would give one"),) if found else ()


def _layers(comparison: Comparison) -> tuple[Table, ...]:
    rows = tuple(
        {"model": model, "layers": listed([layer if how == "none" else f"{layer} ({how})" for layer, how in layers.items()])}
        for model, layers in comparison.layers.items()
    )
    columns = (Column(key="model", title="model"), Column(key="layers", title="hidden layers", shown="prose"))
    return (Table(columns=columns, rows=rows, caption="Hidden layers that were captured"),) if rows else ()


def _probes(comparison: Comparison) -> Table:
    rows = tuple(
        {"probe": probe.title, "asks": probe.asks, "cites": probe.cites}
        for name, probe in comparison.probes.items()
        if name in comparison.results
    )
    columns = (
        Column(key="probe", title="probe"),
        Column(key="asks", title="question", shown="prose"),
        Column(key="cites", title="source", shown="prose"),
    )
    return Table(columns=columns, rows=rows, caption="What each probe asks")
