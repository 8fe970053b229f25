"""All that models give, batch by batch: kept as it is while it is little, else as numbers of each row beside a sample of whole rows."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kdprobe.compare.stream.counted import Counted
from kdprobe.compare.stream.numbers import Numbers, Wanted, numbers_of
from kdprobe.compare.stream.reservoir import Reservoir, Sample, drawn
from kdprobe.core.errors import DataError
from kdprobe.core.trace import TaskKind, are_probabilities, check_finite
from kdprobe.stats.scores import fit_temperature

MOST = 2**23
"""Outputs of all classifiers together that are kept: 32 MiB in float32, and measures copy them ten times over. Of more, a sample is."""
FOR_TEMPERATURES = 512, 2**25
"""Rows that temperatures are fitted on where fewer would be kept, and the outputs that these may have."""
MOST_FEATURES = {False: 2**27, True: 2**24}
"""Entries of the last hidden layers that are kept, of rows and of tokens: a layer is read in float64, several times over."""
WIDE = 4096
"""With more classes than these a sample of whole outputs would have too few rows to say anything."""
HALF = 1
"""Salt of the number that says in which half a row is."""


class Streams(NamedTuple):
    """What is left of classifiers whose outputs passed by.

    Parameters
    ----------
    numbers
        Model -> key -> (n,).
    columns
        Classes.
    probabilities
        Models that gave those.
    temperatures
        Model -> (n,) of the other half of the rows, or {} where there are none.
    fitted_on
        Rows that temperatures come from: the first ones.
    labels
        (n,) classes, or None.
    outputs, features
        Rows that were kept whole: their outputs by model, and their layers by (model, layer).
    """

    numbers: Mapping[str, Numbers]
    columns: int
    probabilities: frozenset[str]
    temperatures: Mapping[str, np.ndarray]
    fitted_on: int
    labels: np.ndarray | None
    outputs: Sample
    features: Sample
    layers: Mapping[str, Sequence[str]]


class Intake:
    """Takes batches of outputs, features and targets.

    Parameters
    ----------
    kind
        Only classifiers are streamed: predictions have few columns.
    wanted
        Model and teacher pairs, whether products are needed; which models give probabilities is added from what they give.
    classes
        (targets, columns) -> classes 0..c-1, or an error.
    """

    def __init__(self, kind: TaskKind, wanted: Wanted, classes: Callable[[np.ndarray, int], np.ndarray]) -> None:
        self._kind, self._wanted, self._classes = kind, wanted, classes
        self._outputs: dict[str, list[np.ndarray]] = {}
        self._features: dict[tuple[str, str], list[np.ndarray]] = {}
        self._y: list[np.ndarray] = []
        self._units: list[np.ndarray] = []
        self.n = 0
        """Rows that count."""
        self._numbers: dict[str, dict[Hashable, list[np.ndarray]]] | None = None
        self._temperatures: dict[str, tuple[float, float]] = {}
        self._fitted_on = 0
        self._samples = Reservoir(0), Reservoir(0)

    def add(
        self, outputs: Mapping[str, np.ndarray], features: Mapping[tuple[str, str], np.ndarray], counted: Counted, units: np.ndarray
    ) -> None:
        """Add a batch: outputs and features of all its rows, what counts of them, and the unit (m,) of each row that counts."""
        if self._numbers is not None:
            self._pass(outputs, {key: counted.of(values) for key, values in features.items()}, counted, units)
            return
        for name, values in outputs.items():
            self._outputs.setdefault(name, []).append(counted.of(values))
        for key, values in features.items():
            self._features.setdefault(key, []).append(counted.of(values))
        if counted.y is not None:
            self._y.append(counted.y)
        self._units.append(units)
        self.n += counted.kept
        first = self._fitting(tokens=bool(counted.length))
        if first is not None and self.n > first:
            self._begin(first, counted.length)

    def whole(self) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]], np.ndarray | None] | None:
        """Outputs and features of all rows, and the targets; None where they were too much."""
        if self._numbers is not None:
            return None
        features: dict[str, dict[str, np.ndarray]] = {}
        for name, layer in list(self._features):
            features.setdefault(name, {})[layer] = joined(self._features.pop((name, layer)), f"{name}: layer {layer!r}")
        outputs = {name: joined(parts, name) for name, parts in self._outputs.items()}
        return outputs, features, joined(self._y, "the target") if self._y else None

    def streams(self) -> Streams:
        """What is left where outputs were too much to keep."""
        assert self._numbers is not None
        numbers = {name: {key: np.concatenate(parts) for key, parts in of.items()} for name, of in self._numbers.items()}
        half = drawn(np.concatenate(self._units), HALF) % 2 == 1
        outputs, features = (reservoir.result() for reservoir in self._samples)
        layers: dict[str, list[str]] = {}
        for name, layer in self._features:
            layers.setdefault(name, []).append(layer)
        return Streams(
            numbers=numbers,
            columns=self._columns,
            probabilities=self._wanted.probabilities,
            temperatures={name: np.where(half, *both) for name, both in self._temperatures.items()},
            fitted_on=self._fitted_on,
            labels=np.concatenate(self._y) if self._y else None,
            outputs=outputs,
            features=features,
            layers=layers,
        )

    @property
    def units(self) -> np.ndarray:
        """(n,) unit of each row."""
        return np.concatenate(self._units) if self._units else np.empty(0, dtype=np.int64)

    def _fitting(self, *, tokens: bool) -> int | None:
        """Rows that may be kept; None where all may."""
        shapes = [parts[0].shape for parts in self._outputs.values()]
        if self._kind != "classification" or any(len(shape) != 2 or shape[1] < 2 for shape in shapes) or len(set(shapes)) > 1:
            # what is no classifier at all is refused elsewhere, in words
            return None
        wide = sum(parts[0].shape[1] for parts in self._features.values())
        of_features = MOST_FEATURES[tokens] // wide if wide else None
        wide_outputs = sum(shape[1] for shape in shapes)
        fitting = max(MOST // wide_outputs, min(FOR_TEMPERATURES[0], FOR_TEMPERATURES[1] // wide_outputs))
        return fitting if of_features is None else min(fitting, of_features)

    def _begin(self, first: int, length: int) -> None:
        """Turn what was kept into numbers, at temperatures of the first rows."""
        outputs = {name: joined(parts, name) for name, parts in self._outputs.items()}
        features = {key: joined(parts, f"{key[0]}: layer {key[1]!r}") for key, parts in self._features.items()}
        self._columns = next(iter(outputs.values())).shape[1]
        y = joined(self._y, "the target") if self._y else None
        units = np.concatenate(self._units)
        for name, values in outputs.items():
            check_finite(values, f"{name}: outputs")
        chances = frozenset(name for name, values in outputs.items() if are_probabilities(values[:first]))
        self._wanted = self._wanted._replace(probabilities=chances)
        if y is not None:
            self._fit({name: values[:first] for name, values in outputs.items()}, self._classes(y, self._columns)[:first], units[:first])
        wide = sum(values.shape[1] for values in features.values())
        fits = MOST // (self._columns * len(outputs)) if self._columns <= WIDE else 0
        self._samples = Reservoir(fits), Reservoir(MOST_FEATURES[length > 0] // wide if wide else 0)
        self._numbers = {name: {} for name in outputs}
        self._outputs, self._y, self._units, self.n = {}, [], [], 0
        self._features = {key: [] for key in features}
        self._pass(outputs, features, Counted(None, len(units), 0, y), units)

    def _fit(self, outputs: Mapping[str, np.ndarray], labels: np.ndarray, units: np.ndarray) -> None:
        """Temperatures of the rows of either half, each fitted on the other one."""
        half = drawn(units, HALF) % 2 == 1
        if half.all() or not half.any():
            return
        self._fitted_on = len(labels)
        for name, values in outputs.items():
            if name in self._wanted.probabilities:
                values = np.log(np.maximum(values / values.sum(axis=1, keepdims=True, dtype=np.float64), np.finfo(np.float64).tiny))
            self._temperatures[name] = (
                fit_temperature(values[~half], labels[~half]),
                fit_temperature(values[half], labels[half]),
            )

    def _pass(
        self,
        outputs: Mapping[str, np.ndarray],
        features: Mapping[tuple[str, str], np.ndarray],
        counted: Counted,
        units: np.ndarray,
    ) -> None:
        """Take numbers of rows that are not kept, and a sample of them."""
        assert self._numbers is not None
        labels = None if counted.y is None else self._classes(counted.y, self._columns)
        for name, values in outputs.items():
            if values.shape[-1] != self._columns:
                raise DataError(f"{name} gives {values.shape[-1]} classes in one batch and {self._columns} in others: give the same in all")
            try:
                check_finite(counted.flat(values), name)
            except DataError:
                # padding may hold anything, and a copy without it is only made to see
                check_finite(counted.of(values), f"{name}: outputs", first_row=self.n)
            if name in self._wanted.probabilities and not are_probabilities(counted.of(values)):
                raise DataError(f"{name} gives rows that are no probabilities, from row {self.n} on, after rows that are: give one kind")
        half = drawn(units, HALF) % 2 == 1
        temperatures = {name: np.where(half, *both) for name, both in self._temperatures.items()}
        for name, numbers in numbers_of(outputs, counted, labels, temperatures, self._wanted).items():
            for key, part in numbers.items():
                self._numbers[name].setdefault(key, []).append(part)
        rows = np.arange(self.n, self.n + counted.kept)
        if self._columns <= WIDE:
            self._samples[0].add(rows, units, {name: counted.of(values) for name, values in outputs.items()})
        self._samples[1].add(rows, units, features)
        self._units.append(units)
        if labels is not None:
            self._y.append(labels)
        self.n += counted.kept


def joined(parts: list[np.ndarray], name: str) -> np.ndarray:
    """Batches as one array; the list is emptied."""
    widths = {part.shape[1:] for part in parts}
    if len(widths) > 1:
        raise DataError(
            f"{name} has {' and '.join(str(width) for width in sorted(widths))} columns in different batches: give the same in all"
        )
    whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
    parts.clear()
    return whole
