"""The rows that a student is watched on: chosen once, and held."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kdprobe.compare.data import ROWS, is_array
from kdprobe.core.errors import DataError


class Kept(NamedTuple):
    """Some rows, as `kdprobe.compare` takes data.

    Parameters
    ----------
    data
        Arrays, or a list of batches.
    rows
        Which rows of the data these are: (n,) places in rising order, or as many as came first.
    of
        How many rows the data have; None where they were not read to their end.
    """

    data: Any
    rows: np.ndarray | slice
    of: int | None


def kept_rows(data: Any, most: int) -> Kept:
    """Hold at most so many rows of arrays or a data set, drawn at random, or the first batches of anything else that make up so many.

    The draw is the same each time, and batches are held as they came: what is random about a loader or a data set happens once.

    Raises
    ------
    DataError
        If there are no rows, parts have unequal numbers of them, or data are none of the above.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(data, torch.utils.data.Dataset) and hasattr(data, "__len__"):
        n = len(data)  # pyright: ignore[reportArgumentType] - it has one
        rows = _drawn(n, most)
        part = torch.utils.data.Subset(data, rows.tolist())
        return Kept(list(torch.utils.data.DataLoader(part, batch_size=ROWS)), rows, n)
    if _are_arrays(data):
        lengths = _lengths(data)
        if len(set(lengths)) != 1:
            raise DataError(f"rows has parts of {' and '.join(map(str, lengths)) or 'no'} rows: give arrays with one entry a row")
        rows = _drawn(lengths[0], most)
        return Kept(_taken(data, rows), rows, lengths[0])
    if not isinstance(data, Iterable) or isinstance(data, str | bytes):
        raise DataError(f"rows is a {type(data).__name__}: give (x, y), a data set, or an iterable of batches, such as a DataLoader")
    found: list[Any] = []
    seen = 0
    for batch in data:
        found.append(batch)
        lengths = _lengths(batch)
        if not lengths:
            raise DataError(f"rows yields a {type(batch).__name__}, which is no batch: give batches (x, y), or mappings of arrays")
        seen += lengths[0]
        if seen >= most:
            return Kept(found, slice(seen), None)
    if not seen:
        raise DataError("rows gave no batch: an iterator that was used up before gives none, make a new one")
    return Kept(found, slice(seen), seen)


def _drawn(n: int, most: int) -> np.ndarray:
    if not n:
        raise DataError("rows is empty: give at least a few hundred rows that no model was trained on")
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def _are_arrays(data: Any) -> bool:
    if isinstance(data, tuple):
        return 1 <= len(data) <= 2 and all(part is None or isinstance(part, list) or _are_arrays(part) for part in data)
    return is_array(data) or (isinstance(data, Mapping) and all(map(is_array, data.values())))


def _lengths(data: Any) -> list[int]:
    """Rows of each part."""
    if isinstance(data, Mapping):
        return [n for part in data.values() for n in _lengths(part)]
    if isinstance(data, tuple) or (isinstance(data, list) and any(is_array(part) for part in data)):
        return [n for part in data if part is not None for n in _lengths(part)]
    return [len(data)] if hasattr(data, "__len__") and not isinstance(data, str | bytes) else []


def _taken(data: Any, rows: np.ndarray) -> Any:
    if data is None:
        return None
    if isinstance(data, Mapping):
        return {key: _taken(part, rows) for key, part in data.items()}
    if isinstance(data, tuple):
        return tuple(_taken(part, rows) for part in data)
    if isinstance(data, list):
        data = np.asarray(data)
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]
