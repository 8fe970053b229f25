"""The student among its twins and its teacher among siblings, one line a measure: the figure of a comparison."""

from collections.abc import Mapping

import numpy as np

from kdprobe.compare.comparison import Comparison
from kdprobe.compare.judge import closer, spread
from kdprobe.core.result import Measurement, Result
from kdprobe.core.section import Figure
from kdprobe.report.theme.forest import Line, forest

Placed = tuple[float, float, float, np.ndarray]
SCALE = (
    "The right is nearer to the teacher: past the dashed line by more than one more twin, or sibling, may be by chance (95 %, and more is "
    "asked where many measures are read)."
)

NAMES = 170.0
"""Room for the titles of measures, in points."""
FAR = 12.0
"""Units beyond which a line would leave no room to tell the others apart."""


def among(comparison: Comparison) -> tuple[Figure, ...]:
    """Return one figure with all likenesses that were measured; none where there are too few twins, and too few siblings, for a scale."""
    of = (_seeds, ("difference", "specific")) if comparison.seeds else (_others, ("difference", "contrast"))
    place, keys = of
    lines: list[Line] = []
    for name, results in comparison.results.items():
        if not comparison.probes[name].likeness:
            continue
        values = tuple(place(comparison, name, results, key) for key in keys)
        if any(value is not None for value in values):
            far = any(value is not None and abs(value[0]) > FAR for value in values)
            # lines that are muted have no say in where the axis ends
            lines.append(Line(label=comparison.probes[name].title, role="muted" if far else "one", values=values))
    if not lines:
        return ()
    both = any(line.values[1] is not None for line in lines)
    first = any(line.values[0] is not None for line in lines)
    if comparison.seeds:
        columns = ("less twins", "less siblings")
        caption = (
            "Each tick is one seed, the mark their mean with its 95 % interval, on a scale of the seeds' standard deviation; the right is "
            "nearer to the teacher. Only what lies right of 0 in the second column may be called transferred."
        )
    else:
        columns = ("twins", "siblings")
        caption = (
            "The mark is the student with its 95 % interval over rows. Ticks at the left are its twins beside the same teacher; ticks at "
            f"the right are what it has in common with each sibling teacher. {SCALE} What lies off the scale is told as a number."
        )
    shown = [i for i, there in enumerate((first, both)) if there]
    lines = [Line(label=line.label, role=line.role, values=tuple(line.values[i] for i in shown)) for line in lines]
    svg = forest(
        lines,
        columns=[columns[i] for i in shown],
        prefix="among",
        names=NAMES,
        marked=None if comparison.seeds else 1.0,
        title="The student among twins and siblings",
        description=f"One line a measure: {', '.join(line.label for line in lines)}.",
    )
    return (Figure(svg=svg, caption=caption),)


def _others(comparison: Comparison, probe: str, results: Mapping[str, Result], key: str) -> Placed | None:
    """A difference from the mean of others, and these, in units of how far one more of them may lie."""
    found = results.get(key)
    if not isinstance(found, Measurement):
        return None
    of, names = ("twin", comparison.twins) if key == "difference" else ("sibling", comparison.siblings)
    unit = spread(found, of)
    values = [result.value for name in names if isinstance(result := results.get(name), Measurement)]
    if not unit or len(values) < len(names):
        return None
    apart = np.array(values) - np.mean(values)
    return _scaled(comparison, probe, found, apart, unit)


def _seeds(comparison: Comparison, probe: str, results: Mapping[str, Result], key: str) -> Placed | None:
    found = results.get(key)
    if not isinstance(found, Measurement) or "seeds" not in found.curves:
        return None
    values = np.array([value for _, value in found.curves["seeds"]])
    unit = float(values.std(ddof=1))
    return _scaled(comparison, probe, found, values, unit) if unit else None


def _scaled(comparison: Comparison, probe: str, found: Measurement, others: np.ndarray, unit: float) -> Placed:
    # of divergences less is nearer
    sign = 1.0 if closer(comparison, probe, Measurement(value=1.0, low=1.0, high=1.0, n=1)) else -1.0
    ends = sorted((sign * found.low / unit, sign * found.high / unit))
    return sign * found.value / unit, ends[0], ends[1], sign * others / unit
