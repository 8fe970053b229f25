"""The folder of a zoo: the names of what a sweep writes there, and the refusal of a folder that holds anything else.

A sweep writes into, replaces in and removes from this folder. So everything in it must be known to be its own before anything is changed.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.files import is_temporary, special
from kdprobe.core.pages import is_page, is_runs
from kdprobe.tasks.own.keep import DATA
from kdprobe.zoo.shards import HASH, SHARDS, TARGETS

INDEX, LOCK, PLAN, PILOT, BEFORE = "index.sqlite", "lock", "plan.json", "pilot", "index.sqlite.before"
"""Names in the folder: the index, the writer's lock, the sealed plan, the pilot's own zoo, and the index that a rebuild has replaced."""
_BESIDE = tuple(f"{INDEX}-{part}" for part in ("journal", "wal", "shm"))
_HOLDER = re.compile(rb"(process \d+)?")
# what zoos of format 2 left behind when they were killed: told from others by the name that was to be written, and left alone
_OLDER = re.compile(r"\.(report\.html|runs\.csv|[0-9a-f]{64}\.safetensors)\.[a-z0-9_]{8}\.tmp")


def check_folder(path: Path, *, rebuilds: bool = False) -> None:
    """Refuse a folder into which a zoo must not be written. Looks at names and at the first bytes of files; changes nothing.

    Parameters
    ----------
    path
        The folder; it need not be there.
    rebuilds
        Whether the index may be missing where there are models.

    Raises
    ------
    PlanError
        If it is no folder, or holds something that kdprobe did not write: the text gives the first name.
    DataError
        If it holds models and no index.
    """
    if not path.is_dir():
        if path.exists() or path.is_symlink():
            raise PlanError(f"{path} is {special(path) or 'a file'}: give the path of a folder with --out")
        return
    try:
        stranger = next(strangers(path), None)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}: choose another folder with --out") from error
    if stranger is not None:
        shown = stranger.replace("\n", "\\n")  # a name of several lines could say anything in ours
        raise PlanError(f"{path} holds {shown}, which kdprobe did not write: choose a new or empty folder with --out, or move it elsewhere")
    if not rebuilds and not _holds(path / INDEX) and any(_holds(file) for folder in (SHARDS, TARGETS) for file in _listed(path / folder)):
        raise DataError(
            f"{path} holds models, and its {INDEX} is {'empty' if (path / INDEX).exists() else 'missing'}: put it back from a copy, "
            f"or run `kdprobe zoo rebuild {path}`, which reads it back from the models, or choose another folder with --out"
        )


def strangers(path: Path) -> Iterator[str]:
    """Names in a zoo's folder that kdprobe did not write, in order, with the reason where a name is right and what stands there is not."""
    for entry in _listed(path):
        name, kind = entry.name, special(entry)
        if name in (SHARDS, TARGETS, DATA, PILOT):
            if kind != "a folder":
                yield f"{name} ({kind or 'a file'})"
            elif name == PILOT:
                yield from (f"{PILOT}/{inner}" for inner in strangers(entry))
            else:
                yield from (f"{name}/{inner.name}" for inner in _listed(entry) if not _is_tensors(inner))
        elif kind:
            yield f"{name} ({kind})"
        elif not _is_own(entry):
            yield name


def _is_own(file: Path) -> bool:
    """Whether a regular file in the folder is one of ours; the index says for itself, when it is opened, whether it is one."""
    if file.name in (INDEX, *_BESIDE, BEFORE, PLAN):
        return True
    if file.name == LOCK:
        return file.stat().st_size < 100 and _HOLDER.fullmatch(file.read_bytes()) is not None
    if is_temporary(file) or _OLDER.fullmatch(file.name):
        return True
    return (file.suffix == ".html" and is_page(file)) or (file.suffix == ".csv" and is_runs(file))


def _is_tensors(file: Path) -> bool:
    named = file.suffix == ".safetensors" and HASH.fullmatch(file.stem) is not None
    return not special(file) and (named or is_temporary(file) or _OLDER.fullmatch(file.name) is not None)


def _holds(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0 and not is_temporary(file)


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def make_folders(path: Path) -> list[Path]:
    """Make the folder with its parents and those for tensors; return those that were not there, the outermost first."""
    wanted = [*reversed(path.absolute().parents), path, path / SHARDS, path / TARGETS]
    made = []
    try:
        for folder in wanted:
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                made.append(folder)
    except OSError as error:
        remove_folders(made)
        why = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise DataError(f"cannot write to {path}: {why}: choose another folder with --out") from error
    return made


def remove_folders(made: list[Path]) -> None:
    """Remove folders that are empty, the innermost first."""
    for folder in reversed(made):
        with suppress(OSError):
            os.rmdir(folder)
