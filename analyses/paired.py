"""Means over paired seeds with intervals, and tables of them: what the analyses of sweeps share."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t


class Interval(NamedTuple):
    """A mean over seeds, with the ends of its interval."""

    value: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        if self.seeds < 2:
            return "too few seeds"
        digits = 4 if max(abs(self.low), abs(self.high)) < 0.095 else 3
        return f"{self.value:+.{digits}f} [{self.low:+.{digits}f}, {self.high:+.{digits}f}]"

    @property
    def told(self) -> str:
        """The interval and its word."""
        return f"{self} {self.word}" if self.seeds > 1 else str(self)

    @property
    def word(self) -> str:
        """What it says of a difference from 0."""
        if self.seeds < 2:
            return "not known"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "not told apart"


def interval(values: pd.Series, *, of: int = 1) -> Interval:
    """Student's interval of a mean over seeds at 95 %, for all of `of` intervals together (Bonferroni).

    Examples
    --------
    >>> print(interval(pd.Series([0.1, 0.3, 0.2, 0.2])))
    +0.200 [+0.070, +0.330]
    """
    kept = np.asarray(values.dropna(), dtype=float)
    if len(kept) < 2:
        return Interval(float("nan"), float("nan"), float("nan"), len(kept))
    reach = float(t.ppf(1 - 0.025 / of, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept)))
    return Interval(float(kept.mean()), float(kept.mean()) - reach, float(kept.mean()) + reach, len(kept))


def by_seed(table: pd.DataFrame, column: str, **arm: object) -> pd.Series:
    """One column of the rows of an arm, by seed.

    Raises
    ------
    ValueError
        If the arm has several rows of one seed: something else varies within it.
    """
    chosen = table
    for name, value in arm.items():
        chosen = chosen[chosen[name] == value]
    found = chosen.set_index("seed")[column].astype(float)
    if found.index.has_duplicates:
        raise ValueError(f"{arm}: several students of one seed, tell them apart")
    return found


def markdown(table: pd.DataFrame) -> str:
    """A table as Markdown; its columns hold text."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(text: str, out: Path | None) -> None:
    """Print tables, or write them under what stands above the first of them, which is written by hand."""
    if out is None:
        print(text)
        return
    head = out.read_text(encoding="utf-8").split("\n## ")[0].rstrip() if out.exists() else f"# {out.stem.replace('_', ' ').capitalize()}"
    out.write_text(f"{head}\n\n{text.rstrip()}\n", encoding="utf-8")
