"""Rows of one's own: what is read how, what is refused in which words, and how many rows each part has."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import _PROVIDED, find, provide
from kdprobe.tasks.own.frame import prepare
from kdprobe.tasks.own.keep import keep, kept
from kdprobe.tasks.own.make import from_arrays, from_files, from_frame
from kdprobe.tasks.own.rows import sizes_of
from kdprobe.tasks.splits import PARTS, split

RNG = np.random.default_rng(0)


def frame(rows=200):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "size": rng.normal(size=rows),
            "rooms": rng.integers(1, 9, size=rows),
            "town": rng.choice(["Bonn", "Köln", "Ulm"], size=rows),
            "new": rng.random(rows) < 0.5,
            "price": rng.normal(size=rows),
        }
    )


@pytest.fixture(autouse=True)
def nothing_stays_provided():
    before = dict(_PROVIDED)
    yield
    _PROVIDED.clear()
    _PROVIDED.update(before)


def test_numbers_stay_words_become_columns_of_their_own():
    table = frame()
    made = prepare(table, "price")
    assert made.data.columns == ("size", "rooms", "town=Bonn", "town=Köln", "town=Ulm", "new")
    by_hand = np.column_stack([table["size"], table.rooms, *(table.town == town for town in ("Bonn", "Köln", "Ulm")), table.new])
    assert np.array_equal(made.data.x, by_hand.astype(np.float32))
    assert np.array_equal(made.data.y[:, 0], table.price)
    assert (made.kind, made.data.targets, made.warnings) == ("regression", ("price",), ())


def test_the_kind_goes_by_the_target_and_can_be_overruled():
    assert prepare(frame(), "town").data.classes == ("Bonn", "Köln", "Ulm")
    assert prepare(frame(), "new").data.classes == ("False", "True")
    rooms = prepare(frame(), "rooms")
    assert (rooms.kind, rooms.data.classes) == ("classification", tuple("12345678"))
    assert "8 whole numbers; --kind regression overrules it" in rooms.said[0]
    assert prepare(frame(), "rooms", kind="regression").data.y.dtype == np.float64
    assert prepare(frame().assign(rooms=frame().rooms / 2), "rooms").kind == "regression"


def test_missing_values_are_refused_counted_left_out_or_filled():
    table = frame()
    table.loc[3, "size"] = np.nan
    table.loc[[5, 6], "town"] = None
    table.loc[7, "price"] = np.nan
    with pytest.raises(DataError) as error:
        prepare(table, "price")
    assert "4 of 200 rows lack a value: 'price' (1), 'size' (1), 'town' (2). Give --drop-missing" in str(error.value)
    assert "--impute" in str(error.value)
    dropped = prepare(table, "price", drop_missing=True)
    assert len(dropped.data.x) == 196
    assert "4 of 200 rows lack a value and are left out." in dropped.said
    filled = prepare(table, "price", impute=True)
    assert len(filled.data.x) == 199
    columns = list(filled.data.columns)
    assert filled.data.x[3, columns.index("size")] == np.float32(np.median(table["size"].drop(index=[3, 7])))
    assert filled.data.x[3, columns.index("size is missing")] == 1.0
    assert filled.data.x[5, columns.index("town=missing")] == 1.0


def test_what_names_rows_or_never_changes_is_no_input():
    table = frame().assign(one=1.0)
    table.insert(0, "Unnamed: 0", np.arange(200))
    made = prepare(table, "price", ignore=["town"])
    assert made.data.columns == ("size", "rooms", "new")
    assert "'Unnamed: 0': the number of the row, ignored." in made.said
    assert "'one': the same in every row, left out." in made.said


def test_classes_beyond_whole_numbers_of_64_bits_stay_apart():
    made = prepare(frame().assign(price=[1e19, 2e19] * 100), "price", ignore=["town"])
    assert made.data.classes == ("1e+19", "2e+19")
    assert made.data.y[:4].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("change", "arguments", "text"),
    [
        (lambda f: f, {"target": "prize"}, "target 'prize': the data has no such column: did you mean 'price'"),
        (lambda f: f, {"group": "tow"}, "group 'tow': the data has no such column: did you mean 'town'?"),
        (lambda f: f, {"ignore": ["siez"]}, "ignore 'siez': the data has no such column: did you mean 'size'?"),
        (lambda f: f, {"ignore": ["price"]}, "target 'price' is named by ignore too"),
        (lambda f: f.assign(price=1.0), {}, "target 'price' is 1.0 in every row: there is nothing to learn"),
        (lambda f: f.assign(price="yes"), {}, "target 'price' is yes in every row"),
        (lambda f: f.assign(price=["yes", " yes"] * 100), {}, "target 'price' is 'yes' in every row, but for the spaces around it"),
        (lambda f: f.assign(price=[f"n{i}" for i in range(200)]), {}, "has 200 classes in 200 rows, hardly more than a row a class"),
        (lambda f: f, {"target": "town", "kind": "regression"}, "target 'town' holds words (Köln): regression needs numbers"),
        (lambda f: f.assign(day=pd.date_range("2020-01-01", periods=200)), {}, "column 'day' holds dates (2020-01-01"),
        (lambda f: f.assign(day=["03.04.2021", "05.04.2021"] * 100), {}, "column 'day' holds dates (03.04.2021)"),
        (lambda f: f.assign(rooms=["3"] * 150 + ["many"] * 50), {}, "150 numbers and 50 words (row 152: 'many'): mend them"),
        (lambda f: f.assign(rooms=["3"] * 150 + ["3,5"] * 50), {}, "give --decimal ,"),
        (lambda f: f.assign(rooms=["2,5", "3,5"] * 100), {}, "column 'rooms' holds decimals with a comma (2,5): give --decimal ,"),
        (lambda f: f.assign(who=[f"n{i}" for i in range(200)]), {}, "has 200 different words (n0, n1, n10, ...), more than 50"),
        (lambda f: f.assign(rooms=[np.inf] + [1.0] * 199), {}, "column 'rooms' holds 1 infinite values"),
        (lambda f: f.assign(rooms=[1e200] + [1.0] * 199), {}, "column 'rooms' holds 1e+200, beyond single precision"),
        (lambda f: f.assign(rooms=[1e39] + [1.0] * 199), {}, "column 'rooms' holds 1e+39, beyond single precision"),
        (lambda f: f.assign(price=[np.inf] + [1.5] * 199), {"kind": "regression"}, "target 'price' holds 1 infinite values"),
        (lambda f: f[["price"]], {}, "has no column beside the target"),
        (lambda f: f[["price"]].assign(one=1), {}, "every column beside the target is the same in every row"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_used_are_refused_in_words(change, arguments, text):
    with pytest.raises(DataError) as error:
        prepare(change(frame()), **{"target": "price", **arguments})
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"kind": "ranking"}, "kind='ranking': give classification or regression"),
        ({"drop_missing": True, "impute": True}, "drop_missing and impute: give one of them"),
        ({"ignore": "town"}, "ignore='town': give a list, such as ['town']"),
    ],
)
def test_options_that_are_none_are_refused(arguments, text):
    with pytest.raises(PlanError) as error:
        prepare(frame(), "price", **arguments)
    assert text in str(error.value)


def test_the_target_under_another_name_is_warned_of_with_the_correlation():
    table = frame()
    (warning,) = prepare(table.assign(euros=3 * table.price + 1), "price").warnings
    assert "'euros' tells 'price' by itself (correlation 1.0000)" in warning
    assert "--ignore it" in warning
    assert "'log'" in prepare(table.assign(log=np.exp(table.price)), "price").warnings[0]
    assert "'code'" in prepare(table.assign(code=table.town.map({"Bonn": 7, "Köln": 1, "Ulm": 3})), "town").warnings[0]
    assert "'city'" in prepare(table.assign(city=table.town.str.lower()), "town").warnings[0]
    assert not prepare(table.assign(near=table.price + 0.1 * RNG.normal(size=200)), "price").warnings
    assert "Few rows of '9' (3)" in prepare(table.assign(rooms=[9] * 3 + [1, 2] * 98 + [1]), "rooms").warnings[0]


def test_groups_and_copies_stay_in_one_part():
    table = frame(400).assign(owner=np.arange(400) // 4)
    table.loc[8:11, ["size", "rooms", "town", "new"]] = table.loc[0:3, ["size", "rooms", "town", "new"]].to_numpy()
    made = from_frame(table, "price", group="owner")
    assert "Rows of one 'owner' stay in one part: 100 groups, 1 of them joined by copies of a row." in made.said
    parts = split(made.task)
    owners = [set(table.owner[getattr(parts, part).ids]) for part in PARTS]
    assert sum(map(len, owners)) == len(set.union(*owners))
    assert sum({0, 2} <= own for own in owners) == 1 or not any({0, 2} & own for own in owners)
    twice = pd.concat([frame(), frame()], ignore_index=True)
    parts = split(from_frame(twice, "price").task)
    for part in PARTS:
        ids = set(getattr(parts, part).ids.tolist())
        assert {(i + 200) % 400 for i in ids} == ids
    with pytest.raises(DataError, match="one group has 200 of 400 rows, and a part has 40"):
        from_frame(table.assign(owner=np.arange(400) // 200), "price", group="owner")


@pytest.mark.parametrize("rows", [100, 101, 999, 20_000, 1_000_000])
def test_every_row_has_at_most_one_part(rows):
    found = sizes_of(rows)
    assert found.total <= rows
    assert (found.probe_a, found.validation) == (min(rows // 5, 5_000), min(rows // 10, 5_000))
    assert rows > 22_000 or found.total >= rows - 4


def test_fifty_rows_are_too_few():
    with pytest.raises(DataError, match="frame has 50 rows: give at least 100"):
        from_frame(frame(50), "price")


def test_files_folders_and_arrays_are_read_alike():
    table = frame(300)
    Path("d").mkdir()
    table[:150].to_csv("d/a.csv", index=False)
    table[150:].to_csv("d/b.csv", index=False)
    table.to_csv("all.csv", index=False)
    whole, several = from_files(["all.csv"], "price").task, from_files(["d"], "price").task
    assert (whole.name, several.name) == ("all.csv", "d")
    assert whole.sha256 == several.sha256 == from_frame(table, "price").task.sha256
    table.assign(more=1)[150:].to_csv("d/b.csv", index=False)
    with pytest.raises(DataError, match=r"d/b\.csv has other columns than d/a\.csv \(more\)"):
        from_files(["d"], "price")
    x = table[["size", "rooms"]].to_numpy()
    np.savez("t.npz", x=x, price=table.price.to_numpy())
    assert from_files(["t.npz"], "price").task.sha256 == from_arrays(x, table.price, columns=["size", "rooms"]).task.sha256
    with pytest.raises(DataError, match=r"t\.npz holds x, price, no 'y'"):
        from_files(["t.npz"], "y")
    for content in (b"no zip", b"PK\x03\x04 the head of an archive", Path("t.npz").read_bytes()[:-40]):
        Path("u.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"u\.npz is no file of numpy\.savez"):
            from_files(["u.npz"], "price")


def test_images_and_several_targets_are_arrays():
    images = RNG.integers(0, 255, size=(120, 1, 6, 6), dtype=np.uint8)
    task = from_arrays(images, np.arange(120) % 3).task
    assert (task.kind, "cnn" in task.families) == ("classification", True)
    assert split(task).input_shape == (1, 6, 6)
    assert from_arrays(RNG.normal(size=(120, 3)), RNG.normal(size=(120, 2))).task.load().targets == ("y0", "y1")
    sequences = from_arrays(RNG.normal(size=(120, 5, 2)), np.arange(120) % 3).task
    assert (sequences.load().x.shape, sequences.families[0]) == ((120, 5, 2), "gru")
    for x, y, text in (
        (images[:, 0], np.arange(120), r"x is uint8 \(120, 6, 6\): give images with their channels, x\[:, None\]"),
        (images, np.arange(119), r"y \(119,\): give y as"),
        (images, np.zeros(120), "y has 1 classes in 120 rows"),
        (RNG.normal(size=(120, 3)), np.array(["a"] * 240).reshape(120, 2), "regression needs numbers"),
    ):
        with pytest.raises(DataError, match=text):
            from_arrays(x, y)
    with pytest.raises(DataError, match="columns has 1 names"):
        from_arrays(RNG.normal(size=(120, 3)), np.arange(120) % 2, columns=["a"])
    with pytest.raises(DataError, match="frame is a list: give a pandas DataFrame"):
        from_frame([1], "price")
    for name in ("", "a/b", 3):
        with pytest.raises(PlanError, match="give a short name without a slash"):
            from_frame(frame(), "price", name=name)


def test_numbers_far_from_zero_keep_what_tells_rows_apart():
    stamp = 1.6e9 + np.arange(200.0)
    made = prepare(frame().assign(rooms=stamp), "price")
    assert np.array_equal(np.diff(made.data.x[:, 1]), np.ones(199, dtype=np.float32))


def test_a_task_is_kept_and_known_again():
    task = from_frame(frame(), "price", name="mine").task
    keep(Path("zoo"), task)
    keep(Path("zoo"), task)
    (again,) = kept(Path("zoo"))
    assert (again.name, again.kind, again.split, again.steps, again.notes, again.sha256) == (
        task.name, task.kind, task.split, task.steps, task.notes, task.sha256,
    )  # fmt: skip
    assert split(again).sha256 == split(task).sha256
    file = next(Path("zoo/data").iterdir())
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="holds other rows than were kept"):
        kept(Path("zoo"))[0].load()
    file.write_bytes(b"nothing")
    with pytest.raises(DataError, match="is missing or damaged"):
        again.load()


def test_names_of_tasks_are_kept_apart():
    from dataclasses import replace

    task = from_frame(frame(), "price", name="letters").task
    with pytest.raises(PlanError, match="a task of kdprobe is named 'letters': give your own another name"):
        provide(task)
    own = replace(task, name="mine")
    assert provide(own) == "mine"
    assert find("tasks", "mine") is own


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"x": np.nan}, DataError, "x holds 1 values that are NaN, infinite or beyond single precision: mend them"),
        ({"x": 1e300}, DataError, "x holds 1 values that are NaN, infinite or beyond"),
        ({"y": np.inf}, DataError, "y holds 1 values that are NaN"),
        ({"kind": "clasification"}, PlanError, "kind='clasification': give classification or regression"),
        ({"kind": "classification"}, DataError, r"y has shape \(120, 2\): classification needs one class a row"),
        ({"groups": np.arange(7)}, DataError, r"groups has shape \(7,\), x \(120, 3\): give one label a row"),
        ({"columns": ["a"]}, DataError, r"columns has 1 names for x \(120, 3\)"),
    ],
)
def test_arrays_of_several_targets_are_looked_through_as_frames_are(change, error, text):
    data = {"x": RNG.normal(size=(120, 3)), "y": RNG.normal(size=(120, 2))}
    for name in data.keys() & change.keys():
        data[name][5, 1] = change[name]
    with pytest.raises(error, match=text):
        from_arrays(**data, **{name: value for name, value in change.items() if name not in data})


def test_a_category_called_missing_is_one_with_what_is_missing():
    table = frame().assign(state=["good", "missing", None, "bad"] * 50)
    made = prepare(table, "price", impute=True)
    columns = list(made.data.columns)
    assert [name for name in columns if name.startswith("state")] == ["state=bad", "state=good", "state=missing"]
    assert made.data.x[:4, columns.index("state=missing")].tolist() == [0, 1, 1, 0]
