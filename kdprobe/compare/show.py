"""A comparison as text for a terminal and as HTML for a notebook."""

import textwrap
from collections.abc import Iterator, Sequence
from html import escape

from kdprobe.compare.answer.following import following
from kdprobe.compare.answer.found import answer, own
from kdprobe.compare.compared import Compared
from kdprobe.compare.words import paragraphs
from kdprobe.core.result import Refusal, Result
from kdprobe.core.words import listed, over_seeds

WIDTH = 100
OWN = "This teacher's own knowledge?"
SIBLINGS = {"own less siblings": "contrast", "twins' own less siblings": "placebo", "specific": "specific"}
# colours are mixed from the page's own, so the table reads in light and dark notebooks alike
STYLE = """
.kdprobe-comparison { max-width: 60em; }
.kdprobe-comparison table { border-collapse: collapse; margin: .8em 0; }
.kdprobe-comparison th, .kdprobe-comparison td { padding: .25em .9em .25em 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, currentColor 22%, transparent); background: none; color: inherit; }
.kdprobe-comparison td { font-variant-numeric: tabular-nums; }
.kdprobe-comparison small, .kdprobe-comparison caption { color: color-mix(in srgb, currentColor 75%, transparent); }
.kdprobe-comparison caption { text-align: left; caption-side: top; }
"""


def as_text(comparison: Compared) -> str:
    """Return the comparison for a terminal: its answer, the scores, what it says, a line a probe, and how it was made."""
    rows = [["", *_columns(comparison)], *([title, *map(_cell, results)] for title, _, results in _likenesses(comparison))]
    beside = [["", *SIBLINGS], *([title, *map(_cell, results)] for title, _, results in _beside_siblings(comparison))]
    panels = [[title, _cell(result)] for title, _, result in _panels(comparison)]
    blocks = [_heading(comparison), *_answered(comparison)]
    columns, scored = scores_table(comparison)
    blocks += [_aligned([["", *columns], *([model, *map(_cell, results)] for model, results in scored)])] if scored else []
    blocks += [*(textwrap.fill(part, WIDTH) for part in paragraphs(comparison)), _aligned(rows)]
    blocks += [_aligned(beside)] if len(beside) > 1 else []
    if panels:
        blocks.append(_aligned([["", "student over twins"], *panels]))
    refused = [f"{title}: {reason}" for title, reason in _refusals(comparison)]
    if comparison.layer_map is not None:
        blocks.append(str(comparison.layer_map))
    blocks += [
        "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines) for lines in (refused, _made(comparison)) if lines
    ]
    return "\n\n".join(blocks)


def as_html(comparison: Compared) -> str:
    """Return the comparison for a notebook. Everything that was not written here is escaped."""
    first, colon, rest = answer(comparison).partition(": ")
    parts = [
        f"<p><small>{escape(_heading(comparison))}</small></p>",
        f"<p><strong>{escape(first)}</strong>{escape(colon + rest)}</p>",
        f"<p><b>{OWN}</b> {escape(own(comparison).says)}</p>",
    ]
    if (then := following(comparison)) is not None:
        parts.append(f"<p><b>Next:</b> {escape(then.why)} ({escape(then.cost)})<br><code>{escape(then.command)}</code></p>")
    columns, scored = scores_table(comparison)
    if scored:
        parts.append(_table("Scores of each model", columns, [(model, "", results) for model, results in scored]))
    parts += [
        *(f"<p>{escape(part)}</p>" for part in paragraphs(comparison)),
        _table("Similarity to the teacher", _columns(comparison), list(_likenesses(comparison))),
    ]
    if beside := list(_beside_siblings(comparison)):
        parts.append(_table("Own teacher and sibling teachers", list(SIBLINGS), beside))
    if panels := [(title, asks, [result]) for title, asks, result in _panels(comparison)]:
        parts.append(_table("Performance", ["student over twins"], panels))
    if refused := list(_refusals(comparison)):
        parts.append("<ul>" + "".join(f"<li><small>{escape(title)}: {escape(reason)}</small></li>" for title, reason in refused) + "</ul>")
    if comparison.layer_map is not None:
        parts.append(comparison.layer_map._repr_html_())
    parts.append("<p><small>" + "<br>".join(escape(line) for line in _made(comparison)) + "</small></p>")
    return f'<div class="kdprobe-comparison"><style>{STYLE}</style>{"".join(parts)}</div>'


def _answered(comparison: Compared) -> Iterator[str]:
    """The answer, whether it is this teacher's own, and what would change it."""
    yield textwrap.fill(answer(comparison), WIDTH)
    yield textwrap.fill(f"{OWN} {own(comparison).says}", WIDTH)
    if (then := following(comparison)) is not None:
        # a Python call may go on after any comma; a shell's command is cut by a line's end, and stays one line to copy
        call = {"initial_indent": "    ", "subsequent_indent": "        ", "break_long_words": False, "break_on_hyphens": False}
        command = f"    {then.command}" if comparison.spelling else textwrap.fill(then.command, WIDTH, **call)
        yield textwrap.fill(f"Next: {then.why} ({then.cost}):", WIDTH) + "\n" + command


def _heading(comparison: Compared) -> str:
    rows = f"{comparison.task}, {comparison.n:,} rows"
    if comparison.seeds:
        more = f", {_counted(comparison.siblings, 'sibling')}" if comparison.siblings else ""
        return f"{comparison.seeds} students, each with its teacher{' and its twin' if comparison.twins else ', no twins'}: {rows}{more}"
    siblings = f", {_counted(comparison.siblings, 'sibling')}" if comparison.siblings else ""
    return f"Student and teacher: {rows}, {_counted(comparison.twins, 'twin') if comparison.twins else 'no twins'}{siblings}"


def _counted(names: Sequence[str], what: str) -> str:
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''}"


def _columns(comparison: Compared) -> list[str]:
    return ["student", *(["twin" if len(comparison.twins) == 1 else "twins, mean", "difference"] if comparison.twins else [])]


def _likenesses(comparison: Compared) -> Iterator[tuple[str, str, list[Result]]]:
    """Title, question and results of each probe of how alike two models are."""
    for name, results in comparison.results.items():
        if "own" in results:
            shown = [results[key] for key in ("own", "baseline", "difference") if key in results]
            yield comparison.probes[name].title, comparison.probes[name].asks, shown


def _beside_siblings(comparison: Compared) -> Iterator[tuple[str, str, list[Result]]]:
    """Title, question and results of each likeness that was asked toward sibling teachers too."""
    for name, results in comparison.results.items():
        if "contrast" in results:
            yield comparison.probes[name].title, comparison.probes[name].asks, [results[key] for key in SIBLINGS.values()]


def scores_table(comparison: Compared) -> tuple[list[str], list[tuple[str, list[Result]]]]:
    """Names of the scores, and each model with its own."""
    columns = list(next(iter(comparison.scores.values()), {}))
    return columns, [(model, [found[column] for column in columns]) for model, found in comparison.scores.items()]


def _panels(comparison: Compared) -> Iterator[tuple[str, str, Result]]:
    """Title, question and result of the probes of panels; without twins there is nothing to show."""
    for name, results in comparison.results.items():
        if "panel" in results and comparison.twins:
            yield comparison.probes[name].title, comparison.probes[name].asks, results["panel"]


def _refusals(comparison: Compared) -> Iterator[tuple[str, str]]:
    """Title and first reason of each probe that was refused, with what was refused where the rest was measured."""
    for name, results in comparison.results.items():
        if "panel" in results and not comparison.twins:
            continue
        refused = next(((key, result) for key, result in results.items() if isinstance(result, Refusal)), None)
        if refused is not None:
            key, result = refused
            part = f", {key}" if any(not isinstance(other, Refusal) for other in results.values()) else ""
            yield f"{comparison.probes[name].title}{part}", str(result)


def _made(comparison: Compared) -> list[str]:
    """Lines on how the numbers came about."""
    lines = [f"Values with 95 % intervals over {'seeds (this recipe)' if comparison.seeds else 'rows (this checkpoint)'}."]
    models: dict[str, list[str]] = {}
    for model, layers in comparison.layers.items():
        told = ", ".join(layer if handling == "none" else f"{layer} ({handling})" for layer, handling in layers.items())
        models.setdefault(told, []).append(model)
    for told, names in models.items():
        lines.append(f"Hidden layers of {listed(names)}: {told}.")
    return [*lines, *comparison.notes]


def _cell(result: Result) -> str:
    if isinstance(result, Refusal):
        return "refused"
    seeds = result.n if result.estimand == "this recipe" else 0
    return over_seeds(result.value, result.low, result.high, result.unit, seeds=seeds)


def _table(caption: str, columns: list[str], rows: list[tuple[str, str, list[Result]]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in ["probe", *columns])
    body = "".join(
        f'<tr><th scope="row" title="{escape(asks)}">{escape(title)}</th>'
        + "".join(f"<td>{'<em>refused</em>' if isinstance(result, Refusal) else escape(_cell(result))}</td>" for result in results)
        + "</tr>"
        for title, asks, results in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) if column < len(row) else 0 for row in rows) for column in range(max(map(len, rows)))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows)
