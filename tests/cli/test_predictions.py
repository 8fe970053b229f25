"""Prediction files as numpy, pandas and R write them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdprobe.cli._predictions import read_predictions, same_rows
from kdprobe.core.errors import DataError

RNG = np.random.default_rng(0)
FILE = Path("p.csv")


@pytest.mark.parametrize("columns", [1, 2, 3, 6])
@pytest.mark.parametrize("index", [False, True])
def test_a_header_of_pandas_is_no_row(columns, index):
    values = RNG.normal(size=(7, columns))
    pd.DataFrame(values).to_csv(FILE, index=index)
    found = read_predictions(FILE)
    assert np.array_equal(found.values, values)
    assert found.index == (tuple("0123456") if index else None)
    assert f"{FILE}: its first line (" in found.said
    assert ("its first column names the rows" in found.said) is index


def test_names_a_byte_order_mark_and_the_quotes_of_r_are_read():
    values = RNG.normal(size=(4, 2))
    pd.DataFrame(values, columns=["cat", "dog"]).to_csv(FILE, index=False, encoding="utf-8-sig")
    assert np.array_equal(read_predictions(FILE).values, values)
    FILE.write_text('"","V1","V2"\n"1",0.5,0.25\n"2",0,1\n')
    found = read_predictions(FILE)
    assert found.values.tolist() == [[0.5, 0.25], [0.0, 1.0]]
    assert found.index == ("1", "2")


@pytest.mark.parametrize(
    "text",
    ["0,1\n1,0\n0.5,0.5\n", "0\n1\n2\n", "0.0,1.0,2.0\n1,2,3\n", "0,2,1\n1.5,2.5,3.5\n", "# written by numpy\n0.0,1.5\n"],
)
def test_a_row_of_data_stays_one(text):
    FILE.write_text(text)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = read_predictions(FILE)
    assert found.values.tolist() == [[float(cell) for cell in line.split(",")] for line in lines]
    assert found.said == ""


def test_a_column_of_classes_has_a_header_where_it_has_one_line_too_many():
    FILE.write_text("0\n1\n0\n2\n")
    assert read_predictions(FILE, rows=3).values.tolist() == [[1.0], [0.0], [2.0]]
    assert len(read_predictions(FILE, rows=4).values) == 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n", "its one line is names of columns"),
        ("1.5,x\n2.5,3.5\n", "could not convert string 'x'"),
        (",1.5\n2.5,3.5\n", "could not convert string ''"),
        ("a,b\n1,2\n3\n", "the number of columns changed"),
    ],
)
def test_a_slip_is_refused_and_never_left_out(text, why):
    FILE.write_text(text)
    with pytest.raises(DataError, match=f"p.csv holds no plain array of numbers .*{why}"):
        read_predictions(FILE)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ("(1000000000000000,)", "<f8"),  # MemoryError
        ("(1" + "0" * 30 + ",)", "<f8"),  # OverflowError
        ("(True,)", "<f8"),  # TypeError
        ("(1,)", "<f8,("),  # SyntaxError
        ("(1,", "<f8"),  # TokenError
        ("(-5,)", "<f8"),
    ],
)
def test_a_damaged_header_of_npy_is_refused_whatever_numpy_ends_in(shape, kind):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    FILE.with_suffix(".npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48))
    with pytest.raises(DataError, match=r"p.npy holds no plain array of numbers \(.*\): save the outputs with numpy.save"):
        read_predictions(FILE.with_suffix(".npy"))


def test_rows_in_another_order_are_refused():
    frame = pd.DataFrame(RNG.normal(size=(4, 3)))
    frame.to_csv(FILE)
    frame.iloc[[0, 2, 1, 3]].to_csv("q.csv")
    one, other = read_predictions(FILE), read_predictions(Path("q.csv"))
    same_rows(FILE, one, FILE, one)
    with pytest.raises(DataError, match=r"q.csv calls its row 1 '2' and p.csv calls it '1': write both in one order"):
        same_rows(FILE, one, Path("q.csv"), other)
