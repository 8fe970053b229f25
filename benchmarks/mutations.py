"""How many changes of a zoo stay silent: flipped bits, cut files, changed numbers, lost, added, moved and swapped rows and files.

    python benchmarks/mutations.py             # 2,400 mutations of a small zoo
    python benchmarks/mutations.py --quick     # 600, about a minute
    python benchmarks/mutations.py --count 6000 --seed 1

A mutation is noticed where `Zoo.verify` says what is wrong or a reader refuses the zoo; it is silent where neither happens although what
the zoo holds is not what it held. A flip in the free space of a page changes nothing that is read, and is counted as no change. A reader
that ends in anything but a refusal in words counts as a traceback.
"""

import argparse
import contextlib
import json
import random
import shutil
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.zoo.shards import _read as cached_tensors

INDEX = "index.sqlite"
PLAN = kdprobe.GapPlan(
    tasks=("letters", "bikeshare"), schemes=("same_rows",), teacher_widths=(2, 4), student_widths=(2,), seeds=3, steps=20, beside={}
)
NUMBERS = {
    "models": ("size", "flops", "seconds", "slot"),
    "scores": ("value",),
    "measurements": ("value", "low", "high", "n"),
    "units": ("seconds",),
}
TEXTS = {
    "meta": ("key", "value"),
    "models": ("model_id", "job", "kind", "status", "reason", "engine", "shard", "targets", "twin_id"),
    "scores": ("model_id", "metric", "rows"),
    "measurements": ("model_id", "probe", "comparison", "unit", "status", "reason"),
    "units": ("unit_id", "title", "status", "reason"),
    "seals": ("part", "owner", "sha256"),
}
ARITHMETIC = ("{} * 1.5", "{} + 1", "-{}", "0", "{} * (1 + 1e-12)", "9e999", "NULL", "{} * 1000", "CAST({} AS INTEGER)")
Mutation = Callable[[Path, random.Random], None]


def contents(folder: Path) -> dict[str, Any]:
    """What a zoo holds, whatever its bytes: the rows of its index, and its other files. The lock says who writes, and holds nothing."""
    found: dict[str, Any] = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (INDEX, "lock")
    }
    try:
        connection = sqlite3.connect(f"{(folder / INDEX).as_uri()}?mode=ro&immutable=1", uri=True)
        connection.text_factory = bytes
        parts = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        found[INDEX] = (
            parts,
            {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name.decode()}"))) for kind, name, _ in parts if kind == b"table"},
        )
    except (sqlite3.Error, UnicodeError, OSError) as error:
        found[INDEX] = repr(error)
    else:
        connection.close()
    return found


def noticed(folder: Path) -> tuple[bool, str]:
    """Whether somebody says that a zoo is not what was written, and the traceback that a reader ended in."""
    cached_tensors.cache_clear()
    told, broken = False, ""
    for look in (kdprobe.Zoo.verify, kdprobe.Zoo.runs, kdprobe.Zoo.history, kdprobe.Zoo.provenance):
        try:
            with kdprobe.Zoo(folder) as zoo:
                told = bool(look(zoo)) or told if look is kdprobe.Zoo.verify else told
                if look is not kdprobe.Zoo.verify:
                    look(zoo)
        except (DataError, PlanError):
            told = True
        except Exception as error:  # the benchmark counts what no reader may raise
            broken = f"{look.__name__}: {type(error).__name__}: {error}"
    return told, broken


def flip(folder: Path, rng: random.Random, name: str) -> None:
    path = _pick(folder, rng, name)
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def cut(folder: Path, rng: random.Random, name: str) -> None:
    path = _pick(folder, rng, name)
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def grow(folder: Path, rng: random.Random, name: str) -> None:
    path = _pick(folder, rng, name)
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.randrange(1, 100)))


def blank(folder: Path, rng: random.Random, name: str) -> None:
    """A sector that was never written reads as zeros."""
    path = _pick(folder, rng, name)
    content = bytearray(path.read_bytes())
    start = rng.randrange(len(content))
    content[start : start + 512] = bytes(len(content[start : start + 512]))
    path.write_bytes(content)


def swap_files(folder: Path, rng: random.Random, name: str) -> None:
    first, second = rng.sample(sorted((folder / name).iterdir()), 2)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


def lose_file(folder: Path, rng: random.Random, name: str) -> None:
    rng.choice(sorted((folder / name).iterdir())).unlink()


def number(folder: Path, rng: random.Random, table: str, column: str) -> None:
    """A stored number of one row, or of all rows."""
    change = rng.choice(ARITHMETIC).format(column)
    one = f"WHERE rowid = (SELECT rowid FROM {table} WHERE {column} IS NOT NULL ORDER BY random() LIMIT 1)"
    _sql(folder, f"UPDATE {table} SET {column} = {change} {rng.choice((one, one, ''))}")


def text(folder: Path, rng: random.Random, table: str, column: str) -> None:
    """A stored text of one row: cut, longer, another row's, no UTF-8, none."""
    change = rng.choice(
        (
            f"substr({column}, 2)",
            f"{column} || ' '",
            f"upper({column})",
            f"(SELECT {column} FROM {table} ORDER BY random() LIMIT 1)",
            f"CAST(x'ff' || {column} AS TEXT)",
            "''",
            "NULL",
            f"replace(replace(replace({column}, '1', '2'), '{{', '['), '0.5', '0.6')",
        )
    )
    _sql(folder, f"UPDATE {table} SET {column} = {change} WHERE rowid = (SELECT rowid FROM {table} ORDER BY random() LIMIT 1)")


def delete(folder: Path, rng: random.Random, table: str) -> None:
    some = "" if rng.random() < 0.2 else f"WHERE rowid IN (SELECT rowid FROM {table} ORDER BY random() LIMIT {rng.randrange(1, 4)})"
    _sql(folder, f"DELETE FROM {table} {some}")


def swap_rows(folder: Path, rng: random.Random, table: str, column: str) -> None:
    """The values of two rows change places."""
    with sqlite3.connect(folder / INDEX) as connection:
        rows = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY random() LIMIT 2").fetchall()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        if len(rows) == 2:
            for (place, _), (_, value) in zip(rows, reversed(rows), strict=True):
                connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE rowid = ?", (value, place))
    connection.close()


def copy_row(folder: Path, rng: random.Random, table: str) -> None:
    """A row that no run wrote, with the values of another."""
    key = TEXTS[table][0]
    with sqlite3.connect(folder / INDEX) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(f"'{rng.randrange(16**8):064x}'" if name == key else name for name in names)
        connection.execute(f"INSERT INTO {table} SELECT {values} FROM {table} ORDER BY random() LIMIT 1")
    connection.close()


def schema(folder: Path, rng: random.Random) -> None:
    """A view, a trigger, an index or a table that no sweep makes."""
    _sql(
        folder,
        rng.choice(
            (
                "CREATE VIEW more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
                "CREATE TRIGGER late AFTER INSERT ON scores BEGIN DELETE FROM models; END",
                "CREATE INDEX more ON scores (value)",
                "CREATE TABLE more (a)",
                "PRAGMA application_id = 1",
                "ALTER TABLE scores ADD COLUMN more TEXT",
                "ALTER TABLE scores RENAME TO marks",
                "DROP TABLE seals",
            )
        ),
    )


def mutations(folder: Path) -> Iterator[tuple[str, Mutation]]:
    """Each kind of mutation by name."""
    files = (INDEX, "shards", "targets", "plan.json", "report.html", "runs.csv")
    for name in files:
        for change in (flip, cut, grow, blank):
            yield f"{change.__name__} {name}", lambda where, rng, change=change, name=name: change(where, rng, name)
    for name in ("shards", "targets"):
        for change in (swap_files, lose_file):
            yield f"{change.__name__} {name}", lambda where, rng, change=change, name=name: change(where, rng, name)
    for table, columns in NUMBERS.items():
        for column in columns:
            for change in (number, number, swap_rows):
                yield f"{change.__name__} {table}.{column}", lambda where, rng, change=change, at=(table, column): change(where, rng, *at)
    for table, columns in TEXTS.items():
        for column in columns:
            for change in (text, swap_rows):
                yield f"{change.__name__} {table}.{column}", lambda where, rng, change=change, at=(table, column): change(where, rng, *at)
        for change in (delete, copy_row):
            yield f"{change.__name__} {table}", lambda where, rng, change=change, table=table: change(where, rng, table)
    yield "schema", schema


def attacked(zoo: Path, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Rows of what happened: each mutation is made of a fresh copy."""
    rng, before = random.Random(seed), contents(zoo)
    kinds = list(mutations(zoo))
    copy = zoo.with_name("mutated")
    for turn in range(count):
        # half of all on the index, whose bytes are many and whose rows are the numbers
        name, change = kinds[turn % len(kinds)] if turn % 2 else rng.choice(kinds)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(zoo, copy)
        try:
            change(copy, rng)
        except sqlite3.Error:
            continue  # SQLite itself refused it
        now = contents(copy)
        told, broken = noticed(copy)
        changed = now != before
        yield {"case": name, "changed": changed, "noticed": told, "traceback": broken, "turn": turn}


def _pick(folder: Path, rng: random.Random, name: str) -> Path:
    path = folder / name
    return rng.choice(sorted(path.iterdir())) if path.is_dir() else path


def _sql(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / INDEX) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement.replace("UPDATE ", "UPDATE OR IGNORE ", 1) if statement.startswith("UPDATE") else statement)
    connection.close()


def run(count: int, seed: int = 0) -> dict[str, Any]:
    """Make a small zoo and its report, attack it, and count."""
    with tempfile.TemporaryDirectory() as folder:
        zoo = Path(folder) / "zoo"
        with kdprobe.sweep(PLAN, zoo) as made:
            kdprobe.report(made, zoo / "report.html")
        found: list[dict[str, Any]] = []
        # stopped before its end, it says what it has counted
        with contextlib.suppress(KeyboardInterrupt):
            found += attacked(zoo, count, seed)
    kinds = Counter("silent" if row["changed"] and not row["noticed"] else "noticed" if row["changed"] else "no change" for row in found)
    return {
        "mutations": len(found),
        **{name: kinds[name] for name in ("noticed", "silent", "no change")},
        "tracebacks": sum(bool(row["traceback"]) for row in found),
        "rows": [row for row in found if row["traceback"] or (row["changed"] and not row["noticed"])],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="600 mutations, about a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices")
    parser.add_argument("--count", type=int, default=2400, help="mutations")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found = run(600 if options.quick else options.count, options.seed)
    peer = {"peer": "-", "peer_version": "", "ratio": None}
    rows = [
        {"case": name, "ours": found[name], **peer, "unit": "mutations"}
        for name in ("mutations", "noticed", "silent", "no change", "tracebacks")
    ]
    if options.json:
        print(json.dumps({"rows": rows, "silent": found["rows"], "missing_peers": []}))
        return
    for row in rows:
        print(f"{row['case']:12} {row['ours']:6}")
    for row in found["rows"]:
        print(row)


if __name__ == "__main__":
    main()
