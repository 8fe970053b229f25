"""The one process that writes a zoo."""

import fcntl
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.files import is_temporary
from kdprobe.core.result import Result
from kdprobe.training.job import Job
from kdprobe.zoo.index import Index, measurement_row
from kdprobe.zoo.shards import SHARDS, TARGETS

LOCK = "lock"
INDEX = "index.sqlite"


class Writer:
    """Write access to a zoo: creates the folder, holds its lock, reconciles files and rows.

    Raises
    ------
    PlanError
        If another process is writing to the zoo.
    DataError
        If the folder cannot be written, or holds an index of another schema version.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        try:
            for folder in (self.path / SHARDS, self.path / TARGETS):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / LOCK, "a+")  # noqa: SIM115 - held until close
        except OSError as error:
            raise DataError(f"cannot write to {self.path}: {error.strerror}: choose another folder with --out") from error
        try:
            # the kernel lets go of the lock when this process dies, however it dies
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise PlanError(
                f"another process ({holder}) is writing to {self.path}: wait until it ends, or choose another folder with --out"
            ) from error
        try:
            self._lock.truncate(0)
            self._lock.write(f"process {os.getpid()}")
            self._lock.flush()
            self.index = Index(self.path / INDEX, create=True)
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.index.close()
        self._lock.close()

    def reconcile(self) -> int:
        """Make files and rows agree after an interruption; return how many models are gone and must be trained again.

        A file that no row names is the work of a run that was killed between writing and recording it: it is removed. A row whose file
        is gone is removed with everything measured on its model.
        """
        named = {(SHARDS, row["shard"]) for row in self.index.rows("SELECT DISTINCT shard FROM models WHERE shard IS NOT NULL")}
        named |= {(TARGETS, row["model_id"]) for row in self.index.rows("SELECT model_id FROM models WHERE targets IS NOT NULL")}
        there: set[tuple[str, str]] = set()
        for folder in (SHARDS, TARGETS):
            for path in (self.path / folder).iterdir():
                if is_temporary(path) or (path.suffix == ".safetensors" and (folder, path.stem) not in named):
                    path.unlink(missing_ok=True)
                else:
                    there.add((folder, path.stem))
        for path in self.path.iterdir():
            if is_temporary(path):
                path.unlink(missing_ok=True)
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


def model_row(job: Job, **columns: Any) -> dict[str, Any]:
    """One row of the models table."""
    return {"model_id": job.id, "job": msgspec.json.encode(job).decode()} | columns
