"""From captured layers, batch by batch, to a `LayerMap`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control

from kdprobe.compare.layer_grids import Grid
from kdprobe.compare.layer_map import LayerMap
from kdprobe.core.errors import PlanError
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.measures.cka.all_pairs import cka_of_all_pairs
from kdprobe.measures.cka.stream import CKAStream

ONE_TWIN = Refusal(reason="one twin shows no spread between twins", advice="pass two or more")

ROUNDING = 1e-7
"""Of CKA from float32 features: twins that differ by less are one network."""

Features = Mapping[str, Mapping[str, np.ndarray]]
"""Model -> layer -> (rows, d) of one batch."""


class LayerStream:
    """Sums up all pairs of layers while batches pass, so that no layer is stored.

    Time O(n D_t (D_s + ΣD_w)) and the squares of the widths, memory 8·D_t·(D_s + ΣD_w) bytes, with D the total widths of teacher,
    student and twins; few rows of wide layers are kept as they are, which takes less.

    Parameters
    ----------
    kept
        Keep all layers of all rows: what comes in blocks cannot be summed up yet.
    without
        Names of models that have no part in the map.
    """

    def __init__(self, *, kept: bool = False, without: Collection[str] = ()) -> None:
        self._without = frozenset(without)
        self._kept: list[Features] | None = [] if kept else None
        self._stream: CKAStream | None = None
        self._layers: dict[str, tuple[str, ...]] = {}

    def keep(self) -> None:
        """Keep layers from here on: they are of a few rows, in blocks."""
        self._kept = [] if self._kept is None else self._kept

    def add(self, features: Features) -> None:
        """Add a batch of teacher, student and twins, in this order.

        Raises
        ------
        PlanError
            If a twin has not as many layers as the student.
        """
        features = {model: layers for model, layers in features.items() if model not in self._without}
        if not self._layers:
            self._layers = {model: tuple(layers) for model, layers in features.items()}
            teacher, *others = features
            if self._wanted():
                self._check_twins()
                self._stream = (
                    None
                    if self._kept is not None
                    else CKAStream(_widths(teacher, features), {k: w for model in others for k, w in _widths(model, features).items()})
                )
        if self._kept is not None and self._wanted():
            self._kept.append(features)
        elif self._stream is not None:
            teacher, *others = features
            flat = [
                {_key(model, layer): values for model in side for layer, values in features[model].items()} for side in ([teacher], others)
            ]
            self._stream.update(*flat)

    def result(self, blocks: np.ndarray | None = None) -> LayerMap | None:
        """Return the map; None where neither side has more than one layer, or with fewer than 4 rows."""
        if self._kept:
            whole = {
                model: {layer: np.concatenate([batch[model][layer] for batch in self._kept]) for layer in layers}
                for model, layers in self._layers.items()
            }
            few = len(next(iter(whole["teacher"].values()))) < 4
            return None if few else layer_map(whole, blocks=blocks)
        if self._stream is None or self._stream.n < 4:
            return None
        return _mapped(self._stream.result(), self._layers, self._stream.n)

    def _wanted(self) -> bool:
        counts = [len(layers) for layers in self._layers.values()]
        return len(counts) >= 2 and min(counts[:2]) > 0 and max(counts[:2]) > 1

    def _check_twins(self) -> None:
        _, student, *twins = self._layers
        for twin in twins:
            mine, theirs = self._layers[twin], self._layers[student]
            if len(mine) != len(theirs):
                raise PlanError(
                    f"{twin} has {len(mine)} layers ({', '.join(mine) or 'none'}), the student {len(theirs)} ({', '.join(theirs)}):"
                    " pair them with layers={'twins': ...}"
                )


def layer_map(features: Features, *, blocks: Any = None) -> LayerMap:
    """Return the map of layers that are all there.

    Parameters
    ----------
    features
        Of the teacher, the student and the twins, in this order: model -> layer -> (n, ...), rows paired.
    blocks
        (n,) labels of rows that belong together: cells then have no p.

    Raises
    ------
    DataError
        If a layer holds NaN or an infinity, or rows are unpaired.
    """
    teacher, *others = features
    sides = [{_key(model, layer): values for model in side for layer, values in features[model].items()} for side in ([teacher], others)]
    layers = {model: tuple(of) for model, of in features.items()}
    return _mapped(cka_of_all_pairs(sides[0], sides[1], blocks=blocks), layers, len(next(iter(features[teacher].values()))))


def _mapped(cells: Mapping[tuple[str, str], Result], layers: Mapping[str, tuple[str, ...]], rows: int) -> LayerMap:
    teacher, student, *twins = layers

    def grid(model: str) -> Grid:
        return _adjusted(
            tuple(tuple(cells[_key(teacher, line), _key(model, column)] for column in layers[model]) for line in layers[teacher])
        )

    own, of_twins = grid(student), {twin: grid(twin) for twin in twins}
    return LayerMap(
        teacher=layers[teacher],
        student=layers[student],
        own=own,
        twins=of_twins,
        baseline=_each(lambda *twin: _mean(twin), *of_twins.values()) if twins else (),
        difference=_adjusted(_each(_difference, own, *of_twins.values())) if twins else (),
        rows=rows,
    )


def _key(model: str, layer: str) -> str:
    return f"{model} {layer}"


def _widths(model: str, features: Features) -> dict[str, int]:
    return {_key(model, layer): values.shape[1] for layer, values in features[model].items()}


def _each(function: Callable[..., Result], *grids: Grid) -> Grid:
    return tuple(tuple(function(*cells) for cells in zip(*lines, strict=True)) for lines in zip(*grids, strict=True))


def _values(cells: Sequence[Result]) -> np.ndarray | Refusal:
    refused = next((cell for cell in cells if isinstance(cell, Refusal)), None)
    return refused or np.array([cell.value for cell in cells])


def _mean(twins: Sequence[Result]) -> Result:
    values = _values(twins)
    if isinstance(values, Refusal):
        return values
    k = len(values)
    if k == 1:
        return twins[0]
    sd = float(np.std(values, ddof=1))
    reach = float(stdtrit(k - 1, 0.975)) * sd / np.sqrt(k)
    mean = float(np.mean(values))
    return Measurement(value=mean, low=mean - reach, high=mean + reach, n=k, estimand="this recipe", details={"twin_sd": sd})


def _difference(own: Result, *twins: Result) -> Result:
    values = _values((own, *twins))
    if isinstance(values, Refusal):
        return values
    k = len(twins)
    if k == 1:
        return ONE_TWIN
    sd = float(np.std(values[1:], ddof=1))
    if sd < ROUNDING:
        return Refusal(reason="the twins are one network", advice="train them from different seeds")
    value = float(values[0] - np.mean(values[1:]))
    # the student is one network, and so is one more twin: its own spread counts beside that of the mean
    error = sd * np.sqrt(1 + 1 / k)
    reach = float(stdtrit(k - 1, 0.975)) * error
    p = 2 * float(stdtr(k - 1, -abs(value) / error))
    details = {"twin_sd": sd, "error": error, "t": value / error, "p": p}
    return Measurement(value=value, low=value - reach, high=value + reach, n=k, estimand="this recipe", details=details)


def _adjusted(grid: Grid) -> Grid:
    """Return the cells with p adjusted for the number of cells that have one (Benjamini and Hochberg 1995)."""
    found = [cell for line in grid for cell in line if isinstance(cell, Measurement) and "p" in cell.details]
    if not found:
        return grid
    adjusted = dict(zip(map(id, found), false_discovery_control([cell.details["p"] for cell in found]), strict=True))

    def with_it(cell: Result) -> Result:
        if isinstance(cell, Refusal) or id(cell) not in adjusted:
            return cell
        return replace(cell, details={**cell.details, "p_adjusted": float(adjusted[id(cell)])})

    return _each(with_it, grid)
