"""The one kind of plot that a report has: values over teacher size, every seed and the mean with its interval, in small panels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from kdprobe.report.theme.svg import COLOURS, style, to_svg

Role = Literal["one", "two", "three", "four"]
# told apart without colour too
_CAPS: dict[Role, Literal["round", "projecting"]] = {"one": "round", "two": "projecting", "three": "round", "four": "projecting"}
_DASHES = {"one": "-", "two": (0, (4, 1.5)), "three": (0, (1, 1)), "four": (0, (4, 1.5, 1, 1.5))}
WIDTH = 340.0
"""Width of a figure in points: pixels on the page. One fits a telephone without shrinking its text."""
LEFT, TITLE, MOST_LABEL = 50.0, 22.0, 120.0
"""Room for the numbers of the y axis, for a panel's title, and at most for the names of its series."""
LABEL_SIZE, TITLE_SIZE = 10.0, 11.0
LINE = 1.2
"""Height of a line of text over its font size."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One line of a panel.

    Parameters
    ----------
    label
        Written at its right end.
    mean, low, high
        (k,) over the sizes; NaN where there is none.
    seeds
        (s, k), one thin line a seed; None where seeds are drawn in another panel.
    x
        (k,) its own positions, where it has fewer than the figure; None takes the figure's.
    """

    label: str
    role: Role
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: np.ndarray | None = None
    x: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One set of axes.

    Parameters
    ----------
    title
        What is drawn, with its unit.
    scale
        Panels with the same one share a y axis; "" shares with none.
    zero
        What 0 means, where it means something: a line is drawn there and named.
    shaded
        Whether the area between the first two series is filled.
    bands
        Spans of x that are shaded from bottom to top.
    """

    title: str
    series: tuple[Series, ...]
    scale: str = ""
    zero: str = ""
    shaded: bool = False
    bands: tuple[tuple[float, float], ...] = ()


def panels(
    stack: Sequence[Panel],
    *,
    x: np.ndarray,
    ticks: Sequence[str],
    x_label: str,
    prefix: str,
    title: str,
    description: str,
    height: float = 130,
) -> str:
    """Draw panels one above the other over one x axis, and return their SVG.

    Parameters
    ----------
    stack
        From top to bottom; those of one scale share the limits of their y axis.
    x, ticks
        (k,) positions of the sizes, and what is written there, in one line or two.
    height
        Of one panel with its title, in points (pixels on the page).
    """
    names = [name for panel in stack for name in (panel.zero, *(series.label for series in panel.series))]
    label_width = _width([in_lines(name, MOST_LABEL, LABEL_SIZE) for name in names], LABEL_SIZE)
    right = min(label_width, MOST_LABEL) + 8
    bottom = 40.0 + 12 * any("\n" in tick for tick in ticks)
    whole, across = height * len(stack) + bottom, WIDTH - LEFT - right
    with style():
        canvas = Canvas(figsize=(WIDTH / 72, whole / 72))
        drawn = []
        for i, panel in enumerate(stack, start=1):
            axes = canvas.add_axes((LEFT / WIDTH, (whole - height * i) / whole, across / WIDTH, (height - TITLE) / whole))
            _draw(axes, panel, x)
            drawn.append(axes)
        _share_limits(drawn, stack)
        reach = 0.05 * max(float(np.ptp(x)), 1.0)
        for axes, panel in zip(drawn, stack, strict=True):
            axes.set_xlim(float(x.min()) - reach, float(x.max()) + reach)
            at = (x - axes.get_xlim()[0]) / np.ptp(axes.get_xlim()) * across
            places = spaced(at, ticks, LABEL_SIZE)
            axes.set_xticks(x[places], [ticks[i] for i in places] if axes is drawn[-1] else [""] * len(places))
            _label_ends(axes, panel)
        # in the middle of the axes, unless it is too long for that
        x_label = fitted(x_label, WIDTH, LABEL_SIZE)
        middle = max(LEFT + across / 2, _width([x_label], LABEL_SIZE) / 2)
        canvas.text(middle / WIDTH, 6 / whole, x_label, ha="center", fontsize=LABEL_SIZE, color=COLOURS["muted"])
        return to_svg(canvas, prefix=prefix, title=title, description=description, whole=True)


def width_of(label: str, size: float) -> float:
    """Room for the longest line of a label, in points: generous, because the reader's font is not known."""
    return 0.6 * size * max(map(len, label.split("\n")))


def _width(labels: Sequence[str], size: float) -> float:
    """Room for the longest label."""
    return max((width_of(label, size) for label in labels), default=0.0)


def fitted(text: str, width: float, size: float) -> str:
    """Cut what does not fit, line by line: the figure's description and caption have it whole.

    Examples
    --------
    >>> fitted("a long name of an arm", 60, 10)
    'a long na…'
    """
    most = max(int(width / (0.6 * size)), 2)
    return "\n".join(line if len(line) <= most else f"{line[: most - 1]}…" for line in text.split("\n"))


def in_lines(text: str, width: float, size: float) -> str:
    """Break what does not fit into two lines, and cut what does not fit even so.

    Examples
    --------
    >>> in_lines("labelled and transfer rows", 120, 10)
    'labelled and\\ntransfer rows'
    """
    if fitted(text, width, size) == text or " " not in text.strip():
        return fitted(text, width, size)
    breaks = [i for i, sign in enumerate(text) if sign == " "]
    middle = min(breaks, key=lambda i: abs(i - len(text) / 2))
    return fitted(f"{text[:middle]}\n{text[middle + 1 :]}", width, size)


def spaced(at: np.ndarray, labels: Sequence[str], size: float) -> list[int]:
    """Which of some labels, centred at ascending places, can stand beside each other: the first, and each that no earlier one touches.

    Parameters
    ----------
    at
        (k,) places in points.

    Examples
    --------
    >>> spaced(np.array([0.0, 10.0, 40.0]), ["1024", "2048", "4096"], 10)
    [0, 2]
    """
    found: list[int] = []
    end = -np.inf
    for i, (place, label) in enumerate(zip(at, labels, strict=True)):
        half = width_of(label, size) / 2
        if place - half >= end:
            found.append(i)
            end = place + half + 0.4 * size
    return found


def _share_limits(drawn: Sequence[Axes], stack: Sequence[Panel]) -> None:
    for scale in {panel.scale for panel in stack if panel.scale}:
        alike = [axes for axes, panel in zip(drawn, stack, strict=True) if panel.scale == scale]
        low, high = min(axes.get_ylim()[0] for axes in alike), max(axes.get_ylim()[1] for axes in alike)
        for axes in alike:
            axes.set_ylim(low, high)


def _draw(axes: Axes, panel: Panel, x: np.ndarray) -> None:
    # above its axes, or from the figure's own edge on where it would not fit
    over = 0.0 if fitted(panel.title, WIDTH - LEFT, TITLE_SIZE) == panel.title else -LEFT / axes.bbox.width
    axes.set_title(fitted(panel.title, WIDTH, TITLE_SIZE), pad=4, x=over)
    axes.grid(axis="y", clip_on=False)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=3, steps=[1, 2, 5, 10]))
    for low, high in panel.bands:
        axes.axvspan(low, high, color=COLOURS["grid"], linewidth=0)
    if panel.zero:
        axes.axhline(0, color=COLOURS["ink"], linewidth=0.8, clip_on=False)
    if panel.shaded and len(panel.series) > 1:
        first, second = panel.series[:2]
        axes.fill_between(x if first.x is None else first.x, first.mean, second.mean, color=COLOURS["grid"], linewidth=0, clip_on=False)
    spread = 0.012 * max(float(np.ptp(x)), 1.0)
    for i, series in enumerate(panel.series):
        colour = COLOURS[series.role]
        if series.seeds is not None and series.seeds.size:
            _seeds(axes, series.seeds, x if series.x is None else series.x, colour)
        at = x if series.x is None else series.x
        shifted = at + spread * (2 * i - len(panel.series) + 1)
        axes.vlines(shifted, series.low, series.high, color=colour, linewidth=1.6, clip_on=False)
        axes.plot(
            *(shifted, series.mean),
            **{"color": colour, "linewidth": 1.6, "linestyle": _DASHES[series.role], "clip_on": False},
        )
        # marks as lines without length take a tenth of the bytes of markers
        axes.hlines(series.mean, shifted, shifted, color=colour, linewidth=5, capstyle=_CAPS[series.role], clip_on=False)


def _seeds(axes: Axes, seeds: np.ndarray, x: np.ndarray, colour: str) -> None:
    long = pd.DataFrame({"seed": np.repeat(np.arange(len(seeds)), len(x)), "x": np.tile(x, len(seeds)), "value": seeds.ravel()}).dropna()
    # a value without neighbours draws no line: mark the points then
    alone = len(x) == 1 or bool(np.isnan(seeds).any())
    sns.lineplot(
        **{"data": long, "x": "x", "y": "value", "units": "seed", "estimator": None, "ax": axes, "legend": False},
        **{"color": colour, "linewidth": 0.7, "alpha": 0.35, "clip_on": False},
        **({"marker": "o", "markersize": 2.5, "markeredgewidth": 0} if alone else {}),
    )
    axes.set(xlabel="", ylabel="")


def _label_ends(axes: Axes, panel: Panel) -> None:
    """Name each series, and the zero line, at the right end, moved apart where names would overlap."""
    ends = [(series.mean[np.isfinite(series.mean)], series.label, COLOURS[series.role]) for series in panel.series]
    ends.append((np.zeros(1), panel.zero, COLOURS["muted"]))
    low, high = axes.get_ylim()
    wanted = sorted((float((values[-1] - low) / (high - low)), label, colour) for values, label, colour in ends if len(values) and label)
    wanted = [(y, in_lines(label, MOST_LABEL, LABEL_SIZE), colour) for y, label, colour in wanted]
    tall = [(label.count("\n") + 1) * LINE * LABEL_SIZE / axes.bbox.height for _, label, _ in wanted] or [0.0]
    # none reaches into the panel's title, or to the numbers below
    gaps = [(one + other) / 2 for one, other in pairwise(tall)]
    apart = _apart([y for y, _, _ in wanted], gaps, ends=(tall[0] / 2, 1 - tall[-1] / 2))
    for y, (_, label, colour) in zip(apart, wanted, strict=True):
        axes.text(1.02, y, label, transform=axes.transAxes, color=colour, fontsize=LABEL_SIZE, va="center")


def _apart(positions: Sequence[float], gap: float | Sequence[float], ends: tuple[float, float] = (0.0, 1.0)) -> list[float]:
    """Move sorted positions apart to at least `gap`, with the least movement that keeps their order, between `ends` if they fit.

    `gap` is one for all, or one between each two.

    Examples
    --------
    >>> [round(y, 2) for y in _apart([0.5, 0.52, 0.9], 0.1)]
    [0.46, 0.56, 0.9]
    """
    gaps = [gap] * len(positions) if isinstance(gap, int | float) else gap
    offsets = list(accumulate(gaps, initial=0.0))
    # pools of adjacent positions, as in isotonic regression: [sum of (wanted - offset), members]
    pools: list[list[float]] = []
    for y, offset in zip(positions, offsets, strict=False):
        pools.append([y - offset, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, members = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += members
    starts = [total / members for total, members in pools for _ in range(int(members))]
    # a monotone fit between two bounds is the monotone fit cut at these
    low, high = ends[0], max(ends[1] - offsets[max(len(starts) - 1, 0)], ends[0])
    return [min(max(start, low), high) + offset for start, offset in zip(starts, offsets, strict=False)]
