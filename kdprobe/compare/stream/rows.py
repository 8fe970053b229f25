"""Rows of all models as batches come: which count, what belongs together, and what must be said of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kdprobe.compare.data import Batch
from kdprobe.compare.layers import LayerStream
from kdprobe.compare.models import Model, Outputs
from kdprobe.compare.stream.counted import IGNORED, Counted, counted
from kdprobe.compare.stream.intake import MOST_FEATURES, Intake
from kdprobe.compare.stream.numbers import Wanted
from kdprobe.compare.stream.passed import Passed, Ran, Reading
from kdprobe.compare.stream.reservoir import Reservoir
from kdprobe.core.errors import DataError
from kdprobe.measures.arrays import as_blocks


class Rows:
    """Rows of all models, as batches come."""

    def __init__(self, models: Sequence[Model | Outputs], reading: Reading, layers: LayerStream | None) -> None:
        self._models, self._reading, self._layers = models, reading, layers
        self.seen = 0
        """Samples: rows, or sequences."""
        self.from_data = False
        self._intake = Intake(reading.kind, Wanted(reading.pairs, reading.inner, frozenset()), self._classes)
        self._columns: dict[str, Any] = {}
        self._origin: list[np.ndarray] = []
        self._targets = 0
        self._ignored = self._masked = 0
        self._length = 0
        self._shifted: bool | None = None
        self._map: Reservoir | None = None
        blocks = None if reading.blocks is None else np.asarray(reading.blocks)
        self._codes = None if blocks is None or blocks.ndim != 1 or not len(blocks) else np.unique(blocks, return_inverse=True)[1]

    def add(self, number: int, batch: Batch, given: Mapping[str, Any], size: int) -> None:
        """Add what all models gave of one batch of so many samples."""
        outputs: dict[str, np.ndarray] = {}
        for model in self._models:
            values = model.values[self.seen : self.seen + size] if isinstance(model, Outputs) else given[model.name].outputs
            outputs[model.name] = values
        self.from_data = self.from_data or batch.given is not None
        start, self.seen = self.seen, self.seen + size
        if any(len(values) != size for values in outputs.values()):
            # an array that ends before the data do: told once it is known how many rows there are
            return
        shapes = {name: values.shape for name, values in outputs.items()}
        first = next(iter(shapes))
        for name, shape in shapes.items():
            if (len(shape) == 3) != (len(shapes[first]) == 3) or (len(shape) == 3 and shape[1] != shapes[first][1]):
                raise DataError(
                    f"{first} gives outputs of shape {shapes[first]}, {name} {shape}: compare models that give one output a sample, or"
                    " one a token of the same sequences"
                )
            if self._reading.kind == "classification" and len(shape) == 3 and shape[2] != shapes[first][2]:
                raise DataError(
                    f"{first} gives {shapes[first][2]:,} classes a token, {name} {shape[2]:,}: compare models of one vocabulary. Of two "
                    "that overlap in part, and of stored top-k log probabilities, give both models' outputs for the tokens that they share"
                )
        found = counted(batch, shapes[first], first, self._reading.kind, shifted=self._shifted)
        self._length, self._shifted = max(self._length, found.length), found.shifted
        self._ignored, self._masked = self._ignored + found.ignored, self._masked + found.total - found.kept - found.ignored
        self._note_target(number, batch)
        origin = found.samples + start
        self._origin.append(origin)
        units = origin if self._codes is None else np.take(self._codes, origin, mode="clip")
        features = {(name, layer): part for name, one in given.items() for layer, part in one.last.items()}
        self._intake.add(outputs, features, found, units)
        if self._layers is not None:
            self._add_layers({model.name: getattr(given.get(model.name), "layers", {}) for model in self._models}, found, units)

    def passed(self, steady: Mapping[str, bool]) -> Passed:
        """All of it, once the data are read."""
        origin = np.concatenate(self._origin)
        if not len(origin):
            raise DataError("nothing is left of the data: masks and labels of -100 leave out every row")
        blocks = as_blocks(self._reading.blocks, self.seen)
        blocks = blocks[origin] if blocks is not None else origin if self._length else None
        blocks = None if blocks is None else np.unique(blocks, return_inverse=True)[1]
        whole = self._intake.whole()
        ran = [
            Ran(
                model,
                np.empty((0, 0)) if whole is None else whole[0][model.name],
                {} if whole is None else whole[1].get(model.name, {}),
                steady.get(model.name, True),
            )
            for model in self._models
        ]
        streams = self._intake.streams() if whole is None else None
        y = whole[2] if whole is not None else streams.labels if streams else None
        map_blocks = blocks
        if self._map is not None and self._layers is not None and blocks is not None:
            sample = self._map.result()
            features: dict[str, dict[str, np.ndarray]] = {model.name: {} for model in self._models}
            for (name, layer), values in sample.values.items():
                features[name][layer] = values
            self._layers.add(features)
            map_blocks = np.unique(blocks[sample.rows], return_inverse=True)[1]
        return Passed(ran, y, blocks, streams, bool(self._length), self._notes(len(origin)), map_blocks)

    def _add_layers(self, captured: Mapping[str, Mapping[str, np.ndarray]], found: Counted, units: np.ndarray) -> None:
        assert self._layers is not None
        if not self._length:
            self._layers.add({name: {k: found.of(v) for k, v in of.items()} for name, of in captured.items()})
            return
        if max(map(len, captured.values())) < 2:
            return
        if self._map is None:
            self._layers.keep()
            wide = sum(values.shape[1] for of in captured.values() for values in of.values())
            self._map = Reservoir(MOST_FEATURES[True] // wide)
        n = self._intake.n
        flat = {(name, layer): found.of(values) for name, of in captured.items() for layer, values in of.items()}
        self._map.add(np.arange(n - found.kept, n), units, flat)

    def _note_target(self, number: int, batch: Batch) -> None:
        if self._targets != (0 if batch.y is None else number):
            what = "has no" if batch.y is None else "has a"
            raise DataError(f"batch {number} {what} target, unlike the batches before it: give all or none")
        self._targets += batch.y is not None

    def _classes(self, y: np.ndarray, columns: int) -> np.ndarray:
        assert self._reading.classes is not None
        return self._reading.classes([Ran(model, np.empty((0, columns))) for model in self._models], y, columns)

    def _notes(self, n: int) -> tuple[str, ...]:
        notes: list[str] = []
        if self._length:
            kind = "given blocks of sequences" if self._reading.blocks is not None else "whole sequences"
            notes.append(f"Rows are {n:,} tokens of {self.seen:,} sequences: intervals leave out {kind}.")
        if self._shifted:
            notes.append("Labels are the inputs themselves: the output at each token is read against the next one.")
        what = "tokens" if self._length else "rows"
        if self._masked:
            notes.append(f"{self._masked:,} {what} are left out by the mask{' or have no next one' if self._shifted else ''}.")
        if self._ignored:
            notes.append(f"{self._ignored:,} {what} have the label {IGNORED} and are left out.")
        return tuple(notes)
