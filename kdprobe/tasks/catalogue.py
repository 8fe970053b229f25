"""What data there is, and getting it: what ``kdprobe data ls`` and ``kdprobe data fetch`` say and do."""

from dataclasses import dataclass
from pathlib import Path

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import available, find
from kdprobe.core.trace import TaskKind


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One task as a row of a listing. `folder` is where its files lie, None where they are missing or the task needs none."""

    name: str
    kind: TaskKind
    title: str
    rows: int | None
    source: str
    licence: str
    here: bool
    folder: Path | None


def catalogue() -> list[Entry]:
    """Return every task with whether its files are on this machine, by name.

    Files are looked for, not read: a changed file shows up when it is loaded.

    Examples
    --------
    >>> [entry.here for entry in catalogue() if entry.name in ("letters", "bikeshare")]
    [True, True]
    """
    entries = []
    for task in available("tasks").values():
        here, folder = True, None
        if task.files is not None:
            try:
                folder = next(iter(task.files.find().values())).parent
            except DataError:
                here = False
        entries.append(
            Entry(
                name=task.name,
                kind=task.kind,
                title=task.title,
                rows=task.rows,
                source=task.source,
                licence=task.licence,
                here=here,
                folder=folder,
            )
        )
    return entries


def fetch(name: str) -> Path:
    """Return the folder of a task's files, downloaded and verified if need be.

    Raises
    ------
    PlanError
        If there is no such task, or it has no files.
    DataError
        If a file that is here has another hash, or the download failed; the text names the other ways to get it.
    """
    task = find("tasks", name)
    if task.files is None:
        raise PlanError(f"task {name!r} reads no files: there is nothing to fetch")
    return task.files.fetch()
