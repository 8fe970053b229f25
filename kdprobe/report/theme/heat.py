"""A grid of shaded numbers, such as a map of layers."""

import html
from collections.abc import Sequence

CELL, LINE, GLYPH, GAP = (44.0, 22.0), 10.0, 6.2, 8.0
"""Width and height of a cell, size of text, generous width of one letter, room beside names: in pixels of the page."""
SCALE = 1.3
"""Pixels of the page to one of the drawing, where there is room: text as large as that of a caption."""
MOST_LETTERS = 22
"""Of a name; what is longer is cut, and whole in its tooltip."""


Cell = tuple[str, float, str]
"""What is written; its shade, -1 to 1, the sign giving the colour; what is shown while a pointer rests on it."""


def heat(
    cells: Sequence[Sequence[Cell]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    prefix: str,
    title: str,
    description: str,
) -> str:
    """Return a grid as SVG: each cell its text on its shade, its interval in a tooltip.

    Parameters
    ----------
    cells
        By row and column.
    prefix, title, description
        As in `to_svg`.
    """
    left = GLYPH * max(len(_cut(name)) for name in rows) + GAP
    top = GLYPH * max(len(_cut(name)) for name in columns) + GAP
    wide, high = CELL
    parts: list[str] = []
    for j, name in enumerate(columns):
        x, y = left + wide * (j + 0.5) + LINE / 3, top - GAP / 2
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" transform="rotate(-90 {x:.1f} {y:.1f})">{_named(name)}</text>')
    for i, (name, line) in enumerate(zip(rows, cells, strict=True)):
        middle = top + high * (i + 0.5) + LINE / 3
        parts.append(f'<text x="{left - GAP / 2:.1f}" y="{middle:.1f}" text-anchor="end">{_named(name)}</text>')
        for j, (text, shade, tip) in enumerate(line):
            x = left + wide * j
            box = f'x="{x:.1f}" y="{top + high * i:.1f}" width="{wide - 1:g}" height="{high - 1:g}"'
            where = f'x="{x + wide / 2:.1f}" y="{middle:.1f}" text-anchor="middle"'
            parts.append(f"<g><title>{html.escape(tip)}</title>")
            parts.append(f'<rect {box} fill="var(--{"one" if shade >= 0 else "two"})" fill-opacity="{0.6 * abs(shade):.2f}"/>')
            parts.append(f'<text {where} fill="var(--ink)">{html.escape(text)}</text></g>')
    width, height = left + wide * len(columns), top + high * len(rows)
    return (
        f'<svg class="grid" viewBox="0 0 {width:.0f} {height:.0f}" width="{SCALE * width:.0f}" height="{SCALE * height:.0f}" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-desc"><title id="{prefix}-title">{html.escape(title)}</title>'
        f'<desc id="{prefix}-desc">{html.escape(description)}</desc>{"".join(parts)}</svg>'
    )


def _cut(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def _named(name: str) -> str:
    whole = f"<title>{html.escape(name)}</title>" if len(name) > MOST_LETTERS else ""
    return f"{whole}{html.escape(_cut(name))}"
