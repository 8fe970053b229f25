"""Both sides of mutual information, and which estimator suits them."""

from collections.abc import Callable

import numpy as np

from kdprobe.measures.information.continuous import Sides
from kdprobe.measures.information.copula import informative_columns, rank_scores
from kdprobe.measures.information.discrete import adjusted_information, codes
from kdprobe.measures.information.nearest_neighbours import ksg1, mixed, ross

Raw = Callable[[np.ndarray, np.ndarray, int], float]
"""(x rows, y rows, k) -> the raw nearest-neighbour estimate."""
# share of rows that have a twin on the same side, from which distances of zero matter
_TIED_SHARE = 0.01
# a value that this share of rows has is a point mass (a unit at zero); below it, ties are rounding
_HEAP_SHARE = 0.05
# a side with fewer distinct rows than a tenth of all is a set of classes; real numbers that may be measurements, with at most this many
_ROWS_A_CLASS = 10
_MOST_REAL_CLASSES = 20
# puts classes farther apart than any two normal scores, so that neighbours come from a row's own class
_APART = 100.0


class Variable:
    """One side (n, d) with what decides between estimators."""

    def __init__(self, values: np.ndarray) -> None:
        n, self.columns = values.shape
        self.labels, counts = codes(values)
        self.classes = len(counts) * _ROWS_A_CLASS <= n and (values.dtype.kind in "iub" or len(counts) <= _MOST_REAL_CLASSES)
        self.tied = bool(counts[counts > 1].sum() > _TIED_SHARE * n)
        self.heaped = bool(counts.max() > _HEAP_SHARE * n)
        columns, self.rank = informative_columns(values)
        self.scores = rank_scores(columns)

    def broken_ties(self, rng: np.random.Generator) -> np.ndarray:
        """Normal scores with ties in random order: independent noise below the rounding step, which takes no information away."""
        order = np.argsort(np.lexsort((rng.random(self.scores.shape), self.scores), axis=0), axis=0)
        return rank_scores(order)


class VariablePair:
    """Both sides, and the nearest-neighbour estimator that suits them."""

    def __init__(self, x: Variable, y: Variable) -> None:
        self.x, self.y = x, y
        self.n = len(x.scores)
        self.classes = (x.classes, y.classes)
        self.heaped = (x.heaped and not x.classes) or (y.heaped and not y.classes)
        self.notes: tuple[str, ...] = ()

    def break_ties(self, rng: np.random.Generator) -> None:
        """Break the ties of sides that are rounded, not heaped."""
        for name, side in (("x", self.x), ("y", self.y)):
            if side.tied and not side.heaped and not side.classes:
                side.scores = side.broken_ties(rng)
                self.notes += (f"{name} is rounded so that rows tie: the ties are broken at random",)

    def sides(self) -> Sides:
        """Both as continuous sides."""
        return Sides(self.x.scores, self.y.scores, (self.x.columns, self.y.columns))

    def neighbour_form(self) -> tuple[np.ndarray, np.ndarray, Raw, str]:
        """Sides as the estimator takes them, the estimator, and its name."""
        if all(self.classes):
            return self.x.labels[:, None], self.y.labels[:, None], _counts, "counts"
        if not any(self.classes):
            raw, name = (mean_of(mixed), "mixed") if self.heaped else (mean_of(ksg1), "ksg1")
            return self.x.scores, self.y.scores, raw, name
        continuous, classes = (self.y, self.x) if self.x.classes else (self.x, self.y)
        if self.heaped:
            return continuous.scores, _APART * classes.labels[:, None].astype(np.float64), mean_of(mixed), "mixed"
        return continuous.scores, classes.labels[:, None], mean_of(lambda a, b, k: ross(a, b[:, 0], k)), "ross"


def mean_of(local: Callable[[np.ndarray, np.ndarray, int], np.ndarray]) -> Raw:
    """Make an estimate of one value a row."""
    return lambda a, b, k: float(np.mean(local(a, b, k)))


def _counts(a: np.ndarray, b: np.ndarray, k: int) -> float:
    return adjusted_information(a[:, 0], b[:, 0])[0]
