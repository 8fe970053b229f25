"""A table of runs as `capacity_gap` takes it: its columns and its settings, checked."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError

Setting = tuple[Any, ...]
SIZES = ("student_size", "teacher_size")
COLUMNS = (*SIZES, "seed", "gain", "teacher_loss")
OPTIONAL = ("draw", "twin_score")
FAR = 1e100
"""Beyond it, and below its inverse, squares of values leave the range of float64."""


def settings_of(table: Any, by: Any, rows: int) -> "list[Setting]":
    """The setting of each row; a missing value is None."""
    if isinstance(by, str) or not isinstance(by, Iterable):
        raise DataError(f"by={by!r}: give a list of columns, such as [{by if isinstance(by, str) else 'alpha'!r}]")
    columns: list[list[Any]] = []
    wanted: list[Any] = list(by)  # pyright: ignore[reportUnknownArgumentType]
    for name in wanted:
        if name not in list(table.keys()):
            raise DataError(f"by holds {name!r}, and the table has no such column")
        if name in (*COLUMNS, *OPTIONAL):
            raise DataError(f"by holds {name!r}, which is no setting: leave it out, every call reads it by itself")
        values = np.asarray(table[name], dtype=object)
        if values.shape != (rows,):
            raise DataError(f"column {name!r} has shape {values.shape}, the others {rows} rows: give one value a row")
        columns.append([None if _missing(value) else value for value in values])
        if not all(isinstance(value, Hashable) for value in columns[-1]):
            raise DataError(f"column {name!r} holds what is no single value: give numbers or words as settings")
    return list(zip(*columns, strict=True)) if columns else [()] * rows


def _missing(value: Any) -> bool:
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        # pandas' own missing value is neither like nor unlike itself; an array is refused later
        return not isinstance(value, np.ndarray)


def columns_of(table: Any) -> dict[str, np.ndarray]:
    """Return the columns of a table of runs as float64, checked.

    Raises
    ------
    DataError
        See `capacity_gap`.
    """
    needs = f"{', '.join(COLUMNS)} (and may have {', '.join(OPTIONAL)})"
    if not hasattr(table, "keys"):
        raise DataError(f"table is a {type(table).__name__}: give a DataFrame or a mapping of columns; it needs {needs}")
    there = list(table.keys())
    for name in COLUMNS:
        if name not in there:
            raise DataError(f"table has no column {name!r}: it needs {needs}")
    found: dict[str, np.ndarray] = {}
    for name in (*COLUMNS, *(name for name in OPTIONAL if name in there)):
        try:
            values = np.asarray(table[name], dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(f"column {name!r} is not numeric: give numbers") from None
        if values.ndim != 1 or not np.isfinite(values).all():
            raise DataError(f"column {name!r} holds NaN, an infinity or more than one value a row: leave failed runs out")
        found[name] = values
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1 or not len(found["seed"]):
        raise DataError(f"the columns have {lengths} rows: give one row a run, at least one")
    for name in SIZES:
        if not (found[name] > 0).all():
            raise DataError(f"column {name!r} holds {found[name].min():g}: sizes are above 0")
    for name, values in found.items():
        # squares must neither overflow nor vanish; what is 0 beside larger values may
        far = [*((values.min(), values.max()) if name in SIZES else (np.abs(values).max(),))]
        wrong = [value for value in far if value and not 1 / FAR <= value <= FAR]
        if wrong:
            raise DataError(f"column {name!r} holds {wrong[0]:g}: give it in a unit in which it lies between {1 / FAR:g} and {FAR:g}")
    return found
