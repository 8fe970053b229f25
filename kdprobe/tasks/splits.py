"""Which rows a model trains on, and which it is measured on.

Parts are drawn by sample id from stated seeds. The probe halves depend on the task and their own sizes only; a draw redraws the rest.
Everything that is fitted is fitted on the draw's train rows; in a world with a law, nothing is.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kdprobe.core.errors import ContractError, PlanError
from kdprobe.core.identity import content_id, derived_seed
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.core.trace import TaskKind

PARTS = ("train", "transfer", "validation", "probe_a", "probe_b")
_AXES = {2: (0,), 3: (0, 1), 4: (0, 2, 3)}
"""By the number of axes of x, those over which an input is standardised."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Rows of one part, in ascending order of their ids. Arrays are read-only: every model of a process shares them.

    Parameters
    ----------
    ids
        (n,) int64 row numbers in the task's data.
    x
        (n, ...) float32, standardised by the train rows: each column, or each channel of images and sequences. As it is where it holds
        indicators, and as drawn in a world with a law.
    y
        (n,) int64 classes, or (n, c) float64 in standard deviations of the train rows' targets. Transfer rows have it too, for controls;
        a student of the transfer regime does not see it.
    blocks
        (n,) labels of rows that belong together; None where rows are independent.
    order
        (n,) places of the rows in the order in which they were drawn.
    """

    ids: np.ndarray
    x: np.ndarray
    y: np.ndarray
    blocks: np.ndarray | None
    order: np.ndarray

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.ids)

    def first(self, rows: int | None) -> "Part":
        """Return the part that fewer rows would have been: those drawn first, so that fewer are among more. All of them for None."""
        if rows is None or rows >= self.n:
            return self
        kept = np.zeros(self.n, dtype=bool)
        kept[self.order[:rows]] = True
        return self.where(kept)

    def where(self, kept: np.ndarray) -> "Part":
        """Return the rows for which `kept` (n,) is true."""
        place = np.cumsum(kept) - 1
        return self.at(np.flatnonzero(kept), place[self.order[kept[self.order]]])

    def at(self, places: np.ndarray, order: np.ndarray | None = None) -> "Part":
        """Return the rows at places (m,), which may be there more than once; in the order of drawing, by default as they stand."""
        return Part(
            ids=_frozen(self.ids[places]),
            x=_frozen(self.x[places]),
            y=_frozen(self.y[places]),
            blocks=None if self.blocks is None else _frozen(self.blocks[places]),
            order=_frozen(np.arange(len(places)) if order is None else order),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """A task's rows for one draw.

    Parameters
    ----------
    target_mean, target_sd
        (c,) of the train rows, in the task's own units; None for classification.
    names
        Names of the classes or of the regression targets, one for each output.
    sha256
        Hash of what determines the content: source, columns, targets, and the ids of every part. Part of a model's identity.
    """

    task: str
    kind: TaskKind
    draw: int
    sizes: SplitSizes
    train: Part
    transfer: Part
    validation: Part
    probe_a: Part
    probe_b: Part
    target_mean: np.ndarray | None
    target_sd: np.ndarray | None
    names: tuple[str, ...]
    sha256: str

    @property
    def outputs(self) -> int:
        """Number of outputs of a model: classes or targets."""
        return len(self.names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of x."""
        return self.train.x.shape[1:]

    def in_units(self, values: np.ndarray) -> np.ndarray:
        """Return regression targets or predictions (n, c) in the task's own units.

        Raises
        ------
        PlanError
            If the task is a classification: classes have no units.
        """
        if self.target_mean is None or self.target_sd is None:
            raise PlanError(f"task {self.task!r} is a classification: only regression targets have units to go back to")
        return values * self.target_sd + self.target_mean


def split(task: Task, *, draw: int = 0, sizes: SplitSizes | None = None) -> Split:
    """Return the parts of a task for one draw of its labelled rows.

    Probe halves A and B are the same in every draw; train, transfer and validation are redrawn by it. Changing the size of train or of
    transfer changes that part alone. Rows of one block, and rows with the same inputs (copies), stay in one part.

    Parameters
    ----------
    task
        The task.
    draw
        Number of the draw, from 0.
    sizes
        Rows in each part; None takes the task's own.

    Raises
    ------
    PlanError
        If draw is negative, the task has too few rows, no whole block fits into a part, or the target is constant on the train rows.
    DataError
        If the task's data is missing or changed.

    Notes
    -----
    A process keeps the last 4 splits. A first call costs reading the data and O(n d): half a second for letters (most of it the
    import of pandas), 2 s for 70,000 images.

    Examples
    --------
    >>> from kdprobe.core.registry import find
    >>> parts = split(find("tasks", "letters"), draw=1)
    >>> parts.train.x.shape, parts.outputs, round(float(parts.train.x.std()), 3)
    ((2000, 16), 26, 1.0)
    """
    if isinstance(draw, bool) or not isinstance(draw, int) or draw < 0:
        raise PlanError(f"draw={draw!r}: give a whole number from 0")
    # not by the task itself: a worker that got it in a message holds a copy, and the copy must find the same entry
    return _split(task.name, task.kind, task.load, draw, sizes or task.split, task.world is not None or task.recorded)


@lru_cache(maxsize=4)
def _split(name: str, kind: TaskKind, load: Callable[[], Dataset], draw: int, sizes: SplitSizes, as_drawn: bool) -> Split:
    data, groups = _loaded(load)
    if (kind == "classification") != bool(data.classes):
        raise ContractError(f"task {name!r} is a {kind}, but its data has {len(data.classes)} classes and {len(data.targets)} targets")
    rows, orders = _assign(name, groups, draw, sizes)
    train = rows["train"]
    scale_x = _as_drawn if as_drawn or data.indicators else _standardiser(data.x[train], axes=_AXES[data.x.ndim])
    mean = sd = None
    y = data.y
    if kind == "regression":
        mean, sd = (np.zeros(y.shape[1]), np.ones(y.shape[1])) if as_drawn else _mean_and_sd(y[train], (0,))
        if not (sd > 0).all():
            constant = int(np.argmin(sd > 0))
            raise PlanError(f"train={sizes.train} rows of {name!r} all have {data.targets[constant]} = {mean[constant]:g}: raise train")
        y = (y - mean) / sd
    parts = {
        part: Part(
            ids=_frozen(ids),
            x=_frozen(scale_x(data.x[ids])),
            y=_frozen(y[ids]),
            blocks=None if data.blocks is None else _frozen(data.blocks[ids]),
            order=_frozen(orders[part]),
        )
        for part, ids in rows.items()
    }
    identity = {
        "data": data.sha256,
        "columns": data.columns,
        "classes": data.classes,
        "targets": data.targets,
        "ids": {part: hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest() for part, ids in rows.items()},
    }
    return Split(
        task=name,
        kind=kind,
        draw=draw,
        sizes=sizes,
        target_mean=None if mean is None else _frozen(mean),
        target_sd=None if sd is None else _frozen(sd),
        names=data.classes or data.targets,
        sha256=content_id(identity),
        **parts,
    )


@lru_cache(maxsize=2)
def _loaded(load: Callable[[], Dataset]) -> tuple[Dataset, np.ndarray]:
    """The data, and for each row the number of the group that it must stay with."""
    data = load()
    if data.blocks is not None:
        return data, np.unique(data.blocks, return_inverse=True)[1]
    numbers: dict[bytes, int] = {}
    inputs = np.ascontiguousarray(data.x)
    keys = (hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in inputs)
    return data, np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _assign(name: str, groups: np.ndarray, draw: int, sizes: SplitSizes) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Ids of each part, ascending, and the places of those ids in the order in which they were drawn."""
    if sizes.total > len(groups):
        asked = ", ".join(f"{part}={getattr(sizes, part)}" for part in PARTS)
        raise PlanError(f"{name} has {len(groups)} rows, {sizes.total} are asked for ({asked}): ask for {sizes.total - len(groups)} fewer")
    counts = np.bincount(groups)
    owner, drawn = np.full(len(counts), -1), np.zeros(len(counts), dtype=np.int64)

    def give(part: str, order: np.ndarray) -> None:
        wanted = getattr(sizes, part)
        taken = _take(order, counts, wanted)
        if len(taken) == 0 and wanted > 0:
            raise PlanError(f"{name}: {part}={wanted} is smaller than one block, of {counts[order[0]]} rows: raise it")
        owner[taken] = PARTS.index(part)
        drawn[taken] = np.arange(len(taken))

    def free(order: np.ndarray) -> np.ndarray:
        return order[owner[order] < 0]

    fixed = _shuffled(len(counts), "split", name, "probe")
    redrawn = _shuffled(len(counts), "split", name, "draw", draw)
    give("probe_a", fixed)
    give("probe_b", free(fixed))
    give("validation", free(redrawn))
    give("transfer", free(redrawn))
    give("train", free(redrawn)[::-1])  # from the other end, so that neither size moves the other part
    ids = {part: np.flatnonzero(owner[groups] == number) for number, part in enumerate(PARTS)}
    return ids, {part: np.argsort(drawn[groups[rows]], kind="stable") for part, rows in ids.items()}


def _take(order: np.ndarray, counts: np.ndarray, wanted: int) -> np.ndarray:
    """Groups in order as long as they fit, then single rows for the room that is left, if there are so many."""
    ends = np.cumsum(counts[order])
    whole = int(np.searchsorted(ends, wanted, side="right"))
    room = wanted - (int(ends[whole - 1]) if whole else 0)
    later = order[whole:]
    singles = later[counts[later] == 1][:room]
    return np.concatenate([order[:whole], singles])


def _shuffled(n: int, *seed: str | int) -> np.ndarray:
    # of numpy's random streams only the raw bits are the same in every version (NEP 19), so the order is made from those
    return np.argsort(np.random.PCG64(derived_seed(*seed)).random_raw(n), kind="stable")


def _mean_and_sd(values: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    mean = values.mean(axis=axes, dtype=np.float64)
    sd = values.std(axis=axes, dtype=np.float64)
    # rounding gives constant targets an sd of 1e-17 or so, not 0
    return mean, np.where(values.max(axis=axes) == values.min(axis=axes), 0.0, sd)


def _standardiser(train: np.ndarray, *, axes: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    mean, sd = _mean_and_sd(train, axes)
    # columns and the channels of a sequence come last; those of an image are followed by its two sides
    shape = (-1, 1, 1) if train.ndim == 4 else (-1,)
    mean, factor = mean.reshape(shape), (1 / np.where(sd > 0, sd, 1.0)).reshape(shape)

    def standardise(x: np.ndarray) -> np.ndarray:
        return ((x - mean) * factor).astype(np.float32)

    return standardise


def _as_drawn(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def _frozen(values: np.ndarray) -> np.ndarray:
    values = np.ascontiguousarray(values)
    values.setflags(write=False)
    return values
