"""The alignment of two sides, from its terms to a measurement with null, interval and what a reader must know."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.measures.cka.hsic import Terms
from kdprobe.measures.cka.neighbours import Likeness, alarm
from kdprobe.measures.cka.null import NOT_EXCLUDED, Shape, null_of, permutation_p, upper_tail
from kdprobe.stats.intervals import FISHER, Interval, from_left_out, too_few

LEAST_SPREAD = 1e-9
"""Of Σλ²: below it the difference that HSIC₁ is has lost more digits than the value may."""
LEAST_ROWS = 8
"""An interval leaves out a group of rows and needs some to be left."""
LARGEST_KERNEL = 2**30
"""Entries of an n × n kernel: 8 GiB."""


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """All that is known of two sides before it becomes a measurement."""

    terms: Terms
    shapes: tuple[Shape, Shape]
    names: tuple[str, str] = ("x", "y")
    rows: int
    blocked: bool
    debiased: bool = True
    stretch: float = 1.0
    """By how much a correction for width stretches the value, and with it the null."""
    left_out: np.ndarray | None = None
    """(g,) values without each group, where the terms hold the value on all rows only."""
    interval: Interval | None = None
    """That of a corrected value; else it comes from the terms."""
    without_rows: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
    """() -> rows, counted group by group, and the value without each."""
    permuted: Callable[[np.ndarray], float] | None = None
    """Order of the rows of y -> the cross term."""
    neighbours: tuple[Likeness, Likeness] | None = None
    """How alike neighbouring rows are; None where rows come in declared blocks."""


def features_are_cheaper(n: int, widths_x: tuple[int, ...], widths_y: tuple[int, ...]) -> bool:
    """Whether all pairs of linear layers cost less in feature space, n(2·Dx·Dy + Σd²), than in Gram space, n²(Dx + Dy) + n²·Lx·Ly.

    Examples
    --------
    >>> features_are_cheaper(10_000, (512,), (512,)), features_are_cheaper(500, (50_000,), (10,))
    (True, False)
    """
    dx, dy = sum(widths_x), sum(widths_y)
    in_features = n * (2 * dx * dy + sum(d * d for d in (*widths_x, *widths_y)))
    # a kernel is also centred and multiplied by itself, which is bound by memory: as much as some 16 features more
    in_gram = n * n * (dx + dy + 16 * (len(widths_x) + len(widths_y)) + len(widths_x) * len(widths_y))
    return in_features <= in_gram


def measured(pair: Alignment, *, permutations: int = 0, seed: int = 0) -> Result:
    """The measurement of a pair, or the refusal where a side has no spread."""
    for shape, name in zip(pair.shapes, pair.names, strict=True):
        if shape.spread < LEAST_SPREAD:
            what = "is constant" if shape.effective_rank == 0.0 else "varies in a single row only"
            return Refusal(reason=f"{name} {what}: CKA is 0/0", advice="leave it out")
    values = pair.terms.cka
    left_out = values[1:] if pair.left_out is None else pair.left_out
    interval = pair.interval or from_left_out(float(values[0]), left_out, pair.terms.sizes.astype(float), transform=FISHER)
    if isinstance(interval, Refusal):
        return interval
    details = {"error": interval.error, "rows": pair.rows}
    details |= {f"effective_rank_{side}": shape.effective_rank for side, shape in zip("xy", pair.shapes, strict=True)}
    notes = [_null(pair, interval.value, details, permutations, seed)]
    if not pair.blocked and pair.neighbours is not None and (warning := alarm(*pair.neighbours)):
        details["neighbours_alike"] = min(side.share for side in pair.neighbours)
        notes.append(warning)
    if pair.without_rows is not None:
        notes += _influence(*pair.without_rows(), interval.value, interval.error, details)
    return Measurement(value=interval.value, low=interval.low, high=interval.high, n=interval.n, details=details, notes=tuple(notes))


def _null(pair: Alignment, value: float, details: dict[str, float], permutations: int, seed: int) -> str:
    if pair.blocked:
        return "rows come in blocks: no p, as the null supposes that all rows could change places"
    null = null_of(pair.rows, *pair.shapes, debiased=pair.debiased)
    sd = pair.stretch * null.sd
    z = (value - null.mean) / sd
    if permutations and pair.permuted is not None:
        p = permutation_p(pair.permuted, float(pair.terms.cross[0]), pair.rows, permutations=permutations, seed=seed)
        name = f"{permutations} permutations"
    else:
        p, name = upper_tail(z, null.skewness, pair.rows)
    details |= {"null_sd": sd, "z": z, "p": p}
    if not pair.debiased:
        details["chance"] = null.mean
    return f"p is one-sided (more alike than unrelated rows), null: {name}; {NOT_EXCLUDED}"


def _influence(rows: np.ndarray, values: np.ndarray, value: float, error: float, details: dict[str, float]) -> list[str]:
    changes = np.where(np.isfinite(values), value - values, 0.0)
    worst = int(np.argmax(np.abs(changes)))
    details["largest_influence"] = abs(float(changes[worst]))
    if details["largest_influence"] <= max(0.02, error):
        return []
    return [f"row {rows[worst]} alone moves the value by {changes[worst]:+.3f}: look at it"]


def too_small(n: int, row_blocks: np.ndarray | None) -> Refusal | None:
    """The refusal of an interval over too few rows or blocks."""
    if n < LEAST_ROWS:
        return Refusal(reason=f"{n} rows are too few for CKA and its interval", advice=f"give at least {LEAST_ROWS}")
    if row_blocks is not None and len(np.unique(row_blocks)) < 2:
        return too_few(1, row_blocks)
    return None
