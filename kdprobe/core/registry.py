"""Finds every probe, distiller, task, family, scheme and section: in the package and in installed plug-ins.

A new one is one new file. Nothing is registered by hand: the modules of a room are imported, and the frozen values of the room's type that
they define are what there is. Installed packages join in through entry points of the group ``kdprobe.<kind>``.
"""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from kdprobe.core.errors import ContractError, PlanError, did_you_mean
from kdprobe.core.probe import Probe
from kdprobe.core.recipe import Distiller, Family
from kdprobe.core.scheme import Scheme
from kdprobe.core.section import Section
from kdprobe.core.task import Task

KINDS: dict[str, tuple[str, type]] = {
    "tasks": ("kdprobe.tasks", Task),
    "families": ("kdprobe.families", Family),
    "distillers": ("kdprobe.distillers", Distiller),
    "schemes": ("kdprobe.schemes", Scheme),
    "probes": ("kdprobe.probes", Probe),
    "sections": ("kdprobe.report.sections", Section),
}


def available(kind: str) -> dict[str, Any]:
    """Return everything of one kind by name, sorted: the package's own and that of installed plug-ins.

    Parameters
    ----------
    kind
        "tasks", "families", "distillers", "schemes", "probes" or "sections".

    Raises
    ------
    PlanError
        If there is no such kind.
    ContractError
        If two things share a name, or an entry point does not give a thing of its kind.

    Examples
    --------
    >>> "letters" in available("tasks")
    True
    """
    if kind not in KINDS:
        raise PlanError(f"kind={kind!r} is unknown: {did_you_mean(kind, KINDS)}")
    return dict(_available(kind))


def find(kind: str, name: str) -> Any:
    """Return the one thing of a kind with this name, or raise PlanError that names near ones."""
    if kind == "tasks" and name in _PROVIDED:
        return _PROVIDED[name]
    options = available(kind)
    if name not in options:
        singular = {"families": "family"}.get(kind, kind[:-1])
        raise PlanError(f"{singular} {name!r} is unknown: {did_you_mean(name, options)}")
    return options[name]


def provide(task: Task) -> str:
    """Make a task that is in no file known by its name in this process, in place of what was provided under that name; return the name.

    Raises
    ------
    PlanError
        If the package or a plug-in has a task of that name.
    """
    there = _available("tasks").get(task.name)
    if there is not None and there is not task:
        raise PlanError(f"a task of kdprobe is named {task.name!r}: give your own another name")
    if there is None:
        _PROVIDED[task.name] = task
    return task.name


def provided(name: str) -> Task | None:
    """The task that was provided under a name."""
    return _PROVIDED.get(name)


_PROVIDED: dict[str, Task] = {}


@cache
def _available(kind: str) -> dict[str, Any]:
    room, type_ = KINDS[kind]
    found: dict[str, tuple[Any, str]] = {}

    def add(thing: Any, origin: str) -> None:
        if thing.name in found and found[thing.name][0] is not thing:
            raise ContractError(f"two {kind} are named {thing.name!r}: {found[thing.name][1]} and {origin}: rename one")
        found.setdefault(thing.name, (thing, origin))

    for module in _modules(room):
        for value in vars(module).values():
            if isinstance(value, type_):
                add(value, module.__name__)
    for point in entry_points(group=f"kdprobe.{kind}"):
        try:
            thing = point.load()
        except Exception as error:
            text = f"entry point {point.name!r} = {point.value} cannot be loaded ({type(error).__name__}: {error})"
            raise ContractError(f"{text}: mend or uninstall the package that brings it") from error
        for value in [v for v in vars(thing).values() if isinstance(v, type_)] if isinstance(thing, ModuleType) else [thing]:
            if not isinstance(value, type_):
                raise ContractError(f"entry point {point.name!r} = {point.value} gives a {type(value).__name__}, not a {type_.__name__}")
            add(value, f"entry point {point.value}")
    return {name: found[name][0] for name in sorted(found)}


def _modules(room: str) -> list[ModuleType]:
    package = importlib.import_module(room)
    # private modules hold what several things of the room share
    names = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")]
    return [importlib.import_module(f"{room}.{name}") for name in sorted(names)]
