"""One rule for every difference that a comparison names: new rows, one more twin, one more sibling, and how many were looked at."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control

from kdprobe.compare.compared import Compared
from kdprobe.core.result import Measurement
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT

LEAST = 3
"""Fewer twins, or siblings, do not show how far one more may lie from their mean."""
PERFORMANCE = ("gain", "gain_calibrated", "gain_second")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A difference with what speaks against its being chance.

    Parameters
    ----------
    rows
        Two-sided p of new rows; of several seeds, of new seeds.
    twin, sibling
        Two-sided p of one more untaught network, and of one more teacher of this recipe: Student's prediction interval. None where there
        are fewer than `LEAST`, or where it is not asked for.
    p
        The largest of them, as all must be beaten (Berger 1982); None where one is not known.
    adjusted
        p for the number of differences that were looked at together (Benjamini and Hochberg 1995); None as p is.
    """

    found: Measurement
    rows: float
    twin: float | None = None
    sibling: float | None = None
    p: float | None = None
    adjusted: float | None = None

    @property
    def on_rows(self) -> bool:
        """Whether it is no accident of these rows."""
        return self.rows < LEVEL

    @property
    def shown(self) -> bool:
        """Whether it stands against all of it."""
        return self.adjusted is not None and self.adjusted < LEVEL


def judged(comparison: Compared, key: str, probes: Iterable[str] | None = None) -> dict[str, Judged]:
    """Judge one comparison of all probes that measured it, as one family.

    Parameters
    ----------
    key
        "difference" and "panel" are held against rows and twins, "specific" against siblings as well.
    probes
        The family; None: all.

    Notes
    -----
    Benjamini and Hochberg's adjustment holds for p values that depend positively, as those of similarities of the same outputs do.
    """
    names = comparison.results if probes is None else probes
    found = {name: result for name in names if isinstance(result := comparison.results.get(name, {}).get(key), Measurement)}
    each = {name: _one(result, key, comparison.seeds) for name, result in found.items()}
    known = {name: one.p for name, one in each.items() if one.p is not None}
    if not known:
        return each
    adjusted = dict(zip(known, false_discovery_control(list(known.values())), strict=True))
    return {name: replace(one, adjusted=float(adjusted[name])) if name in adjusted else one for name, one in each.items()}


def closer(comparison: Compared, probe: str, found: Measurement) -> bool:
    """Whether a difference points toward the teacher: of divergences it is then below 0."""
    return found.value < 0 if comparison.probes[probe].better == "lower" else found.value > 0


def spread(difference: Measurement, of: str = "twin") -> float | None:
    """Return how far one more untaught network (or ``of="sibling"``, teacher) may lie from the mean of those given, at 95 %.

    Half the width of Student's prediction interval, t(k-1)·sd·√(1 + 1/k) with k of them; None with fewer than three.
    """
    k = difference.details.get(f"{of}s", 0)
    if k < LEAST:
        return None
    return float(stdtrit(k - 1, 1 - LEVEL / 2)) * difference.details[f"{of}_sd"] * math.sqrt(1 + 1 / k)


def _one(found: Measurement, key: str, seeds: int) -> Judged:
    reach = (found.high - found.low) / 2
    rows = _beyond(found.value, reach / float(stdtrit(found.n - 1, 1 - LEVEL / 2)), found.n - 1) if found.n > 1 else 1.0
    if seeds:
        return Judged(found=found, rows=rows, p=rows if seeds >= SEEDS_FOR_A_VERDICT else None)
    asked = ("twin", "sibling") if key == "specific" else ("twin",)
    others = {of: _one_more(found, of, found.details) for of in asked}
    known = [p for p in others.values() if p is not None]
    return Judged(found=found, rows=rows, p=max(rows, *known) if len(known) == len(asked) else None, **others)


def _one_more(found: Measurement, of: str, details: Mapping[str, float]) -> float | None:
    k = details.get(f"{of}s", 0)
    return None if k < LEAST else _beyond(found.value, details[f"{of}_sd"] * math.sqrt(1 + 1 / k), k - 1)


def _beyond(value: float, error: float, freedom: float) -> float:
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return 2 * float(stdtr(freedom, -abs(value) / error))
