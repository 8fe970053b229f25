"""The index of a zoo: one SQLite file, written by one process, in whole transactions."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kdprobe.core.errors import DataError
from kdprobe.core.result import Measurement, Result

SCHEMA_VERSION = 2

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE models (
    model_id TEXT PRIMARY KEY, job TEXT NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL, flops INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'failed')), reason TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL, engine TEXT NOT NULL,
    shard TEXT, slot INTEGER, targets TEXT, twin_id TEXT,
    CHECK ((status = 'done') = (shard IS NOT NULL))
) STRICT;
CREATE TABLE scores (
    model_id TEXT NOT NULL REFERENCES models, metric TEXT NOT NULL, rows TEXT NOT NULL, value REAL NOT NULL CHECK (abs(value) < 9e307),
    PRIMARY KEY (model_id, metric, rows)
) STRICT;
CREATE TABLE measurements (
    model_id TEXT NOT NULL REFERENCES models, probe TEXT NOT NULL, comparison TEXT NOT NULL,
    value REAL, low REAL, high REAL, n INTEGER, unit TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (model_id, probe, comparison),
    CHECK ((status = 'refused') = (value IS NULL)), CHECK (value IS NULL OR (abs(value) < 9e307 AND low <= high))
) STRICT;
CREATE TABLE units (
    unit_id TEXT PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('done', 'failed')), reason TEXT NOT NULL,
    seconds REAL NOT NULL
) STRICT;
"""


class Index:
    """Rows of a zoo in SQLite.

    Raises
    ------
    DataError
        If the file is no index, is damaged, or has another schema version.
    """

    def __init__(self, path: Path, *, create: bool = False):
        self.path = path
        self._writes = create
        if not create and not path.is_file():
            raise DataError(f"{path.parent} is not a zoo: it has no {path.name}: give the folder that a sweep wrote")
        # readers open the file read-only, so that looking at a zoo on a read-only disk works and changes nothing
        mode = "rwc" if create else "ro"
        try:
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            if create:
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._create()
            version = self.meta("schema_version")
        except sqlite3.DatabaseError as error:
            raise DataError(f"{path} is not a readable index ({error}): run the sweep into a new folder") from error
        if version != str(SCHEMA_VERSION):
            self._connection.close()
            raise DataError(
                f"{path.parent} has zoo schema version {version}, this kdprobe reads version {SCHEMA_VERSION}: "
                "open it with the kdprobe that wrote it, or run the sweep into a new folder"
            )
        if create:
            # only now: a zoo of another version must not be touched, not even its journal mode
            with self._writing():
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")

    def _create(self) -> None:
        with self.transaction():
            if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                for statement in filter(str.strip, TABLES.split(";")):
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, or none. DataError if the disk is full or cannot be written."""
        with self._writing():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some errors, a full disk among them
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DataError(f"cannot write {self.path}: {error}: free some space, or choose another folder") from error

    def close(self) -> None:
        """Close the file. A writer merges its write-ahead log first: what is left is one file, readable on a read-only disk."""
        if self._writes:
            # where that fails (a full disk), the log stays beside the file and the next writer merges it
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()

    def rows(self, query: str, parameters: Iterable[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a query as dicts."""
        try:
            return [dict(row) for row in self._connection.execute(query, tuple(parameters))]
        except sqlite3.DatabaseError as error:
            raise DataError(f"{self.path} is damaged ({error}): run the sweep into a new folder") from error

    def meta(self, key: str) -> str | None:
        """Value stored under a key, or None."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, key: str, value: Any) -> None:
        """Store text, or anything else as JSON."""
        text = value if isinstance(value, str) else json.dumps(value, allow_nan=False, sort_keys=True)
        self._connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, text))

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert or replace rows given as mappings of one set of keys. Refuses NaN, which SQLite would silently keep as NULL."""
        for row in rows:
            for key, value in row.items():
                if isinstance(value, float) and not math.isfinite(value):
                    raise DataError(f"{table}.{key} = {value}: the store keeps values or reasons, never NaN or an infinity")
            names = ", ".join(row)
            self._connection.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})",
                tuple(row.values()),
            )

    def delete(self, table: str, key: str, values: Iterable[str]) -> None:
        """Delete the rows whose `key` is one of `values`."""
        self._connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", [(value,) for value in values])


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
