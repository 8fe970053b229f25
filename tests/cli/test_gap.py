"""``kdprobe gap``, and the reading of tables."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdprobe.cli import run
from kdprobe.core.errors import DataError, PlanError
from kdprobe.tasks.own.read import files_in, read_table

FILE = Path("t.csv")


def frame(seeds=8):
    rng = np.random.default_rng(0)
    rows = [
        (500, size, seed, 0.7 - gain + rng.normal(0, 0.02), 0.7, 1000 / size + rng.normal(0, 0.01))
        for seed in range(seeds)
        for size, gain in zip((1000, 2000, 4000), (0.0, 0.3, 0.1), strict=True)
    ]
    return pd.DataFrame(rows, columns=["s", "teacher_params", "run", "student_nll", "twin_nll", "teacher_nll"])


def test_a_table_is_answered_and_its_page_is_written(capsys):
    frame().to_csv(FILE, index=False)
    assert run(["gap", str(FILE), "--student-size", "s", "-o", "page.html"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert re.match(
        r"student 500: Teaching helps: the largest gain over the twin is 0\.3\d \[0\.\d+, 0\.\d+\] under size 2000\. SUPPORTED", said[0]
    )
    assert " SUPPORTED: capacity gap. Best teacher sizes: 2000. The largest costs 0.2" in said[0]
    assert said[0].endswith("Of these teachers take one of the best sizes, not the largest.")
    assert "teacher size from 'teacher_params'" in said[1]
    assert said[-1] == "page: page.html"
    assert Path("page.html").is_file()


def test_json_is_one_document(capsys):
    frame(5).to_csv(FILE, index=False)
    assert run(["gap", str(FILE), "--student-size", "s", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdicts"][0] | {"p": 0} == found["verdicts"][0] | {"students": [500.0], "seeds": 5, "verdict": "INCONCLUSIVE", "p": 0}
    assert found["verdicts"][0]["teaching"]["verdict"] == "INCONCLUSIVE"
    assert found["verdicts"][0]["teaching"]["gain"][0] == pytest.approx(0.3, abs=0.03)
    assert found["sentences"][0].startswith("student 500: Too few seeds to say whether teaching helps: the largest gain over the twin is ")
    assert found["page"] is None


def test_the_template_can_be_filled_in(capsys):
    assert run(["gap", "--template"]) == 0
    printed = capsys.readouterr()
    assert "one row a run" in printed.err
    FILE.write_text(printed.out)
    assert run(["gap", str(FILE)]) == 3
    assert "lack a value" in capsys.readouterr().err
    filled = pd.read_csv(FILE)
    filled.assign(student_loss=np.arange(24.0), twin_loss=1.0, teacher_loss=np.arange(24.0)).to_csv(FILE, index=False)
    assert run(["gap", str(FILE)]) == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "give a table of runs, or --template"),
        (["none.csv"], "none.csv cannot be read (No such file or directory): check its name"),
        (["t.csv", "--higher-is-better", "--lower-is-better"], "not both"),
        (["t.csv", "--teacher-size", "big"], "--teacher-size 'big': the table has no such column"),
    ],
)
def test_what_is_wrong_is_said(words, text, capsys):
    frame().rename(columns={"s": "student_size"}).to_csv(FILE, index=False)
    assert run(["gap", *words]) in (2, 3)
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "t.csv is empty: give a first line of names"),
        (b"a;b\n1;2\n", "t.csv is separated by semicolons, not by commas: give --delimiter ';'"),
        (b"a\tb\n1\t2\n", "t.csv is separated by tabs, not by commas: give --delimiter '\\t'"),
        (b"a,b,a\n1,2,3\n", "two columns are named 'a'"),
        (b"1,2\n3,4\n", "its first line holds numbers (1,2), no names"),
        (b"a,b\n1,2\n3,4,5\n", "its rows have different lengths"),
        ("a,b\n1,2\n".encode("utf-16"), "is not in UTF-8"),
        ("ä,b\n1,2\n".encode("latin-1"), "is not in UTF-8 (invalid"),
        (b"a,b\n1,\xe4\n", "is not in UTF-8 (invalid"),
    ],
)
def test_files_that_cannot_be_read(content, text):
    FILE.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_table(FILE)
    assert text in str(error.value)


def test_files_as_people_save_them():
    FILE.write_bytes("\ufeffa;b c;d\n1,5; x;?\n2,5;y;3\n".encode())
    found = read_table(FILE, delimiter=";", decimal=",")
    assert list(found.columns) == ["a", "b c", "d"]
    assert found["a"].tolist() == [1.5, 2.5]
    assert found["b c"].tolist() == ["x", "y"]
    assert found["d"].isna().tolist() == [True, False]
    Path("t.tsv").write_text("a\tb\n1\t2\n")
    assert read_table(Path("t.tsv"))["b"].tolist() == [2]


def test_other_kinds_of_file_and_signs_are_refused():
    Path("t.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"t\.xlsx is none of \.csv, \.tsv"):
        read_table(Path("t.xlsx"))
    FILE.write_text("a,b\n1,2\n")
    with pytest.raises(PlanError, match="delimiter='ab': give one sign"):
        read_table(FILE, delimiter="ab")
    with pytest.raises(PlanError, match=r"decimal='x': give \. or ,"):
        read_table(FILE, decimal="x")


def test_parquet_needs_pyarrow_or_is_read():
    pyarrow = __import__("importlib").util.find_spec("pyarrow")
    Path("t.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"cannot be read" if pyarrow else r"run `pip install pyarrow`, or save CSV"):
        read_table(Path("t.parquet"))


def test_folders_are_their_files():
    Path("d").mkdir()
    with pytest.raises(DataError, match=r"d holds no \.csv"):
        files_in([Path("d")])
    Path("d/b.csv").write_text("a\n1\n")
    Path("d/a.csv").write_text("a\n1\n")
    Path("d/notes.md").write_text("x")
    assert files_in([Path("d")]) == [Path("d/a.csv"), Path("d/b.csv")]
    Path("d/c.tsv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"of several kinds \(\.csv, \.tsv\)"):
        files_in([Path("d")])
    with pytest.raises(DataError, match="nowhere is not there"):
        files_in([Path("nowhere")])
