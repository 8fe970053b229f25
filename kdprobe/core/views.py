"""Traces that hold less than a `Trace`: some rows of one, or numbers of each row where outputs were not kept."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.trace import TaskKind, Trace


class NotKept(DataError):
    """Outputs passed by and were not kept: what reads them must be asked of a sample of the rows, or not at all."""


class Part(Trace):
    """Some rows of a trace. They are copied when they are read; numbers of each row are known from the whole.

    Parameters
    ----------
    whole
        A `Trace`, or a `Streamed` one.
    rows
        (m,) places of the rows.
    ids
        (m,) their ids: one array for all models, so that rows are seen at once to be paired.
    """

    def __init__(self, whole: Trace, rows: np.ndarray, ids: np.ndarray) -> None:
        temperature = whole.temperature[rows] if isinstance(whole.temperature, np.ndarray) else whole.temperature
        own: dict[str, Any] = {"whole": whole, "rows": rows, "ids": ids, "kind": whole.kind, "name": whole.name, "_memo": {}}
        own |= {"temperature": temperature, "blocks": None if whole.blocks is None else whole.blocks[rows]}
        for name, value in own.items():
            object.__setattr__(self, name, value)

    whole: Trace
    rows: np.ndarray

    @property
    def columns(self) -> int:
        """Number of outputs."""
        return self.whole.columns

    def __getattr__(self, name: str) -> Any:
        """Copy what was not copied yet."""
        if name not in ("outputs", "raw", "features"):
            raise AttributeError(name)
        whole = self.whole
        if name == "features":
            value = {layer: values[self.rows] for layer, values in whole.features.items()}
        elif name == "outputs" and whole.raw is whole.outputs:
            # probes tell probabilities from logits by their being one array
            value = self.raw
        else:
            value = getattr(whole, name)[self.rows]
        object.__setattr__(self, name, value)
        return value


class Streamed(Trace):
    """A classifier of which a few numbers of each row were kept, and no outputs.

    Parameters
    ----------
    numbers
        Key -> (n,) or (n, k); of two models, (key, name of the other one).
    columns
        Classes.
    probabilities
        Whether the model gave those.
    features
        Hidden layers of all rows, where they were kept.
    """

    def __init__(
        self,
        *,
        numbers: Mapping[Hashable, np.ndarray],
        columns: int,
        probabilities: bool,
        ids: np.ndarray,
        blocks: np.ndarray | None,
        temperature: np.ndarray | None,
        name: str,
        features: Mapping[str, np.ndarray] | None = None,
        kind: TaskKind = "classification",
    ) -> None:
        own: dict[str, Any] = {"numbers": numbers, "_columns": columns, "probabilities": probabilities, "kind": kind, "ids": ids}
        own |= {"blocks": blocks, "temperature": temperature, "name": name, "_memo": {}}
        own |= {} if features is None else {"features": features}
        for key, value in own.items():
            object.__setattr__(self, key, value)

    numbers: Mapping[Hashable, np.ndarray]
    probabilities: bool

    @property
    def columns(self) -> int:
        """Classes."""
        return self._columns

    def number(self, key: Hashable) -> np.ndarray:
        """Numbers of each row.

        Raises
        ------
        NotKept
            If these are none of those that were kept.
        """
        if key not in self.numbers:
            raise NotKept(f"{self.name}: of its {self.columns:,} outputs a row only a few numbers were kept")
        return self.numbers[key]

    def __getattr__(self, name: str) -> Any:
        """Say that what is no number of a row is gone."""
        if name not in ("outputs", "raw", "features"):
            raise AttributeError(name)
        raise NotKept(f"{self.name}: its {self.columns:,} outputs a row were not kept")
