"""Some rows kept whole out of many: units are drawn at random by a number of their own, so that no order and no batch size matters."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np


def drawn(units: np.ndarray, salt: int = 0) -> np.ndarray:
    """A random number (n,) of 64 bits of each unit: the same in every batch and every run (SplitMix64, Steele et al. 2014).

    Examples
    --------
    >>> numbers = drawn(np.arange(10_000))
    >>> len(np.unique(numbers)), 0.49 < float((numbers < 2**63).mean()) < 0.51
    (10000, True)
    """
    with np.errstate(over="ignore"):
        z = (units.astype(np.uint64) + np.uint64(1 + 2**32 * salt)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class Sample(NamedTuple):
    """Rows that were kept whole, in their order."""

    rows: np.ndarray
    """(m,) places among all rows."""
    values: Mapping[Any, np.ndarray]
    """Name -> (m, ...)."""


class Reservoir:
    """At most so many rows, whole units of them: those whose numbers are smallest.

    Parameters
    ----------
    most
        Rows to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[tuple[np.ndarray, np.ndarray, dict[Hashable, np.ndarray]]] = []
        self._held = 0
        self._limit = np.iinfo(np.uint64).max
        self.complete = True
        """Whether every row is still there."""

    def add(self, rows: np.ndarray, units: np.ndarray, values: Mapping[Any, np.ndarray]) -> None:
        """Add rows (m,) with their units and values (m, ...). What is not drawn is never copied."""
        if not self._most:
            return
        numbers = drawn(units)
        wanted = np.flatnonzero(numbers <= self._limit)
        if len(wanted):
            whole = len(wanted) == len(rows)
            kept = {name: part.copy() if whole else part[wanted] for name, part in values.items()}
            self._pieces.append((rows[wanted], numbers[wanted], kept))
            self._held += len(wanted)
        if self._held > self._most + self._most // 4:
            self._prune()

    def result(self) -> Sample:
        """The rows that were drawn."""
        if self._held > self._most:
            self._prune()
        if not self._pieces:
            return Sample(np.empty(0, dtype=np.int64), {})
        rows = np.concatenate([piece[0] for piece in self._pieces])
        names = self._pieces[0][2]
        return Sample(rows, {name: np.concatenate([piece[2][name] for piece in self._pieces]) for name in names})

    def _prune(self) -> None:
        numbers, counts = np.unique(np.concatenate([piece[1] for piece in self._pieces]), return_counts=True)
        fitting = int((np.cumsum(counts) <= self._most).sum())
        self.complete = self.complete and fitting == len(numbers)
        if not fitting:
            self._pieces, self._held, self._most = [], 0, 0
            return
        self._limit = numbers[fitting - 1]
        kept: list[tuple[np.ndarray, np.ndarray, dict[Hashable, np.ndarray]]] = []
        for rows, of, values in self._pieces:
            stay = of <= self._limit
            if stay.any():
                whole = stay.all()
                kept.append((rows, of, values) if whole else (rows[stay], of[stay], {k: v[stay] for k, v in values.items()}))
        self._pieces = kept
        self._held = sum(len(piece[0]) for piece in kept)
