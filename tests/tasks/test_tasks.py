"""What each task's data is, against a reading of its own; and the contract that every task of the registry keeps."""

import csv
import gzip
import hashlib
import importlib.resources
import math
import re
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.registry import available
from kdprobe.tasks import cifar10
from kdprobe.tasks.fashion_mnist import parse_idx
from kdprobe.tasks.splits import split

TASKS = available("tasks")
DOWNLOADED = ("austen", "diamonds", "fashion_mnist", "japanese_vowels", "kinships", "mnist_8x8", "movielens")
EMBEDDED = {"letters": "letter_recognition.csv.gz", "bikeshare": "bikeshare.csv.gz"}


def rows_of(name):
    with gzip.open(importlib.resources.files("kdprobe.tasks") / "data" / EMBEDDED[name], "rt") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """A folder into which real downloads go; a source out of reach skips, anything else that is wrong fails."""
    folder = tmp_path_factory.mktemp("data")

    def fetch(name):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KDPROBE_DATA", str(folder))
            try:
                return TASKS[name].files.fetch()
            except DataError as error:
                if re.search(r"`(pip download|apt-get download) .*`( failed| cannot run| did not end)", str(error)):
                    pytest.skip(f"out of reach: {error}")
                raise

    return fetch


@pytest.mark.parametrize("name", EMBEDDED)
def test_licence_notes_name_the_files_as_they_are(name):
    folder = importlib.resources.files("kdprobe.tasks") / "data"
    section = (folder / "LICENCES.md").read_text().split(f"## {EMBEDDED[name]}\n")[1].split("\n## ")[0]
    assert f"SHA-256 `{hashlib.sha256((folder / EMBEDDED[name]).read_bytes()).hexdigest()}`" in section
    assert TASKS[name].cites.split(";")[0].removeprefix("doi:") in section
    assert TASKS[name].licence == "CC BY 4.0"
    assert TASKS[name].embedded


def test_letters():
    data, rows = TASKS["letters"].load(), rows_of("letters")
    assert data.x.shape == (20_000, 16)
    assert data.columns == tuple(rows[0])[1:]
    assert "".join(data.classes) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert [data.classes[number] for number in data.y] == [row["lettr"] for row in rows]
    for row in (0, 7, 19_999):
        assert data.x[row].tolist() == [float(rows[row][column]) for column in data.columns]
    assert data.x.min() == 0
    assert data.x.max() == 15
    # counts as published with the data
    assert Counter(data.classes[number] for number in data.y).most_common(3) == [("U", 813), ("D", 805), ("P", 803)]


def test_bikeshare():
    data, rows = TASKS["bikeshare"].load(), rows_of("bikeshare")
    assert data.x.shape == (8645, 6 + 4 + 12 + 24 + 7 + 4)
    assert data.targets == ("log1p(bikers)",)
    place = {column: number for number, column in enumerate(data.columns)}
    for row in (0, 4000, 8644):
        assert data.y[row, 0] == pytest.approx(math.log(int(rows[row]["bikers"]) + 1), abs=1e-14)
        assert data.x[row, place["temp"]] == np.float32(rows[row]["temp"])
        on = {column for column in data.columns if "=" in column and data.x[row, place[column]] == 1}
        assert on == {f"{category}={rows[row][category]}" for category in ("season", "mnth", "hr", "weekday", "weathersit")}
    assert data.blocks.tolist() == [int(row["day"]) for row in rows]
    assert len(set(data.blocks.tolist())) == 365


def test_bikeshare_gives_the_target_away_in_no_column():
    data, rows = TASKS["bikeshare"].load(), rows_of("bikeshare")
    assert not {"casual", "registered", "bikers", "day"} & set(data.columns)
    parts = [np.array([float(row[column]) for row in rows]) for column in ("casual", "registered")]
    assert np.allclose(np.log1p(sum(parts)), data.y[:, 0]), "the two that were dropped add up to the target"
    varying = data.x[:, data.x.std(axis=0) > 0].astype(np.float64)
    assert np.abs(np.corrcoef(np.column_stack([varying, data.y]).T)[-1, :-1]).max() < 0.6


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    data, theirs = TASKS["digits"].load(), load_digits()
    assert data.x.shape == (1797, 1, 8, 8)
    assert np.array_equal(data.x[:, 0], theirs.images)
    assert np.array_equal(data.y, theirs.target)
    assert data.classes == tuple(str(name) for name in theirs.target_names)


@pytest.mark.slow
def test_diamonds_from_the_real_wheel(fetched):
    folder = fetched("diamonds")
    data = TASKS["diamonds"].load(path=folder)
    with open(folder / "diamonds.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 53_940
    kept = [row for row in rows if all(0 < float(row[side]) < 12 for side in "xyz")]
    assert data.x.shape == (len(kept), 26) == (53_917, 26)
    assert data.targets == ("log(price)",)
    place = {column: number for number, column in enumerate(data.columns)}
    for row in (0, 30_000, 53_916):
        assert data.y[row, 0] == pytest.approx(math.log(int(kept[row]["price"])), abs=1e-14)
        assert data.x[row, place["carat"]] == np.float32(kept[row]["carat"])
        on = {column for column in data.columns if "=" in column and data.x[row, place[column]] == 1}
        assert on == {f"{category}={kept[row][category]}" for category in ("cut", "color", "clarity")}
    assert "plotnine" not in sys.modules


@pytest.mark.slow
def test_fashion_mnist_from_the_real_package(fetched, tmp_path, monkeypatch):
    folder = fetched("fashion_mnist")
    data = TASKS["fashion_mnist"].load(path=folder)
    assert data.x.shape == (70_000, 1, 28, 28)
    assert data.x.dtype == np.uint8
    assert np.bincount(data.y).tolist() == [7000] * 10
    assert data.classes[data.y[0]] == "Ankle boot"  # the first image, as shown in the paper
    # the mean and standard deviation that are usual for normalising the 60,000 training images
    assert data.x[:60_000].mean() / 255 == pytest.approx(0.2860, abs=5e-5)
    assert data.x[:60_000].std() / 255 == pytest.approx(0.3530, abs=5e-5)

    layout = tmp_path / "torchvision/FashionMNIST/raw"
    layout.mkdir(parents=True)
    for file in Path(folder).iterdir():
        (layout / file.name).symlink_to(file)
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path / "torchvision"))
    assert TASKS["fashion_mnist"].load().sha256 == data.sha256


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\x1f\x8b\x08\x00" + bytes(20), "an IDX file of bytes starts with 00 00 08, this one with 1f 8b 08: give the unpacked file"),
        (b"", "an IDX file of bytes starts with 00 00 08"),
        (b"\0\0\x08\x02" + struct.pack(">II", 2, 3) + bytes(5), "an IDX file of shape (2, 3) has 17 bytes: it was cut short or is not IDX"),
        (b"\0\0\x08\x03" + struct.pack(">I", 1), "an IDX file of shape () has 8 bytes"),
    ],
)
def test_idx_refuses(content, text):
    with pytest.raises(DataError, match=re.escape(text)):
        parse_idx(content)


def test_idx_axes():
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert np.array_equal(parse_idx(b"\0\0\x08\x03" + struct.pack(">III", 2, 3, 4) + values.tobytes()), values)


def batch(rng, n):
    """Records in the layout of the CIFAR-10 batches. Generated: no CIFAR-10 image is in here."""
    images, classes = rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, n)
    return images, classes, b"".join(bytes([number]) + image.tobytes() for number, image in zip(classes, images, strict=True))


def test_cifar10_layout(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    batches = {name: batch(rng, 20) for name in cifar10._FILES.files}
    for name, (_, _, content) in batches.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"data_batch_1\.bin has other content"):
        cifar10.load(path=tmp_path)
    pins = {name: hashlib.sha256(content).hexdigest() for name, (_, _, content) in batches.items()}
    monkeypatch.setattr(cifar10, "_FILES", cifar10.archive("cifar10", url="", folder="", files=pins))
    data = cifar10.load(path=tmp_path)
    assert np.array_equal(data.x, np.concatenate([images for images, _, _ in batches.values()]))
    assert np.array_equal(data.y, np.concatenate([classes for _, classes, _ in batches.values()]))
    assert list(batches) == [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def test_cifar10_refuses():
    content = batch(np.random.default_rng(0), 3)[2]
    with pytest.raises(DataError, match=r"a CIFAR-10 batch of 9218 bytes is not a whole number of records of 3073 bytes: it was cut short"):
        cifar10.parse_records(content[:-1])
    with pytest.raises(DataError, match="a CIFAR-10 batch of 0 bytes"):
        cifar10.parse_records(b"")
    with pytest.raises(DataError, match="record 1 of a CIFAR-10 batch has class 77, not 0 to 9: give the files of the binary version"):
        cifar10.parse_records(content[:3073] + b"\x4d" + content[3074:])


@pytest.mark.parametrize("name", TASKS)
def test_contract(name):
    task = TASKS[name]
    assert task.title
    assert task.source
    assert task.licence
    assert task.cites
    assert set(task.families) <= set(available("families"))
    if task.rows is not None:
        assert task.split.total <= task.rows
    if task.score_range is not None:
        assert task.score_range[0] < task.score_range[1]
        assert task.notes, "a score range says how it was measured"


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_data_keeps_the_contract(name, fetched, monkeypatch):
    task = TASKS[name]
    if name in DOWNLOADED:
        monkeypatch.setenv("KDPROBE_DATA", str(fetched(name).parent))
    try:
        data = task.load()
    except DataError as error:
        if task.embedded or "is not on this machine" not in str(error):
            raise
        pytest.skip(f"needs its files: {error}")
    assert len(data.x) == (task.rows or len(data.x))
    assert re.fullmatch("[0-9a-f]{64}", data.sha256)
    if data.x.ndim == 2:
        assert len(data.columns) == len(set(data.columns)) == data.x.shape[1]
    parts = split(task)
    assert parts.outputs == len(data.classes or data.targets)
    if task.kind == "classification":
        shares = np.bincount(data.y, minlength=len(data.classes)) / len(data.y)
        for part in (parts.train, parts.probe_a, parts.probe_b):
            error = np.sqrt(shares * (1 - shares) / part.n)
            assert np.all(np.abs(np.bincount(part.y, minlength=len(shares)) / part.n - shares) < 4 * error)


def test_importing_the_room_imports_no_heavy_library():
    code = (
        "import sys; from kdprobe.core.registry import available; available('tasks'); "
        "import kdprobe.tasks.splits, kdprobe.tasks.catalogue; "
        "print(sorted({'torch', 'sklearn', 'pandas', 'scipy', 'seaborn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
