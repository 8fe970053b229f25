"""Columns of somebody's table as inputs of a network: numbers as they are, categories one-hot, and an error in words for the rest."""

from typing import Any, NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.stats.likeness import likeness

MOST_CATEGORIES = 50
"""Different words in one column; more are names or ids, which a network would learn by heart."""
_DATE = r"\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([T ]\d{1,2}:\d{2}.*)?\s*"
SQUARED = 1e150
"""Numbers beyond it have squares, or sums of these, that leave float64."""


class Column(NamedTuple):
    """A column as inputs."""

    names: tuple[str, ...]
    values: np.ndarray
    """(n, k) float32."""
    said: str
    """What was done, "" where nothing was."""


def encoded(series: Any, *, impute: bool) -> Column:
    """Return a column as numbers.

    Raises
    ------
    DataError
        If it holds dates, numbers and words, infinities, numbers beyond single precision, or more than 50 different words.
    """
    import pandas as pd

    name, kind = str(series.name), series.dtype
    refuse_dates(series)
    if pd.api.types.is_bool_dtype(kind) or (pd.api.types.is_numeric_dtype(kind) and not isinstance(kind, pd.CategoricalDtype)):
        return _numbers(name, series.to_numpy(dtype=np.float64, na_value=np.nan), impute)
    refuse_mixed(series)
    words = series.astype("string").str.strip()
    levels = sorted(words.dropna().unique())
    if len(levels) > MOST_CATEGORIES:
        raise DataError(
            f"column {name!r} has {len(levels):,} different words ({', '.join(levels[:3])}, ...), more than {MOST_CATEGORIES}: if it names "
            f"rows, --ignore {_flag(name)}; if rows of one name belong together, --group {_flag(name)}; else merge rare ones"
        )
    shown = [*levels, *(["missing"] if words.isna().any() and "missing" not in levels else [])]
    codes = words.fillna("missing").to_numpy(dtype=object)
    if len(shown) == 2:
        # one column says it all
        return Column(
            (f"{name}={shown[1]}",), (codes == shown[1]).astype(np.float32)[:, None], f"{name!r} ({shown[0]} or {shown[1]}): 0 or 1"
        )
    values = np.stack([(codes == level).astype(np.float32) for level in shown], axis=1) if shown else np.zeros((len(codes), 0), np.float32)
    return Column(tuple(f"{name}={level}" for level in shown), values, f"{name!r} ({len(shown)} categories): one-hot")


def _numbers(name: str, values: np.ndarray, impute: bool) -> Column:
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise DataError(f"column {name!r} holds {infinite} infinite values: mend them, or --ignore {_flag(name)}")
    missing, names, said = np.isnan(values), (name,), ""
    if missing.any():
        assert impute, "columns with missing values were refused, or their rows left out"
        middle = float(np.median(values[~missing])) if not missing.all() else 0.0
        values, names = np.where(missing, middle, values), (name, f"{name} is missing")
        said = f"{name!r}: {int(missing.sum())} missing values become its median ({middle:.4g}), and a column says which"
    # of numbers whose squares leave the range there is no spread; within it a middle far from 0 is moved there first
    if np.abs(values).max(initial=0.0) < SQUARED:
        spread, middle = float(values.std()), float(np.median(values))
        if spread and abs(middle) > 1e4 * spread:
            # single precision would round away what tells rows apart; each column is standardised anyway
            values = values - middle
    if np.abs(values).max(initial=0.0) > 3e38:
        raise DataError(
            f"column {name!r} holds {np.abs(values).max():.3g}, beyond single precision: give it in another unit, or its logarithm"
        )
    found = values.astype(np.float32)[:, None]
    return Column(names, np.hstack([found, missing.astype(np.float32)[:, None]]) if len(names) > 1 else found, said)


def refuse_dates(series: Any) -> None:
    """Raise DataError where a column holds dates or times."""
    import pandas as pd

    name, kind = str(series.name), series.dtype
    dated = pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind)
    first = series.dropna().head(200)
    if not dated and len(first) and not pd.api.types.is_numeric_dtype(kind):
        dated = bool(first.astype("string").str.fullmatch(_DATE).mean() > 0.9)
    if dated:
        raise DataError(
            f"column {name!r} holds dates ({first.iloc[0]}): no network reads them. Put what matters of them into columns of numbers or "
            f"categories (days since a day, month, weekday, hour), or --ignore {_flag(name)}; if rows of one date belong together, "
            f"--group {_flag(name)}"
        )


def refuse_mixed(series: Any) -> None:
    """Raise DataError where a column of words is mostly numbers."""
    import pandas as pd

    name, there = str(series.name), series.dropna()
    if isinstance(series.dtype, pd.CategoricalDtype) or not len(there):
        return
    text = there.astype("string").str.strip()
    read: Any = pd.to_numeric(text, errors="coerce")
    numeric = read.notna()
    share = float(numeric.mean())
    if 0.5 < share < 1.0:
        odd = text[~numeric]
        comma = bool(odd.str.fullmatch(r"[-+]?\d+,\d+").all())
        how = "give --decimal ," if comma else f"mend them, leave them empty, or --ignore {_flag(name)}"
        raise DataError(
            f"column {name!r} is of mixed types: {int(numeric.sum()):,} numbers and {int((~numeric).sum()):,} words (row "
            f"{int(odd.index[0]) + 2 if isinstance(odd.index[0], int | np.integer) else odd.index[0]}: {str(odd.iloc[0])[:30]!r}): {how}"
        )
    if share == 0 and bool(text.str.fullmatch(r"[-+]?\d+,\d+").mean() > 0.9):
        raise DataError(f"column {name!r} holds decimals with a comma ({text.iloc[0]}): give --decimal ,")


def telltale(column: Column, target: np.ndarray, *, classes: bool) -> float:
    """How far a column tells the target by itself: the largest |correlation| of its values or their ranks with it; for classes, the root of
    the share of its variance that lies between them. Computed on 5,000 rows at most.
    """
    best, take = 0.0, np.linspace(0, len(target) - 1, min(len(target), 5_000)).astype(int)
    y = target[take]
    for values in column.values[take].astype(np.float64).T:
        if np.ptp(values) == 0:
            continue
        if classes:
            means = np.bincount(y, values) / np.maximum(np.bincount(y), 1)
            best = max(best, float(np.sqrt(max(0.0, 1 - ((values - means[y]) ** 2).sum() / ((values - values.mean()) ** 2).sum()))))
        else:
            best = max(best, likeness(values, y.astype(np.float64)))
    return best


def _flag(name: str) -> str:
    return name if name.isidentifier() else repr(name)
