"""The contract of a task: real data of a known origin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from kdprobe.core.errors import ContractError, DataError, PlanError
from kdprobe.core.trace import TaskKind, check_finite


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """All rows of a task, before any split and before anything is fitted.

    Parameters
    ----------
    x
        (n, d) columns, (n, time, channels) sequences or (n, channels, height, width) images; float32, or uint8 (a split makes float32 of
        them).
    y
        (n,) int64 classes 0..C-1, or (n, c) float64 regression values in the units of `targets`.
    blocks
        (n,) labels of rows that must stay on one side of every split; None where rows are independent.
    sha256
        Hash of the source, so that a model's id names its data.
    classes
        Class names in the order of their numbers; empty for regression.
    targets
        Names of the regression targets with what was done to them, such as "log1p(bikers)"; empty for classification.
    columns
        Names of the inputs; empty for images. Names of targets and columns enter a split's hash: the same file read in another way is
        other data.
    indicators
        Whether x holds zeros and ones that a split leaves as they are, such as characters one-hot: the standard deviation of a rare one is
        so small that standardising would make dozens of its one.

    Raises
    ------
    DataError
        If rows are unpaired, a shape or type is not one of the above, or a number is NaN or infinite.
    """

    x: np.ndarray
    y: np.ndarray
    sha256: str
    blocks: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    indicators: bool = False

    def __post_init__(self) -> None:
        for name, values in (("y", self.y), ("blocks", self.blocks)):
            if values is not None and len(values) != len(self.x):
                raise DataError(f"x has {len(self.x)} rows, {name} {len(values)}: rows must be paired")
        if self.x.ndim not in (2, 3, 4) or self.x.dtype.name not in ("float32", "uint8"):
            shapes = "(n, d), (n, time, channels) or (n, channels, height, width)"
            raise DataError(f"x is {self.x.dtype} {self.x.shape}: give float32 or uint8, {shapes}")
        check_finite(self.x, "x")
        check_finite(self.y, "y")
        if self.indicators and ((self.x != 0) & (self.x != 1)).any():
            raise DataError("x is said to be indicators and holds other numbers than 0 and 1: leave indicators out, and it is standardised")
        given = f"y is {self.y.dtype} {self.y.shape}"
        if self.y.dtype == np.int64 and self.y.ndim == 1:
            if len(self.y) and not 0 <= self.y.min() <= self.y.max() < len(self.classes):
                raise DataError(f"{given} with classes {self.y.min()} to {self.y.max()}: name all in classes ({len(self.classes)} given)")
        elif self.y.dtype != np.float64 or self.y.ndim != 2 or self.y.shape[1] != len(self.targets):
            raise DataError(f"{given} with {len(self.targets)} targets: give int64 classes (n,), or float64 (n, c) and c target names")


@dataclass(frozen=True, kw_only=True)
class SplitSizes:
    """Rows in each part, at most: whole blocks are taken as long as they fit, so a part may be short by less than one block.

    Raises
    ------
    PlanError
        If a size is not a whole number of at least 1. `transfer` alone may be 0.

    Examples
    --------
    >>> SplitSizes(train=200, transfer=0, validation=100, probe_a=100, probe_b=100).total
    500
    """

    train: int
    transfer: int
    validation: int
    probe_a: int
    probe_b: int

    def __post_init__(self) -> None:
        for field in fields(self):
            size, least = getattr(self, field.name), 0 if field.name == "transfer" else 1
            if isinstance(size, bool) or not isinstance(size, int) or size < least:
                raise PlanError(f"{field.name}={size!r} rows: give a whole number of at least {least}")

    @property
    def total(self) -> int:
        """Rows needed in all."""
        return self.train + self.transfer + self.validation + self.probe_a + self.probe_b


class SourceFiles(Protocol):
    """The files of a task: whether they are on this machine, and how they get there."""

    def find(self) -> Mapping[str, Path]:
        """Return where each file lies, unread; raise DataError that names the ways to get what is missing."""
        ...

    def fetch(self) -> Path:
        """Return the folder of the files, downloaded and verified if need be; raise DataError where that cannot be done."""
        ...


class Expected(NamedTuple):
    """Expected losses of a student, its paired twin and its teacher, in the unit that a sweep measures them in."""

    student: float
    twin: float
    teacher: float


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """What makes a generated task a world with known truth.

    Its rows are drawn anew for each seed, and nothing is standardised by the train rows: either would change the law. A seed has neither
    sibling teachers nor reference twins then, because these share their rows.

    Parameters
    ----------
    law
        (family=, options=, student=, teacher=, sizes=SplitSizes, rows="train" or "transfer", alpha=) -> Expected for widths of student and
        teacher, or None where no law is known.
    title
        What the law is called.
    """

    law: Callable[..., Expected | None]
    title: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """Real data with a question to learn, or a world that is drawn.

    Parameters
    ----------
    load
        () -> Dataset. Verifies the hash of what it reads; raises DataError that names the ways to get a missing file.
    split
        Default sizes of the parts.
    source
        Where the data comes from, in words.
    rows
        How many rows it has, known without loading it; None where that is not known.
    files
        Its files, for ``kdprobe data``; None where `load` needs none.
    families
        Names of the model families that fit it.
    score_range
        Test score (accuracy or R²) of the narrowest and the widest MLP, as measured: what a reader may expect.
    steps
        Optimiser steps that a sweep takes by default, for every model of the task alike.
    notes
        What a reader of its results must know: what was measured how, what was left out.
    world
        Given for data that is generated by a law.
    recorded
        Whether its inputs are numbers of rows, on which models that were trained elsewhere say what they said: nothing trains on it, and
        nothing is standardised.
    sha256
        Hash of the rows of a task that was made at run time from somebody's own: a plan names it, so that other rows are another plan.
    """

    name: str
    kind: TaskKind
    title: str
    load: Callable[[], Dataset]
    split: SplitSizes
    source: str
    licence: str
    families: tuple[str, ...]
    rows: int | None = None
    files: SourceFiles | None = None
    score_range: tuple[float, float] | None = None
    steps: int = 1200
    notes: tuple[str, ...] = ()
    embedded: bool = False
    world: World | None = None
    recorded: bool = False
    sha256: str = ""
    cites: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("classification", "regression"):
            raise ContractError(f"task {self.name!r} has kind {self.kind!r}: use 'classification' or 'regression'")
        if not self.families:
            raise ContractError(f"task {self.name!r} names no family: name at least one that fits its inputs")
