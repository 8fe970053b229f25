"""Untaught twins, and sibling teachers, made by the user's own functions from several seeds."""

import inspect
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import index
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError, PlanError

LEAST = 3
"""Fewer twins do not show how far one untaught network lies from the next."""


def train_twins(
    build: Callable[..., Any],
    fit: Callable[..., Any],
    data: Any,
    *,
    seeds: int | Sequence[int] = 4,
    scheduler: str | None = None,
) -> list[Any]:
    """Train one model a seed with your own functions: twins for ``kdprobe.compare(twins=...)``.

    Twins are the student's network, trained as the student was but without the teacher: the same rows, steps and settings. Called with the
    functions that made the teacher it gives siblings, for ``siblings=``. With a student a seed as well, the answer is one of the recipe:
    ``kdprobe.compare(teachers=[...], students=[...], twins=[...])``.

    Parameters
    ----------
    build
        ``build()`` or ``build(seed)`` -> a new, untrained model.
    fit
        ``fit(model, data)`` or ``fit(model, data, seed)`` -> the trained model, or None where it was trained in place.
    data
        What `fit` gets, as it is: arrays, a data set, a loader. It is gone through once a seed.
    seeds
        How many (0, 1, ...), or which; three or more to be read as a spread. Leave out the student's own where its training drew nothing
        else than the twin's would. Before `build` the random generators of Python, NumPy and torch are set to the seed, and after `fit`
        they are as they were: functions that take no seed differ all the same, and give the same models again.
    scheduler
        Address of a Dask scheduler of your own, to whose workers functions, data and models are sent. None: one after the other, here.

    Returns
    -------
    list
        One trained model a seed, in the order of the seeds.

    Raises
    ------
    PlanError
        If `build` or `fit` is no function or takes other arguments, seeds are fewer than two or repeat, data can be gone through only once,
        or the scheduler cannot be reached.
    DataError
        If two seeds give one model: the same object, or the same weights.

    Notes
    -----
    Time is that of your own training, once a seed.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 2))
    >>> y = (x[:, 0] + rng.normal(size=300) > 0).astype(int)
    >>> def fit(model, data, seed):
    ...     rows = np.random.default_rng(seed).choice(len(data[0]), 100)
    ...     return model.fit(data[0][rows], data[1][rows])
    >>> twins = train_twins(LogisticRegression, fit, (x, y), seeds=3)
    >>> len(twins), twins[0].coef_.shape
    (3, (1, 2))
    """
    wanted = _seeds(seeds)
    makers = _with_seed(build, "build", 0), _with_seed(fit, "fit", 2)
    if isinstance(data, Iterator):
        raise PlanError(f"data is a {type(data).__name__}, which can be gone through once: give a list, a data set or a loader")
    here = scheduler is None
    models = [_train(*makers, data, seed) for seed in wanted] if here else _on_cluster(scheduler, makers, data, wanted)
    _check_different(models, wanted)
    return models


def _seeds(seeds: int | Sequence[int]) -> list[int]:
    try:
        wanted = list(range(seeds)) if isinstance(seeds, int) else [index(seed) for seed in seeds]
    except TypeError:
        raise PlanError(f"seeds={seeds!r}: give how many, such as 4, or a list of whole numbers") from None
    if len(wanted) < 2:
        raise PlanError(f"seeds={seeds!r}: give 2 or more, {LEAST} to see how far one twin lies from the next")
    if len(set(wanted)) < len(wanted):
        twice = next(seed for seed in wanted if wanted.count(seed) > 1)
        raise PlanError(f"seeds has {twice} twice: two twins of one seed are one network, give each seed once")
    if min(wanted) < 0 or max(wanted) >= 2**32:
        raise PlanError(f"seeds has {next(s for s in wanted if not 0 <= s < 2**32)}: give whole numbers from 0 to 2^32 - 1")
    return wanted


def _with_seed(function: Any, name: str, without: int) -> Callable[..., Any]:
    """The function with the seed as its last argument, whether it takes one or not."""
    what = "build() or build(seed)" if name == "build" else "fit(model, data) or fit(model, data, seed)"
    if not callable(function):
        raise PlanError(f"{name} is a {type(function).__name__}: give a function, {what}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # what is written in C may not say what it takes
        return lambda *arguments: function(*arguments[:without])
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in signature.parameters.values() if p.default is p.empty and p.kind in positional]
    named = any(parameter.name == "seed" and parameter.kind in positional for parameter in signature.parameters.values())
    takes = "seed" in signature.parameters if without else len(required) == 1
    if len(required) > without + 1 or (len(required) < without and not _takes(signature, without)):
        raise PlanError(f"{name} takes {len(required)} arguments: give a function, {what}")
    if len(required) == without + 1 or (named and not takes):
        return function
    if takes and len(required) == without:
        return lambda *arguments: function(*arguments[:without], seed=arguments[-1])
    return lambda *arguments: function(*arguments[:without])


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _train(build: Callable[..., Any], fit: Callable[..., Any], data: Any, seed: int) -> Any:
    with _seeded(seed):
        model = build(seed)
        trained = fit(model, data, seed)
    return model if trained is None else trained


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Random generators at a seed, and back."""
    torch = sys.modules.get("torch")
    states = random.getstate(), np.random.get_state(), None if torch is None else torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what users call may draw from it
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(states[2])


def _on_cluster(address: str, makers: tuple[Callable[..., Any], Callable[..., Any]], data: Any, seeds: Sequence[int]) -> list[Any]:
    from distributed import Client

    try:
        client = Client(address, set_as_default=False, timeout="10s")
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise PlanError(f"scheduler={address!r} cannot be reached ({error}): give the address that `dask scheduler` prints") from error
    with client:
        rows = client.scatter(data, broadcast=True, hash=False)
        found: Any = client.gather([client.submit(_train, *makers, rows, seed, pure=False) for seed in seeds])
        return list(found)


def _check_different(models: Sequence[Any], seeds: Sequence[int]) -> None:
    for place, one in enumerate(models):
        for before, other in enumerate(models[:place]):
            if one is other:
                raise DataError(f"seeds {seeds[before]} and {seeds[place]} gave one model: let build return a new one each time")
            if _same_weights(one, other):
                raise DataError(f"seeds {seeds[before]} and {seeds[place]} gave the same weights: let build and fit draw from the seed")


def _same_weights(one: Any, other: Any) -> bool:
    torch = sys.modules.get("torch")
    if torch is None or not (isinstance(one, torch.nn.Module) and isinstance(other, torch.nn.Module)):
        return False
    mine, theirs = one.state_dict(), other.state_dict()
    return bool(mine) and mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)
