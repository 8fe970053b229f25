"""Columns to look at before an advice is believed: what is the target, what it is made of, and rows that are copies."""

import numpy as np
import pytest

from kdprobe.theory.suspicions import suspicions


def told(x, y):
    return suspicions(x, y, names=[f"'x{i}'" for i in range(x.shape[1])], target="'price'")


@pytest.mark.parametrize("size", [1.0, 1e-200, 1e200])
def test_a_target_that_two_columns_give_is_told(size):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = x @ np.array([1.0, 2.0, 0.5, 0.0]) + rng.normal(size=200)
    # a total from which the price can be had
    with_total = np.column_stack([x, y - x[:, 0]]) * size
    (found,) = told(with_total, y * size)
    assert found == "'x4', 'x0' give 'price' together without any error: drop those that were computed from it"
    assert told(x * size, y * size) == ()
    # the least noise is noise
    assert told(with_total + size * 1e-3 * rng.normal(size=with_total.shape), y * size) == ()


def test_few_rows_and_constant_columns_tell_nothing():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 5))
    assert told(x, rng.normal(size=6)) == ()
    assert told(np.ones((50, 3)), rng.normal(size=50)) == ()
    assert told(rng.normal(size=(50, 3)), np.ones(50)) == ()


def test_rows_that_are_copies_are_counted():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 3)), rng.normal(size=100)
    (found,) = told(np.tile(x, (3, 1)), np.tile(y, 3))
    assert found.startswith("200 of 300 rows are copies of others: drop them")
    # the same inputs with another target are none
    assert told(np.tile(x, (3, 1)), rng.normal(size=300)) == ()
