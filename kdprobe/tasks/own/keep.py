"""Rows that a sweep was given, kept beside its models: workers read them there, and whoever opens the zoo later."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically
from kdprobe.core.registry import provide, provided
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.own.frame import content_hash

DATA = "data"
"""Folder in a zoo."""
_SAID = "kdprobe task"


class Kept:
    """Loads rows of a kept task; the same object in one process, so that they are read once."""

    def __init__(self, file: Path):
        self.file = file

    def __call__(self) -> Dataset:
        """Return the rows, after their hash was checked."""
        try:
            with safe_open(str(self.file), framework="np") as held:
                told = json.loads((held.metadata() or {})[_SAID])
                values: dict[str, Any] = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise DataError(f"{self.file} is missing or damaged ({error}): run the sweep again with its data, into a new folder") from error
        x, y, blocks = values["x"], values["y"], values.get("blocks")
        if content_hash(x, y, blocks) != told["sha256"]:
            raise DataError(f"{self.file} holds other rows than were kept: run the sweep again with its data, into a new folder")
        names: dict[str, Any] = {name: tuple(told[name]) for name in ("classes", "targets", "columns")}
        return Dataset(x=x, y=y, blocks=blocks, sha256=told["sha256"], **names)


def keep(zoo: Path, task: Task) -> None:
    """Write a task's rows into a zoo, once."""
    file = zoo / DATA / f"{task.sha256}.safetensors"
    if file.is_file():
        return
    data = task.load()
    told = {name: getattr(task, name) for name in ("name", "kind", "title", "source", "licence", "families", "rows", "steps", "notes")}
    told |= {"recorded": True} if task.recorded else {}
    told |= {"split": msgspec.to_builtins(task.split), "sha256": task.sha256}
    told |= {name: getattr(data, name) for name in ("classes", "targets", "columns")}
    tensors: dict[str, np.ndarray] = {"x": np.ascontiguousarray(data.x), "y": np.ascontiguousarray(data.y)}
    tensors |= {} if data.blocks is None else {"blocks": np.ascontiguousarray(data.blocks)}
    os.makedirs(file.parent, exist_ok=True)
    write_atomically(file, save(tensors, metadata={_SAID: json.dumps(told)}))


def kept(zoo: Path) -> list[Task]:
    """Tasks whose rows a zoo keeps."""
    # a path that is relative to the folder one stands in names other rows once one stands elsewhere
    folder = zoo.absolute() / DATA
    return [_task(file) for file in sorted(folder.glob("*.safetensors"))] if folder.is_dir() else []


def provide_kept(zoo: Path, *, anew: bool = False) -> None:
    """Make the tasks that a zoo keeps known in this process; those that are known already stay, unless `anew` and their rows differ."""
    for task in kept(zoo):
        before = provided(task.name)
        if before is None or (anew and before.sha256 != task.sha256):
            provide(task)


@lru_cache(maxsize=16)
def _task(file: Path) -> Task:
    try:
        with safe_open(str(file), framework="np") as held:
            told: dict[str, Any] = json.loads((held.metadata() or {})[_SAID])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{file} is missing or damaged ({error}): run the sweep again with its data, into a new folder") from error
    plain = {name: told[name] for name in ("name", "kind", "title", "source", "licence", "rows", "steps", "sha256")}
    plain["recorded"] = told.get("recorded", False)
    return Task(**plain, families=tuple(told["families"]), notes=tuple(told["notes"]), split=SplitSizes(**told["split"]), load=Kept(file))
