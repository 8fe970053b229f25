"""What every plan of a sweep is: settings, the blocks that they cross, and a compiled grid."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import MISSING, fields, replace
from functools import cached_property, wraps
from types import MappingProxyType
from typing import Any, ClassVar, Self

import msgspec

from kdprobe.core.arguments import several, switch, whole
from kdprobe.core.axes import AXES, Axes
from kdprobe.core.errors import ContractError, PlanError
from kdprobe.core.identity import content_id
from kdprobe.core.registry import find, provide, provided
from kdprobe.core.task import SplitSizes, Task
from kdprobe.sweep.cells import Block, Cell
from kdprobe.sweep.checks import check_block, check_choices
from kdprobe.sweep.grid import Data, Grid
from kdprobe.sweep.refusals import Undefined, refuse_undefined
from kdprobe.tasks.splits import Split, split

UNCHECKED: ContextVar[bool] = ContextVar("unchecked", default=False)
"""Whether plans are made that are not asked yet whether they can be run: of a command line whose tasks are still to be read from files."""


def _unless_unchecked(check: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(check)
    def checked(plan: Any) -> None:
        if not UNCHECKED.get():
            check(plan)

    return checked


class Plan(ABC):
    """One question that a sweep asks. A kind of plan is a frozen dataclass of its settings in a file of `kdprobe.sweep.plans`.

    It needs no data and no disk, but where a kind leaves out what is undefined on a task's rows.
    """

    asks: ClassVar[str]
    """The question's name: its flag on the command line, and what the sections of a report are for."""
    question: ClassVar[str]
    """The question in plain words."""
    heading: ClassVar[str]
    """The question as the heading of a report."""
    heading_of_gains: ClassVar[str] = ""
    """The same of a sweep that measured gains alone, without likeness to teachers; "" where that is no other question."""
    small: ClassVar[Mapping[str, Any]]
    """What a quick plan has in place of defaults."""
    piloted: ClassVar[bool] = False
    """Whether a pilot on a tenth of the seeds can narrow its teacher sizes."""
    gains_alone: ClassVar[bool] = False
    """Whether it asks of gains and of no likeness to teachers, so that none is measured."""
    tasks: tuple[str, ...]
    seeds: int
    own_data: Any = MappingProxyType({})
    """Of tasks made of somebody's own rows, the content hash: other rows are another plan."""

    def __post_init__(self) -> None:
        """Keep every field in one form, and refuse what cannot be run.

        Raises
        ------
        PlanError
            If a list is no list, is empty, or holds something twice; a whole number is none; or a block cannot be run.
        """
        self.in_form()
        check_choices(self, ("tasks",))
        for block in self.crossed():
            check_block(block)

    def in_form(self) -> None:
        """Lists as tuples (they come as lists from files of settings and from notebooks), whole numbers as int."""
        given = self.tasks if isinstance(self.tasks, list | tuple) else (self.tasks,) if isinstance(self.tasks, Task) else None
        if given is not None:
            object.__setattr__(self, "tasks", tuple(provide(task) if isinstance(task, Task) else task for task in given))
            rows = {name: task.sha256 for name in self.tasks if (task := provided(name)) is not None and task.sha256}
            object.__setattr__(self, "own_data", rows | {name: self.own_data[name] for name in self.own_data if name in rows})
        for each in fields(self):  # pyright: ignore[reportArgumentType]
            value = getattr(self, each.name)
            if each.name in AXES and isinstance(self, Axes):
                object.__setattr__(self, each.name, AXES[each.name].normalised(value))
            elif isinstance(each.default, tuple):
                object.__setattr__(self, each.name, several(each.name, value))
            elif each.default is True or each.default is False:
                object.__setattr__(self, each.name, switch(each.name, value))
            elif type(each.default) is int:
                object.__setattr__(self, each.name, whole(each.name, value))

    def __init_subclass__(cls) -> None:
        if "__post_init__" in vars(cls):
            cls.__post_init__ = _unless_unchecked(cls.__post_init__)  # pyright: ignore[reportAttributeAccessIssue]
        clash = set(AXES) & set(vars(cls).get("__annotations__", {})) if issubclass(cls, Axes) else set[str]()
        if clash:
            raise ContractError(f"{cls.__name__} has a field named as the axis {min(clash)!r}, which would be lost: rename one")

    @abstractmethod
    def crossed(self) -> tuple[Block, ...]:
        """What the plan crosses, whether or not all of it is defined on the tasks' rows."""

    def blocks(self) -> tuple[Block, ...]:
        """What of `crossed` is trained."""
        return self.crossed()

    @property
    def refused(self) -> tuple[Undefined, ...]:
        """What is left out because it is undefined on a task's rows, with the reason."""
        return ()

    def check_on(self, parts: Split) -> None:
        """Raise PlanError if a distiller of the plan is undefined on the rows of one of its tasks."""
        refuse_undefined([block for block in self.crossed() if block.task == parts.task and block.draw == 0], parts)

    def quick(self) -> Self:
        """Return a smaller plan that ends within a minute or so. Only fields that still have their defaults change."""
        defaults = {
            field.name: field.default if field.default_factory is MISSING else field.default_factory()
            for field in fields(self)  # pyright: ignore[reportArgumentType]
        }
        return replace(self, **{name: value for name, value in self.small.items() if getattr(self, name) == defaults[name]})  # pyright: ignore[reportArgumentType]

    def claims(self) -> int | None:
        """How many verdicts of its kind a page gives, which are read together; None where the plan cannot tell."""
        return None

    @property
    def units(self) -> tuple[int, str]:
        """What intervals are over, and how many: seeds, or draws of labelled rows where there are several."""
        return self.seeds, "seed"

    @property
    def hash(self) -> str:
        """Content id of the plan: sealed before results."""
        # a plan without rows of one's own, or teachers of another family, has the hash that it had before there were any
        plain = msgspec.to_builtins(self, str_keys=True)
        return content_id({name: value for name, value in plain.items() if name not in ("own_data", "teacher_family") or value})

    def settings_of(self) -> dict[str, Any]:
        """Its fields by name, the axes last."""
        names = [field.name for field in fields(self)]  # pyright: ignore[reportArgumentType]
        return {name: getattr(self, name) for name in sorted(names, key=lambda name: name in AXES)}

    def sizes(self, task: str) -> SplitSizes:
        """Rows in each part of a task's split: the most that any model of the plan learns from."""
        return next(block.sizes for block in self.crossed() if block.task == task)

    def draws_of(self, task: str) -> tuple[int, ...]:
        """Draws of a task's rows that the plan needs. In a world with a law each seed has rows of its own."""
        return tuple(sorted(set[int]().union(*(block.draws() for block in self.crossed() if block.task == task))))

    def data(self) -> Data:
        """Content hash of every split that the plan needs; reads the tasks' data.

        Raises
        ------
        PlanError
            If something of the plan is undefined on them.
        DataError
            If a task's data are missing or damaged.
        """
        found: dict[tuple[str, int], str] = {}
        for name, sha256 in self.own_data.items():
            if find("tasks", name).sha256 != sha256:
                raise PlanError(f"task {name!r} was made anew of other rows since this plan: give each task a name of its own")
        for task in self.tasks:
            for draw in self.draws_of(task):
                parts = split(find("tasks", task), draw=draw, sizes=self.sizes(task))
                if draw == 0:
                    self.check_on(parts)
                found[task, draw] = parts.sha256
        return found

    def cells(self) -> tuple[Cell, ...]:
        """Every student of the plan, in a fixed order; those to tune on have seeds of their own."""
        return self._cells

    def grid(self, data: Data) -> Grid:
        """The plan's cells with their jobs, compiled once for each data."""
        key = tuple(sorted(data.items()))
        if key not in self._grids:
            self._grids[key] = Grid(self.cells(), data)
        return self._grids[key]

    @cached_property
    def _cells(self) -> tuple[Cell, ...]:
        return tuple(cell for block in self.blocks() for cell in block.cells())

    @cached_property
    def _grids(self) -> dict[tuple[Any, ...], Grid]:
        return {}

    def differences(self, other: "Plan") -> list[str]:
        """Fields in which another plan differs, in words."""
        before, after = self.settings_of(), other.settings_of()
        return [f"{name}: {value} -> {after[name]}" for name, value in before.items() if value != after[name]]

    def extends(self, other: "Plan") -> bool:
        """Whether every model of another plan belongs to this one too."""
        data = {(task, draw): task for plan in (self, other) for task in plan.tasks for draw in plan.draws_of(task)}
        same_rows = all(self.sizes(task) == other.sizes(task) for task in other.tasks if task in self.tasks)
        return same_rows and {job.id for job in other.grid(data).jobs} <= {job.id for job in self.grid(data).jobs}
