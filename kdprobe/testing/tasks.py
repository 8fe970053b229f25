"""The contract of a task."""

import numpy as np

from kdprobe.core.errors import ContractError, DataError
from kdprobe.core.registry import available
from kdprobe.core.task import Task
from kdprobe.tasks.splits import PARTS, split
from kdprobe.testing.requirement import require


def check_task(task: Task) -> None:
    """Raise ContractError unless a task loads the same paired rows twice and can be split.

    Where its data is not on this machine, the DataError that says so goes on to the caller, unless the task says that it is embedded.

    Checked are: families that exist; reproducible content; classes without gaps, or target values that vary; disjoint parts of at least
    the sizes asked for; no block in two parts; probe rows that do not move with the draw.

    Examples
    --------
    >>> check_task(available("tasks")["letters"])
    """
    unknown = set(task.families) - set(available("families"))
    require(task, not unknown, f"names families that do not exist: {sorted(unknown)}: take names from `kdprobe ls families`")
    try:
        data, again = task.load(), task.load()
    except DataError as error:
        if task.embedded:
            raise ContractError(f"task {task.name!r}: says that it is embedded, but does not load: {error}") from error
        raise
    same = np.array_equal(data.x, again.x) and np.array_equal(data.y, again.y) and data.sha256 == again.sha256
    require(task, same, "loading twice gives two contents: draw with a fixed seed, sort what has no order")
    if task.kind == "classification":
        require(
            task,
            data.y.ndim == 1 and data.y.dtype.kind == "i",
            f"classes have shape {data.y.shape} and dtype {data.y.dtype}: give int64 (n,)",
        )
        require(
            task,
            np.array_equal(np.unique(data.y), np.arange(data.y.max() + 1)),
            "classes are not 0..C-1 without gaps: number those that occur, in order",
        )
    else:
        require(
            task,
            data.y.ndim == 2 and bool((data.y.std(axis=0) > 0).all()),
            "targets need shape (n, c), and to vary: leave out columns that are constant",
        )
    draws = [split(task, draw=draw) for draw in range(2)]
    for parts in draws:
        ids = [getattr(parts, name).ids for name in PARTS]
        require(task, len(np.unique(np.concatenate(ids))) == sum(map(len, ids)), "a row is in two parts: give every row one block")
        for name in PARTS:
            require(
                task,
                getattr(parts, name).n >= getattr(task.split, name) * (0.9 if data.blocks is not None else 1),
                f"{name} has {getattr(parts, name).n} rows of {getattr(task.split, name)}: ask for smaller parts, or give smaller blocks",
            )
        if data.blocks is not None:
            owners = [set(getattr(parts, name).blocks.tolist()) for name in PARTS]
            require(task, len(set.union(*owners)) == sum(map(len, owners)), "a block is in two parts: give every row one block")
    for name in ("probe_a", "probe_b"):
        require(
            task,
            np.array_equal(getattr(draws[0], name).ids, getattr(draws[1], name).ids),
            f"{name} moves with the draw: give rows that do not depend on it",
        )
    require(
        task,
        not np.array_equal(draws[0].train.ids, draws[1].train.ids),
        "draws do not redraw the train rows: its parts use all rows or blocks there are, ask for smaller ones",
    )
