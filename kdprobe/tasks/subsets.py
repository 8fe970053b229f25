"""Which train rows are whose: halves of the classes for specialists, and clients whose rows are unlike each other."""

import numpy as np

from kdprobe.core.errors import PlanError
from kdprobe.core.identity import derived_seed
from kdprobe.tasks.splits import Part, Split

CLIENTS = 5
CONCENTRATION = 0.3
"""Of the Dirichlet distribution of each class over the clients: the smaller, the less alike the clients are."""
BINS = 10
"""Equal shares of the rows that a regression target is cut into, in the place of classes."""
FEWEST = 10
"""Rows of a client, at least: the shares are drawn again until each has so many."""
TRIES = 200


def belongs(part: Part, parts: Split, subset: str) -> np.ndarray:
    """Return whether each row of a part is of a subset (n,).

    "first half" and "second half" are rows of the first and of the other half of the classes, or below and above the median of the first
    target on the train rows. "client 1" to "client 5" divide the rows: of each class every client gets a share, drawn from a Dirichlet
    distribution, as in Lin et al. 2020 (arXiv:2006.07242); the classes of a regression are tenths of its first target. Shares depend on
    task and draw, and not on the seed. "" are all rows.

    Raises
    ------
    PlanError
        If there are too few rows for five clients, or none in a half.

    Examples
    --------
    >>> from kdprobe.core.registry import find
    >>> from kdprobe.tasks.splits import split
    >>> parts = split(find("tasks", "letters"))
    >>> sorted(set(parts.train.y[belongs(parts.train, parts, "first half")].tolist())) == list(range(13))
    True
    >>> sum(int(belongs(parts.train, parts, f"client {number}").sum()) for number in range(1, 6)) == parts.train.n
    True
    """
    if not subset:
        return np.ones(part.n, dtype=bool)
    if subset.startswith("client "):
        return _clients(part, parts) == int(subset.removeprefix("client ")) - 1
    classes, target = parts.kind == "classification", parts.train.y
    lower = part.y < (parts.outputs + 1) // 2 if classes else part.y[:, 0] < np.median(target[:, 0])
    found = lower if subset == "first half" else ~lower
    if not found.any():
        raise PlanError(f"task {parts.task!r}: none of {part.n} rows is of the {subset}: give more train_rows")
    return found


def of_subset(part: Part, parts: Split, subset: str) -> Part:
    """Return the rows of a part that are of a subset."""
    return part.where(belongs(part, parts, subset)) if subset else part


def _clients(part: Part, parts: Split) -> np.ndarray:
    """Number of the client of each row (n,), from 0."""
    from scipy.special import gammaincinv  # slow to import, and lists do without

    if parts.kind == "classification":
        classes = part.y
    else:
        edges = np.quantile(parts.train.y[:, 0], np.arange(1, BINS) / BINS)
        classes = np.searchsorted(edges, part.y[:, 0], side="right")
    own, counts = np.unique(classes, return_counts=True)
    for trial in range(TRIES):
        # a Dirichlet draw is gamma draws over their sum; of numpy's random streams only raw bits are the same in every version (NEP 19)
        raw = np.random.PCG64(derived_seed("clients", parts.task, parts.draw, trial)).random_raw((int(own.max()) + 1) * CLIENTS)
        uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
        gamma = np.maximum(gammaincinv(CONCENTRATION, uniform).reshape(-1, CLIENTS), 1e-12)
        ends = np.cumsum(gamma / gamma.sum(axis=1, keepdims=True), axis=1)
        found = np.empty(part.n, dtype=np.int64)
        for name, count in zip(own.tolist(), counts.tolist(), strict=True):
            rows = part.order[np.isin(part.order, np.flatnonzero(classes == name))]
            found[rows] = np.searchsorted(ends[name, :-1] * count, np.arange(count) + 0.5)
        if np.bincount(found, minlength=CLIENTS).min() >= FEWEST:
            return found
    raise PlanError(f"task {parts.task!r}: {part.n} rows are too few for {CLIENTS} clients of {FEWEST} or more: give more train_rows")
