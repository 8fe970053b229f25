"""From a frame to rows that a network learns from: what is the target, what of which kind, what is left out; all of it said."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError, PlanError, did_you_mean
from kdprobe.core.task import Dataset
from kdprobe.core.trace import TaskKind
from kdprobe.core.words import listed
from kdprobe.stats.likeness import ALIKE
from kdprobe.tasks.own.columns import encoded, refuse_dates, refuse_mixed, telltale

MOST_CLASSES = 20
"""Whole numbers with so many different values at most are taken for classes."""
KINDS = ("classification", "regression")


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """Rows with what was done to them.

    Parameters
    ----------
    said
        What was done, in sentences.
    warnings
        What should be looked at before results are believed.
    """

    data: Dataset
    kind: TaskKind
    said: tuple[str, ...]
    warnings: tuple[str, ...]


def prepare(
    frame: Any, target: str, *, kind: str | None = None, group: str | None = None, ignore: Sequence[str] = (), drop_missing: bool = False,
    impute: bool = False, name: str = "the data",
) -> Prepared:  # fmt: skip
    """Return the rows of a frame; see `kdprobe.task_from_frame`."""
    columns = [str(column) for column in frame.columns]
    frame = frame.set_axis(columns, axis=1).reset_index(drop=True)
    if isinstance(ignore, str):
        raise PlanError(f"ignore={ignore!r}: give a list, such as [{ignore!r}]")
    for argument, wanted in (("target", [target]), ("group", [group] if group is not None else []), ("ignore", list(ignore))):
        for column in wanted:
            if column not in columns:
                raise DataError(f"{argument} {column!r}: {name} has no such column: {did_you_mean(str(column), columns)}")
    if target in ignore or target == group:
        raise DataError(f"target {target!r} is named by {'ignore' if target in ignore else 'group'} too: it is what is to be learnt")
    if kind is not None and kind not in KINDS:
        raise PlanError(f"kind={kind!r}: give {' or '.join(KINDS)}")
    if drop_missing and impute:
        raise PlanError("drop_missing and impute: give one of them")
    numbered = [c for c in columns if c.startswith("Unnamed:") and c != target and (frame[c].diff().dropna() == 1).all()]
    said = [f"{listed([repr(c) for c in numbered])}: the number of the row, ignored."] if numbered else []
    said += [f"Ignored: {listed([repr(c) for c in ignore])}."] if len(ignore) else []
    inputs = [c for c in columns if c not in (target, group, *ignore, *numbered)]
    if not inputs:
        raise DataError(f"{name} has no column beside the target: give columns to learn from")
    frame = _whole(frame, target, inputs, group, drop_missing=drop_missing, impute=impute, said=said, name=name)
    y, classes, found_kind = _target(frame[target], kind, said)
    names, blocks, warnings = list[str](), list[np.ndarray](), list[str]()
    for column in inputs:
        if frame[column].nunique(dropna=False) < 2:
            said.append(f"{column!r}: the same in every row, left out.")
            continue
        made = encoded(frame[column], impute=impute)
        likeness = telltale(made, y, classes=bool(classes))
        if likeness > ALIKE:
            warnings.append(
                f"{column!r} tells {target!r} by itself (correlation {likeness:.4f}): if it is the target under another name, or is known "
                f"only after it, --ignore it: every network would learn that alone."
            )
        said += [made.said + "."] if made.said else []
        names += made.names
        blocks.append(made.values)
    if not blocks:
        raise DataError(f"{name}: every column beside the target is the same in every row: there is nothing to learn from")
    x = np.hstack(blocks)
    groups = None if group is None else _groups(frame[group], x, group, said)
    if group is None and (copies := len(x) - len(np.unique([hash(row.tobytes()) for row in x]))):
        said.append(f"{copies:,} rows have the inputs of another row: copies stay in one part.")
    if classes:
        counts = np.bincount(y, minlength=len(classes))
        rare = [f"{classes[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < 10)]
        warnings += [f"Few rows of {listed(rare)}: some parts may hold none of them; merge rare classes if they matter."] if rare else []
    targets = () if classes else (target,)
    y = y if classes else y[:, None]
    data = Dataset(x=x, y=y, sha256=content_hash(x, y, groups), blocks=groups, classes=classes, targets=targets, columns=tuple(names))
    return Prepared(data=data, kind=found_kind, said=tuple(said), warnings=tuple(warnings))


def content_hash(x: np.ndarray, y: np.ndarray, blocks: np.ndarray | None) -> str:
    """SHA-256 of what a network sees: other rows, or the same read in another way, are other data."""
    digest = hashlib.sha256()
    for values in (x, y, *([] if blocks is None else [blocks])):
        values = np.ascontiguousarray(values)
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.data.cast("B") if values.size else b"")
    return digest.hexdigest()


def _whole(
    frame: Any, target: str, inputs: list[str], group: str | None, *, drop_missing: bool, impute: bool, said: list[str], name: str
) -> Any:
    """The frame without rows that cannot be used."""
    needed = [target, *([] if group is None else [group])]
    lost = frame[needed].isna().any(axis=1)
    missing = frame[inputs].isna().sum()
    missing = missing[missing > 0]
    rows = int((frame[[*inputs, *needed]].isna().any(axis=1)).sum())
    if rows and not (drop_missing or impute):
        told = [f"{column!r} ({count:,})" for column, count in [*frame[needed].isna().sum().items(), *missing.items()] if count]
        more = f" and {len(told) - 6} more columns" if len(told) > 6 else ""
        raise DataError(
            f"{name}: {rows:,} of {len(frame):,} rows lack a value: {', '.join(told[:6])}{more}. Give --drop-missing to leave these rows "
            "out, --impute to fill numbers with the column's median and call a missing category so, or --ignore a column"
        )
    if drop_missing and rows:
        said.append(f"{rows:,} of {len(frame):,} rows lack a value and are left out.")
        lost = frame[[*inputs, *needed]].isna().any(axis=1)
    elif lost.any():
        said.append(
            f"{int(lost.sum()):,} rows lack {listed([repr(c) for c in needed])} and are left out: what is to be learnt is not made up."
        )
    return frame[~lost].reset_index(drop=True) if lost.any() else frame


def _target(series: Any, kind: str | None, said: list[str]) -> tuple[np.ndarray, tuple[str, ...], TaskKind]:
    """Classes as numbers with their names, or values; and which of the two."""
    import pandas as pd

    name = str(series.name)
    refuse_dates(series)
    numeric = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    if not numeric:
        refuse_mixed(series)
    distinct = int(series.nunique())
    if distinct < 2:
        raise DataError(f"target {name!r} is {series.iloc[0] if len(series) else 'empty'} in every row: there is nothing to learn")
    if numeric and (infinite := int(np.isinf(series.to_numpy(dtype=np.float64)).sum())):
        raise DataError(f"target {name!r} holds {infinite} infinite values: mend them, or leave these rows out")
    whole = numeric and bool((series.to_numpy(dtype=np.float64) % 1 == 0).all())
    found = kind or ("classification" if not numeric or (whole and distinct <= MOST_CLASSES) else "regression")
    other = "regression" if found == "classification" else "classification"
    why = "as asked" if kind else f"{'words' if not numeric else f'{distinct} whole numbers' if found == 'classification' else 'numbers'}"
    overrule = f"; --kind {other} overrules it" if kind is None and numeric else ""
    said.insert(0, f"{name!r} is the target: {found} ({why}{overrule}).")
    if found == "regression":
        if not numeric:
            raise DataError(f"target {name!r} holds words ({series.iloc[0]}): regression needs numbers")
        return series.to_numpy(dtype=np.float64), (), "regression"
    if distinct == len(series) or distinct > len(series) / 2:
        raise DataError(
            f"target {name!r} has {distinct:,} classes in {len(series):,} rows, hardly more than a row a class: is it a name or an id? "
            f"Name another target{', or give --kind regression' if numeric else ''}"
        )
    # beyond, what is whole is no number of 64 bits, and classes would become one
    keys = (
        series.astype("int64")
        if whole and float(series.abs().max()) < 2**53
        else series
        if numeric
        else series.astype("string").str.strip()
    )
    levels = sorted(keys.unique())
    if len(levels) < 2:
        raise DataError(f"target {name!r} is {levels[0]!r} in every row, but for the spaces around it: there is nothing to learn")
    codes = pd.Categorical(keys, categories=levels).codes.astype(np.int64)
    return codes, tuple(str(level) for level in levels), "classification"


def _groups(series: Any, x: np.ndarray, name: str, said: list[str]) -> np.ndarray:
    """Number of the group of each row; groups that share a copy of a row are one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    own = np.unique(series.astype("string").to_numpy(dtype=object).astype(str), return_inverse=True)[1]
    copies = np.unique([hash(row.tobytes()) for row in x], return_inverse=True)[1]
    places, many = own.max() + 1, own.max() + 1 + copies.max() + 1
    graph = coo_array((np.ones(len(own)), (own, places + copies)), shape=(many, many))
    parts = connected_components(graph, directed=False)[1][own]
    found = np.unique(parts, return_inverse=True)[1].astype(np.int64)
    joined = f", {places - found.max() - 1} of them joined by copies of a row" if found.max() + 1 < places else ""
    said.append(f"Rows of one {name!r} stay in one part: {places:,} groups{joined}.")
    return found
