"""Tasks of somebody's own rows: from files, a frame or arrays."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdprobe.core.arguments import whole
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.own.frame import KINDS, Prepared, content_hash, prepare
from kdprobe.tasks.own.frames import as_frame, pictures_of
from kdprobe.tasks.own.images import is_image_folder, read_images
from kdprobe.tasks.own.read import files_in, read_table
from kdprobe.tasks.own.rows import sizes_of

VECTORS, IMAGES = ("mlp", "transformer", "random_features", "factors"), ("mlp", "cnn", "gru", "transformer", "random_features")
SEQUENCES = ("gru", "mlp", "transformer", "random_features")
STEPS = 600
"""Where nobody chose."""
FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """Loads rows that are in memory."""

    data: Dataset

    def __call__(self) -> Dataset:
        """Return them."""
        return self.data


class Own(NamedTuple):
    """A task, and what was done to its rows."""

    task: Task
    said: tuple[str, ...]
    warnings: tuple[str, ...]


def from_files(
    paths: Sequence[str | os.PathLike[str]], target: str | None, *, kind: str | None = None, group: str | None = None,
    ignore: Sequence[str] = (), drop_missing: bool = False, impute: bool = False, delimiter: str | None = None, decimal: str = ".",
    image_size: int | None = None, steps: int | None = None,
) -> Own:  # fmt: skip
    """Return a task of one file, several, or all of a folder; named after the first. A folder whose folders hold images is a task of these.

    Raises
    ------
    DataError
        If a file cannot be read, files differ in their columns, or rows cannot be used as they are.
    """
    given = [Path(path) for path in paths]
    name = given[0].name or given[0].resolve().name
    if len(given) == 1 and is_image_folder(given[0]):
        return _of_images(given[0], name, target, kind=kind, size=image_size, steps=steps)
    if image_size is not None:
        raise PlanError(f"image_size={image_size}: {given[0]} is no folder whose folders hold images, leave it out")
    files = files_in(given)
    if target is None:
        raise PlanError(f"{given[0]}: say which column is to be learnt, as in --target price")
    if files[0].suffix.lower() == ".npz":
        x, y = _arrays(files, target)
        return from_arrays(x, y, kind=kind, name=name, steps=steps)
    import pandas as pd

    frames = [read_table(file, delimiter=delimiter, decimal=decimal) for file in files]
    for file, frame in zip(files[1:], frames[1:], strict=True):
        if list(frame.columns) != list(frames[0].columns):
            odd = sorted(set(map(str, frame.columns)) ^ set(map(str, frames[0].columns)))
            raise DataError(
                f"{file} has other columns than {files[0]} ({', '.join(odd[:5]) or 'in another order'}): give files of one form"
            )
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    made = prepare(frame, target, kind=kind, group=group, ignore=ignore, drop_missing=drop_missing, impute=impute, name=name)
    return own(
        made, name=name, steps=steps, source=f"own data: {', '.join(file.name for file in files[:5])}{', ...' if len(files) > 5 else ''}"
    )


def from_frame(
    frame: Any, target: str, *, kind: str | None = None, group: str | None = None, ignore: Sequence[str] = (), drop_missing: bool = False,
    impute: bool = False, name: str = "frame", steps: int | None = None,
) -> Own:  # fmt: skip
    """Return a task of a pandas DataFrame, or of what turns itself into one."""
    if (pictures := pictures_of(frame, target)) is not None:
        x, y, said = pictures
        return _told(from_arrays(x, y, kind=kind, name=name, steps=steps), said)
    frame = as_frame(frame)
    made = prepare(frame, target, kind=kind, group=group, ignore=ignore, drop_missing=drop_missing, impute=impute, name=name)
    return own(made, name=name, steps=steps, source="own data: a frame")


def from_arrays(
    x: Any, y: Any, *, kind: str | None = None, groups: Any = None, columns: Iterable[str] | None = None, name: str = "arrays",
    steps: int | None = None,
) -> Own:  # fmt: skip
    """Return a task of arrays: y (n,) or, for several targets, (n, c).

    x is (n, d) numbers, (n, time, channels) sequences or (n, channels, height, width) images.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim not in (2, 3, 4) or x.dtype.kind not in "fiub" or not x[:1].size:
        raise DataError(f"x is {x.dtype} {x.shape}: give numbers, (n, d), (n, time, channels) or (n, channels, height, width)")
    if x.ndim == 3 and x.dtype == np.uint8:
        raise DataError(f"x is uint8 {x.shape}: give images with their channels, x[:, None], and sequences (n, time, channels) as float32")
    if y.ndim not in (1, 2) or len(y) != len(x):
        raise DataError(f"x has shape {x.shape}, y {y.shape}: give y as (n,) or (n, c), rows paired")
    if kind is not None and kind not in KINDS:
        raise PlanError(f"kind={kind!r}: give {' or '.join(KINDS)}")
    if kind == "classification" and y.ndim == 2:
        raise DataError(f"y has shape {y.shape}: classification needs one class a row, (n,)")
    if groups is not None and np.shape(groups) != (len(x),):
        raise DataError(f"groups has shape {np.shape(groups)}, x {x.shape}: give one label a row")
    names = tuple(map(str, columns)) if columns is not None else tuple(f"x{i}" for i in range(x.shape[1])) if x.ndim == 2 else ()
    if x.ndim == 2 and y.ndim == 1:
        import pandas as pd

        if len(names) != x.shape[1] or len(set(names)) < len(names) or {"y", "group"} & set(names):
            raise DataError(f"columns has {len(names)} names for x {x.shape}: give each column one of its own, none of them y or group")
        frame = pd.DataFrame(x, columns=list(names)).assign(y=y, **({} if groups is None else {"group": np.asarray(groups)}))
        return own(prepare(frame, "y", kind=kind, group=None if groups is None else "group", name=name), name=name, steps=steps,
                   source="own data: arrays")  # fmt: skip
    if x.ndim == 2 and len(names) != x.shape[1]:
        raise DataError(f"columns has {len(names)} names for x {x.shape}: give each column one of its own")
    for part, values in (("x", x), ("y", y)):
        # beyond single precision a number would become infinite
        if values.dtype.kind == "f" and (odd := int((~(np.abs(values) <= FLOAT32)).sum())):
            raise DataError(
                f"{part} holds {odd} values that are NaN, infinite or beyond single precision: mend them, or leave their rows out"
            )
    classes: tuple[str, ...] = ()
    if y.ndim == 1 and kind != "regression":
        levels, codes = np.unique(y, return_inverse=True)
        classes, y = tuple(map(str, levels)), codes.astype(np.int64)
        if len(classes) < 2 or len(classes) > len(y) / 2:
            raise DataError(f"y has {len(classes)} classes in {len(y)} rows: give two or more, and several rows of each")
    elif y.dtype.kind not in "fiub":
        raise DataError(f"y is {y.dtype} {y.shape}: regression needs numbers")
    else:
        y = y.reshape(len(y), -1).astype(np.float64)
    x = x if x.dtype == np.uint8 and x.ndim == 4 else x.astype(np.float32)
    blocks = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    targets = () if classes else tuple(f"y{i}" for i in range(y.shape[1]))
    data = Dataset(x=x, y=y, sha256=content_hash(x, y, blocks), blocks=blocks, classes=classes, targets=targets, columns=names)
    found = "classification" if classes else "regression"
    said = (f"y is the target: {found} ({f'{len(classes)} classes' if classes else f'{y.shape[1]} values'}).",)
    return own(Prepared(data=data, kind=found, said=said, warnings=()), name=name, steps=steps, source="own data: arrays")


def own(made: Prepared, *, name: str, steps: int | None, source: str) -> Own:
    """Return the task of prepared rows."""
    if not isinstance(name, str) or not name.strip() or len(name) > 100 or "/" in name:
        raise PlanError(f"name={name!r}: give a short name without a slash")
    groups = None if made.data.blocks is None else np.bincount(made.data.blocks)
    split: SplitSizes = sizes_of(len(made.data.x), largest_group=1 if groups is None else int(groups.max()), name=name)
    task = Task(
        name=name, kind=made.kind, title=name, load=Held(data=made.data), split=split, source=source, licence="the owner's",
        families={2: VECTORS, 3: SEQUENCES, 4: IMAGES}[made.data.x.ndim], rows=len(made.data.x), sha256=made.data.sha256,
        steps=STEPS if steps is None else whole("steps", steps, least=1, advice="give a whole number from 1, or None to choose"),
        notes=(*made.said, *made.warnings),
    )  # fmt: skip
    return Own(task, made.said, made.warnings)


def _of_images(folder: Path, name: str, target: str | None, *, kind: str | None, size: int | None, steps: int | None) -> Own:
    """The task of a folder of images, whose folders are the classes."""
    if kind == "regression":
        raise PlanError("kind='regression': folders of images are classes; give numbers to learn with kdprobe.task_from_arrays")
    if target is not None:
        raise PlanError(f"target {target!r}: of a folder of images the folders are the classes, leave --target out")
    x, y, said = read_images(folder, size=size)
    return _told(from_arrays(x, y, kind=kind, name=name, steps=steps), said)


def _told(made: Own, said: Sequence[str]) -> Own:
    """The same, with what was done to its rows before."""
    return Own(replace(made.task, notes=(*said, *made.task.notes)), (*said, *made.said), made.warnings)


def _arrays(files: Sequence[Path], target: str) -> tuple[np.ndarray, np.ndarray]:
    """x and y of .npz files: y under the target's name, x under x, or what else there is."""
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for file in files:
        try:
            # opened here: NumPy leaves a damaged archive open
            with file.open("rb") as raw, np.load(raw, allow_pickle=False) as held:
                names = list(held.files)
                if target not in names:
                    raise DataError(f"{file} holds {', '.join(names)}, no {target!r}: name the target's array with --target")
                others = [name for name in names if name != target]
                inputs = "x" if "x" in others else "X" if "X" in others else others[0] if len(others) == 1 else None
                if inputs is None:
                    raise DataError(f"{file} holds {', '.join(others) or 'nothing'} beside {target!r}: call the inputs x")
                parts.append((held[inputs], held[target]))
        except DataError:
            raise
        except Exception as error:
            # what a damaged archive may end in is nowhere said: BadZipFile, zlib.error, EOFError, SyntaxError and more
            raise DataError(f"{file} is no file of numpy.savez with plain arrays ({error}): save it anew") from error
    if len({(x.shape[1:], y.shape[1:]) for x, y in parts}) > 1:
        raise DataError(f"{files[0]} and the other files hold arrays of different shapes: give files of one form")
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
