"""An index proves what it holds: changed, lost, added and moved rows are told, and so is a file that was made to harm its reader."""

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys

import pytest

import kdprobe
from kdprobe.core.errors import DataError
from kdprobe.zoo.index import Index
from kdprobe.zoo.seals import ALL, Ledger, differences, seal
from kdprobe.zoo.soundness import problems_of
from kdprobe.zoo.writer import Writer
from tests.conftest import SMALL

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def change(folder, *statements):
    with sqlite3.connect(folder / "index.sqlite") as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def problems(folder):
    with kdprobe.Zoo(folder) as zoo:
        return zoo.verify()


def unseal(folder):
    """Make it a zoo of format 2."""
    change(
        folder,
        "DROP TABLE seals",
        "PRAGMA application_id = 0",
        "UPDATE meta SET value = '2' WHERE key = 'schema_version'",
    )
    (folder / "plan.json").unlink()


ATTACKS = {
    "UPDATE scores SET value = value * 1.5": "index: scores of model",
    "UPDATE scores SET value = value + 1e-9 WHERE rowid = 5": "index: scores of model",
    "DELETE FROM scores WHERE rowid = 3": "index: scores of model",
    "DELETE FROM measurements WHERE rowid IN (7, 8)": "index: measurements of model",
    "DELETE FROM measurements": "index: measurements of model",
    "UPDATE measurements SET value = -value WHERE rowid = 9 AND value IS NOT NULL": "index: measurements of model",
    "UPDATE models SET size = size + 1 WHERE rowid = 1": "index: rows of model",
    "UPDATE models SET slot = 1 - slot WHERE slot < 2": "index: rows of model",
    "UPDATE models SET seconds = 9e999 WHERE rowid = 2": "index: rows of model",
    "UPDATE units SET status = 'failed' WHERE rowid = 1": "index: rows of unit",
    "UPDATE meta SET value = '{}' WHERE key = 'provenance'": "index: rows of the entry provenance",
    "DELETE FROM meta WHERE key = 'plan'": "index: rows of the entry plan",
    "INSERT INTO meta VALUES ('more', '1')": "index: rows of the entry more",
    "DELETE FROM seals WHERE rowid = 4": "index: ",
    "UPDATE seals SET sha256 = upper(sha256) WHERE part = ''": "index: the seals of its rows",
}


@pytest.mark.parametrize("statement", ATTACKS)
def test_a_changed_row_is_told_by_all_who_read(own_zoo_folder, tmp_path, statement):
    change(own_zoo_folder, statement)
    assert problems(own_zoo_folder)[0].startswith(ATTACKS[statement])
    said = rf"{ATTACKS[statement]}.*put the zoo back from a copy, run `kdprobe zoo rebuild` on it, .*`kdprobe zoo verify` lists all"
    with pytest.raises(DataError, match=said):
        kdprobe.sweep(SMALL, own_zoo_folder)
    with pytest.raises(DataError, match=said):
        kdprobe.report(own_zoo_folder, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_a_model_has_the_id_of_its_job(own_zoo_folder):
    change(own_zoo_folder, """UPDATE models SET job = replace(job, '"seed":1', '"seed":2')""")
    assert any("has the job of another model" in problem for problem in problems(own_zoo_folder))


def test_seals_tell_types_and_owners_apart():
    rows = [("m", 1.0), ("m", None)]
    assert seal(rows) == seal(rows[::-1])
    assert len({seal([("m", value)]) for value in (1, 1.0, "1", None, float("inf"), True)}) == 6
    written = {("scores", "a"): seal([("a", 1.0)]), ("scores", "b"): seal([("b", 1.0)])}
    written[ALL] = Ledger(written).whole
    kept = {key: value for key, value in written.items() if key != ALL}
    assert differences(written, kept) == []
    assert differences(written, kept | {("scores", "c"): seal([("c", 1.0)])}) == [
        "index: scores of model c are there and no run wrote them"
    ]
    ledger = Ledger(written)
    ledger.put(("scores", "a"), None)
    ledger.put(("scores", "a"), written["scores", "a"])
    assert ledger.whole == written[ALL]


def test_a_transaction_that_fails_leaves_the_seals_as_they_were(own_zoo_folder):
    nobody = {"model_id": "nobody", "metric": "nll", "rows": "B", "value": 1.0}
    with Writer(own_zoo_folder) as writer:
        with pytest.raises(sqlite3.IntegrityError):
            writer.record_models([], [nobody])
        with writer.index.transaction():
            writer.index.set_meta("note", "y")
        assert problems_of(writer.index) == []


# ---- format 2


def test_a_zoo_without_seals_opens_says_so_and_is_sealed_by_the_next_run(own_zoo_folder, small_zoo):
    unseal(own_zoo_folder)
    with kdprobe.Zoo(own_zoo_folder) as zoo:
        assert not zoo.proven
        assert zoo.verify() == []
        assert zoo.runs().equals(small_zoo.runs())
    done = subprocess.run([sys.executable, "-m", "kdprobe", "zoo", "verify", own_zoo_folder], capture_output=True, text=True)
    assert done.returncode == 0
    assert "its rows cannot be proven: zoo format 2 kept no seals" in done.stdout
    with kdprobe.sweep(SMALL, own_zoo_folder) as zoo:
        assert not zoo.proven
        assert zoo.runs().equals(small_zoo.runs())
    change(own_zoo_folder, "UPDATE scores SET value = value * 1.5")
    assert problems(own_zoo_folder)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM scores WHERE metric = 'nll'", "has no score nll"),
        ("UPDATE scores SET value = 1.5 WHERE metric = 'accuracy'", "has accuracy = 1.5, which cannot be"),
        ("UPDATE models SET slot = -1", "has slot = -1, which no model has"),
        ("UPDATE models SET slot = 99", "is said to lie in slot 99, of"),
        ("UPDATE models SET status = 'lost'", "has status = 'lost', which no model has"),
        ('DELETE FROM models WHERE job LIKE \'%"role":"teacher"%\'', "which is not there"),
        ("UPDATE models SET job = '{' WHERE rowid = 1", "has a job that cannot be read"),
        ("UPDATE models SET job = replace(hex(zeroblob(20000)), '0', '[')", "has a job that cannot be read"),
        ("UPDATE meta SET value = replace(hex(zeroblob(50000)), '0', '[') WHERE key = 'provenance'", "entry 'provenance' cannot be read"),
        ("UPDATE scores SET metric = CAST(x'ff' AS TEXT) WHERE rowid = 1", "Could not decode to UTF-8"),
    ],
)
def test_what_cannot_be_is_told_without_seals_too(own_zoo_folder, tmp_path, statement, said):
    unseal(own_zoo_folder)
    change(own_zoo_folder, statement)
    assert any(said in problem for problem in problems(own_zoo_folder))
    if "slot 99" in said:
        return
    with pytest.raises(DataError):
        kdprobe.report(own_zoo_folder, tmp_path / "page.html")


# ---- files that are made to harm


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            "holds the view 'v', which no sweep",
        ),
        ("CREATE TRIGGER t AFTER INSERT ON scores BEGIN DELETE FROM models; END", "holds the trigger 't', which no sweep makes"),
        ("CREATE TABLE more (a)", "holds the table 'more', which no sweep makes"),
        ("CREATE INDEX i ON scores (value)", "holds the index 'i', which no sweep makes"),
        ("PRAGMA application_id = 7", "is no whole index of format 3"),
        ("DROP TABLE units", r"it lacks the table units"),
    ],
)
def test_an_index_with_anything_else_in_it(own_zoo_folder, statement, said):
    change(own_zoo_folder, statement)
    for open_ in (kdprobe.Zoo, Writer):
        with pytest.raises(DataError, match=said):
            open_(own_zoo_folder)


def test_a_query_that_does_not_end_is_ended(own_zoo_folder, monkeypatch):
    monkeypatch.setattr("kdprobe.zoo.index.PATIENCE", 0.1)
    index = Index(own_zoo_folder / "index.sqlite")
    with pytest.raises(DataError, match="a query did not end within"):
        index.rows(ENDLESS)
    index.close()


# ---- copies and kills


def test_nothing_lies_beside_the_index_when_a_sweep_has_ended(small_zoo_folder):
    assert [path.name for path in small_zoo_folder.glob("index.sqlite*")] == ["index.sqlite"]


def test_a_copy_without_its_log_is_refused(own_zoo_folder, tmp_path):
    """As a sweep of format 2 left it when it was copied while it ran."""
    unseal(own_zoo_folder)
    connection = sqlite3.connect(own_zoo_folder / "index.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO meta VALUES ('a', '1')")
    connection.commit()
    copy = shutil.copytree(own_zoo_folder, tmp_path / "copy")
    connection.close()
    with kdprobe.Zoo(copy) as zoo:
        assert len(zoo.models()) == 56
    (copy / "index.sqlite-wal").unlink()
    (copy / "index.sqlite-shm").unlink(missing_ok=True)
    for open_ in (kdprobe.Zoo, Writer):
        with pytest.raises(DataError, match=r"was copied while a sweep wrote to it, without its log: copy index.sqlite-wal too"):
            open_(copy)


def test_a_copy_at_any_moment_of_a_sweep_is_whole_or_refused(own_zoo_folder, tmp_path):
    """Every state that the file passes through while rows are written."""
    with Writer(own_zoo_folder) as writer:
        for turn in range(5):
            with writer.index.transaction():
                writer.index.set_meta("turn", str(turn))
                shutil.copy(own_zoo_folder / "index.sqlite", tmp_path / "index.sqlite")
                index = Index(tmp_path / "index.sqlite")
                assert problems_of(index) == []
                index.close()


def test_a_reader_after_a_kill_while_a_transaction_was_written(own_zoo_folder):
    """A journal with pages that must be put back: a reader cannot, the next run does."""
    code = (
        "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('PRAGMA cache_size = 1');"
        "c.execute('BEGIN IMMEDIATE'); c.execute('UPDATE measurements SET n = n + 1'); c.execute('UPDATE scores SET value = value * 2');"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, own_zoo_folder / "index.sqlite"], check=False)
    assert (own_zoo_folder / "index.sqlite-journal").exists()
    with pytest.raises(DataError, match="a run was killed while it wrote, which must be undone first: run the same sweep again"):
        kdprobe.Zoo(own_zoo_folder)
    with kdprobe.sweep(SMALL, own_zoo_folder) as zoo:
        assert zoo.verify() == []


# ---- no raw traceback


def test_a_closed_zoo(own_zoo_folder):
    zoo = kdprobe.Zoo(own_zoo_folder)
    zoo.close()
    for read in (zoo.models, zoo.runs, zoo.provenance, zoo.scores, zoo.history, lambda: zoo.proven, lambda: zoo.job("a")):
        with pytest.raises(DataError, match=r"the zoo .* is closed: open it again with kdprobe.Zoo\("):
            read()


def test_commands_on_a_damaged_zoo_end_with_3_and_words(own_zoo_folder, tmp_path):
    change(own_zoo_folder, "UPDATE meta SET value = '{' WHERE key = 'provenance'", "UPDATE models SET job = '{'")
    for command in (["zoo", "ls"], ["zoo", "show"], ["zoo", "verify"], ["report"]):
        rest = ["-o", tmp_path / "page.html"] if command == ["report"] else []
        done = subprocess.run([sys.executable, "-m", "kdprobe", *command, own_zoo_folder, *rest], capture_output=True, text=True)
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
        assert "index: rows of " in done.stdout + done.stderr


def test_a_shard_of_another_zoo_in_its_place(own_zoo_folder):
    first, second = sorted((own_zoo_folder / "shards").iterdir())[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert sum("is damaged: its SHA-256" in problem for problem in problems(own_zoo_folder)) == 2


def test_an_index_with_new_seals_is_told_from_its_shards(own_zoo_folder):
    """Who changes a score and seals it again has not changed what the shard says."""
    with Writer(own_zoo_folder) as writer, writer.index.transaction():
        row = writer.index.rows("SELECT * FROM scores WHERE metric = 'nll' LIMIT 1")[0]
        writer.index.insert("scores", [row | {"value": row["value"] / 2}])
    assert any("the index has other scores of model" in problem for problem in problems(own_zoo_folder))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("where", ["shards/*", "targets/*", "plan.json"])
def test_a_pipe_in_place_of_a_file_is_told_and_not_waited_for(own_zoo_folder, where):
    file = next(own_zoo_folder.glob(where))
    file.unlink()
    os.mkfifo(file)
    assert any(file.name in problem for problem in problems(own_zoo_folder))


def test_a_link_to_a_device_without_end_is_told_and_not_read(own_zoo_folder):
    file = next(own_zoo_folder.glob("shards/*"))
    file.unlink()
    file.symlink_to("/dev/zero")
    assert any(f"{file.name} cannot be read (it is a device)" in problem for problem in problems(own_zoo_folder))


def test_a_safetensors_header_that_says_it_is_huge(own_zoo_folder):
    from kdprobe.zoo.shards import read_header

    for content in (b"", b"\0" * 7, struct.pack("<Q", 1 << 60) + b"{}", struct.pack("<Q", 4) + b"[[[[", struct.pack("<Q", 2) + b"[]"):
        with pytest.raises(DataError, match="is no safetensors file"):
            read_header(content)
    deep = b"[" * 100_000
    with pytest.raises(DataError, match="is no safetensors file"):
        read_header(struct.pack("<Q", len(deep)) + deep)
    assert json.loads((own_zoo_folder / "plan.json").read_bytes())["asks"] == "gap"
