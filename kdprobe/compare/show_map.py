"""A map of layers as text for a terminal and as a grid of colours for a notebook."""

import textwrap
from html import escape

from kdprobe.compare.layer_grids import Grid, LayerGrids
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.words import number
from kdprobe.measures.cka.null import NOT_EXCLUDED

FALSE_DISCOVERIES = 0.1
"""Share of false discoveries that is let through among the cells that are told from the null (Benjamini and Hochberg)."""
# colours are laid over the page's own background, so both themes keep their contrast
STYLE = """
.kdprobe-map { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: end; margin: .8em 0; }
.kdprobe-map figure { margin: 0; overflow-x: auto; max-width: 100%; }
.kdprobe-map figcaption { margin-bottom: .4em; }
.kdprobe-map [role=table] { display: grid; gap: 1px; width: max-content; font-size: .85em; }
.kdprobe-map [role=row], .kdprobe-map [role=rowgroup] { display: contents; }
.kdprobe-map [role=columnheader] { writing-mode: vertical-rl; transform: rotate(180deg); padding: .2em 0; justify-self: center; }
.kdprobe-map [role=rowheader] { text-align: right; padding: .3em .6em .3em 0; white-space: nowrap; }
.kdprobe-map [role=cell] { min-width: 3.4em; padding: .3em; text-align: center; font-variant-numeric: tabular-nums; }
"""
COLOURS = {"up": "#2f7fd6", "down": "#d9822b"}


def as_text(layers: LayerGrids) -> str:
    """Return the grids one below the other, teacher layers in lines."""
    explained = textwrap.fill(note(layers), 100)
    return "\n\n".join([*(_text(layers, title, grid) for title, grid in shown(layers)), explained])


def as_html(layers: LayerGrids) -> str:
    """Return the grids side by side. Everything that was not written here is escaped."""
    figures = "".join(_figure(layers, title, grid) for title, grid in shown(layers))
    return f'<div><style>{STYLE}</style><div class="kdprobe-map">{figures}</div><p><small>{escape(note(layers))}</small></p></div>'


def shown(layers: LayerGrids) -> list[tuple[str, Grid]]:
    """Return the grids that a reader is shown, with their titles."""
    shown = [("student and teacher", layers.own)]
    if layers.twins:
        many = len(layers.twins) > 1
        shown.append((f"{len(layers.twins)} twins and teacher, mean" if many else "twin and teacher", layers.baseline))
        if many:
            shown.append(("difference", layers.difference))
    return shown


def note(layers: LayerGrids) -> str:
    """Return what a reader must know of the grids."""
    cells = len(layers.teacher) * len(layers.student)
    text = f"Debiased linear CKA on {layers.rows:,} rows; lines are layers of the teacher, columns of the student. "
    measured = [cell for line in layers.own for cell in line if isinstance(cell, Measurement)]
    tested = not measured or any("p" in cell.details for cell in measured)
    nulls = ["independent rows" if tested else "", "one more twin" if len(layers.twins) > 1 else ""]
    if all(nulls):
        text += f"Of {cells} cells, bracketed ones are not told from {nulls[0]}, in the difference not from {nulls[1]}"
    elif any(nulls):
        where = "" if tested else " of the difference"
        text += f"Of {cells} cells{where}, bracketed ones are not told from {nulls[0] or nulls[1]}"
    if any(nulls):
        text += f" (false discovery rate {FALSE_DISCOVERIES:g})."
    if measured and nulls[0]:
        text += f" That a cell is told from independent rows is little: {NOT_EXCLUDED}."
    if any("neighbours_alike" in cell.details for cell in measured):
        text += (
            " Neighbouring rows are alike in both models, so rows may not be independent at all and such a test too easily passed: name "
            "what belongs together with blocks=, or shuffle rows that were only sorted."
        )
    if not tested:
        text += " Rows come in blocks, so there is no test against independent rows."
    if len(layers.twins) == 1:
        text += " One twin shows no spread between twins, so there is no difference: pass two or more."
    if not layers.twins:
        text += " Networks that never met are alike too: without twins this map does not show what was taken over."
    return text


def clear(cell: Result) -> bool:
    """Whether a cell is told from its null."""
    return isinstance(cell, Measurement) and cell.details.get("p_adjusted", 0.0) <= FALSE_DISCOVERIES


def told(cell: Result) -> str:
    """Return a cell's number, bracketed where it is not told from its null."""
    if isinstance(cell, Refusal):
        return "–"
    return number(cell.value, 2) if clear(cell) else f"({number(cell.value, 2)})"


def tip(cell: Result) -> str:
    """Return a cell's interval, or why it has none."""
    return str(cell) if isinstance(cell, Refusal) else f"{number(cell.value)} [{number(cell.low)}, {number(cell.high)}]"


def shade(cell: Measurement, scale: float) -> float:
    """Return how strong a cell's colour is, 0 to 1: pale where it is not told from its null."""
    return min(abs(cell.value) / scale, 1.0) * (1.0 if clear(cell) else 0.3)


def _text(layers: LayerGrids, title: str, grid: Grid) -> str:
    lines = [["", *layers.student]]
    for layer, line in zip(layers.teacher, grid, strict=True):
        lines.append([layer, *map(told, line)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    aligned = ["  ".join(text.ljust(widths[0]) if i == 0 else text.rjust(widths[i]) for i, text in enumerate(line)) for line in lines]
    return "\n".join([title, *aligned])


def _figure(layers: LayerGrids, title: str, grid: Grid) -> str:
    scale = full_shade(layers, grid)
    head = "".join(f'<span role="columnheader">{escape(layer)}</span>' for layer in layers.student)
    body = "".join(
        f'<span role="row"><span role="rowheader">{escape(layer)}</span>{"".join(_coloured(cell, scale) for cell in line)}</span>'
        for layer, line in zip(layers.teacher, grid, strict=True)
    )
    columns = f"grid-template-columns: max-content repeat({len(layers.student)}, max-content)"
    table = (
        f'<div role="table" aria-label="{escape(title)}: teacher layers by student layers" style="{columns}">'
        f'<span role="row"><span role="cell"></span>{head}</span>{body}</div>'
    )
    return f"<figure><figcaption>{escape(title)}</figcaption>{table}</figure>"


def full_shade(layers: LayerGrids, grid: Grid) -> float:
    """Return the value that has the full shade: similarities share one scale, differences are small and have their own."""
    largest = max((abs(cell.value) for line in grid for cell in line if isinstance(cell, Measurement)), default=0.0)
    return largest if grid is layers.difference and largest > 0 else 1.0


def _coloured(cell: Result, scale: float) -> str:
    if isinstance(cell, Refusal):
        return f'<span role="cell" title="{escape(tip(cell))}">{told(cell)}</span>'
    colour = COLOURS["up" if cell.value >= 0 else "down"]
    paint = f"background: color-mix(in srgb, {colour} {60 * shade(cell, scale):.0f}%, transparent)"
    return f'<span role="cell" title="{escape(tip(cell))}" style="{paint}">{told(cell)}</span>'
