"""Arms on a plane of two measures, each a numbered mark with both its intervals, and a key of the numbers below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from kdprobe.core.words import number
from kdprobe.report.theme.plots import LABEL_SIZE, LEFT, TITLE_SIZE, WIDTH, Role, fitted, width_of
from kdprobe.report.theme.svg import COLOURS, style, to_svg

HEIGHT, TOP, BOTTOM, KEY = 210.0, 24.0, 44.0, 14.0
"""Heights of the plane, of its title, of the numbers with their name below it, and of a line of the key. Points: pixels on the page."""
ROOM = 0.12
"""Of a scale, beyond the outermost interval."""
FAR = 1.0
"""Spans of what is judged, beyond which a control is named at the edge in place of squeezing all else."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Point:
    """One arm.

    Parameters
    ----------
    label
        In the key.
    role
        Colour; "muted" for controls.
    x, y
        (mean, low, high).
    seeds
        (s, 2) x and y of each seed, drawn faintly.
    """

    label: str
    role: Role | str
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    seeds: np.ndarray


def plane(points: Sequence[Point], *, x_label: str, y_label: str, prefix: str, title: str, description: str) -> str:
    """Draw arms and return their SVG. Lines mark 0 on both scales.

    Parameters
    ----------
    x_label, y_label
        What is drawn, with its unit: below the plane, and above it.
    """
    whole = TOP + HEIGHT + BOTTOM + KEY * len(points)
    across = WIDTH - LEFT - 12
    with style():
        canvas = Canvas(figsize=(WIDTH / 72, whole / 72))
        axes = canvas.add_axes((LEFT / WIDTH, (whole - TOP - HEIGHT) / whole, across / WIDTH, HEIGHT / whole))
        limits = [_limits([getattr(p, name) for p in points], [p.role == "muted" for p in points]) for name in ("x", "y")]
        axes.set_xlim(*limits[0])
        axes.set_ylim(*limits[1])
        _background(axes)
        far = [_draw(axes, point, limits) for point in points]
        at = [(float(np.clip(p.x[0], *limits[0])), float(np.clip(p.y[0], *limits[1]))) for p in points]
        _names(axes, at, [str(i) for i in range(1, len(points) + 1)], [point.role for point in points])
        canvas.text(0, 1 - 15 / whole, fitted(y_label, WIDTH, TITLE_SIZE), fontsize=TITLE_SIZE, fontweight="bold")
        canvas.text(
            *((LEFT + across / 2) / WIDTH, (whole - TOP - HEIGHT - 32) / whole, fitted(x_label, WIDTH, LABEL_SIZE)),
            **{"ha": "center", "fontsize": LABEL_SIZE, "color": COLOURS["muted"]},
        )
        for i, (point, beyond) in enumerate(zip(points, far, strict=True)):
            y = (KEY * (len(points) - i) - 10) / whole
            canvas.text(18 / WIDTH, y, str(i + 1), fontsize=LABEL_SIZE, ha="right", color=COLOURS[point.role], fontweight="bold")
            canvas.text(24 / WIDTH, y, fitted(point.label + beyond, WIDTH - 26, LABEL_SIZE), fontsize=LABEL_SIZE)
        return to_svg(canvas, prefix=prefix, title=title, description=description)


def _limits(values: Sequence[tuple[float, float, float]], muted: Sequence[bool]) -> tuple[float, float]:
    """Ends of a scale: 0, all intervals of what is judged, and of controls those that are not far off."""
    judged = [end for value, control in zip(values, muted, strict=True) if not control for end in value] or [
        end for value in values for end in value
    ]
    low, high = min(*judged, 0.0), max(*judged, 0.0)
    span = high - low or 1.0
    near = [value for value in values if low - FAR * span < value[0] < high + FAR * span]
    low = min([low, *(max(value[1], low - FAR * span) for value in near)])
    high = max([high, *(min(value[2], high + FAR * span) for value in near)])
    room = ROOM * (high - low or 1.0)
    return low - room, high + room


def _background(axes: Axes) -> None:
    axes.grid()
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.axhline(0, color=COLOURS["ink"], linewidth=0.8)
    axes.axvline(0, color=COLOURS["ink"], linewidth=0.8)
    for scale in (axes.xaxis, axes.yaxis):
        scale.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        scale.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))


def _draw(axes: Axes, point: Point, limits: Sequence[tuple[float, float]]) -> str:
    """Draw a mark; return what the key says of one that lies beyond the plane."""
    (x_low, x_high), (y_low, y_high) = limits
    colour = COLOURS[point.role]
    x, y = float(np.clip(point.x[0], x_low, x_high)), float(np.clip(point.y[0], y_low, y_high))
    beyond = [f"{name} {number(value[0], 2)}" for name, value, at in (("x", point.x, x), ("y", point.y, y)) if value[0] != at]
    if not beyond:
        inside = point.seeds[
            (point.seeds[:, 0] > x_low) & (point.seeds[:, 0] < x_high) & (point.seeds[:, 1] > y_low) & (point.seeds[:, 1] < y_high)
        ]
        axes.hlines(inside[:, 1], inside[:, 0], inside[:, 0], color=colour, linewidth=2.5, alpha=0.3, capstyle="round")
        axes.hlines(y, max(point.x[1], x_low), min(point.x[2], x_high), color=colour, linewidth=1.4)
        axes.vlines(x, max(point.y[1], y_low), min(point.y[2], y_high), color=colour, linewidth=1.4)
    # marks as lines without length take a tenth of the bytes of markers
    axes.hlines(y, x, x, color=colour, linewidth=6, capstyle="projecting" if beyond else "round", clip_on=False)
    return f" (off the plane: {', '.join(beyond)})" if beyond else ""


def _names(axes: Axes, at: Sequence[tuple[float, float]], names: Sequence[str], roles: Sequence[str]) -> None:
    """Write each number beside its mark, where it covers no other mark and no other number."""
    box = axes.bbox
    (x_low, x_high), (y_low, y_high) = axes.get_xlim(), axes.get_ylim()
    marks = [((x - x_low) / (x_high - x_low) * box.width, (y - y_low) / (y_high - y_low) * box.height) for x, y in at]
    taken: list[tuple[float, float, float, float]] = [(x - 4, y - 4, x + 4, y + 4) for x, y in marks]
    for (x, y), name, role in zip(marks, names, roles, strict=True):
        wide, tall = width_of(name, LABEL_SIZE), LABEL_SIZE
        boxes = []
        for radius in (9.0, 16.0, 24.0, 34.0):
            for angle in np.arange(8) * np.pi / 4 + np.pi / 4:
                centre = x + radius * np.cos(angle), y + radius * np.sin(angle)
                boxes.append((centre[0] - wide / 2, centre[1] - tall / 2, centre[0] + wide / 2, centre[1] + tall / 2))
        inside = [b for b in boxes if b[0] > 0 and b[1] > 0 and b[2] < box.width and b[3] < box.height]
        free = next((b for b in inside if not any(_overlap(b, other) for other in taken)), (inside or boxes)[0])
        taken.append(free)
        centre = ((free[0] + free[2]) / 2 / box.width, (free[1] + free[3]) / 2 / box.height)
        axes.text(
            *centre, name, transform=axes.transAxes, ha="center", va="center", fontsize=LABEL_SIZE, fontweight="bold", color=COLOURS[role]
        )


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
