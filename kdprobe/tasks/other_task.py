"""Another task on the inputs of a task, for teachers that are good at something else."""

import numpy as np

from kdprobe.core.errors import PlanError
from kdprobe.core.identity import derived_seed
from kdprobe.tasks.splits import Split


def other_task(x: np.ndarray, parts: Split) -> np.ndarray:
    """Labels of another task on the same inputs, with as many outputs as the task's own.

    The rule is a random linear map of the inputs for each output, standardised on the train rows. The class is the largest of them. For
    regression the maps are chosen uncorrelated with the task's own target on the train rows, and are the values themselves. Every network
    can learn such a rule, and it says nothing of the task that the inputs do not say.

    Parameters
    ----------
    x
        (n, ...) inputs of a part of the split.
    parts
        The split. Its task and draw choose the rule.

    Returns
    -------
    numpy.ndarray
        (n,) int64 classes or (n, c) float64.

    Raises
    ------
    PlanError
        If a regression has no more inputs than targets: every map of the inputs is then correlated with a target.

    Examples
    --------
    >>> from kdprobe.core.registry import find
    >>> from kdprobe.tasks.splits import split
    >>> parts = split(find("tasks", "letters"))
    >>> int(np.mean(other_task(parts.probe_a.x, parts) == parts.probe_a.y) < 0.1)
    1
    """
    shape = (int(np.prod(parts.input_shape)), parts.outputs)
    # of numpy's random streams only the raw bits are the same in every version (NEP 19)
    raw = np.random.PCG64(derived_seed(parts.task, parts.draw, "other task")).random_raw(shape[0] * shape[1])
    weights = (raw / 2.0**63 - 1).reshape(shape)
    train = parts.train.x.reshape(parts.train.n, -1).astype(np.float64)
    if parts.kind == "regression":
        if shape[0] <= shape[1]:
            raise PlanError(
                f"task {parts.task!r} has {shape[0]} inputs and {shape[1]} targets: another task on these inputs needs more inputs"
            )
        shared, _ = np.linalg.qr(train.T @ (parts.train.y - parts.train.y.mean(axis=0)))
        weights -= shared @ (shared.T @ weights)
    own = train @ weights
    found = (x.reshape(len(x), -1) @ weights - own.mean(axis=0)) / own.std(axis=0)
    return found.argmax(axis=1) if parts.kind == "classification" else found
