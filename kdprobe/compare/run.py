"""One pass over the data for all models of a comparison."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from kdprobe.compare.data import ROWS, Batch, batches, is_array, shuffles, to_numpy
from kdprobe.compare.layers import LayerStream
from kdprobe.compare.models import HINT, Function, Given, Model, Outputs
from kdprobe.compare.stream.passed import Passed, Ran, Reading
from kdprobe.compare.stream.rows import Rows
from kdprobe.core.errors import DataError, PlanError

__all__ = ["Passed", "Ran", "Reading", "one_pass"]


def one_pass(models: Sequence[Model | Outputs], data: Any, reading: Reading, layers: LayerStream | None = None) -> Passed:
    """Run all models over `data`, batch by batch, and return what they gave beside the target.

    `data` is iterated once, so that a shuffled loader gives all models the same rows. Memory is bounded for classifiers (see `Intake`);
    for others it is O(n (c + d)) a model: its outputs and one layer. All captured layers of all models go to `layers`, batch by batch, of
    tokens those of a sample of sequences.

    Raises
    ------
    DataError
        If there are no rows, or a model, the target, the mask or an array of outputs has another number of rows.
    PlanError
        If an array of outputs, or a mask, meets shuffled rows.
    """
    fixed = [model for model in models if isinstance(model, Outputs)]
    running = [model for model in models if isinstance(model, Model)]
    if fixed and shuffles(data):
        raise PlanError(f"{fixed[0].name} is an array of outputs and the loader shuffles: rows cannot be paired, use shuffle=False")
    if is_array(reading.mask) and shuffles(data):
        raise PlanError("mask is an array and the loader shuffles: rows cannot be paired, use shuffle=False")
    rows = Rows(models, reading, layers)
    first: Batch | None = None
    again: dict[str, np.ndarray] = {}
    with ExitStack() as stack:
        for model in running:
            with _naming(model):
                model.open(stack)
        for number, batch in enumerate(_batches(data, reading, [] if running else fixed)):
            first = first or batch
            expected = None if batch.y is None else ("the target", len(batch.y))
            if expected is None and is_array(batch.x):
                expected = "the batch", len(batch.x)
            given: dict[str, Given] = {}
            for model in running:
                with _naming(model, number):
                    given[model.name] = model(batch)
                size = len(given[model.name].outputs)
                expected = expected or (model.name, size)
                if size != expected[1]:
                    raise DataError(
                        f"{model.name} gives {size} rows in batch {number} where {expected[0]} has {expected[1]}: rows must be paired"
                    )
                if number == 0 and isinstance(model, Function):
                    again[model.name] = given[model.name].outputs
            rows.add(number, batch, given, expected[1] if expected else len(fixed[0].values))
        # asked once all is read, so that a function that counts its calls has given what it gives
        steady = {model.name: first is None or model.name not in again or model.repeats(first, again[model.name]) for model in running}
    if not rows.seen and (running or (not _no_data(data) and len(fixed[0].values))):
        raise DataError("data gave no rows: an iterator that was used up before gives none, make a new one")
    n = rows.seen or len(fixed[0].values)
    if not n:
        raise DataError(f"{fixed[0].name} has no rows: give at least one")
    for model in fixed:
        if len(model.values) != n:
            others = "the data" if rows.from_data else fixed[0].name
            raise DataError(f"{model.name} has {len(model.values)} rows, {others} {n}: rows must be paired")
    return rows.passed(steady)


def _batches(data: Any, reading: Reading, fixed: Sequence[Outputs]) -> Iterator[Batch]:
    """The batches, or pieces of arrays of outputs where these are all there is."""
    mask, seen = reading.mask, 0
    given = batches(data, forward=reading.forward, target=reading.target, mask=None if is_array(mask) else mask)
    if _no_data(data) and fixed:
        pieces = (fixed[0].values[start : start + ROWS] for start in range(0, len(fixed[0].values), ROWS))
        given = (Batch(np.empty((len(piece), 0)), None, None) for piece in pieces)
    for batch in given:
        if is_array(mask):
            size = _size(batch)
            yield replace(batch, mask=to_numpy(mask, "mask")[seen : seen + size])
            seen += size
        else:
            yield batch
    if is_array(mask) and len(mask) != seen:
        raise DataError(f"mask has {len(mask)} rows, the data {seen}: rows must be paired")


def _no_data(data: Any) -> bool:
    """Whether there are neither inputs nor targets: outputs speak for themselves."""
    return data is None or (isinstance(data, tuple) and all(part is None for part in data))


def _size(batch: Batch) -> int:
    """Samples of a batch, by its target or by the first of its parts."""
    held = batch.y if batch.y is not None else batch.given if batch.x is None else batch.x
    if isinstance(held, Mapping):
        held = next(iter(held.values()))
    return len(held[0] if isinstance(held, tuple | list) else held)


class _naming:
    """Puts the model's name, and the batch, into errors that come out of it."""

    def __init__(self, model: Model, batch: int | None = None) -> None:
        self._model, self._batch = model, batch

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, PlanError | DataError):
            if not str(error).startswith(self._model.name):
                raise type(error)(f"{self._model.name}: {error}") from error
        elif isinstance(error, Exception) and self._batch is not None:
            error.add_note(f"raised by {self._model.name} on batch {self._batch} of the data; if the batch is not what it takes, {HINT}")
