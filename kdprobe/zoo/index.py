"""The index of a zoo: one SQLite file, written by one process, in whole transactions, each sealed."""

import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kdprobe.core.errors import DataError
from kdprobe.zoo.schema import APPLICATION, FORMAT, REPAIR, STATEMENTS, UNSEALED, check_header, found_format
from kdprobe.zoo.seals import ALL, OWNERS, Key, Ledger, Seal, seal
from kdprobe.zoo.seals import TABLE as SEALS_TABLE

PATIENCE = 60
"""Seconds that a query may take, and that a writer waits for readers."""
LARGEST = 1 << 26
"""Bytes of the largest text that is read."""


class Index:
    """Rows of a zoo in SQLite.

    A writer uses a rollback journal, which is gone after each transaction: a copy of the file is whole whenever nothing is being written.

    Raises
    ------
    DataError
        If the file is no index of a zoo, is damaged, was copied without its log, or has another format.
    """

    def __init__(self, path: Path, *, create: bool = False):
        self.path = path
        self.closed = False
        self._touched: set[Key] = set()
        self._ledger: Ledger | None = None
        if not create and not path.is_file():
            raise DataError(f"{path.parent} is not a zoo: it has no {path.name}: give the folder that a sweep wrote")
        fresh = not path.exists() or (path.stat().st_size == 0 and create)
        if not fresh:
            check_header(path)
        # readers open the file read-only, so that looking at a zoo on a read-only disk works and changes nothing
        mode = "rwc" if create else "ro"
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=PATIENCE if create else PATIENCE / 2
            )
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error
        try:
            self._guard()
            if fresh:
                self._create()
            self.format = found_format(self._connection, path)
        except sqlite3.DatabaseError as error:
            self.close()
            raise self._unreadable(error) from error
        except BaseException:
            self.close()
            raise

    def _guard(self) -> None:
        """A file from elsewhere may be made to run functions, to blow up or never to end."""
        self._connection.row_factory = sqlite3.Row
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        self._connection.execute("PRAGMA trusted_schema = OFF")
        self._connection.execute("PRAGMA cell_size_check = ON")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._started = time.monotonic()
        self._connection.set_progress_handler(lambda: time.monotonic() - self._started > PATIENCE, 100_000)

    def _create(self) -> None:
        with self._written():
            for statement in STATEMENTS:
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self.set_meta("schema_version", str(FORMAT))
            self._seal_all()

    def upgrade(self) -> None:
        """Seal an index of the format before as it is found, and remember that what is in it was not sealed when it was written."""
        # format 2 was written with a write-ahead log; a run that was killed left it behind
        with self._writing():
            self._connection.execute("PRAGMA journal_mode = DELETE")
        if self.format == FORMAT:
            return
        with self._written():
            self._connection.execute(SEALS_TABLE)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self.set_meta("unproven_models", str(self.rows("SELECT count(*) AS n FROM models")[0]["n"]))
            self.set_meta("schema_version", str(FORMAT))
            self._seal_all()
        self.format = FORMAT

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, sealed, or none. DataError if the disk is full or cannot be written."""
        with self._written():
            yield
            self._seal_touched()

    @contextmanager
    def _written(self) -> Iterator[None]:
        with self._writing():
            self._touched.clear()
            self._started = time.monotonic()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some errors, a full disk among them
                self._ledger = None
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DataError(f"cannot write {self.path}: {error}: free some space, or choose another folder") from error
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see one moment, whatever a writer does meanwhile."""
        self.rows("BEGIN")
        try:
            yield
        finally:
            if not self.closed and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._connection.close()

    def rows(self, query: str, parameters: Iterable[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a query as dicts."""
        self._refuse_closed()
        try:
            return [dict(row) for row in self._connection.execute(query, tuple(parameters))]
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    def tables(self) -> tuple[dict[str, list[tuple[Any, ...]]], dict[str, tuple[str, ...]]]:
        """All rows of all sealed tables, as they are, and the columns of each."""
        self._refuse_closed()
        found, columns = {}, {}
        try:
            for part in OWNERS:
                cursor = self._connection.cursor()
                cursor.row_factory = None
                found[part] = cursor.execute(f"SELECT * FROM {part}").fetchall()
                columns[part] = tuple(column[0] for column in cursor.description)
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error
        return found, columns

    def seals(self) -> dict[Key, Seal]:
        """The seals as they were written; none in a format without them."""
        if self.format == UNSEALED:
            return {}
        return {(row["part"], row["owner"]): (row["rows"], row["sha256"]) for row in self.rows("SELECT * FROM seals")}

    def meta(self, key: str) -> str | None:
        """Value stored under a key, or None."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return found[0]["value"] if found else None

    def meta_json(self, key: str, default: Any) -> Any:
        """Value that was stored as JSON, or the default where there is none. DataError if it cannot be read."""
        text = self.meta(key)
        try:
            return default if text is None else json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.path} is damaged: its entry {key!r} is no JSON ({type(error).__name__}): {REPAIR}") from error

    def set_meta(self, key: str, value: Any) -> None:
        """Store text, or anything else as JSON."""
        text = value if isinstance(value, str) else json.dumps(value, allow_nan=False, sort_keys=True)
        self._touched.add(("meta", key))
        self._connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, text))

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert or replace rows given as mappings of one set of keys. Refuses NaN, which SQLite would silently keep as NULL."""
        for row in rows:
            for key, value in row.items():
                if isinstance(value, float) and not math.isfinite(value):
                    raise DataError(f"{table}.{key} = {value}: the store keeps values or reasons, never NaN or an infinity")
            names = ", ".join(row)
            self._touched.add((table, row[OWNERS[table]]))
            self._connection.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})",
                tuple(row.values()),
            )

    def delete(self, table: str, key: str, values: Iterable[str]) -> None:
        """Delete the rows whose `key` is one of `values`."""
        owner = OWNERS[table]
        for value in values:
            owners = (
                [value] if key == owner else [row[owner] for row in self.rows(f"SELECT {owner} FROM {table} WHERE {key} = ?", (value,))]
            )
            self._touched |= {(table, name) for name in owners}
            self._connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (value,))

    def _seal_all(self) -> None:
        """Seal every owner there is, as the first seals of a file."""
        tables, columns = self.tables()
        for part, rows in tables.items():
            place = columns[part].index(OWNERS[part])
            self._touched |= {(part, row[place]) for row in rows}
        self._ledger = Ledger({})
        self._seal_touched()

    def _seal_touched(self) -> None:
        """Seal all rows of every owner that was written to, as SQLite has stored them, and the whole."""
        ledger = self._ledger = Ledger(self.seals()) if self._ledger is None else self._ledger
        for part, owner in self._touched:
            cursor = self._connection.cursor()
            cursor.row_factory = None
            found = seal(cursor.execute(f"SELECT * FROM {part} WHERE {OWNERS[part]} = ?", (owner,)))
            if found[0]:
                ledger.put((part, owner), found)
                self._keep_seal((part, owner), found)
            else:
                ledger.put((part, owner), None)
                self._connection.execute("DELETE FROM seals WHERE part = ? AND owner = ?", (part, owner))
        self._keep_seal(ALL, ledger.whole)
        self._touched.clear()

    def _keep_seal(self, key: Key, found: Seal) -> None:
        self._connection.execute("INSERT OR REPLACE INTO seals VALUES (?, ?, ?, ?)", (*key, *found))

    def _refuse_closed(self) -> None:
        if self.closed:
            raise DataError(f"the zoo {self.path.parent} is closed: open it again with kdprobe.Zoo({str(self.path.parent)!r})")
        self._started = time.monotonic()

    def _unreadable(self, error: sqlite3.DatabaseError) -> DataError:
        if "readonly" in str(error) or "unable to open" in str(error):
            journal = self.path.with_name(f"{self.path.name}-journal")
            if journal.exists():
                return DataError(f"{self.path}: a run was killed while it wrote, which must be undone first: run the same sweep again")
        if "interrupted" in str(error):
            return DataError(f"{self.path} is damaged, or made to be: a query did not end within {PATIENCE} s: {REPAIR}")
        return DataError(f"{self.path} is damaged, or no index of a zoo ({error}): {REPAIR}")
