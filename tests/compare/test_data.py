"""Data in every form give the same rows, once, or a clear refusal."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from kdprobe.compare.data import batches, shuffles
from kdprobe.core.errors import DataError

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10) % 3


def whole(data, *, forward=False):
    found = list(batches(data, forward=forward))
    x = np.concatenate([np.asarray(batch.x) for batch in found])
    return x, None if found[0].y is None else np.concatenate([batch.y for batch in found])


def pairs():
    for start in (0, 4, 8):
        yield X[start : start + 4], Y[start : start + 4]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(torch.from_numpy(X), torch.from_numpy(Y), strict=True))


DATASET = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))


@pytest.mark.parametrize(
    "make",
    [
        lambda: (X, Y),
        lambda: (X.tolist(), Y.tolist()),
        lambda: (torch.from_numpy(X), torch.from_numpy(Y)),
        lambda: (pd.DataFrame(X), pd.Series(Y)),
        lambda: {"x": X, "y": Y},
        lambda: {"image": X, "Label": Y, "id": np.arange(10)},
        lambda: {"anything": X, "targets": Y},
        lambda: DATASET,
        lambda: Stream(),
        lambda: DataLoader(DATASET, batch_size=3),
        pairs,
        lambda: list(pairs()),
        lambda: tuple(pairs()),
        lambda: [list(pair) for pair in pairs()],
        lambda: ({"inputs": x, "target": torch.from_numpy(y)} for x, y in pairs()),
    ],
)
def test_every_form_gives_the_rows_and_their_target(make):
    x, y = whole(make())
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


@pytest.mark.parametrize(
    "make", [lambda: X, lambda: (X,), lambda: (X, None), lambda: [X[:7], X[7:]], lambda: {"x": X}, lambda: iter([(X,)])]
)
def test_rows_without_a_target(make):
    x, y = whole(make())
    np.testing.assert_array_equal(x, X)
    assert y is None


def test_a_target_alone_for_models_that_are_arrays():
    found = list(batches((None, Y), forward=False))
    assert found[0].x is None
    np.testing.assert_array_equal(found[0].y, Y)
    assert list(batches(None, forward=False)) == []


def test_arrays_are_cut_into_batches_and_mappings_as_inputs_too(monkeypatch):
    monkeypatch.setattr(import_module("kdprobe.compare.data"), "ROWS", 4)
    assert [len(batch.x) for batch in batches((X, Y), forward=False)] == [4, 4, 2]
    nested = list(batches(({"a": X, "b": pd.DataFrame(X)}, Y), forward=False))
    assert [len(batch.x["b"]) for batch in nested] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([batch.y for batch in nested]), Y)


def test_forward_gets_the_batch_as_it_came():
    given = [{"tokens": X, "mask": X, "label": Y}]
    (batch,) = batches(given, forward=True)
    assert batch.given is given[0]
    assert batch.x is None
    np.testing.assert_array_equal(batch.y, Y)


def test_half_precision_targets_are_widened():
    (batch,) = batches([(X, torch.tensor([0.5, 1.5], dtype=torch.bfloat16))], forward=False)
    assert batch.y.dtype == np.float32


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (7, r"data is a int: give an array x, a tuple \(x, y\), a mapping of arrays, or an iterable of such batches"),
        ("rows.csv", "data is a str: give an array x"),
        ((X, Y, Y), r"data is a tuple of 3 arrays: give \(x, y\)"),
        ((X, Y[:9]), r"data has unequal rows \(x 10, y 9\): rows must be paired"),
        ({"x": X, "y": Y[:9]}, r"data has unequal rows \(x 10, y 9\): rows must be paired"),
        ((X, 3), "y is a int: give an array x"),
        ([(X, Y, Y)], r"a batch has 3 parts: which is the target\? Let the data yield \(x, y\), or mappings with a key 'y'"),
        ([3, 4], "data yields a int, which is no batch: give an array x"),
        (
            [{"tokens": X, "attention_mask": X, "labels": Y}],
            r"a batch has the keys 'tokens', 'attention_mask', 'labels': which is the model's input\? Say it with forward=",
        ),
        ([{"x": X, "image": X}], r"a batch has the keys 'x', 'image': which is the model's input\?"),
        ([{"x": X, "y": Y, "label": Y}], "a batch has the keys 'x', 'y', 'label': 'y' and 'label' could both be the target, leave one out"),
    ],
)
def test_what_is_ambiguous_is_refused(data, text):
    with pytest.raises(DataError, match=text):
        list(batches(data, forward=False))


def test_a_shuffled_loader_is_known():
    assert shuffles(DataLoader(DATASET, shuffle=True))
    assert not shuffles(DataLoader(DATASET))
    assert not shuffles([(X, Y)])
