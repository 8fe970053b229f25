"""Outputs of a model from a file: with numpy's or pandas' habits of writing them."""

import csv
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kdprobe.core.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_INDEX = ("", "Unnamed: 0")
"""What pandas, and R, call a column of names of rows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Numbers of a file.

    Parameters
    ----------
    values
        (rows, columns), or the shape that .npy has.
    index
        The names of the rows, where the file has a column of them.
    said
        How the file was read, where that is not plain.
    """

    values: "np.ndarray"
    index: tuple[str, ...] | None = None
    said: str = ""


def read_predictions(path: Path, *, rows: int | None = None) -> Predictions:
    """Read numbers from .npy or .csv.

    The first line of a .csv is names of columns where it holds words, or 0, 1, 2, ... as pandas calls columns without names. With one or
    two columns that could be a row of data: it is names then only if no number below is written without a decimal point (pandas and numpy
    write numbers with one), or if the file else has one row more than `rows`.

    Raises
    ------
    DataError
        If the file is missing, is of another kind, or holds anything but numbers.
    """

    if path.suffix not in (".npy", ".csv"):
        raise DataError(f"{path} is neither .npy nor .csv: save the outputs with numpy.save or DataFrame.to_csv(index=False)")
    try:
        return Predictions(values=_read_npy(path)) if path.suffix == ".npy" else _read_csv(path, rows)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}): check its name") from error
    except (ValueError, EOFError, csv.Error) as error:
        # numpy's own words advise to unpickle it
        why = "it was not written by numpy.save" if path.suffix == ".npy" else str(error)
        raise DataError(f"{path} holds no plain array of numbers ({why}): save the outputs with numpy.save") from error


def _read_npy(path: Path) -> "np.ndarray":
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise
    except Exception as error:
        # what a damaged header may end in is nowhere said: TokenError, SyntaxError, TypeError, OverflowError, and MemoryError if it says
        # more rows than there is memory for
        raise ValueError("its header is damaged") from error


def same_rows(first: Path, one: Predictions, second: Path, other: Predictions) -> None:
    """Raise DataError where two files name their rows, and not alike: their rows would be compared crosswise."""
    if one.index is None or other.index is None or len(one.index) != len(other.index):
        return
    for row, (name, beside) in enumerate(zip(one.index, other.index, strict=True)):
        if name != beside:
            raise DataError(
                f"{second} calls its row {row} {beside!r} and {first} calls it {name!r}: write both in one order, or without an index "
                "(DataFrame.to_csv(index=False))"
            )


def _read_csv(path: Path, rows: int | None) -> Predictions:
    import numpy as np

    with path.open(newline="", encoding="utf-8-sig") as file:
        first = file.readline()
    cells = next(csv.reader([first]), [])
    header = _is_header(path, first, cells, rows)
    index = header and len(cells) > 1 and cells[0].strip() in _INDEX
    form = {"delimiter": ",", "quotechar": '"', "skiprows": int(header), "encoding": "utf-8-sig"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of an empty file: it is told as having no rows
        values = np.loadtxt(path, ndmin=2, usecols=range(1, len(cells)) if index else None, **form)
        names = np.loadtxt(path, ndmin=1, usecols=0, dtype=str, **form) if index else None
    said = ""
    if header:
        if not len(values):
            raise ValueError("its one line is names of columns")
        shown = ",".join(cells[:6]) + (",…" if len(cells) > 6 else "")
        said = f"{path}: its first line ({shown}) is names of columns, no row" + ("; its first column names the rows" if index else "")
    return Predictions(values=values, index=None if names is None else tuple(names.tolist()), said=said)


def _is_header(path: Path, first: str, cells: list[str], rows: int | None) -> bool:
    cells = [cell.strip() for cell in cells]
    numbers = [cell for cell in cells if _is_number(cell)]
    # a row of data with a slip in it is no row of names: it is refused, not left out; lines that begin with # are numpy's own
    if not cells or first.startswith("#") or numbers != [str(place) for place in range(len(numbers))]:
        return False
    if len(numbers) < len(cells):
        return bool(first.strip())
    if '"' in first or len(cells) > 2:
        return True
    bare, lines = False, 0
    with path.open(newline="", encoding="utf-8-sig") as file:
        next(file)
        for row in csv.reader(file):
            lines += bool(row)
            bare |= any(cell.strip().lstrip("+-").isdigit() for cell in row)
    return lines > 0 and (lines == rows or not bare)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
