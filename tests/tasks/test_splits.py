"""Parts are disjoint, whole, redrawn only where they should be, and know nothing of rows outside train."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdprobe.core.errors import ContractError, PlanError
from kdprobe.core.registry import available
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.splits import PARTS, split

LETTERS, BIKESHARE = available("tasks")["letters"], available("tasks")["bikeshare"]
SMALL = SplitSizes(train=40, transfer=30, validation=20, probe_a=25, probe_b=25)


def toy(x, y, *, blocks=None, sizes=SMALL, sha256="0" * 64):
    regression = y.dtype == np.float64
    names = tuple(f"v{number}" for number in range(y.shape[1] if regression else y.max() + 1))
    data = Dataset(
        x=x,
        y=y,
        sha256=sha256,
        blocks=blocks,
        classes=() if regression else names,
        targets=names if regression else (),
        columns=tuple(f"x{number}" for number in range(x.shape[1])) if x.ndim == 2 else (),
    )
    return Task(
        name="toy",
        kind="regression" if regression else "classification",
        title="Toy",
        load=lambda: data,
        split=sizes,
        source="made",
        licence="none",
        families=("mlp",),
    )


def numbers(n=200, d=3, targets=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(5, 3, (n, d)).astype(np.float32), rng.normal(-2, 4, (n, targets))


def ids(parts):
    return {part: set(getattr(parts, part).ids.tolist()) for part in PARTS}


@pytest.mark.parametrize("task", [LETTERS, BIKESHARE], ids=lambda task: task.name)
def test_parts_share_no_row_and_no_block(task):
    for draw in range(3):
        parts = split(task, draw=draw)
        of = ids(parts)
        assert sum(len(held) for held in of.values()) == len(set.union(*of.values()))
        if task is BIKESHARE:
            blocks = [set(getattr(parts, part).blocks.tolist()) for part in PARTS]
            assert sum(len(held) for held in blocks) == len(set.union(*blocks))


def test_letters_has_the_sizes_asked_for():
    parts = split(LETTERS)
    assert [getattr(parts, part).n for part in PARTS] == [2000, 8000, 2000, 4000, 4000]
    assert (parts.kind, parts.outputs, parts.input_shape, parts.names[:2]) == ("classification", 26, (16,), ("A", "B"))
    assert parts.train.y.dtype == np.int64
    assert parts.target_mean is None


def test_bikeshare_is_short_by_less_than_a_day():
    for draw in range(5):
        parts = split(BIKESHARE, draw=draw)
        for part in PARTS:
            assert 0 <= getattr(BIKESHARE.split, part) - getattr(parts, part).n < 24
    assert parts.train.y.shape == (parts.train.n, 1)
    assert parts.train.blocks.shape == (parts.train.n,)


def test_copies_of_a_row_stay_together():
    data, parts = LETTERS.load(), split(LETTERS)
    inputs = [{row.tobytes() for row in data.x[getattr(parts, part).ids]} for part in PARTS]
    assert sum(len(held) for held in inputs) == len(set.union(*inputs))
    # the trap: with rows shuffled one by one there are copies on both sides
    order = np.random.default_rng(0).permutation(len(data.x))
    seen, probed = ({row.tobytes() for row in data.x[rows]} for rows in (order[:10_000], order[10_000:14_000]))
    assert len(seen & probed) > 100


def test_copies_do_not_change_the_sizes():
    x, y = numbers(n=150)
    paired = np.concatenate([x, x[:100]])
    sizes = SplitSizes(train=51, transfer=37, validation=23, probe_a=29, probe_b=31)
    for draw in range(5):
        parts = split(toy(paired, np.concatenate([y, y[:100]]), sizes=sizes), draw=draw)
        assert [getattr(parts, part).n for part in PARTS] == [51, 37, 23, 29, 31]


@pytest.mark.parametrize("task", [LETTERS, BIKESHARE], ids=lambda task: task.name)
def test_a_draw_redraws_all_but_the_probe_halves(task):
    first, second = split(task, draw=0), split(task, draw=1)
    for part in ("probe_a", "probe_b"):
        assert np.array_equal(getattr(first, part).ids, getattr(second, part).ids)
    for part in ("train", "transfer", "validation"):
        assert ids(first)[part] != ids(second)[part]
    left = set.union(*(ids(first)[part] for part in ("train", "transfer", "validation")))
    if task is LETTERS:
        assert left == set.union(*(ids(second)[part] for part in ("train", "transfer", "validation")))
    assert first.sha256 != second.sha256


def test_one_size_moves_one_part():
    before = ids(split(LETTERS))
    fewer = {"train": 500, "transfer": 1000}
    for changed, size in fewer.items():
        after = ids(split(LETTERS, sizes=replace(LETTERS.split, **{changed: size})))
        assert [part for part in PARTS if before[part] != after[part]] == [changed]
        assert len(after[changed]) == size


def test_no_transfer_rows():
    parts = split(LETTERS, sizes=replace(LETTERS.split, transfer=0))
    assert parts.transfer.n == 0
    assert parts.transfer.x.shape == (0, 16)
    assert parts.train.n == 2000


def test_rows_are_those_of_the_data():
    x, y = numbers()
    parts = split(toy(x, y))
    mean, sd = x[parts.train.ids].astype(np.float64).mean(axis=0), x[parts.train.ids].astype(np.float64).std(axis=0)
    for part in PARTS:
        held = getattr(parts, part)
        assert held.x.dtype == np.float32
        assert held.y.dtype == np.float64
        assert np.array_equal(held.ids, np.sort(held.ids))
        assert np.allclose(held.x * sd + mean, x[held.ids], rtol=1e-5)
        assert np.allclose(parts.in_units(held.y), y[held.ids], rtol=1e-12)
    assert np.allclose(parts.target_sd, y[parts.train.ids].std(axis=0))
    assert parts.outputs == 2


def test_what_is_fitted_is_fitted_on_train():
    x, y = numbers()
    parts = split(toy(x, y))
    assert np.allclose(parts.train.x.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(parts.train.x.std(axis=0), 1, atol=1e-6)
    outside = np.setdiff1d(np.arange(len(x)), parts.train.ids)
    wild_x, wild_y = x.copy(), y.copy()
    wild_x[outside] *= 100
    wild_y[outside] += 1e3
    wild = split(toy(wild_x, wild_y))
    assert np.array_equal(wild.train.ids, parts.train.ids)
    assert np.array_equal(wild.train.x, parts.train.x)
    assert np.array_equal(wild.train.y, parts.train.y)
    assert np.array_equal(wild.target_mean, parts.target_mean)


def test_images_are_scaled_by_channel():
    rng = np.random.default_rng(0)
    x = rng.integers(0, [[[100]], [[256]]], (200, 2, 4, 4), dtype=np.uint8)
    x[:, 1, 0, 0] = 0  # a pixel that is never lit must not be blown up
    parts = split(toy(x, rng.integers(0, 3, 200)))
    assert parts.train.x.dtype == np.float32
    assert np.allclose(parts.train.x.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    assert np.allclose(parts.train.x.std(axis=(0, 2, 3)), 1, atol=1e-5)
    assert parts.input_shape == (2, 4, 4)


@pytest.mark.parametrize("value", [0.1, 1e8, -3.3e-9])
def test_a_constant_column_becomes_zero(value):
    x, y = numbers()
    x[:, 1] = value
    parts = split(toy(x, y))
    for part in PARTS:
        assert np.allclose(getattr(parts, part).x[:, 1], 0, atol=1e-12)


def test_a_column_that_is_constant_on_train_alone_stays_finite():
    x, y = numbers()
    lit = split(toy(x, y)).probe_a.ids[0]
    x[:, 1] = 0
    x[lit, 1] = 1
    parts = split(toy(x, y))
    assert lit in parts.probe_a.ids
    assert parts.probe_a.x[:, 1].max() == 1
    assert not parts.train.x[:, 1].any()


def test_rare_weather_of_bikeshare():
    """One hour of the year has heavy rain: in most draws the column is constant on the train rows."""
    column = BIKESHARE.load().columns.index("weathersit=heavy rain/snow")
    spans = [np.ptp(split(BIKESHARE, draw=draw).train.x[:, column]) for draw in range(3)]
    assert 0 in spans
    assert all(np.isfinite(spans))


def test_arrays_are_read_only():
    parts = split(BIKESHARE)
    for part in PARTS:
        for name in ("ids", "x", "y", "blocks"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(getattr(parts, part), name)[0] = 0
    for fitted in (parts.target_mean, parts.target_sd):
        with pytest.raises(ValueError, match="read-only"):
            fitted[0] = 0


def test_a_process_prepares_a_split_once():
    assert split(LETTERS, draw=3) is split(replace(LETTERS), draw=3, sizes=replace(LETTERS.split))


def test_hash_names_data_rows_and_reading():
    x, y = numbers()
    one = split(toy(x, y))
    data = toy(x, y).load()
    renamed = replace(toy(x, y), load=lambda: replace(data, targets=("log(v0)", "v1")))
    others = [
        split(toy(x, y, sha256="1" * 64)),
        split(toy(x, y), draw=1),
        split(toy(x, y), sizes=replace(SMALL, transfer=29)),
        split(renamed),
    ]
    assert len({one.sha256, *(other.sha256 for other in others)}) == 5
    assert split(toy(x, y)).sha256 == one.sha256


def test_splits_are_the_same_for_ever():
    """Stored zoos rest on these rows: a change here makes every stored model another model."""
    assert split(LETTERS).sha256 == "140e1d1cfeaa2251e340b8baf6aabae4b9e6bcd7516fd47a8f2cac225ba04f59"
    assert split(BIKESHARE).sha256 == "afc62b3ae7cd31e92f00624957bf80e658cc35f35e3f21a3047b071f32d4b9d9"


@given(
    blocks=st.lists(st.integers(1, 9), min_size=60, max_size=90),
    wanted=st.tuples(*[st.integers(9, 30)] * 5),
    draw=st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_blocks_of_any_size_stay_whole(blocks, wanted, draw):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(blocks)) * 7 - 3, blocks))
    sizes = SplitSizes(**dict(zip(PARTS, wanted, strict=True)))
    x, y = numbers(n=len(labels), d=1, targets=1)
    if sizes.total > len(labels):
        with pytest.raises(PlanError, match="are asked for"):
            split(toy(x, y, blocks=labels, sizes=sizes))
        return
    parts = split(toy(x, y, blocks=labels, sizes=sizes), draw=draw)
    held = [getattr(parts, part) for part in PARTS]
    assert len(set(np.concatenate([part.ids for part in held]))) == sum(part.n for part in held)
    owner = np.concatenate([np.unique(part.blocks) for part in held])
    assert len(owner) == len(set(owner))
    for part, size in zip(held, wanted, strict=True):
        assert np.array_equal(part.blocks, labels[part.ids])
        assert size - max(blocks) < part.n <= size


@pytest.mark.parametrize("draw", [-1, 1.5, True, "0"])
def test_draw_is_a_whole_number(draw):
    with pytest.raises(PlanError, match=re.escape(f"draw={draw!r}: give a whole number from 0")):
        split(LETTERS, draw=draw)


def test_too_few_rows():
    asked = "(train=2000, transfer=8001, validation=2000, probe_a=4000, probe_b=5000)"
    with pytest.raises(PlanError, match=re.escape(f"letters has 20000 rows, 21001 are asked for {asked}: ask for 1001 fewer")):
        split(LETTERS, sizes=replace(LETTERS.split, transfer=8001, probe_b=5000))


def test_a_part_smaller_than_a_block():
    with pytest.raises(PlanError, match=r"bikeshare: validation=5 is smaller than one block, of \d+ rows: raise it"):
        split(BIKESHARE, sizes=replace(BIKESHARE.split, validation=5))


@pytest.mark.parametrize("value", [2.5, 0.1])  # forty times 0.1 is not 4 in binary
def test_constant_target(value):
    x, y = numbers()
    y[:, 1] = value
    with pytest.raises(PlanError, match=rf"train=40 rows of 'toy' all have v1 = {value}: raise train"):
        split(toy(x, y))


def test_kind_must_be_that_of_the_data():
    wrong = replace(toy(*numbers()), kind="classification")
    with pytest.raises(ContractError, match="task 'toy' is a classification, but its data has 0 classes and 2 targets"):
        split(wrong)


def test_classes_have_no_units():
    with pytest.raises(PlanError, match="task 'letters' is a classification: only regression targets have units to go back to"):
        split(LETTERS).in_units(np.zeros((1, 1)))
