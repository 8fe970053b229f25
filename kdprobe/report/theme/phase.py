"""A map of where something is gained and where it is lost, with a cross where one stands."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from kdprobe.report.theme.plots import LABEL_SIZE, LEFT, TITLE, TITLE_SIZE, WIDTH, fitted
from kdprobe.report.theme.svg import COLOURS, style, to_svg

HEIGHT, BOTTOM, RIGHT = 210.0, 40.0, 16.0
# of the larger gain or loss, where another shade begins
_LEVELS = (0.0, 0.05, 0.2, 0.5, 1.0)
_MOST = 0.6
"""Opacity of the strongest shade: text on it is still read."""


@dataclass(frozen=True, kw_only=True)
class Cross:
    """Where one stands: x, and y with its interval; `label` is written beside it."""

    x: float
    y: tuple[float, float, float]
    label: str


def phase(
    x: np.ndarray, y: np.ndarray, gains: np.ndarray, *, cross: Cross | None = None, x_label: str, y_label: str, names: tuple[str, str],
    prefix: str, title: str, description: str,
) -> str:  # fmt: skip
    """Draw gains (len(y), len(x)) over two quantities, x on a logarithmic scale, and return the SVG.

    Parameters
    ----------
    gains
        Above 0 is shaded in one colour, below 0 in another, with a line between: stronger from a twentieth, a fifth and a half of 1 on.
    cross
        Where somebody's data lie; None for a map of a law alone.
    names
        Written where the most is gained and where the most is lost, if anything is.
    prefix, title, description
        As in `to_svg`.
    """
    whole = TITLE + HEIGHT + BOTTOM
    across = WIDTH - LEFT - RIGHT
    with style():
        canvas = Canvas(figsize=(WIDTH / 72, whole / 72))
        axes = canvas.add_axes((LEFT / WIDTH, BOTTOM / whole, across / WIDTH, HEIGHT / whole))
        axes.set_title(fitted(y_label, WIDTH - LEFT, TITLE_SIZE), pad=4)
        axes.set_xscale("log")
        _shade(axes, x, y, gains)
        axes.set_xlim(float(x[0]), float(x[-1]))
        axes.set_ylim(float(y[0]), float(y[-1]))
        axes.tick_params(length=0)
        axes.xaxis.set_major_locator(LogLocator(10))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        _name(axes, x, y, gains, names)
        if cross is not None:
            _stand(axes, x, cross, across / 2)
        canvas.text(0.5, 6 / whole, fitted(x_label, WIDTH, LABEL_SIZE), ha="center", fontsize=LABEL_SIZE, color=COLOURS["muted"])
        return to_svg(canvas, prefix=prefix, title=title, description=description)


def _stand(axes: Axes, x: np.ndarray, cross: Cross, room: float) -> None:
    """Mark where one stands."""
    middle, low, high = cross.y
    axes.vlines(cross.x, low, high, color=COLOURS["ink"], linewidth=1.6)
    axes.plot(*(cross.x, middle), **{"color": COLOURS["ink"], "marker": "x", "markersize": 9, "markeredgewidth": 2})
    left = bool(np.log(cross.x) > np.log(x).mean())
    axes.annotate(
        fitted(cross.label, room, LABEL_SIZE), (cross.x, middle), xytext=(-8 if left else 8, 6), textcoords="offset points",
        ha="right" if left else "left", fontsize=LABEL_SIZE, fontweight="bold", color=COLOURS["ink"],
    )  # fmt: skip


def _shade(axes: Axes, x: np.ndarray, y: np.ndarray, gains: np.ndarray) -> None:
    for colour, values in ((COLOURS["one"], gains), (COLOURS["two"], -gains)):
        for step, level in enumerate(_LEVELS[:-1], start=1):
            if values.max() > level:
                # shades lie on each other: where the second begins the first goes on
                axes.contourf(x, y, values, levels=[level, max(float(values.max()), level) + 1], colors=[colour], alpha=_opacity(step))
    if gains.min() < 0 < gains.max():
        axes.contour(x, y, gains, levels=[0.0], colors=[COLOURS["ink"]], linewidths=1.2)


def _opacity(step: int) -> float:
    """Of each layer, so that all of them together come to the strongest shade."""
    return 1 - (1 - _MOST) ** (1 / (len(_LEVELS) - 1)) if step else 0.0


def _name(axes: Axes, x: np.ndarray, y: np.ndarray, gains: np.ndarray, names: Sequence[str]) -> None:
    for name, values in zip(names, (gains, -gains), strict=True):
        if values.max() <= 0:
            continue
        inside = values[1:-1, 1:-1]
        row, column = np.unravel_index(int(inside.argmax()), inside.shape)
        rightmost, top = column > len(x) / 2, row > len(y) / 2
        axes.text(
            0.98 if rightmost else 0.02, 0.95 if top else 0.05, name, transform=axes.transAxes, ha="right" if rightmost else "left",
            va="top" if top else "bottom", fontsize=LABEL_SIZE, color=COLOURS["ink"],
        )  # fmt: skip
