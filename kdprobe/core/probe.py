"""The contract of a probe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kdprobe.core.errors import ContractError
from kdprobe.core.result import Result
from kdprobe.core.trace import TaskKind

Invariance = Literal["rotation", "scale", "shift", "row order", "monotone"]


@dataclass(frozen=True, kw_only=True)
class KnownAnswer:
    """Input whose answer is known without this probe.

    Parameters
    ----------
    name
        What the case shows.
    make
        rng -> the arguments of ``measure``: (Trace, Trace, target), or (Panel, target) for a panel probe.
    value
        The true value; None where the probe must refuse.
    tolerance
        Largest allowed absolute error.
    """

    name: str
    make: Callable[[np.random.Generator], tuple[Any, ...]]
    value: float | None
    tolerance: float = 1e-9


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question about a student, answered from traces alone.

    Parameters
    ----------
    name
        Identifier in tables and on the command line.
    title
        What a table's column says.
    asks
        The question in plain words, one sentence.
    measure
        (student: Trace, teacher: Trace, target) -> Measurement | Refusal. With ``panel=True``: (Panel, target) -> the same.
        The target is (n,) integer classes, (n, c) regression values, or None where there are none.
    needs
        Any of "features" (a hidden layer), "target", "temperature" (fitted on validation rows).
    tasks
        Kinds of task it is defined for.
    rows
        Half of the probe rows it reads in a sweep: similarity is measured on "A", performance on "B", so that the two never share
        noise.
    cost
        "cheap" probes run on every cell, "costly" ones on request.
    better
        "higher", "lower", or "neither" where more is not better.
    likeness
        Whether it says how alike the student is to the model that it is read against: only then is what it shares with that model split
        into baseline, recipe level and teacher-specific part. Give False for anything else. By default probes of pairs are, and probes of
        panels are not. A panel that is one is asked toward siblings too, and of twins: with each in turn as its student or teacher.
    panel
        Whether it reads the student with its teacher, its twin, reference twins and siblings at once.
    unit
        Of the value; "" for a pure number.
    bounds
        Smallest and largest possible value; no interval leaves them.
    without
        (student, teacher, target) -> what the value is without each of the groups of rows that `kdprobe.measures.cka.hsic.deal` makes, and
        the rows in each, as (values (g,), sizes (g,)), for a probe of pairs that knows it at once. Intervals of differences need it; else
        the probe is asked again on the rest of the rows, twenty times.
    symmetric, invariant
        What the value does not depend on: which of the two models is the student; and maps of one model, see `Invariance`.
    truths
        Cases whose answers are known without it: three or more, unless it reads a panel.
    cites
        Where it comes from.
    """

    name: str
    title: str
    asks: str
    measure: Callable[..., Result]
    needs: tuple[Literal["features", "target", "temperature"], ...] = ()
    tasks: tuple[TaskKind, ...] = ("classification", "regression")
    rows: Literal["A", "B"] = "A"
    panel: bool = False
    cost: Literal["cheap", "costly"] = "cheap"
    better: Literal["higher", "lower", "neither"] = "neither"
    unit: str = ""
    likeness: bool | None = None
    bounds: tuple[float, float] = (-np.inf, np.inf)
    without: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None
    symmetric: bool = False
    invariant: tuple[Invariance, ...] = ()
    truths: tuple[KnownAnswer, ...]
    cites: str

    def __post_init__(self) -> None:
        if not self.truths:
            raise ContractError(f"probe {self.name!r} has no truths: give cases whose answers are known, three or more")
        if self.likeness is None:
            object.__setattr__(self, "likeness", not self.panel)

    def __call__(self, *arguments: Any) -> Result:
        """Measure."""
        return self.measure(*arguments)

    def applies_to(self, kind: TaskKind) -> bool:
        """Whether the probe is defined for this kind of task."""
        return kind in self.tasks
