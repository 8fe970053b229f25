"""Tasks of one's own rows, with as many optimiser steps as suit them: what `kdprobe sweep --data` and a plan in Python take."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from kdprobe.core.axes import AXES
from kdprobe.core.recipe import Family
from kdprobe.core.registry import find, provide
from kdprobe.core.task import Task
from kdprobe.sweep.executors.in_process import one_thread
from kdprobe.sweep.problems import problem_of
from kdprobe.tasks.own.make import Own, from_arrays, from_files, from_frame
from kdprobe.tasks.splits import split
from kdprobe.training.engines import train
from kdprobe.training.job import TUNING_SEEDS, Job

STEPS = (75, 150, 300, 600, 1200, 2400)
WIDTHS = (8, 32, 256)
"""Of the untaught networks that steps are chosen by, as for the tasks that come with kdprobe."""
SEEDS = 2
PATIENCE = 2
"""More steps are not tried after so many that were worse than the best."""


def task_from_frame(
    frame: Any, *, target: str, kind: str | None = None, group: str | None = None, ignore: Sequence[str] = (), drop_missing: bool = False,
    impute: bool = False, name: str = "frame", steps: int | None = None,
) -> Task:  # fmt: skip
    """Return a task of a pandas DataFrame, which plans take: ``GapPlan(tasks=(task,))``.

    What was done to the rows is in its ``notes``. Rows are split by a rule of their number alone: 20 % each for the two probe halves,
    10 % for validation, 22.5 % for training, 27.5 % for transfer, up to 5,000, 5,000, 5,000, 10,000 and 20,000. Copies of a row, and rows
    of one group, stay in one part.

    Parameters
    ----------
    frame
        (n, d + 1), 100 rows or more; also of polars, an Arrow table, or a data set of Hugging Face, with a column of images or without.
        Numbers are taken as they are, words become one-hot categories.
    target
        Column to learn.
    kind
        "classification" or "regression"; by default words and up to 20 different whole numbers are classes.
    group
        Column of rows that belong together; it is no input.
    ignore
        Columns that are no inputs.
    drop_missing, impute
        What becomes of rows that lack a value: they are left out, or numbers get the column's median and a column that says so, and a
        missing category is one of its own. By default they are refused.
    name
        Of the task.
    steps
        Optimiser steps of every model; None chooses them: see Notes.

    Raises
    ------
    DataError
        If rows or columns cannot be used as they are: the text says what to do.
    PlanError
        If the name is that of a task of kdprobe, or an option is none.

    Notes
    -----
    Of 75, 150, 300, ... 2,400 steps, those are taken after which untaught networks of widths 8, 32 and 256 have the least mean loss on
    validation rows (2 seeds that are in no result). Costs some seconds.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"size": rng.normal(size=200), "town": rng.choice(["Ulm", "Köln"], size=200)})
    >>> frame["price"] = frame["size"] ** 2 + (frame["town"] == "Ulm")
    >>> task = task_from_frame(frame, target="price", steps=100)
    >>> task.kind, task.split.train, task.notes[0]
    ('regression', 45, "'price' is the target: regression (numbers; --kind classification overrules it).")
    """
    made = from_frame(
        frame, target, kind=kind, group=group, ignore=ignore, drop_missing=drop_missing, impute=impute, name=name, steps=steps
    )
    return with_steps(made, steps).task


def task_from_arrays(
    x: Any, y: Any, *, kind: str | None = None, groups: Any = None, columns: Iterable[str] | None = None, name: str = "arrays",
    steps: int | None = None,
) -> Task:  # fmt: skip
    """Return a task of arrays, which plans take; see `task_from_frame`.

    Parameters
    ----------
    x
        (n, d) numbers, (n, time, channels) sequences or (n, channels, height, width) images.
    y
        (n,) classes or values, or (n, c) values.
    groups
        (n,) labels of rows that belong together.
    columns
        Names of the d columns.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 4))
    >>> task_from_arrays(x, x[:, 0] > 0, steps=100).kind
    'classification'
    """
    return with_steps(from_arrays(x, y, kind=kind, groups=groups, columns=columns, name=name, steps=steps), steps).task


def task_of_files(paths: Sequence[str | os.PathLike[str]], target: str | None, *, steps: int | None = None, **how: Any) -> Own:
    """The task of files, as the command line makes it, with steps chosen; see `kdprobe.tasks.own.make.from_files`."""
    return with_steps(from_files(paths, target, steps=steps, **how), steps)


def with_steps(made: Own, steps: int | None) -> Own:
    """Choose the steps of a task where nobody said them."""
    if steps is not None:
        provide(made.task)
        return made
    losses = losses_by_steps(made.task)
    means = {count: sum(of_width.values()) / len(of_width) for count, of_width in losses.items()}
    best = min(means, key=lambda count: means[count])
    tried = ", ".join(f"{count}: {mean:.3f}" for count, mean in means.items())
    said = [
        f"{best:,} steps: of those tried, what gave untaught networks of widths {', '.join(map(str, WIDTHS))} the least mean loss on "
        f"validation rows ({tried})."
    ]
    widest, narrow = WIDTHS[-1], min(losses[best], key=lambda width: losses[best][width])
    warnings = list(made.warnings)
    if narrow != widest and losses[best][widest] > 1.05 * losses[best][narrow]:
        warnings.append(
            f"The widest network does worse on validation rows ({losses[best][widest]:.3f}) than width {narrow} "
            f"({losses[best][narrow]:.3f}): large teachers learn these rows by heart. --teacher-patience 3 keeps their best weights, "
            "--teacher-weight-decay 0.1 holds them back, more --train-rows help most."
        )
    task = replace(made.task, steps=best, notes=(*made.task.notes, *said, *warnings[len(made.warnings) :]))
    provide(task)
    return Own(task, (*made.said, *said), tuple(warnings))


def losses_by_steps(task: Task) -> dict[int, dict[int, float]]:
    """Mean validation loss of untaught networks, by steps and width."""
    provide(task)
    parts, family = split(task), "mlp"
    found: dict[int, dict[int, float]] = {}
    least, worse = float("inf"), 0
    options: Family = find("families", family)
    with one_thread():
        for steps in STEPS:
            found[steps] = {}
            for width in WIDTHS:
                jobs = [
                    Job(
                        role="twin", task=task.name, data=parts.sha256, draw=0, family=family, width=width, options=dict(options.options),
                        seed=TUNING_SEEDS + seed, steps=steps, batch_size=64, learning_rate=float(AXES["learning_rate"].default or 0.0),
                        weight_decay=1e-4,
                    )
                    for seed in range(SEEDS)
                ]  # fmt: skip
                trained = train(jobs, problem_of(Path(), jobs, task, parts, {}, torch.device("cpu")), "auto")
                loss = float(trained.history["validation_loss"][:, -1].double().mean())
                found[steps][width] = loss if loss == loss else float("inf")
            mean = sum(found[steps].values()) / len(WIDTHS)
            least, worse = (mean, 0) if mean < least else (least, worse + 1)
            if worse >= PATIENCE:
                break
    return found
