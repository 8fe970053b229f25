import re

import numpy as np
import pytest

from kdprobe.core.errors import ContractError, DataError, PlanError
from kdprobe.core.task import Dataset, SplitSizes, Task

X = np.zeros((4, 2), dtype=np.float32)
Y = np.array([0, 1, 1, 0])
SIZES = {"train": 10, "transfer": 10, "validation": 10, "probe_a": 10, "probe_b": 10}


def dataset(**changes):
    return Dataset(**{"x": X, "y": Y, "sha256": "0" * 64, "classes": ("a", "b"), **changes})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"y": Y[:3]}, "x has 4 rows, y 3: rows must be paired"),
        ({"blocks": np.arange(5)}, "x has 4 rows, blocks 5: rows must be paired"),
        ({"x": X.astype(np.float64)}, "x is float64 (4, 2): give float32 or uint8, (n, d), (n, time, channels) or (n, channels, h"),
        ({"x": X[:, 0]}, "x is float32 (4,): give float32 or uint8"),
        ({"x": np.array([[0, 0], [0, np.nan], [0, 0], [0, 0]], dtype=np.float32)}, "x holds NaN or an infinity, first in row 1"),
        ({"classes": ("a",)}, "y is int64 (4,) with classes 0 to 1: name all in classes (1 given)"),
        ({"y": Y - 1}, "with classes -1 to 0: name all"),
        ({"y": Y.astype(np.float64)}, "y is float64 (4,) with 0 targets: give int64 classes (n,), or float64 (n, c) and c target names"),
        ({"y": np.zeros((4, 2)), "classes": (), "targets": ("t",)}, "y is float64 (4, 2) with 1 targets"),
        ({"y": np.full((4, 1), np.inf), "classes": (), "targets": ("t",)}, "y holds NaN or an infinity, first in row 0"),
    ],
)
def test_dataset_refuses(changes, text):
    with pytest.raises(DataError, match=re.escape(text)):
        dataset(**changes)


def test_dataset_takes_pixels_and_several_targets():
    dataset(x=np.zeros((4, 3, 8, 8), dtype=np.uint8))
    dataset(y=np.zeros((4, 2)), classes=(), targets=("s", "t"))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"train": 0}, "train=0 rows: give a whole number of at least 1"),
        ({"transfer": -1}, "transfer=-1 rows: give a whole number of at least 0"),
        ({"probe_b": 2.5}, "probe_b=2.5 rows"),
        ({"probe_a": True}, "probe_a=True rows"),
    ],
)
def test_sizes_refuse(changes, text):
    with pytest.raises(PlanError, match=re.escape(text)):
        SplitSizes(**{**SIZES, **changes})


def test_sizes_may_have_no_transfer_rows():
    assert SplitSizes(**{**SIZES, "transfer": 0}).total == 40


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kind": "ranking"}, "task 'toy' has kind 'ranking': use 'classification' or 'regression'"),
        ({"families": ()}, "task 'toy' names no family: name at least one that fits its inputs"),
    ],
)
def test_task_refuses(changes, text):
    given = {
        "name": "toy",
        "kind": "regression",
        "title": "Toy",
        "load": dataset,
        "split": SplitSizes(**SIZES),
        "source": "made",
        "licence": "none",
        "families": ("mlp",),
    }
    with pytest.raises(ContractError, match=re.escape(text)):
        Task(**{**given, **changes})
