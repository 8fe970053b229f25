"""The contract of a task: real data of a known origin."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kdprobe.core.errors import ContractError, DataError
from kdprobe.core.trace import TaskKind, check_finite


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """All rows of a task, before any split and before anything is fitted.

    Parameters
    ----------
    x
        (n, d) or (n, channels, height, width) float32.
    y
        (n,) int64 classes 0..C-1, or (n, c) float64 regression values.
    blocks
        (n,) labels of rows that must stay on one side of every split; None where rows are independent.
    sha256
        Hash of the source, so that a model's id names its data.
    classes
        Class names, or the names of the regression targets.
    """

    x: np.ndarray
    y: np.ndarray
    sha256: str
    blocks: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise DataError(f"x has {len(self.x)} rows, y {len(self.y)}: rows must be paired")
        check_finite(self.x, "x")
        check_finite(self.y, "y")


@dataclass(frozen=True, kw_only=True)
class SplitSizes:
    """Rows in each part. With blocks, whole blocks are taken until the part is at least this large."""

    train: int
    transfer: int
    validation: int
    probe_a: int
    probe_b: int

    @property
    def total(self) -> int:
        """Rows needed in all."""
        return self.train + self.transfer + self.validation + self.probe_a + self.probe_b


@dataclass(frozen=True, kw_only=True)
class Task:
    """Real data with a question to learn.

    Parameters
    ----------
    load
        () -> Dataset. Verifies the hash of what it reads; raises DataError that names the ways to get a missing file.
    split
        Default sizes of the parts.
    source
        Where the data comes from, in words.
    families
        Names of the model families that fit it.
    score_range
        Test score (accuracy or R²) of the narrowest and the widest MLP, as measured: what a reader may expect.
    """

    name: str
    kind: TaskKind
    title: str
    load: Callable[[], Dataset]
    split: SplitSizes
    source: str
    licence: str
    families: tuple[str, ...]
    score_range: tuple[float, float] | None = None
    embedded: bool = False
    cites: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("classification", "regression"):
            raise ContractError(f"task {self.name!r} has kind {self.kind!r}: use 'classification' or 'regression'")
        if not self.families:
            raise ContractError(f"task {self.name!r} names no family: name at least one that fits its inputs")
