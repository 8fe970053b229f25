"""Values of many arms below each other, each with its interval and its seeds, in one or two columns beside the arms' names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from kdprobe.core.words import number
from kdprobe.report.theme.plots import LABEL_SIZE, LINE, TITLE_SIZE, WIDTH, fitted, width_of
from kdprobe.report.theme.svg import COLOURS, style, to_svg

ROW, TITLE, BOTTOM, GAP = 17.0, 22.0, 22.0, 24.0
"""Heights of a row whose name has one line, of titles and of the numbers below; the space between columns. Points: pixels."""
NAMES = 126.0
"""Room for the names of the arms."""
MOST_LINES = 3
"""Of a name."""
HEADING = "heading"


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One arm, or with `role` "heading" the name of those below it.

    Parameters
    ----------
    label
        Written at its left.
    role
        Colour: "one" to "four", or "muted".
    values
        For each column (mean, low, high, seeds); None where there is none.
    """

    label: str
    role: str
    values: tuple[tuple[float, float, float, np.ndarray] | None, ...] = ()


def forest(
    lines: Sequence[Line],
    *,
    columns: Sequence[str],
    prefix: str,
    title: str,
    description: str,
    names: float = NAMES,
    marked: float | None = None,
) -> str:
    """Draw arms from top to bottom and return their SVG.

    Parameters
    ----------
    columns
        What each column shows, with its unit; a line marks 0 in each.
    names
        Room for the names of the arms, in points.
    marked
        Where a dashed line stands in each column: what a mark must pass to count.
    """
    letters = int((names - 8) / (0.6 * LABEL_SIZE))
    labels = ["\n".join(wrap(line.label, letters, max_lines=MOST_LINES, placeholder="…")) for line in lines]
    tall = np.array([ROW + LINE * LABEL_SIZE * label.count("\n") for label in labels])
    # from the top of the rows to the middle of each
    middles, rows = np.cumsum(tall) - tall / 2, float(tall.sum())
    height = TITLE + rows + BOTTOM
    across = (WIDTH - names - GAP * (len(columns) - 1) - 8) / len(columns)
    with style():
        canvas = Canvas(figsize=(WIDTH / 72, height / 72))
        for i, name in enumerate(columns):
            left = names + i * (across + GAP)
            axes = canvas.add_axes((left / WIDTH, BOTTOM / height, across / WIDTH, rows / height))
            axes.set_ylim(rows, 0)
            _column(axes, list(zip(middles.tolist(), lines, strict=True)), i, marked)
            canvas.text(left / WIDTH, 1 - 15 / height, fitted(name, across + GAP, TITLE_SIZE), fontsize=TITLE_SIZE, fontweight="bold")
        for middle, label, line in zip(middles, labels, lines, strict=True):
            heading = line.role == HEADING
            canvas.text(
                (0 if heading else 8) / WIDTH,
                (height - TITLE - middle) / height,
                label,
                fontsize=LABEL_SIZE,
                va="center",
                color=COLOURS["muted" if heading else "ink"],
            )
        return to_svg(canvas, prefix=prefix, title=title, description=description)


def _limits(lines: Sequence[Line], column: int, marked: float | None) -> tuple[float, float]:
    """Ends of the axis: all intervals but those of muted lines, which may lie so far off that nothing else could be told apart."""
    shown = [line for line in lines if column < len(line.values) and line.values[column] is not None]
    found = [line.values[column] for line in shown if line.role != "muted"] or [line.values[column] for line in shown]
    ends = [end for value in found if value is not None for end in (value[1], value[2])]
    ends += [0.0] if marked is None else [0.0, marked]
    room = 0.15 * (max(ends) - min(ends)) or 1.0
    return min(ends) - room, max(ends) + room


def _column(axes: Axes, placed: Sequence[tuple[float, Line]], column: int, marked: float | None) -> None:
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.grid(axis="x", clip_on=False)
    axes.set_axisbelow(True)
    axes.axvline(0, color=COLOURS["ink"], linewidth=0.8, clip_on=False)
    if marked is not None:
        axes.axvline(marked, color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (3, 2)), clip_on=False)
    axes.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2, steps=[1, 2, 5, 10]))
    low_end, high_end = _limits([line for _, line in placed], column, marked)
    axes.set_xlim(low_end, high_end)
    _number(axes)
    for place, line in placed:
        if column >= len(line.values) or line.values[column] is None:
            continue
        mean, low, high, seeds = line.values[column]  # pyright: ignore[reportGeneralTypeIssues]
        colour = COLOURS[line.role]
        if not low_end < mean < high_end:
            left = mean < low_end
            axes.text(
                *(low_end if left else high_end, place, f"◂ {number(mean, 2)}" if left else f"{number(mean, 2)} ▸"),
                **{"ha": "left" if left else "right", "va": "center", "fontsize": LABEL_SIZE, "color": colour},
            )
            continue
        low, high, seeds = max(low, low_end), min(high, high_end), seeds[(seeds > low_end) & (seeds < high_end)]
        axes.vlines(seeds, place - 0.28 * ROW, place + 0.28 * ROW, color=colour, linewidth=0.7, alpha=0.35, clip_on=False)
        axes.hlines(place, low, high, color=colour, linewidth=1.6, clip_on=False)
        # marks as lines without length take a tenth of the bytes of markers
        axes.hlines(place, mean, mean, color=colour, linewidth=6, capstyle="round", clip_on=False)


def _number(axes: Axes) -> None:
    """Write numbers below a column that touch neither each other nor those of the next column."""
    low, high = axes.get_xlim()
    ticks = np.array([tick for tick in axes.get_xticks() if low <= tick <= high])
    places = max(0, -math.floor(math.log10(float(np.diff(ticks).min())) + 1e-9)) if len(ticks) > 1 else 2
    labels, across = [number(float(tick), places) for tick in ticks], axes.bbox.width
    at = (ticks - low) / (high - low) * across
    half = np.array([width_of(label, LABEL_SIZE) / 2 for label in labels])
    inside = np.flatnonzero((at - half > -GAP / 2) & (at + half < across + GAP / 2))
    # where there is no room for all, 0 comes first, and then what is furthest from it
    first = sorted(inside, key=lambda i: (ticks[i] != 0, -abs(ticks[i])))
    kept: list[int] = []
    for i in first:
        if all(abs(at[i] - at[j]) >= half[i] + half[j] + 0.4 * LABEL_SIZE for j in kept):
            kept.append(int(i))
    axes.set_xticks(ticks[sorted(kept)], [labels[i] for i in sorted(kept)])
