"""Another task on the same inputs: learnable, and foreign to the task."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe.core.errors import PlanError
from kdprobe.core.registry import find
from kdprobe.tasks.other_task import other_task
from kdprobe.tasks.splits import split


def test_values_are_uncorrelated_with_the_target_and_linear_in_the_inputs():
    parts = split(find("tasks", "bikeshare"))
    labels = other_task(parts.train.x, parts)
    np.testing.assert_allclose(labels.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(labels.std(axis=0), 1, rtol=1e-6)
    assert abs(np.corrcoef(labels[:, 0], parts.train.y[:, 0])[0, 1]) < 1e-6
    inputs = np.column_stack([parts.probe_a.x.reshape(parts.probe_a.n, -1), np.ones(parts.probe_a.n)])
    found = other_task(parts.probe_a.x, parts)
    fitted = inputs @ np.linalg.lstsq(inputs, found, rcond=None)[0]
    np.testing.assert_allclose(fitted, found, atol=1e-5)


def test_classes_are_as_many_as_the_task_has_and_are_others():
    parts = split(find("tasks", "letters"))
    labels = other_task(parts.train.x, parts)
    assert labels.dtype == np.int64
    assert set(np.unique(labels)) <= set(range(26))
    assert len(np.unique(labels)) > 13
    assert np.mean(labels == parts.train.y) < 0.1
    np.testing.assert_array_equal(labels, other_task(parts.train.x, parts))
    assert np.mean(labels == other_task(parts.train.x, replace(parts, draw=1))) < 0.5


def test_too_few_inputs():
    parts = split(find("tasks", "bikeshare"))
    narrow = replace(parts.train, x=parts.train.x[:, :1])
    with pytest.raises(PlanError, match=r"task 'bikeshare' has 1 inputs and 1 targets: another task on these inputs needs more inputs"):
        other_task(narrow.x, replace(parts, train=narrow))
