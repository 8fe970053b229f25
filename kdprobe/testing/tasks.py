"""The contract of a task."""

import numpy as np

from kdprobe.core.errors import ContractError
from kdprobe.core.registry import available
from kdprobe.core.task import Task
from kdprobe.tasks.splits import PARTS, split


def check_task(task: Task) -> None:
    """Raise ContractError unless a task loads the same paired rows twice and can be split; its data must be on this machine.

    Checked are: families that exist; reproducible content; classes without gaps, or target values that vary; disjoint parts of at least
    the sizes asked for; no block in two parts; probe rows that do not move with the draw.

    Examples
    --------
    >>> check_task(available("tasks")["letters"])
    """
    unknown = set(task.families) - set(available("families"))
    _require(task, not unknown, f"names families that do not exist: {sorted(unknown)}")
    data, again = task.load(), task.load()
    same = np.array_equal(data.x, again.x) and np.array_equal(data.y, again.y) and data.sha256 == again.sha256
    _require(task, same, "loading twice gives two contents")
    if task.kind == "classification":
        _require(task, data.y.ndim == 1 and data.y.dtype.kind == "i", f"classes have shape {data.y.shape} and dtype {data.y.dtype}")
        _require(task, np.array_equal(np.unique(data.y), np.arange(data.y.max() + 1)), "classes are not 0..C-1 without gaps")
    else:
        _require(task, data.y.ndim == 2 and bool((data.y.std(axis=0) > 0).all()), "targets need shape (n, c), and to vary")
    draws = [split(task, draw=draw) for draw in range(2)]
    for parts in draws:
        ids = [getattr(parts, name).ids for name in PARTS]
        _require(task, len(np.unique(np.concatenate(ids))) == sum(map(len, ids)), "a row is in two parts")
        for name in PARTS:
            _require(
                task, getattr(parts, name).n >= getattr(task.split, name) * (0.9 if data.blocks is not None else 1), f"{name} is short"
            )
        if data.blocks is not None:
            owners = [set(getattr(parts, name).blocks.tolist()) for name in PARTS]
            _require(task, len(set.union(*owners)) == sum(map(len, owners)), "a block is in two parts")
    for name in ("probe_a", "probe_b"):
        _require(task, np.array_equal(getattr(draws[0], name).ids, getattr(draws[1], name).ids), f"{name} moves with the draw")
    _require(task, not np.array_equal(draws[0].train.ids, draws[1].train.ids), "draws do not redraw the train rows")


def _require(task: Task, condition: bool, text: str) -> None:
    if not condition:
        raise ContractError(f"task {task.name!r}: {text}")
