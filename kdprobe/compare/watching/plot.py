"""A watch as a figure: one panel a measure, the student beside its twins, over steps."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SHOWN = {"own": ("student", "#2f7fd6", "-"), "baseline": ("twins, mean", "#777777", "--"), "panel": ("student over twins", "#2f7fd6", "-")}
"""Comparison -> what it is called, its colour and line: twins differ in more than colour."""
COLUMNS = 3
WIDTH, HEIGHT = 4.2, 2.9
"""Inches of a panel."""


def drawn(frame: "pd.DataFrame") -> "Figure":
    """Return a figure of what `Watch.to_frame` gives; refused steps leave a gap."""
    from matplotlib.figure import Figure

    measured = list(frame.loc[frame["value"].notna(), "probe"].unique())
    lines = max(-(-len(measured) // COLUMNS), 1)
    columns = min(max(len(measured), 1), COLUMNS)
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * lines), layout="constrained")
    panels = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    for axes in panels[len(measured) :]:
        axes.remove()
    for axes, name in zip(panels, measured, strict=False):
        of: Any = frame[frame["probe"] == name]
        for comparison, (label, colour, line) in SHOWN.items():
            rows = of[of["comparison"] == comparison]
            if not rows["value"].notna().any():
                continue
            steps, value, low, high = (rows[key].to_numpy(dtype=float) for key in ("step", "value", "low", "high"))
            # a lone step has no line
            axes.plot(steps, value, color=colour, linestyle=line, marker="o", markersize=3, label=label)
            axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
        if (of["comparison"] == "panel").any():
            axes.axhline(0, color="#777777", linewidth=0.8)
        unit = next((unit for unit in of["unit"] if isinstance(unit, str) and unit), "")
        axes.set_title(of["title"].iloc[0] + (f" ({unit})" if unit else ""), fontsize="medium")
        axes.set_xlabel("step")
        axes.legend(fontsize="small", frameon=False)
    return figure
