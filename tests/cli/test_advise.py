"""kdprobe advise: a table in, an answer out, and errors that say what is wrong with the table."""

import json
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdprobe.cli import run

NAMES = ["age", "height", "weight", "pulse", "steps", "sleep"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """my.csv with labels, rows.csv without, in another order of columns."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6))
    frame = pd.DataFrame(x, columns=NAMES).assign(score=x @ np.array([2, 1.5, 1, 1, 1, 1]) + rng.normal(size=200))
    frame.to_csv("my.csv", index=False)
    pd.DataFrame(rng.normal(size=(500, 6)), columns=NAMES[::-1]).to_csv("rows.csv", index=False)
    return frame


def test_it_answers_first(table, capsys):
    assert run(["advise", "my.csv", "--target", "score", "--unlabelled", "rows.csv", "--student", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Distilling is expected to ")
    assert "rows: 200 labelled, 500 unlabelled; features: 6, of which the student has 2" in out
    assert "nested_ols: applicable" in out


def test_one_document(table, capsys):
    words = ["advise", "my.csv", "--target", "score", "--rows", "500", "--student", "2", "--json", "--teacher", "6", "--order", "columns"]
    assert run(words) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda text: pytest.fail(text))
    assert found["sentence"] == found["objectives"][0]["says"]
    assert found["objective"] == found["objectives"][0]["objective"] == "compression"
    assert found["objectives"][0]["teacher"] == 6
    assert {one["theorem"] for one in found["theorems"]} > {"nested_ols", "ridge_self_distillation"}


def test_a_page_beside(table, capsys):
    assert run(["advise", "my.csv", "--target", "score", "--rows", "500", "-o", "page.html"]) == 0
    assert capsys.readouterr().out.endswith("\npage: page.html\n")
    assert run(["advise", "my.csv", "--target", "score", "--rows", "500", "-o", "page.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["page"] == "page.html"
    assert run(["advise", "my.csv", "--target", "score", "-o", "my.csv"]) == 2
    assert "path='my.csv' is no page that kdprobe wrote, and would be lost" in capsys.readouterr().err


def test_names_of_rows_are_left_out(table, capsys):
    table.to_csv("index.csv")
    assert run(["advise", "index.csv", "--target", "score"]) == 0
    told = capsys.readouterr()
    assert "its first column has no name: it names the rows, and is left out" in told.err
    assert "features: 6" in told.out


@pytest.mark.parametrize("words", [["age", "sleep"], ["age,sleep"], ["age, sleep"], ["age,", "sleep"]])
def test_dropped_columns(table, capsys, words):
    assert run(["advise", "my.csv", "--target", "score", "--drop", *words]) == 0
    assert "features: 4" in capsys.readouterr().out


def test_a_column_whose_name_has_a_comma_is_one(table, capsys):
    table.rename(columns={"age": "age, years"}).to_csv("my.csv", index=False)
    assert run(["advise", "my.csv", "--target", "score", "--drop", "age, years", "sleep"]) == 0
    assert "features: 4" in capsys.readouterr().out
    assert run(["advise", "my.csv", "--target", "score", "--drop", "sleep,ages"]) == 3
    assert "drop='ages' is no feature of my.csv" in capsys.readouterr().err


def test_the_target_under_another_name_is_told_first(table, capsys):
    rng = np.random.default_rng(1)
    table = table.assign(score_eur=1.17 * table["score"] + 1e-3 * rng.normal(size=200), ranks=np.exp(table["score"] / 4))
    table.to_csv("my.csv", index=False)
    assert run(["advise", "my.csv", "--target", "score"]) == 0
    told = capsys.readouterr().out
    for name in ("score_eur", "ranks"):
        text = (
            f"Look at this first: {name!r} tells 'score' by itself (correlation 1.0000): drop it if it is the target under another name.\n"
        )
        assert text in told
    assert told.startswith("Look at this first")
    assert told.count("Look at this") == 2
    # whoever is sent the page, or reads the document, is told too
    assert run(["advise", "my.csv", "--target", "score", "--json", "-o", "leak.html"]) == 0
    document = json.loads(capsys.readouterr().out)
    (*_, note) = notes = document["look_at"]
    assert len(notes) == 2
    assert note in document["sentence"]
    assert f"Look at this first: {note}." in unescape(Path("leak.html").read_text(encoding="utf-8"))
    assert run(["advise", "my.csv", "--target", "score", "--drop", "score_eur,ranks", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["look_at"] == []
    # what merely goes along with the target is no telltale
    table.assign(score_eur=table["score"] + 0.3 * rng.normal(size=200)).drop(columns="ranks").to_csv("my.csv", index=False)
    assert run(["advise", "my.csv", "--target", "score"]) == 0
    assert "Look at this" not in capsys.readouterr().out


def test_a_column_that_counts_rows_is_told(table, capsys):
    table.assign(id=np.arange(7, 207)).to_csv("my.csv", index=False)
    assert run(["advise", "my.csv", "--target", "score"]) == 0
    told = "Look at this first: 'id' counts the rows (7, 8, ...): drop it if it is the number of the row.\n"
    assert told in capsys.readouterr().out
    table.assign(id=np.random.default_rng(0).permutation(200)).to_csv("my.csv", index=False)
    assert run(["advise", "my.csv", "--target", "score"]) == 0
    assert "Look at this" not in capsys.readouterr().out


@pytest.mark.parametrize(("sign", "word", "flag"), [(";", "semicolons", "';'"), ("\t", "tabs", "'\\t'"), ("|", "bars", "'|'")])
@pytest.mark.parametrize("decimal", [".", ","])
def test_other_signs_between_values(table, capsys, sign, word, flag, decimal):
    table.to_csv("my.csv", index=False, sep=sign, decimal=decimal)
    pd.read_csv("rows.csv").to_csv("rows.csv", index=False, sep=sign, decimal=decimal)
    asked = ["advise", "my.csv", "--target", "score", "--unlabelled", "rows.csv"]
    assert run(asked) == 3
    assert f"my.csv is separated by {word}, not by commas: give --delimiter {flag}" in capsys.readouterr().err
    given = [*asked, "--delimiter", flag.strip("'")]
    if decimal == ",":
        assert run(given) == 3
        assert "column 'score' holds decimals with a comma" in (told := capsys.readouterr().err)
        assert told.rstrip().endswith("give --decimal ,")
    assert run([*given, "--decimal", decimal]) == 0
    assert "rows: 200 labelled, 500 unlabelled; features: 6" in capsys.readouterr().out


def test_files_that_are_packed_are_read_as_the_others(table, capsys):
    table.to_csv("my.csv.gz", index=False)
    assert run(["advise", "my.csv.gz", "--target", "score"]) == 0
    assert "rows: 200 labelled" in capsys.readouterr().out
    Path("cut.csv.gz").write_bytes(Path("my.csv.gz").read_bytes()[:40])
    Path("plain.csv.gz").write_text("a,b\n1,2\n")
    for name in ("cut.csv.gz", "plain.csv.gz"):
        assert run(["advise", name, "--target", "a"]) == 3
        assert f"{name} cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words", "text"),
    [
        ({}, ["--target", "scores"], "my.csv has no column 'scores': did you mean 'score'? Known: age, height"),
        ({}, ["--target", "score", "--drop", "ages"], "drop='ages' is no feature of my.csv: did you mean 'age'"),
        ({"age": "old"}, ["--target", "score"], "my.csv: column 'age' holds words, such as 'old' in 'age': leave out with --drop"),
        ({"age": "x", "sleep": "y"}, ["--target", "score"], "my.csv: columns 'age' and 'sleep' hold words"),
        (
            {"pulse": np.where(np.arange(200) < 3, np.nan, 1.5)},
            ["--target", "score"],
            "my.csv: column 'pulse' has 3 empty cells: fill them",
        ),
        ({"score": 2.0}, ["--target", "score"], "y is constant (2): there is nothing to predict"),
        ({"age": 7.0}, ["--target", "score"], "column 'age' of X is constant (7) on the labelled rows: leave it out"),
    ],
)
def test_wrong_tables(table, capsys, change, words, text):
    table.assign(**change).to_csv("my.csv", index=False)
    assert run(["advise", "my.csv", *words]) == 3
    assert text in capsys.readouterr().err


def test_wrong_files(table, tmp_path, capsys):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "names.csv").write_text("a,b\n")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3,4\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01" * 10)
    (tmp_path / "table.xlsx").write_bytes(b"x")
    (tmp_path / "one.csv").write_text("a\n1\n2\n")
    for name, text in {
        "none.csv": "none.csv cannot be read (No such file or directory): check its name",
        "empty.csv": "empty.csv is empty: give a first line of names and a line for each row",
        "names.csv": "names.csv has a line of names and no rows",
        "ragged.csv": "ragged.csv: its rows have different lengths",
        "binary.csv": "binary.csv is not in UTF-8",
        "table.xlsx": "table.xlsx is none of .csv, .tsv, .txt, .parquet",
        "one.csv": "one.csv has no column beside 'a': give features too",
    }.items():
        assert run(["advise", name, "--target", "a"]) == 3
        assert text in capsys.readouterr().err
    table.head(4).to_csv("few.csv", index=False)
    assert run(["advise", "few.csv", "--target", "score", "--student", "2"]) == 3
    assert "4 labelled rows: a student of 2 features has a finite expected risk from 5 on" in capsys.readouterr().err


def test_unlabelled_rows_of_another_table(table, capsys):
    table[["age", "height"]].to_csv("rows.csv", index=False)
    assert run(["advise", "my.csv", "--target", "score", "--unlabelled", "rows.csv"]) == 3
    assert "rows.csv lacks columns 'weight', 'pulse', 'steps' and 'sleep'" in capsys.readouterr().err
    assert run(["advise", "my.csv", "--target", "score", "--unlabelled", "my.csv", "--rows", "5"]) == 2
    assert "rows=5 beside unlabelled='my.csv': give the rows, or how many there will be" in capsys.readouterr().err
