"""Which rows of a batch count: all but padding, masked ones, and those whose label is `IGNORED`; of sequences, which tokens."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kdprobe.compare.data import Batch, is_array, to_numpy
from kdprobe.core.errors import DataError
from kdprobe.core.trace import TaskKind

IGNORED = -100
"""As a label it means: leave this row, or token, out."""


class Counted(NamedTuple):
    """What of a batch counts.

    Parameters
    ----------
    places
        (m,) among the rows, or the rows · length tokens; None where all count.
    total
        Rows or tokens of the batch.
    length
        Tokens of a row; 0 where rows are no sequences.
    y
        (m, ...) targets, or None.
    shifted
        Whether each token's output is read against the next one; None where no batch so far could tell, and it is read against its own.
    ignored
        How many left for their label.
    """

    places: np.ndarray | None
    total: int
    length: int
    y: np.ndarray | None
    shifted: bool | None = None
    ignored: int = 0

    @property
    def kept(self) -> int:
        """How many count."""
        return self.total if self.places is None else len(self.places)

    @property
    def samples(self) -> np.ndarray:
        """(m,) place in the batch of the sample that each belongs to."""
        places = np.arange(self.total) if self.places is None else self.places
        return places // self.length if self.length else places

    def of(self, values: np.ndarray) -> np.ndarray:
        """What counts of (rows, ...), or of tokens (rows, length, ...) or (rows · length, ...)."""
        flat = self.flat(values)
        return flat if self.places is None else flat[self.places]

    def flat(self, values: np.ndarray) -> np.ndarray:
        """Rows one below the other, none left out."""
        if not self.length or len(values) == self.total:
            return values
        return values.reshape(self.total, *values.shape[2:])


def counted(batch: Batch, shape: tuple[int, ...], name: str, kind: TaskKind, *, shifted: bool | None = None) -> Counted:
    """Say what counts of a batch of which a model `name` gave outputs of this shape: (rows,), (rows, c), or of tokens (rows, length, c).

    Targets that are the input ids themselves, as causal language models have them, are read one token on. `shifted` is what was found in
    the batches before.

    Raises
    ------
    DataError
        If mask or target have another shape than the rows, or the tokens.
    """
    return _tokens(batch, shape, name, kind, shifted) if len(shape) == 3 else _rows(batch, shape, kind)


def _rows(batch: Batch, shape: tuple[int, ...], kind: TaskKind) -> Counted:
    rows, keep, ignored = shape[0], None, 0
    if batch.mask is not None and batch.mask.ndim == 1:
        keep = _as_mask(batch.mask, (rows,))
    elif batch.mask is not None and len(batch.mask) != rows:
        raise DataError(f"the mask has {len(batch.mask)} rows, the outputs {rows}: rows must be paired")
    if batch.y is not None and kind == "classification" and batch.y.ndim == 1 and len(batch.y) == rows:
        labelled = batch.y != IGNORED
        if not labelled.all():
            ignored = int((~labelled).sum())
            keep = labelled if keep is None else keep & labelled
    if keep is None or keep.all():
        return Counted(None, rows, 0, batch.y)
    places = np.flatnonzero(keep)
    return Counted(places, rows, 0, None if batch.y is None else batch.y[places], ignored=ignored)


def _tokens(batch: Batch, shape: tuple[int, ...], name: str, kind: TaskKind, shifted: bool | None) -> Counted:
    rows, length, _ = shape
    keep, y, ignored = np.ones((rows, length), dtype=bool), batch.y, 0
    if batch.mask is not None:
        keep &= _as_mask(batch.mask, (rows, length))
    if y is not None:
        if y.shape[:2] != (rows, length):
            raise DataError(
                f"{name} gives an output for each of {length} tokens of {rows} sequences, y has shape {y.shape}: give a label for each "
                "token, or let forward= return one output a sequence, such as forward=lambda model, batch: model(batch['x'])[:, -1]"
            )
        labelled = y != IGNORED if kind == "classification" else np.ones((rows, length), dtype=bool)
        own = _is_input(batch, y, labelled)
        if shifted and own is False:
            raise DataError(
                "labels were the inputs themselves in the batches before, and each output was read against the next token; in this batch "
                "they are others. If an output speaks of its own token, give larger batches, in each of which some labels are not the "
                "inputs; if of the next one, give labels that are moved by one, with -100 at the last token"
            )
        # one batch that differs tells that labels are no inputs; a later one that happens to agree tells nothing
        shifted = own if shifted is None else shifted
        if shifted:
            # what a token's output says is the next one
            y, labelled = (np.concatenate([part[:, 1:], part[:, -1:]], axis=1) for part in (y, labelled))
            keep[:, :-1] &= keep[:, 1:]
            keep[:, -1] = False
        ignored = int((keep & ~labelled).sum())
        keep &= labelled
        y = y.reshape(rows * length, *y.shape[2:])
    places = None if keep.all() else np.flatnonzero(keep)
    return Counted(places, rows * length, length, y if y is None or places is None else y[places], shifted, ignored)


def _as_mask(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if mask.shape != shape:
        what = "one entry a token" if len(shape) == 2 else "one entry a row"
        raise DataError(f"the mask has shape {mask.shape}, the outputs {shape}: give {what}, 1 at what counts and 0 at what does not")
    if not ((mask == 0) | (mask == 1)).all():
        raise DataError("the mask holds more than 0 and 1: give 1 at what counts and 0 at what does not")
    return mask.astype(bool)


def _is_input(batch: Batch, y: np.ndarray, labelled: np.ndarray) -> bool | None:
    """Whether labels are the ids that the models read; None where a batch does not tell."""
    ids = _ids(batch)
    if ids is None or ids.shape != y.shape or not labelled.any():
        return None
    return np.array_equal(ids[labelled], y[labelled])


def _ids(batch: Batch) -> np.ndarray | None:
    """The token ids that the models read, where they can be told."""
    for source in (batch.x, batch.given):
        if isinstance(source, Mapping):
            found: Any = source.get("input_ids")
        elif isinstance(source, tuple | list) and source:
            found = source[0]
        else:
            found = source
        if is_array(found):
            return to_numpy(found, "x")
    return None
