"""What an index file is: its format, its tables, and how a file is known to be one before anything in it is used."""

import sqlite3
from pathlib import Path

from kdprobe.core.errors import DataError
from kdprobe.core.files import special
from kdprobe.zoo.seals import OWNERS, TABLE

FORMAT = 3
UNSEALED = 2
"""Format of before there were seals: read, and sealed by the first run that writes to it."""
APPLICATION = 0x6B647072
"""What the header of the file says whose it is: "kdpr"."""
REPAIR = "put the zoo back from a copy, run `kdprobe zoo rebuild` on it, or run the sweep into a new folder"
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
STATEMENTS = (*(statement.strip() for statement in TABLES.split(";") if statement.strip()), TABLE)


def check_header(path: Path) -> None:
    """Refuse what is no SQLite file, and one that was copied without the log that holds its rows, before SQLite opens or makes anything."""
    if (kind := special(path)) and kind != "a link":
        raise DataError(f"{path} is {kind}, not an index: give the folder that a sweep wrote")
    try:
        with open(path, "rb") as file:
            header = file.read(100)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not header:
        raise DataError(f"{path} is empty: a run was killed before it wrote anything, or the file was lost: {REPAIR}")
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise DataError(f"{path} is damaged, or no index of a zoo (it is no SQLite file): {REPAIR}")
    # 2: rows may lie in a log beside the file; without it SQLite would show those of before, or none
    if 2 in header[18:20] and not path.with_name(f"{path.name}-wal").exists():
        raise DataError(
            f"{path} was copied while a sweep wrote to it, without its log: copy {path.name}-wal too, or copy again when the sweep "
            f"has ended; if it is the only copy, {REPAIR}"
        )


def found_format(connection: sqlite3.Connection, path: Path) -> int:
    """Format of an open file, after its schema was found to be what kdprobe makes, and nothing else: no view, no trigger.

    Raises
    ------
    DataError
        If it is no index of a zoo, or one of a format that is not read.
    """
    parts = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    for kind, name, sql in parts:
        automatic = kind == "index" and sql is None
        if not automatic and (kind != "table" or sql not in STATEMENTS):
            raise DataError(f"{path} holds the {kind} {name!r}, which no sweep makes: give the folder that a sweep wrote")
    names = {name for kind, name, _ in parts if kind == "table"}
    if "meta" not in names:
        raise DataError(f"{path} is no index of a zoo: give the folder that a sweep wrote")
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    found = None if row is None else row[0]
    if found not in (str(UNSEALED), str(FORMAT)):
        raise DataError(
            f"{path.parent} has zoo format {found}, this kdprobe reads {UNSEALED} and {FORMAT}: "
            "open it with the kdprobe that wrote it, or run the sweep into a new folder"
        )
    sealed = found == str(FORMAT)
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    missing = {*OWNERS, *(["seals"] if sealed else [])} - names
    if missing or sealed != (application == APPLICATION) or (not sealed and "seals" in names):
        lacks = f" (it lacks the table {min(missing)})" if missing else ""
        raise DataError(f"{path} is damaged: it is no whole index of format {found}{lacks}: {REPAIR}")
    return int(found)
