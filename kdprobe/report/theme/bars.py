"""Bars of parts that add up, one a line, with the intervals of one part beside them on a scale of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from kdprobe.report.theme.plots import LABEL_SIZE, LINE, TITLE_SIZE, WIDTH, fitted, in_lines
from kdprobe.report.theme.svg import COLOURS, style, to_svg

ROW, TITLE, BOTTOM, KEY = 18.0, 22.0, 22.0, 15.0
NAMES, BESIDE, GAP = 92.0, 92.0, 16.0
THICK = 11.0
"""Of a bar, in points."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One line; a heading where it has no parts.

    Parameters
    ----------
    label
        Written at its left.
    parts
        Lengths from left to right, none negative, as many as the figure has roles.
    beside
        (mean, low, high) of what stands at the right.
    """

    label: str
    parts: tuple[float, ...] = ()
    beside: tuple[float, float, float] | None = None


def bars(
    lines: Sequence[Bar], *, parts: Sequence[tuple[str, str]], titles: tuple[str, str], prefix: str, title: str, description: str
) -> str:
    """Draw lines from top to bottom and return their SVG.

    Parameters
    ----------
    parts
        Name and role (colour) of each part, in their order; the key above the bars says them. A part of role "paper" is outlined.
    titles
        Of the bars and of what stands beside them, with units.
    """
    rows = _key_rows(parts)
    top = TITLE + KEY * len(rows)
    # a name that is cut may be told from no other; all lines are as high as the one that needs most, for bars are one path
    labels = [in_lines(line.label, NAMES - 8, LABEL_SIZE) if line.parts else fitted(line.label, WIDTH, LABEL_SIZE) for line in lines]
    tall = ROW + LINE * LABEL_SIZE * max((label.count("\n") for label in labels), default=0)
    height = top + tall * len(lines) + BOTTOM
    across = WIDTH - NAMES - BESIDE - GAP - 8
    with style():
        canvas = Canvas(figsize=(WIDTH / 72, height / 72))
        for place, row in enumerate(rows):
            for left, name, role in row:
                y = 1 - (10 + KEY * place) / height
                mark, role = ("□", "muted") if role == "paper" else ("■", role)
                canvas.text(left / WIDTH, y, mark, fontsize=LABEL_SIZE, va="center", color=COLOURS[role])
                canvas.text((left + 12) / WIDTH, y, name, fontsize=LABEL_SIZE, va="center", color=COLOURS["ink"])
        for left, wide, draw, name in ((NAMES, across, _bars, titles[0]), (NAMES + across + GAP, BESIDE, _beside, titles[1])):
            axes = canvas.add_axes((left / WIDTH, BOTTOM / height, wide / WIDTH, tall * len(lines) / height))
            axes.set_ylim(len(lines) - 0.5, -0.5)
            axes.set_yticks([])
            axes.tick_params(length=0)
            axes.grid(axis="x", clip_on=False)
            axes.set_axisbelow(True)
            draw(axes, lines, [role for _, role in parts])
            axes.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
            canvas.text(
                *(left / WIDTH, 1 - (top - 6) / height, fitted(name, wide + GAP, TITLE_SIZE)),
                **{"fontsize": TITLE_SIZE, "fontweight": "bold"},
            )
        for place, (line, label) in enumerate(zip(lines, labels, strict=True)):
            canvas.text(
                *((8 if line.parts else 0) / WIDTH, (height - top - tall * (place + 0.5)) / height),
                label,
                **{"fontsize": LABEL_SIZE, "va": "center", "color": COLOURS["ink" if line.parts else "muted"]},
            )
        return to_svg(canvas, prefix=prefix, title=title, description=description)


def _key_rows(parts: Sequence[tuple[str, str]]) -> list[list[tuple[float, str, str]]]:
    """Place of each name of the key, wrapped to the figure's width."""
    rows: list[list[tuple[float, str, str]]] = [[]]
    left = 0.0
    for name, role in parts:
        wide = 24 + 0.55 * LABEL_SIZE * len(name)
        if left + wide > WIDTH and rows[-1]:
            rows.append([])
            left = 0.0
        rows[-1].append((left, name, role))
        left += wide
    return rows


def _bars(axes: Axes, lines: Sequence[Bar], roles: Sequence[str]) -> None:
    most = max((sum(line.parts) for line in lines), default=0.0) or 1.0
    axes.set_xlim(0, most)
    pixel = most / (axes.get_position().width * WIDTH)
    # a part is a thick line, all of one role one path: a tenth of the bytes of rectangles
    for part, role in enumerate(roles):
        starts = [(place, sum(line.parts[:part]), line.parts[part]) for place, line in enumerate(lines) if line.parts]
        spans = [(place, start, start + length) for place, start, length in starts if length > 0]
        _thick(axes, spans, COLOURS["muted" if role == "paper" else role], THICK)
        if role == "paper":
            inside = [(place, start + pixel, end - pixel) for place, start, end in spans if end - start > 2 * pixel]
            _thick(axes, inside, COLOURS[role], THICK - 2)


def _beside(axes: Axes, lines: Sequence[Bar], roles: Sequence[str]) -> None:
    found = [(place, line.beside) for place, line in enumerate(lines) if line.beside]
    ends = [end for _, beside in found for end in beside] + [0.0]
    room = 0.1 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - room, max(ends) + room)
    axes.axvline(0, color=COLOURS["ink"], linewidth=0.8, clip_on=False)
    _thick(axes, [(place, low, high) for place, (_, low, high) in found], COLOURS["one"], 1.6)
    # marks as lines without length
    _thick(axes, [(place, mean, mean) for place, (mean, _, _) in found], COLOURS["one"], 6, "round")


def _thick(
    axes: Axes, spans: Sequence[tuple[int, float, float]], colour: str, width: float, ends: Literal["butt", "round"] = "butt"
) -> None:
    """Draw (line, from, to)."""
    if spans:
        places, starts, stops = zip(*spans, strict=True)
        axes.hlines(places, starts, stops, color=colour, linewidth=width, capstyle=ends, clip_on=False)
