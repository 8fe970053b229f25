"""What the similarities that are no kernel alignment share: their interval, their null by permuted rows, and their way to a result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kdprobe.core.arguments import seed_number, whole
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.measures.arrays import as_blocks, as_matrix, check_rows, with_notes
from kdprobe.measures.cka.hsic import deal
from kdprobe.measures.cka.neighbours import alarm, likeness
from kdprobe.measures.cka.null import NOT_EXCLUDED
from kdprobe.stats.intervals import FISHER, Transform, from_left_out, too_few

LEAST_ROWS = 8
"""An interval leaves out a group of rows and needs some to be left."""
PERMUTATIONS = 199
SHARE = FISHER._replace(least=0.0)
"""For similarities between 0 and 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedArrays:
    """Two arrays (n, d) with paired rows, dealt into the groups that the interval leaves out."""

    x: np.ndarray
    y: np.ndarray
    names: tuple[str, str]
    groups: np.ndarray
    """(n,) group of each row."""
    blocked: bool

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.x)

    @property
    def sizes(self) -> np.ndarray:
        """(g,) rows in each group."""
        return np.bincount(self.groups)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A similarity before it becomes a measurement."""

    value: float
    left_out: np.ndarray
    """(g,) without each group; NaN where undefined."""
    permuted: Callable[[np.ndarray], float]
    """(n,) order of the rows of y -> value."""
    chance: float | None = None
    """Mean under permuted rows, where it is known exactly."""
    null_sd: float | None = None
    """Standard deviation under permuted rows, where it is known exactly."""
    transform: Transform = SHARE
    details: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()


Measure = Callable[[PairedArrays], Found | Refusal]


def of_arrays(
    x: Any, y: Any, measure: Measure, estimator: str, *, row_blocks: Any = None, permutations: int = PERMUTATIONS, seed: int = 0
) -> Result:
    """Measure two arrays as a public function gets them.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired or 3 or fewer.
    PlanError
        If the number of permutations or the seed is no whole number from 0 on.
    """
    permutations = whole("permutations", permutations, least=0, advice=f"give 0, for no p, or a number such as {PERMUTATIONS}")
    seed = seed_number(seed)
    left, right = as_matrix(x, "x"), as_matrix(y, "y")
    n = check_rows(left, right, "x", "y", least=4)
    result = measured(left, right, ("x", "y"), as_blocks(row_blocks, n), measure, permutations, seed)
    return with_notes(result, estimator, x=x, y=y)


def measured(
    x: np.ndarray, y: np.ndarray, names: tuple[str, str], row_blocks: np.ndarray | None, measure: Measure, permutations: int, seed: int
) -> Result:
    """Measure two checked arrays (n, d) of these names, against permuted rows of theirs."""
    if len(x) < LEAST_ROWS:
        return Refusal(reason=f"{len(x)} rows are too few for a similarity and its interval", advice=f"give at least {LEAST_ROWS}")
    if row_blocks is not None and len(np.unique(row_blocks)) < 2:
        return too_few(1, row_blocks)
    pair = PairedArrays(x=x, y=y, names=names, groups=deal(len(x), row_blocks), blocked=row_blocks is not None)
    for side, name in ((x, names[0]), (y, names[1])):
        if (side == side[0]).all():
            return Refusal(reason=f"{name} is constant: it has no shape to compare", advice="leave it out")
    found = measure(pair)
    return found if isinstance(found, Refusal) else _against_chance(found, pair, permutations, seed)


def _against_chance(found: Found, pair: PairedArrays, permutations: int, seed: int) -> Result:
    interval = from_left_out(found.value, found.left_out, pair.sizes.astype(float), transform=found.transform)
    if isinstance(interval, Refusal):
        return interval
    details = {"error": interval.error, "rows": float(pair.n)} | {name: float(number) for name, number in found.details.items()}
    if pair.blocked:
        notes = ["rows come in blocks: no p, as the null supposes that all rows could change places"]
    else:
        notes = [_null(found, pair.n, details, permutations, seed)]
        sides = likeness(pair.x), likeness(pair.y)
        if warning := alarm(*sides):
            details["neighbours_alike"] = min(side.share for side in sides)
            notes.append(warning)
    return Measurement(
        value=interval.value, low=interval.low, high=interval.high, n=interval.n, details=details, notes=(*notes, *found.notes)
    )


def _null(found: Found, n: int, details: dict[str, float], permutations: int, seed: int) -> str:
    rng = np.random.default_rng(seed)
    draws = np.array([found.permuted(rng.permutation(n)) for _ in range(permutations)])
    chance, sd = found.chance, found.null_sd
    if permutations > 1:
        chance = float(draws.mean()) if chance is None else chance
        sd = float(draws.std(ddof=1)) if sd is None else sd
    if chance is not None:
        details["chance"] = chance
    if sd is not None:
        details["null_sd"] = sd
        if chance is not None and sd > 1e-12:
            details["z"] = (found.value - chance) / sd
    if not permutations:
        return "no permutations: no p"
    # a value that equals the observed one up to rounding counts as at least as large
    details["p"] = float((1 + np.sum(draws >= found.value - 1e-12)) / (1 + permutations))
    exact = [name for name, known in (("mean", found.chance), ("standard deviation", found.null_sd)) if known is not None]
    told = f", {' and '.join(exact)} exact" if exact else ""
    return f"p is one-sided (more alike than unrelated rows), null: {permutations} permutations{told}; {NOT_EXCLUDED}"
