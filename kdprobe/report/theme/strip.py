"""One row of a table's seeds, as ticks on the scale of its column."""

import html
from collections.abc import Sequence

from markupsafe import Markup

from kdprobe.core.words import plain

WIDTH, HEIGHT, INSET = 120, 16, 2
"""As the page's style has it."""


def strip(values: Sequence[float], low: float, high: float) -> Markup:
    """Return ticks at `values` on a scale from `low` to `high`, with a line at 0 where the scale has one.

    Examples
    --------
    >>> str(strip([0.0, 1.0], 0.0, 1.0)).count("M")
    3
    """
    reach = high - low or 1.0

    def at(value: float) -> str:
        return f"{INSET + (WIDTH - 2 * INSET) * (value - low) / reach:.0f}"

    zero = f'<path class="zero" d="M{at(0.0)} 0v{HEIGHT}"/>' if low <= 0 <= high else ""
    # seeds on one pixel are one tick to see; they are counted in the label
    ticks = "".join(f"M{place} 3v10" for place in dict.fromkeys(map(at, values)))
    label = html.escape(f"{len(values)} seeds from {plain(min(values))} to {plain(max(values))}" if values else "no seeds")
    return Markup(f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{zero}<path d="{ticks}"/></svg>')
