"""One pass over the data for all models of a comparison."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kdprobe.compare.data import Batch, batches, is_array, shuffles
from kdprobe.compare.layers import LayerStream
from kdprobe.compare.models import HINT, Model, Outputs
from kdprobe.core.errors import DataError, PlanError


@dataclass(frozen=True, eq=False)
class Ran:
    """What one model gave on all rows."""

    model: Model | Outputs
    raw: np.ndarray
    """(n,) or (n, c)."""
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    """The layer that probes of the last hidden layer read."""
    steady: bool = True
    """Whether it gave the same when it was asked of its first batch again."""


def one_pass(
    models: Sequence[Model | Outputs], data: Any, *, forward: bool, layers: LayerStream | None = None, target: Any = None
) -> tuple[list[Ran], np.ndarray | None]:
    """Run all models over `data`, batch by batch, and return what they gave beside the target, or None.

    `data` is iterated once, so that a shuffled loader gives all models the same rows. Memory is O(n (c + d)) a model: its outputs and
    one layer. All captured layers of all models go to `layers`, batch by batch.

    Raises
    ------
    DataError
        If there are no rows, or a model, the target or an array of outputs has another number of rows.
    PlanError
        If an array of outputs meets shuffled rows.
    """
    fixed = [model for model in models if isinstance(model, Outputs)]
    running = [model for model in models if isinstance(model, Model)]
    if fixed and shuffles(data):
        raise PlanError(f"{fixed[0].name} is an array of outputs and the loader shuffles: rows cannot be paired, use shuffle=False")
    outputs: dict[str, list[np.ndarray]] = {model.name: [] for model in running}
    features: dict[str, dict[str, list[np.ndarray]]] = {model.name: {} for model in running}
    targets: list[np.ndarray] = []
    seen = 0
    first: Batch | None = None
    with ExitStack() as stack:
        for model in running:
            with _naming(model):
                model.open(stack)
        for number, batch in enumerate(batches(data, forward=forward, target=target)):
            first = first or batch
            rows = None if batch.y is None else ("the target", len(batch.y))
            if rows is None and is_array(batch.x):
                rows = "the batch", len(batch.x)
            captured: dict[str, Mapping[str, np.ndarray]] = {model.name: {} for model in models}
            for model in running:
                with _naming(model, number):
                    values, captured[model.name], last = model(batch)
                rows = rows or (model.name, len(values))
                if len(values) != rows[1]:
                    raise DataError(
                        f"{model.name} gives {len(values)} rows in batch {number} where {rows[0]} has {rows[1]}: rows must be paired"
                    )
                outputs[model.name].append(values)
                for layer, part in last.items():
                    features[model.name].setdefault(layer, []).append(part)
            if layers is not None:
                layers.add(captured)
            if len(targets) != (0 if batch.y is None else number):
                what = "has no" if batch.y is None else "has a"
                raise DataError(f"batch {number} {what} target, unlike the batches before it: give all or none")
            if batch.y is not None:
                targets.append(batch.y)
            seen += rows[1] if rows else 0
        # asked once all is read, so that a function that counts its calls has given what it gives
        steady = {model.name: first is None or model.repeats(first, outputs[model.name][0]) for model in running}
    if running and not seen:
        raise DataError("data gave no rows: an iterator that was used up before gives none, make a new one")
    n = seen or len(fixed[0].values)
    if not n:
        raise DataError(f"{fixed[0].name} has no rows: give at least one")
    for model in fixed:
        if len(model.values) != n:
            others = "the data" if seen else fixed[0].name
            raise DataError(f"{model.name} has {len(model.values)} rows, {others} {n}: rows must be paired")
    y = _joined(targets, "the target") if targets else None
    ran = [
        Ran(model, model.values)
        if isinstance(model, Outputs)
        else Ran(
            model,
            _joined(outputs.pop(model.name), model.name),
            {layer: _joined(parts, f"{model.name}: layer {layer!r}") for layer, parts in features.pop(model.name).items()},
            steady[model.name],
        )
        for model in models
    ]
    return ran, y


def _joined(parts: list[np.ndarray], name: str) -> np.ndarray:
    widths = {part.shape[1:] for part in parts}
    if len(widths) > 1:
        raise DataError(
            f"{name} has {' and '.join(str(width) for width in sorted(widths))} columns in different batches: give the same in all"
        )
    whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
    parts.clear()
    return whole


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
