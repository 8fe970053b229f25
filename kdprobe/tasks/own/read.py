"""Tables from files: as a person saves them, and in words where they cannot be read."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kdprobe.core.errors import DataError, PlanError

SEPARATED = (".csv", ".tsv", ".txt")
COLUMNAR = (".parquet", ".pq", ".arrow", ".feather")
DELIMITERS = (",", ";", "\t", "|")
MISSING = ("?",)
"""What stands for a missing value beside what pandas knows (nothing, NA, NaN, null, ...)."""
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_FLAG = {"\t": "'\\t'"}


def read_table(path: Path, *, delimiter: str | None = None, decimal: str = ".") -> Any:
    """Return a file as a pandas DataFrame.

    Parameters
    ----------
    path
        A ``.csv``, ``.tsv`` or ``.txt`` file, or one of these with ``.gz`` behind it, with a first line of names, in UTF-8 (a byte order
        mark is no part of a name); or Parquet or Arrow, where pyarrow is installed.
    delimiter
        What stands between values; None for commas, in ``.tsv`` files tabs.
    decimal
        What stands before decimals: "." or ",".

    Raises
    ------
    DataError
        If the file is missing, empty, of another kind or another encoding, is separated otherwise, its rows have different lengths, or a
        name is there twice.
    """
    if path.suffix.lower() in COLUMNAR:
        return _columnar(path)
    kind = Path(path.stem).suffix.lower() if _packed(path) else path.suffix.lower()
    if kind not in SEPARATED:
        raise DataError(f"{path} is none of {', '.join((*SEPARATED, *COLUMNAR, '.npz'))}: save it as one of these")
    if decimal not in (".", ","):
        raise PlanError(f"decimal={decimal!r}: give . or ,")
    if delimiter is not None:
        delimiter = delimiter.replace("\\t", "\t")
        if len(delimiter) != 1:
            raise PlanError(f"delimiter={delimiter!r}: give one sign, such as ';' or '\\t'")
    usual = "\t" if kind == ".tsv" else ","
    _check_header(path, _header_line(path), delimiter or usual)
    import pandas as pd

    try:
        # chunks of one column could get types of their own otherwise, and a mixed column would be read in two ways
        return pd.read_csv(
            path, sep=delimiter or usual, decimal=decimal, encoding="utf-8-sig", low_memory=False, na_values=list(MISSING),
            skipinitialspace=True, index_col=False,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise DataError(
            f"{path}: its rows have different lengths ({_said(error)}): mend the line, or quote what holds a separator"
        ) from error
    except pd.errors.ParserWarning as error:  # only where warnings are errors
        raise DataError(f"{path}: its rows have more values than its first line has names: name every column") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({_said(error)}): save it anew as plain CSV") from error


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Return files of data: those named, and of a folder all that can be read, by name.

    Raises
    ------
    DataError
        If one is missing, a folder holds none, or a folder's are of several kinds.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in (*SEPARATED, *COLUMNAR, ".npz"))
            if not inside:
                raise DataError(f"{path} holds no {', '.join((*SEPARATED, *COLUMNAR, '.npz'))}: name a file, or a folder that holds some")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"{path} is not there: check its name and the folder you are in")
    kinds = {file.suffix.lower() for file in found}
    if len(kinds) > 1:
        raise DataError(f"data is of several kinds ({', '.join(sorted(kinds))}): give files of one kind")
    return found


def _header_line(path: Path) -> str:
    try:
        opened = gzip.open if _packed(path) else open
        with opened(path, "rb") as raw:
            start = raw.read(4)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start:
            raise DataError(f"{path} is not in UTF-8 (it begins as UTF-16, or is no text): save it as CSV in UTF-8")
        with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
            line = next(_filled(file), "")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from error
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): check its name") from error
    if not line:
        raise DataError(f"{path} is empty: give a first line of names and a line for each row")
    return line


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _filled(lines: Iterator[str]) -> Iterator[str]:
    return (line for line in lines if line.strip())


def _check_header(path: Path, line: str, delimiter: str) -> None:
    names = next(csv.reader([line], delimiter=delimiter))
    if len(names) == 1:
        counts = {other: len(next(csv.reader([line], delimiter=other))) for other in DELIMITERS if other != delimiter}
        other = max(counts, key=lambda sign: counts[sign])
        if counts[other] > 1:
            raise DataError(
                f"{path} is separated by {_NAMES[other]}, not by {_NAMES.get(delimiter, repr(delimiter))}: "
                f"give --delimiter {_FLAG.get(other, repr(other))}"
            )
    names = [name.strip() for name in names]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DataError(f"{path}: two columns are named {twice!r}: give each a name of its own")
    if names and all(_is_number(name) for name in names):
        raise DataError(f"{path}: its first line holds numbers ({line.strip()[:40]}), no names: add a first line that names the columns")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _columnar(path: Path) -> Any:
    import importlib.util

    if importlib.util.find_spec("pyarrow") is None:
        raise DataError(
            f"{path}: Parquet and Arrow files are read by pyarrow, which is not installed: run `pip install pyarrow`, or save CSV"
        )
    import pandas as pd

    if not path.is_file():
        raise DataError(f"{path} is not there: check its name and the folder you are in")
    try:
        return pd.read_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else pd.read_feather(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({_said(error)}): write it anew, or save CSV") from error


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
