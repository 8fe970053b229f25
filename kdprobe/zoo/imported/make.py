"""A zoo for models that were trained elsewhere: the rows that all of them speak on, and what is true of these."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.identity import content_id
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.core.trace import TaskKind, check_finite
from kdprobe.tasks.own.frame import content_hash
from kdprobe.tasks.own.keep import keep
from kdprobe.tasks.splits import split
from kdprobe.zoo.folder import INDEX, check_folder
from kdprobe.zoo.writer import Writer

ASKS = "imported"
"""What the index says was asked: no sweep goes on in such a folder."""
LEAST, MOST = 50, 1 << 24
"""Rows: fewer leave 10 to fit a temperature on; the numbers of more are no float32."""


class Rows:
    """Loads rows that are in memory."""

    def __init__(self, data: Dataset):
        self.data = data

    def __call__(self) -> Dataset:
        """Return them."""
        return self.data


def make(path: Path, target: Any, *, task: str, name: str, blocks: Any, classes: Sequence[Any] | None) -> None:
    """See `kdprobe.Zoo.create`."""
    if task not in ("classification", "regression"):
        raise PlanError(f"task={task!r}: give 'classification' or 'regression'")
    if (path / INDEX).exists():
        raise PlanError(f"{path} holds a zoo already: open it with kdprobe.Zoo, or choose another folder")
    check_folder(path)
    y, names = np.asarray(target), tuple[str, ...]()
    if not LEAST <= len(y) <= MOST:
        raise DataError(f"target has {len(y)} rows: give {LEAST} to {MOST:,}, the held-out rows that every model speaks on")
    mean, sd = [0.0], [1.0]
    if task == "classification":
        y, names = _codes(y, classes)
    else:
        check_finite(y, "target")
        y = y.astype(np.float64).reshape(len(y), -1)
        mean, sd = y.mean(axis=0).tolist(), y.std(axis=0).tolist()
        if min(sd) <= 0:
            raise DataError("target is constant: give rows whose values differ")
        y = (y - mean) / sd
    made = _task(path, y, names, task, name, blocks)
    parts = split(made)
    plan = {"tasks": [name], "target_mean": mean, "target_sd": sd, "rows": len(y)}
    with Writer(path) as writer:
        writer.seal_plan(
            {
                **{"asks": ASKS, "plan": msgspec.json.encode(plan).decode(), "plan_hash": content_id(plan), "deviations": []},
                "splits": {parts.sha256: {"task": name, "draw": 0, "sizes": msgspec.to_builtins(parts.sizes)}},
                "predicted": {},
            }
        )
        keep(writer.path, made)
        told = {"command": "kdprobe.Zoo.add", "asks": "gap", "plan": plan, "imported": True}
        with writer.index.transaction():
            writer.index.set_meta("provenance", told)


def _codes(y: np.ndarray, classes: Sequence[Any] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Classes as numbers, and their names."""
    if y.ndim != 1:
        raise DataError(f"target is {y.dtype} {y.shape}: give one class a row, (n,)")
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.round(y)).all()):
        raise DataError("target holds numbers that are no classes: give whole numbers or words, or task='regression'")
    levels = np.unique(y.astype(np.int64) if y.dtype.kind in "fb" else y) if classes is None else np.asarray(list(classes))
    y = y.astype(levels.dtype) if classes is not None or y.dtype.kind in "fb" else y
    place = {level: code for code, level in enumerate(levels.tolist())}
    strange = next((label for label in y.tolist() if label not in place), None)
    if strange is not None:
        raise DataError(f"target holds {strange!r}, which is none of classes ({', '.join(map(str, levels[:5]))}, ...): name all of them")
    if len(place) < 2:
        raise DataError(f"target has {len(place)} class: give two or more")
    return np.array([place[label] for label in y.tolist()], dtype=np.int64), tuple(map(str, levels))


def _task(path: Path, y: np.ndarray, classes: tuple[str, ...], kind: TaskKind, name: str, blocks: Any) -> Task:
    rows = len(y)
    x = np.arange(rows, dtype=np.float32)[:, None]
    groups, largest = None, 1
    if blocks is not None:
        if len(blocks) != rows:
            raise DataError(f"blocks has {len(blocks)} rows, target {rows}: give one block label a row")
        groups = np.unique(np.asarray(blocks), return_inverse=True)[1].astype(np.int64)
        largest = int(np.bincount(groups).max())
    if not isinstance(name, str) or not name.strip() or len(name) > 100 or "/" in name:
        raise PlanError(f"name={name!r}: give a short name without a slash")
    targets = () if classes else tuple(f"y{i}" for i in range(y.shape[1]))
    sha256 = content_hash(x, y, groups)
    data = Dataset(x=x, y=y, sha256=sha256, blocks=groups, classes=classes, targets=targets, columns=("row",))
    half, fitted = int(0.4 * (rows - largest)), int(0.2 * (rows - largest))
    if largest > fitted:
        raise DataError(f"blocks: one has {largest} of {rows} rows: give more rows, or smaller blocks")
    # a split has rows to train on: what these models learned from is nowhere here, so the least there can be stands for it
    sizes = SplitSizes(train=largest, transfer=0, validation=fitted, probe_a=half, probe_b=half)
    return Task(
        name=name, kind=kind, title=name, load=Rows(data), split=sizes, source="models that were trained elsewhere", licence="the owner's",
        families=(ASKS,), rows=rows, sha256=sha256, recorded=True,
        notes=("Of its rows kdprobe knows the target alone, and what each model said of them.",),
    )  # fmt: skip
