"""How data of one's own is spelt on the command line."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from kdprobe.cli._tables import Flag
from kdprobe.core.errors import PlanError
from kdprobe.core.words import visible

OWN = Group("Your own data: --data my.csv --target price")
Names = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)]


@Parameter(name="*", group=OWN)
@dataclass(frozen=True, kw_only=True)
class OwnData:
    """Data of one's own.

    Parameters
    ----------
    data
        A file, several, or a folder of files: CSV, .npz, and Parquet or Arrow where pyarrow is installed; or a folder of images whose
        folders are the classes.
    target
        Column to learn; in .npz files, the array. Folders of images have none.
    kind
        classification or regression; by default words and up to 20 different whole numbers are classes.
    group
        Column of rows that belong together: they stay in one part.
    ignore
        Columns that are no inputs.
    drop_missing
        Leave rows out that lack a value.
    impute
        Fill numbers with the column's median and say so in a column; a missing category is one of its own.
    delimiter
        What stands between values, where it is no comma.
    decimal
        What stands before decimals: "." or ",".
    image_size
        Pixels a side that images are scaled to, where they differ in size.
    """

    data: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative=(), show_default=False)] = ()
    target: str | None = None
    kind: str | None = None
    group: str | None = None
    ignore: Names = ()
    drop_missing: Flag = False
    impute: Flag = False
    delimiter: str | None = None
    decimal: str = "."
    image_size: int | None = None

    def how(self) -> dict[str, Any]:
        """Settings of reading, as `from_files` takes them."""
        names = ("kind", "group", "ignore", "drop_missing", "impute", "delimiter", "decimal", "image_size")
        return {name: getattr(self, name) for name in names}

    def checked(self) -> str | None:
        """The target, None of a folder of images, or PlanError where other data has none, or there is no data for what is said of it."""
        if not self.data:
            raise PlanError("give the data too, as in --data my.csv --target price")
        from kdprobe.tasks.own.images import is_image_folder

        if self.target is None and not is_image_folder(self.data[0]):
            raise PlanError(f"--data {self.data[0]}: say which column is to be learnt, as in --target price")
        return self.target

    @property
    def given(self) -> bool:
        """Whether anything is said."""
        return self != OwnData()

    def command(self) -> str:
        """As it was given, with the last part of each path: pages name no folder."""
        import shlex

        said = ["--data", *(shlex.quote(path.name or str(path)) for path in self.data)]
        said += [] if self.target is None else ["--target", shlex.quote(self.target)]
        for name, value in self.how().items():
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                said.append(flag)
            elif value not in (None, (), False) and (name, value) != ("decimal", "."):
                said += [flag, *map(shlex.quote, [value] if isinstance(value, str) else [str(value)] if isinstance(value, int) else value)]
        return " ".join(said)


def checked_plan(plan: Any, own: OwnData | None) -> tuple[Any, str]:
    """The plan, on one's own data where these are given, asked whether it can be run; and how the data are named on the command line."""
    from dataclasses import replace

    from kdprobe.sweep.plan import UNCHECKED

    unchecked = UNCHECKED.get()
    UNCHECKED.set(False)
    if own is not None and own.given:
        return own_plan(plan, own), f" {own.command()}"
    return replace(plan) if unchecked else plan, ""


def own_plan(plan: Any, own: OwnData) -> Any:
    """The plan on one's own data; what was done to the rows is said on standard error."""
    from dataclasses import replace

    target = own.checked()
    if plan.tasks != type(plan)().tasks:
        raise PlanError(f"--task {','.join(plan.tasks)} beside --data: give one of them")
    from kdprobe.sweep.own import with_steps
    from kdprobe.tasks.own.make import from_files

    steps = plan.steps if isinstance(getattr(plan, "steps", None), int) else None
    made = from_files(own.data, target, steps=steps, **own.how())
    # what cannot be run is refused before networks are trained to choose steps by
    replace(plan, tasks=(made.task,))
    made = with_steps(made, steps)
    tell(made.said, made.warnings, sys.stderr)
    return replace(plan, tasks=(made.task,))


def tell(said: Any, warnings: Any, stream: Any) -> None:
    """Print what was done, and what should be looked at."""
    for text in said:
        print(visible(text), file=stream)
    for text in warnings:
        print(visible(f"look at this: {text}"), file=stream)
