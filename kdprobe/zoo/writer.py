"""The one process that writes a zoo."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.files import is_temporary, read_regular, write_atomically
from kdprobe.core.result import Measurement, Result
from kdprobe.training.job import Job
from kdprobe.zoo.folder import INDEX, LOCK, PLAN, check_folder, make_folders, remove_folders
from kdprobe.zoo.index import Index
from kdprobe.zoo.shards import HASH, SHARDS, TARGETS, read_header
from kdprobe.zoo.soundness import require_sound

SEALED = ("asks", "plan", "plan_hash", "deviations", "splits", "predicted")
"""Entries that `PLAN` repeats, so that a zoo that lost its index is still one of this plan."""


class Writer:
    """Write access to a zoo: checks that the folder is its own, creates it, holds its lock, reconciles files and rows.

    Nothing is created or changed before the folder was found to hold only what kdprobe wrote, and an index that is what was written. Where
    a run is refused after all, and has kept nothing, what it made is removed again.

    Raises
    ------
    PlanError
        If another process is writing to the zoo, or the folder holds what kdprobe did not write.
    DataError
        If the folder cannot be written, or its index is missing beside models, damaged, or of another format.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        check_folder(self.path)
        self._made = make_folders(self.path)
        try:
            self._lock = open_lock(self.path)
        except BaseException:
            remove_folders(self._made)
            raise
        self._fresh = not (self.path / INDEX).exists() or (self.path / INDEX).stat().st_size == 0
        try:
            self.index = Index(self.path / INDEX, create=True)
        except BaseException:
            self._undo()
            raise
        try:
            require_sound(self.index)
            self._strays = [] if self._fresh else _strays(self.path, self.index)
            self.index.upgrade()
        except BaseException:
            self.index.close()
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        kept = True
        with suppress(DataError):
            kept = bool(self.index.rows("SELECT 1 FROM models UNION ALL SELECT 1 FROM units LIMIT 1"))
        self.index.close()
        # an interrupted run may have workers that still write
        if isinstance(error, PlanError | DataError) and not kept:
            self._undo()
        self._lock.close()

    def _undo(self) -> None:
        """Remove what this run made, where it has kept nothing: a refused sweep leaves no folder behind."""
        if self._fresh and not any(any((self.path / folder).iterdir()) for folder in (SHARDS, TARGETS)):
            for name in (INDEX, f"{INDEX}-journal", PLAN, LOCK):
                (self.path / name).unlink(missing_ok=True)
            remove_folders(
                [*self._made, self.path / SHARDS, self.path / TARGETS] if self._made else [self.path / SHARDS, self.path / TARGETS]
            )
        self._lock.close()

    def seal_plan(self, entries: Mapping[str, Any]) -> None:
        """Store what the results are asked for, in the index and beside it."""
        with self.index.transaction():
            for key, value in entries.items():
                self.index.set_meta(key, value)
        content = json.dumps({key: self.index.meta(key) for key in SEALED}, indent=1, sort_keys=True)
        write_atomically(self.path / PLAN, content.encode())

    def reconcile(self) -> int:
        """Make files and rows agree after an interruption; return how many models are gone and must be trained again.

        A file of tensors that no row names is the work of a run that was killed between writing and recording it: it is removed, if its
        content proves that it is ours. A row whose file is gone is removed with everything measured on its model.
        """
        for path in (*self._strays, *(path for folder in (".", SHARDS, TARGETS) for path in (self.path / folder).iterdir())):
            if path in self._strays or is_temporary(path):
                path.unlink(missing_ok=True)
        there = {(folder, path.stem) for folder in (SHARDS, TARGETS) for path in (self.path / folder).glob("*.safetensors")}
        rows = self.index.rows("SELECT model_id, shard, targets FROM models WHERE status = 'done'")
        with self.index.transaction():
            # what failed is tried again
            self.index.delete("units", "status", ["failed"])
            self.index.delete("models", "status", ["failed"])
        gone = [
            row["model_id"]
            for row in rows
            if (SHARDS, row["shard"]) not in there or (row["targets"] is not None and (TARGETS, row["model_id"]) not in there)
        ]
        if gone:
            self.forget(gone)
        return len(gone)

    def forget(self, model_ids: Iterable[str]) -> None:
        """Remove models and everything that was measured on them or against them."""
        gone = set(model_ids)
        needs = {
            # a student without its teacher or twin cannot be read
            row["model_id"]: {job.teacher, row["twin_id"], *job.needs}
            for row in self.index.rows("SELECT model_id, job, twin_id FROM models")
            for job in [msgspec.json.decode(row["job"], type=Job)]
        }
        # teachers may have had teachers
        while lost := {model for model, needed in needs.items() if needed & gone} - gone:
            gone |= lost
        with self.index.transaction():
            for table in ("measurements", "scores", "models"):
                self.index.delete(table, "model_id", gone)
            # every measured cell reads many models: which ones is cheaper to measure anew than to track
            self.index.delete("units", "status", ["done", "failed"])

    def record_models(self, rows: Iterable[Mapping[str, Any]], scores: Iterable[Mapping[str, Any]]) -> None:
        """Record trained or failed models with their scores: all of them or none."""
        with self.index.transaction():
            self.index.insert("models", rows)
            self.index.insert("scores", scores)

    def record_measurements(self, results: Iterable[tuple[str, str, str, Result]]) -> None:
        """Record (model id, probe, comparison, result): all of them or none."""
        with self.index.transaction():
            self.index.insert("measurements", [measurement_row(*result) for result in results])

    def record_unit(self, unit: Mapping[str, Any], results: Iterable[tuple[str, str, str, Result]] = ()) -> None:
        """Record a unit of work that is finished, or has failed, with its measurements: all or nothing."""
        with self.index.transaction():
            self.index.insert("measurements", [measurement_row(*result) for result in results])
            self.index.insert("units", [unit])


def open_lock(path: Path) -> Any:
    """Hold the lock of a zoo until what is returned is closed; the kernel lets go of it when this process dies, however it dies.

    Raises
    ------
    PlanError
        If another process holds it.
    """
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise DataError(f"cannot write to {path}: {error.strerror}: choose another folder with --out") from error
    lock = os.fdopen(descriptor, "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not (path / LOCK).exists() or not os.path.samestat(os.stat(path / LOCK), os.fstat(descriptor)):
            raise BlockingIOError  # whoever held it has just removed the folder
    except BlockingIOError as error:
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise PlanError(
            f"another process ({holder}) is writing to {path}: wait until it ends, or choose another folder with --out"
        ) from error
    lock.truncate(0)
    lock.write(f"process {os.getpid()}")
    lock.flush()
    return lock


def _strays(path: Path, index: Index) -> list[Path]:
    """Files of tensors that no row names and that are provably ours; raises PlanError for one that is not."""
    named = {(SHARDS, row["shard"]) for row in index.rows("SELECT DISTINCT shard FROM models WHERE shard IS NOT NULL")}
    named |= {(TARGETS, row["model_id"]) for row in index.rows("SELECT model_id FROM models WHERE targets IS NOT NULL")}
    found = []
    for folder in (SHARDS, TARGETS):
        for file in sorted((path / folder).glob("*.safetensors")):
            if (folder, file.stem) not in named:
                if not _is_ours(folder, file):
                    raise PlanError(
                        f"{path} holds {folder}/{file.name}, which is in no row and whose content does not show that kdprobe wrote it: "
                        "move it elsewhere"
                    )
                found.append(file)
    return found


def _is_ours(folder: str, file: Path) -> bool:
    """A shard is named by its own hash; targets hold ids and outputs, and nothing else."""
    try:
        content = read_regular(file)
        header = read_header(content)
    except (OSError, DataError):
        return False
    if folder == SHARDS:
        return HASH.fullmatch(file.stem) is not None and hashlib.sha256(content).hexdigest() == file.stem
    return header.keys() - {"__metadata__"} == {"ids", "outputs"}


def model_row(job: Job, **columns: Any) -> dict[str, Any]:
    """One row of the models table."""
    return {"model_id": job.id, "job": msgspec.json.encode(job).decode()} | columns


def measurement_row(model_id: str, probe: str, comparison: str, result: Result) -> dict[str, Any]:
    """One row of the measurements table."""
    row: dict[str, Any] = {"model_id": model_id, "probe": probe, "comparison": comparison}
    if isinstance(result, Measurement):
        return row | {
            **{"value": result.value, "low": result.low, "high": result.high, "n": result.n},
            **{"unit": result.unit, "status": result.status, "reason": " ".join(result.notes)},
        }
    reason = result.reason + (f" ({result.advice})" if result.advice else "")
    return row | {"value": None, "low": None, "high": None, "n": None, "unit": "", "status": "refused", "reason": reason}
