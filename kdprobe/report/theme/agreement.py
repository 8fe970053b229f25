"""What was predicted against what was observed: on a line of 45 degrees if both are the same, with the error in standard errors below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from kdprobe.report.theme.plots import LABEL_SIZE, LEFT, TITLE, TITLE_SIZE, WIDTH, Role, fitted
from kdprobe.report.theme.svg import COLOURS, style, to_svg

ABOVE, BELOW, BOTTOM, RIGHT = 190.0, 80.0, 34.0, 14.0
LIMIT = 3.0
"""Standard errors within which a prediction is said to hold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Cells of one kind: (k,) of each."""

    label: str
    role: Role
    predicted: np.ndarray
    observed: np.ndarray
    error: np.ndarray
    """Standard error of what was observed."""

    @property
    def apart(self) -> np.ndarray:
        """|observed - predicted| in standard errors; 0 where both are the same to rounding, whatever the error."""
        distance = np.abs(self.observed - self.predicted)
        distance = np.where(distance <= 1e-9 * np.maximum(np.abs(self.predicted), np.abs(self.observed)), 0.0, distance)
        return distance / np.maximum(self.error, np.finfo(float).tiny)


def agreement(
    kinds: Sequence[Cells], *, unit: str, prefix: str, title: str, description: str, logarithmic: bool = False
) -> str:  # fmt: skip
    """Draw predicted against observed above, and |observed - predicted|/SE below with a line at 3; return the SVG.

    Parameters
    ----------
    unit
        Of both, for the panel's title.
    logarithmic
        Whether both axes are: everything must be above 0 then.

    Examples
    --------
    >>> said, seen = np.array([1.0, 2.0]), np.array([1.1, 2.0])
    >>> found = Cells(label="least squares", role="one", predicted=said, observed=seen, error=np.full(2, 0.1))
    >>> found.apart.round(3).tolist()
    [1.0, 0.0]
    >>> svg = agreement([found], unit="target variances", prefix="ag", title="two cells", description="both within 3")
    >>> "two cells" in svg
    True
    """
    whole, across = TITLE + ABOVE + TITLE + BELOW + BOTTOM, WIDTH - LEFT - RIGHT
    x = np.concatenate([one.predicted for one in kinds])
    both = np.concatenate([x, *(one.observed for one in kinds)])
    with style():
        canvas = Canvas(figsize=(WIDTH / 72, whole / 72))
        above = canvas.add_axes((LEFT / WIDTH, (BOTTOM + BELOW + TITLE) / whole, across / WIDTH, ABOVE / whole))
        below = canvas.add_axes((LEFT / WIDTH, BOTTOM / whole, across / WIDTH, BELOW / whole))
        for axes, name in ((above, f"observed ({unit})"), (below, "|observed − predicted| / SE")):
            axes.set_title(fitted(name, WIDTH - LEFT, TITLE_SIZE), pad=4)
            axes.grid(axis="y", clip_on=False)
            axes.set_axisbelow(True)
            axes.tick_params(length=0)
            if logarithmic:
                axes.set_xscale("log")
            else:
                axes.xaxis.set_major_locator(MaxNLocator(4))
        if logarithmic:
            above.set_yscale("log")
            for axis in (above.xaxis, above.yaxis, below.xaxis):
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
                axis.set_minor_locator(NullLocator())
        above.tick_params(labelbottom=False)
        ends = (float(both.min()), float(both.max()))
        room = 0.05 * (ends[1] - ends[0] or 1.0)
        limits = (ends[0] / 1.3, ends[1] * 1.3) if logarithmic else (ends[0] - room, ends[1] + room)
        above.plot(*(limits, limits), **{"color": COLOURS["ink"], "linewidth": 0.8})
        below.axhline(LIMIT, color=COLOURS["ink"], linewidth=0.8)
        for one in kinds:
            colour = COLOURS[one.role]
            above.vlines(one.predicted, one.observed - 1.96 * one.error, one.observed + 1.96 * one.error, color=colour, linewidth=1.0)
            _dots(above, one.predicted, one.observed, colour)
            _dots(below, one.predicted, one.apart, colour)
        above.set_xlim(*limits)
        above.set_ylim(*limits)
        below.set_xlim(*limits)
        below.set_ylim(0, max(1.1 * LIMIT, *(1.05 * float(one.apart.max()) for one in kinds)))
        for place, one in enumerate(kinds):
            above.text(
                *(0.03, 0.95 - 0.085 * place, fitted(one.label, across * 0.6, LABEL_SIZE)),
                **{"transform": above.transAxes, "color": COLOURS[one.role], "fontsize": LABEL_SIZE, "va": "top"},
            )
        canvas.text(0.5, 4 / whole, "predicted", ha="center", fontsize=LABEL_SIZE, color=COLOURS["muted"])
        return to_svg(canvas, prefix=prefix, title=title, description=description)


def _dots(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str) -> None:
    # lines without length take a tenth of the bytes of markers
    axes.hlines(y, x, x, color=colour, linewidth=5, capstyle="round", clip_on=False)
