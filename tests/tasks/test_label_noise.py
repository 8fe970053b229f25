"""Noise touches training labels alone, always the same ones, and more of it holds less of it."""

import numpy as np
import pytest

from kdprobe.core.registry import available
from kdprobe.tasks.label_noise import with_noise
from kdprobe.tasks.splits import split

LETTERS, BIKESHARE = available("tasks")["letters"], available("tasks")["bikeshare"]


def test_a_share_of_the_classes_becomes_another_one_each_as_likely():
    parts = split(LETTERS)
    for noise in (0.1, 0.5):
        changed = with_noise(parts.train, parts, noise).y != parts.train.y
        assert abs(changed.mean() - noise) < 4 * np.sqrt(noise * (1 - noise) / 2000)
    every = with_noise(parts.train, parts, 1.0).y
    assert (every != parts.train.y).all()
    steps = np.bincount((every - parts.train.y) % 26, minlength=26)[1:]
    assert ((steps - 80) ** 2 / 80).sum() < 53  # chi-square, 24 degrees of freedom, p = .0006


def test_more_noise_holds_less_noise():
    parts = split(LETTERS)
    little, much = (with_noise(parts.train, parts, noise).y for noise in (0.1, 0.4))
    assert (much[little != parts.train.y] == little[little != parts.train.y]).all()


def test_noise_belongs_to_the_row_and_the_draw():
    parts, other = split(LETTERS), split(LETTERS, draw=1)
    whole, few = with_noise(parts.train, parts, 0.3), with_noise(parts.train.first(300), parts, 0.3)
    assert (few.y == whole.y[np.isin(whole.ids, few.ids)]).all()
    both = np.intersect1d(parts.train.ids, other.train.ids)
    mine, theirs = ((with_noise(own.train, own, 0.5).y != own.train.y)[np.isin(own.train.ids, both)] for own in (parts, other))
    assert 0.3 < (mine == theirs).mean() < 0.7


def test_regression_noise_is_normal_in_the_targets_own_deviations():
    parts = split(BIKESHARE)
    added = (with_noise(parts.train, parts, 0.5).y - parts.train.y)[:, 0]
    assert abs(added.mean()) < 4 * 0.5 / np.sqrt(len(added))
    assert abs(added.std() - 0.5) < 0.05
    assert np.allclose(with_noise(parts.train, parts, 1.0).y - parts.train.y, 2 * added[:, None])


@pytest.mark.parametrize("task", [LETTERS, BIKESHARE], ids=lambda task: task.name)
def test_no_noise_changes_nothing(task):
    parts = split(task)
    assert with_noise(parts.train, parts, 0.0) is parts.train
