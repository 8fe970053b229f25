"""Rows of one's own in other forms than CSV: Parquet and Arrow, folders of images, data sets of Hugging Face."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kdprobe.cli import run
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import _PROVIDED
from kdprobe.tasks.own.make import from_arrays, from_files, from_frame
from kdprobe.tasks.splits import split


@pytest.fixture(autouse=True)
def nothing_stays_provided():
    before = dict(_PROVIDED)
    yield
    _PROVIDED.clear()
    _PROVIDED.update(before)


def table(rows=120):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=rows), "town": rng.choice(["Bonn", "Ulm"], size=rows), "y": rng.normal(size=rows)})


def pictures(folder="pets", each=60, side=(9, 8), colour=True):
    rng = np.random.default_rng(0)
    found = []
    for name in ("cat", "dog"):
        Path(folder, name).mkdir(parents=True)
        for place in range(each):
            pixels = rng.integers(0, 256, size=(side[1], side[0], 3) if colour else side[::-1], dtype=np.uint8)
            Image.fromarray(pixels).save(Path(folder, name, f"{place:03d}.png"))
            found.append(pixels)
    return np.stack(found)


def test_parquet_and_arrow_are_read_as_csv_is():
    arrow = pytest.importorskip("pyarrow")
    frame = table()
    frame.to_csv("t.csv", index=False)
    frame.to_parquet("t.parquet")
    frame.to_feather("t.feather")
    whole = arrow.Table.from_pandas(frame)
    with arrow.OSFile("stream.arrow", "wb") as file, arrow.ipc.new_stream(file, whole.schema) as writer:
        writer.write_table(whole)
    Path("parts").mkdir()
    for place, part in enumerate((frame[:70], frame[70:])):
        part.to_parquet(f"parts/{place}.parquet")
    expected = from_frame(frame, "y").task.sha256
    for name in ("t.csv", "t.parquet", "t.feather", "stream.arrow", "parts"):
        assert from_files([name], "y").task.sha256 == expected, name
    assert from_frame(whole, "y").task.sha256 == expected
    Path("u.arrow").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match=r"u\.arrow cannot be read"):
        from_files(["u.arrow"], "y")


def test_a_folder_of_images_is_a_task(capsys):
    pixels = pictures()
    made = from_files(["pets"], None)
    assert (made.task.kind, made.task.rows, made.task.name) == ("classification", 120, "pets")
    x = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    assert made.task.sha256 == from_arrays(x, np.repeat(["cat", "dog"], 60)).task.sha256
    assert made.said[0] == "120 images of 9 × 8 pixels, three channels."
    parts = split(made.task)
    assert (parts.input_shape, parts.names) == ((3, 8, 9), ("cat", "dog"))
    assert run(["data", "check", "pets"]) == 0
    assert "pets: 120 rows, images of 3 × 8 × 9, 2 classes." in capsys.readouterr().out


def test_a_sweep_of_them():
    pictures(colour=False)
    line = (
        "sweep --gap --data pets --family cnn --teacher-widths 1,2 --student-widths 1 --seeds 2 --steps 2 --scheme same_rows --beside none"
    )
    assert run([*line.split(), "--jobs", "0", "--no-similarity", "--out", "zoo"]) == 0
    page = Path("zoo/report.html").read_text()
    assert "--data pets --family cnn" in page or "kdprobe sweep --gap --data pets" in page


def test_grey_images_have_one_channel_and_sizes_are_made_one():
    pictures(colour=False)
    assert from_files(["pets"], None).task.load().x.shape == (120, 1, 8, 9)
    Image.new("L", (20, 20), 7).save("pets/cat/large.png")
    with pytest.raises(
        DataError, match=r"images differ in size \(pets/cat/000\.png has 9 × 8 and pets/cat/large\.png has 20 × 20 pixels\)"
    ):
        from_files(["pets"], None)
    made = from_files(["pets"], None, image_size=8)
    assert made.task.load().x.shape == (121, 1, 8, 8)
    assert made.said[0] == "121 images of 8 × 8 pixels, one channel, all are grey, scaled from 2 sizes."


def test_folders_that_are_no_classes_are_refused():
    pictures()
    with pytest.raises(PlanError, match="of a folder of images the folders are the classes, leave --target out"):
        from_files(["pets"], "y")
    with pytest.raises(PlanError, match="folders of images are classes"):
        from_files(["pets"], None, kind="regression")
    with pytest.raises(PlanError, match="image_size=4: give pixels a side, from 8 to 512"):
        from_files(["pets"], None, image_size=4)
    Path("pets/dog/broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"pets/dog/broken\.png is no image that can be read"):
        from_files(["pets"], None)
    pictures("all/train")
    Image.new("RGB", (8, 8)).save("all/train/one.png")
    with pytest.raises(DataError, match=r"all holds folders of folders \(train/cat\): give the folder .* such as all/train"):
        from_files(["all"], None)
    assert "1 images beside the folders have no class" in from_files(["all/train"], None).said[1]
    pictures("one")
    for file in Path("one/dog").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"one has images in one folder alone \(cat\)"):
        from_files(["one"], None)
    table().to_csv("t.csv", index=False)
    with pytest.raises(PlanError, match=r"t\.csv: say which column is to be learnt"):
        from_files(["t.csv"], None)
    with pytest.raises(PlanError, match=r"image_size=8: t\.csv is no folder"):
        from_files(["t.csv"], "y", image_size=8)


class Feature:
    def __init__(self, names=None):
        self.names = names


class DataSet:
    """What of a data set of Hugging Face is read: columns by name, features, and a frame."""

    def __init__(self, columns, features):
        self.columns_of, self.features = columns, features

    def __getitem__(self, name):
        return self.columns_of[name]

    def to_pandas(self):
        return pd.DataFrame(self.columns_of)


def image_feature():
    return type("Image", (), {})()


def test_a_data_set_of_a_table_and_one_of_images():
    frame = table()
    codes = np.tile([0, 1, 2], 40)
    rows = DataSet({**frame, "y": codes}, {"a": Feature(), "town": Feature(), "y": Feature(["no", "yes", "perhaps"])})
    made = from_frame(rows, "y")
    assert made.task.load().classes == ("no", "perhaps", "yes")
    assert made.task.sha256 == from_frame(frame.assign(y=np.array(["no", "yes", "perhaps"])[codes]), "y").task.sha256
    pixels = np.random.default_rng(0).integers(0, 256, size=(120, 8, 8, 3), dtype=np.uint8)
    features = {"image": image_feature(), "label": Feature(["cat", "dog", "cow"]), "id": Feature()}
    shown = DataSet({"image": [Image.fromarray(one) for one in pixels], "label": list(codes), "id": list(range(120))}, features)
    made = from_frame(shown, "label")
    names = np.array(["cat", "dog", "cow"])[codes]
    assert made.task.sha256 == from_arrays(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)), names).task.sha256
    assert made.said[1] == "Read: 'image'; left out beside it: 'id'."
    with pytest.raises(DataError, match="'labels': the data have no such column: did you mean 'label'"):
        from_frame(shown, "labels")
    shown.columns_of["label"][3] = -1
    with pytest.raises(DataError, match="1 of 120 rows have no label in 'label'"):
        from_frame(shown, "label")
    with pytest.raises(DataError, match=r"frame is a dict of train, test: give one of them, such as \['train'\]"):
        from_frame({"train": rows, "test": rows}, "y")
    stream = type("Stream", (), {"features": {}})()
    with pytest.raises(DataError, match="frame is a Stream, which can be gone through once"):
        from_frame(stream, "y")
    with pytest.raises(DataError, match="frame is a list: give a pandas DataFrame"):
        from_frame([1, 2], "y")


def test_data_sets_as_that_package_makes_them():
    datasets = pytest.importorskip("datasets")
    frame = table().assign(y=np.tile([0, 1], 60))
    features = datasets.Features(
        {"a": datasets.Value("float64"), "town": datasets.Value("string"), "y": datasets.ClassLabel(names=["no", "yes"])}
    )
    made = datasets.Dataset.from_pandas(frame, features=features, preserve_index=False)
    assert from_frame(made, "y").task.load().classes == ("no", "yes")
    with pytest.raises(DataError, match="frame is a DatasetDict of train: give one of them"):
        from_frame(datasets.DatasetDict({"train": made}), "y")
    made.save_to_disk("kept")
    shown = [Image.fromarray(one) for one in np.random.default_rng(0).integers(0, 256, size=(120, 8, 8, 3), dtype=np.uint8)]
    images = datasets.Dataset.from_dict(
        {"image": shown, "label": [0, 1] * 60},
        features=datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}),
    )
    found = from_frame(images, "label").task.load()
    assert (found.x.shape, found.classes) == ((120, 3, 8, 8), ("cat", "dog"))
    assert (found.x[0] == np.asarray(shown[0]).transpose(2, 0, 1)).all()
