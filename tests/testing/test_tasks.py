"""The suite for tasks notices each way of breaking the contract, and says what was due."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe import DataError, available
from kdprobe.core.errors import ContractError
from kdprobe.tasks.splits import split
from kdprobe.testing import check

LETTERS, BIKES = available("tasks")["letters"], available("tasks")["bikeshare"]
DATA, RIDES = LETTERS.load(), BIKES.load()
RNG = np.random.default_rng(0)


def missing():
    raise DataError("letters.csv is not here: kdprobe data fetch letters")


@pytest.mark.parametrize(
    ("task", "changes", "text"),
    [
        (LETTERS, {"families": ("mpl",)}, r"names families that do not exist: \['mpl'\]: take names from `kdprobe ls families`"),
        (LETTERS, {"load": missing}, "says that it is embedded, but does not load: letters.csv is not here"),
        (
            LETTERS,
            {"load": lambda: replace(DATA, x=DATA.x + RNG.normal(size=DATA.x.shape).astype(np.float32))},
            "loading twice gives two contents: draw with a fixed seed",
        ),
        (LETTERS, {"load": lambda: RIDES}, r"classes have shape \(\d+, 1\) and dtype float64: give int64 \(n,\)"),
        (LETTERS, {"load": lambda: replace(DATA, y=np.where(DATA.y == 3, 4, DATA.y))}, r"classes are not 0\.\.C-1 without gaps: number"),
        (BIKES, {"load": lambda: replace(RIDES, y=0 * RIDES.y)}, r"targets need shape \(n, c\), and to vary: leave out columns"),
        (BIKES, {"load": lambda: DATA}, r"targets need shape \(n, c\), and to vary"),
    ],
)
def test_a_broken_one_is_noticed(task, changes, text):
    with pytest.raises(ContractError, match=f"task '{task.name}': {text}"):
        check("tasks", replace(task, **changes))


def test_data_that_is_elsewhere_is_no_broken_contract():
    with pytest.raises(DataError, match="kdprobe data fetch letters"):
        check("tasks", replace(LETTERS, load=missing, embedded=False))


def test_blocks_that_leave_a_part_short_are_noticed():
    blocks = np.arange(len(RIDES.y)) // 700
    with pytest.raises(ContractError, match=r"task 'bikeshare': \w+ has \d+ rows of \d+: ask for smaller parts, or give smaller blocks"):
        check("tasks", replace(BIKES, load=lambda: replace(RIDES, blocks=blocks)))


def overlapping(parts):
    return replace(parts, probe_a=parts.train)


def sharing_a_block(parts):
    return replace(parts, validation=replace(parts.validation, blocks=parts.train.blocks[: parts.validation.n]))


def moving(parts):
    return replace(parts, probe_a=replace(parts.probe_a, ids=parts.probe_a.ids + 10**6 * np.random.default_rng().random()))


def always_the_same(parts):
    return split(LETTERS, draw=0)


@pytest.mark.parametrize(
    ("task", "broken", "text"),
    [
        (LETTERS, overlapping, "a row is in two parts"),
        (BIKES, sharing_a_block, "a block is in two parts"),
        (LETTERS, moving, "probe_a moves with the draw"),
        (LETTERS, always_the_same, "draws do not redraw the train rows: its parts use all"),
    ],
)
def test_a_split_that_is_no_split_is_noticed(monkeypatch, task, broken, text):
    """No task alone can bring this about: it would be kdprobe's own split that is wrong."""
    monkeypatch.setattr("kdprobe.testing.tasks.split", lambda task, draw: broken(split(task, draw=draw)))
    with pytest.raises(ContractError, match=f"task '{task.name}': {text}"):
        check("tasks", task)
