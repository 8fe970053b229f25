"""The contract of a theorem: what it assumes, what it predicts, a simulation that can disagree with it, and answers known beforehand."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kdprobe.theory.sample import Sample

World = Mapping[str, Any]
"""One setting of a theorem: the keyword arguments that its `predict` and `simulate` take."""


class Check(NamedTuple):
    """What data say of one assumption."""

    holds: bool
    found: str
    """The number behind it, in words that complete "this data: ..."."""


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """One thing that a theorem takes for granted.

    Parameters
    ----------
    name
        Short: "straight lines".
    says
        One sentence.
    check
        Sample -> Check; None where no data can tell (what is done with it, not what it is).
    """

    name: str
    says: str
    check: Callable[[Sample], Check] | None = None


@dataclass(frozen=True, kw_only=True)
class Truth:
    """An answer that was known before the code: from a paper, by hand, or by a separate script.

    Parameters
    ----------
    compute
        () -> what the code says.
    value
        What it must say.
    tolerance
        Absolute.
    """

    name: str
    compute: Callable[[], float]
    value: float
    tolerance: float = 1e-9


@dataclass(frozen=True, kw_only=True)
class Theorem:
    """One result on distillation in closed form.

    Parameters
    ----------
    name
        As in `theorems`.
    title
        What it is about, in a few words.
    statement
        What it says, in one or two sentences.
    assumptions
        What it takes for granted, each with a check on data where data can tell.
    predict
        World -> quantities by name.
    simulate
        (world, draws, rng) -> draws (draws,) of the same quantities, made by fitting what the theorem speaks of and by nothing of its
        algebra. The mean of the draws is what is predicted; where the theorem is about every data set, not about the average one, all
        draws are.
    worlds
        Settings on which the tests compare the two.
    truths
        Known answers.
    cites
        Where it is proved.
    """

    name: str
    title: str
    statement: str
    assumptions: tuple[Assumption, ...]
    predict: Callable[[World], Mapping[str, float]]
    simulate: Callable[[World, int, np.random.Generator], Mapping[str, np.ndarray]]
    worlds: tuple[World, ...]
    truths: tuple[Truth, ...]
    cites: str


class Applies(NamedTuple):
    """Whether a theorem speaks of some data."""

    theorem: Theorem
    applicable: bool
    failed: tuple[str, ...]
    """Of each assumption that fails: its name and what was found."""
    checked: tuple[tuple[str, Check], ...]
    unchecked: tuple[str, ...]
    """Sentences of what no data can tell."""


def applies(theorem: Theorem, sample: Sample, *, known: dict[str, Check] | None = None) -> Applies:
    """Check every assumption of a theorem that data can speak of; what is `known` of these data is not checked again.

    Examples
    --------
    >>> from kdprobe.theory.sample import read_sample
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 4))
    >>> found = applies(theorems()["nested_ols"], read_sample(x, x.sum(axis=1) + rng.normal(size=200), unlabelled=100))
    >>> found.applicable
    True
    """
    known = {} if known is None else known
    for one in theorem.assumptions:
        if one.check is not None and one.name not in known:
            holds, found = one.check(sample)
            known[one.name] = Check(bool(holds), found)
    checked = tuple((one.name, known[one.name]) for one in theorem.assumptions if one.check is not None)
    failed = tuple(f"{name}: {check.found}" for name, check in checked if not check.holds)
    return Applies(theorem, not failed, failed, checked, tuple(one.says for one in theorem.assumptions if one.check is None))


def theorems() -> dict[str, Theorem]:
    """Return every theorem of the room by name, sorted: each file of it that holds a `Theorem` value.

    Examples
    --------
    >>> "nested_ols" in theorems()
    True
    """
    package = importlib.import_module("kdprobe.theory")
    found: dict[str, Theorem] = {}
    for info in pkgutil.iter_modules(package.__path__):
        for value in vars(importlib.import_module(f"kdprobe.theory.{info.name}")).values():
            if isinstance(value, Theorem):
                found[value.name] = value
    return dict(sorted(found.items()))
