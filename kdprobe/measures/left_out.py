"""Values without each group of rows in turn, where they follow from numbers of each row: measuring anew would give little else."""

from typing import NamedTuple

import numpy as np

from kdprobe.core.trace import Trace
from kdprobe.measures.cka.hsic import deal
from kdprobe.measures.traces import blocks


class LeftOut(NamedTuple):
    """What `kdprobe.core.probe.Probe.without` gives."""

    values: np.ndarray
    """(g,) without each group."""
    sizes: np.ndarray
    """(g,) rows in each group."""


def mean_without(rows: np.ndarray, trace: Trace) -> LeftOut:
    """The mean of numbers of each row (n,) of a trace without each group that its rows are dealt into.

    Examples
    --------
    >>> trace = Trace.from_raw("regression", np.zeros(40))
    >>> found = mean_without(np.arange(40.0), trace)
    >>> len(found.values), float(found.values[0]), int(found.sizes[0])
    (20, 20.0, 2)
    """
    groups = deal(trace.n, blocks(trace))
    sizes = np.bincount(groups)
    return LeftOut((rows.sum() - np.bincount(groups, weights=rows)) / (trace.n - sizes), sizes)
