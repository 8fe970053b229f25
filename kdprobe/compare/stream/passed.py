"""What one pass over the data is told, and what it gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from kdprobe.compare.models import Model, Outputs
from kdprobe.compare.stream.intake import Streams
from kdprobe.core.trace import TaskKind


@dataclass(frozen=True, eq=False)
class Ran:
    """What one model gave on all rows."""

    model: Model | Outputs
    raw: np.ndarray
    """(n,) or (n, c); no rows where outputs were too much to keep."""
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    """The layer that probes of the last hidden layer read."""
    steady: bool = True
    """Whether it gave the same when it was asked of its first batch again."""


class Reading(NamedTuple):
    """How data are read.

    Parameters
    ----------
    kind
        "classification" or "regression".
    forward
        Whether models take batches as they are.
    target, mask
        Where they are in a batch, if not in their usual place; of a mask the array itself will do.
    blocks
        (n,) labels of rows, or of sequences, that belong together.
    pairs, inner
        As in `kdprobe.compare.stream.numbers.Wanted`.
    classes
        (models, targets, columns) -> classes 0..c-1.
    """

    kind: TaskKind
    forward: bool
    target: Any = None
    mask: Any = None
    blocks: Any = None
    pairs: Sequence[tuple[str, str]] = ()
    inner: bool = False
    classes: Callable[[Sequence[Ran], np.ndarray, int], np.ndarray] | None = None


class Passed(NamedTuple):
    """What all models gave in one pass.

    Parameters
    ----------
    ran
        Each model.
    y
        (n, ...) targets, or None.
    blocks
        (n,) block of each row, labelled 0..b-1, or None: of tokens their sequence, where no blocks were given.
    streams
        What is left where outputs were too much to keep.
    tokens
        Whether rows are tokens.
    notes
        How rows were chosen.
    map_blocks
        Blocks of the rows that the map of layers is of.
    """

    ran: list[Ran]
    y: np.ndarray | None
    blocks: np.ndarray | None
    streams: Streams | None
    tokens: bool
    notes: tuple[str, ...]
    map_blocks: np.ndarray | None
