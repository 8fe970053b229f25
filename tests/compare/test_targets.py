"""Several targets in one model: labels that do not exclude each other, several values, and rankings, which are refused."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import nn

from kdprobe.compare import compare
from kdprobe.core.errors import DataError, PlanError

ROWS, LABELS = 200, 3
RNG = np.random.default_rng(0)
Y = (RNG.random((ROWS, LABELS)) < 0.4).astype(int)


def logits(seed, sure=1.5):
    return sure * (2 * Y - 1) + np.random.default_rng(seed).normal(size=(ROWS, LABELS)) * 1.5


TEACHER, STUDENT, TWINS = logits(1), 0.5 * logits(1) + 0.5 * logits(2), [logits(3), logits(4), logits(5)]


def test_labels_that_do_not_exclude_each_other_are_each_a_choice_between_two():
    found = compare(TEACHER, STUDENT, (None, Y), task="multilabel", twins=TWINS)
    assert found.n == ROWS * LABELS
    own = found.results["agreement_top1"]["own"]
    assert own.value == pytest.approx(((TEACHER > 0) == (STUDENT > 0)).mean())
    assert own.n == ROWS  # rows are the units: labels of one row are a block
    p, q = expit(TEACHER), expit(STUDENT)
    kl = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert found.results["kl"]["own"].value == pytest.approx(kl.mean())
    loss = np.logaddexp(0, -(2 * Y - 1) * STUDENT)
    assert found.scores["student"]["loss"].value == pytest.approx(loss.mean())
    assert list(found.targets) == ["label 0", "label 1", "label 2"]
    for label, (name, alone) in enumerate(found.targets.items()):
        assert alone.n == ROWS, name
        assert alone.results["kl"]["own"].value == pytest.approx(kl[:, label].mean())
        assert alone.scores["student"]["loss"].value == pytest.approx(loss[:, label].mean())
    assert any("Labels do not exclude each other: each of 3 labels" in note for note in found.notes)
    assert "Each of 3 targets by itself is in .targets: label 0 to label 2." in found.notes


def test_probabilities_of_labels_and_labels_that_are_not_known():
    chances = compare(expit(TEACHER), expit(STUDENT), (None, Y), task="multilabel")
    plain = compare(TEACHER, STUDENT, (None, Y), task="multilabel")
    assert chances.results["kl"]["own"].value == pytest.approx(plain.results["kl"]["own"].value)
    assert any("those of teacher and student" in note for note in chances.notes)
    unknown = Y.copy()
    unknown[:50, 1] = -100
    part = compare(TEACHER, STUDENT, (None, unknown), task="multilabel")
    assert part.n == ROWS * LABELS - 50
    assert part.targets["label 1"].n == ROWS - 50
    assert compare(TEACHER, STUDENT, None, task="multilabel").scores == {}


def test_networks_of_labels_keep_their_layers():
    class Net(nn.Module):
        def __init__(self, seed):
            super().__init__()
            torch.manual_seed(seed)
            self.hidden, self.output = nn.Linear(4, 6), nn.Linear(6, LABELS)

        def forward(self, x):
            return self.output(torch.tanh(self.hidden(x)))

    x = RNG.normal(size=(ROWS, 4)).astype(np.float32)
    found = compare(Net(0), Net(1), (x, Y), task="multilabel")
    assert found.results["cka"]["own"].value == found.targets["label 0"].results["cka"]["own"].value
    assert found.layers["student"] == {"output:input": "none"}


def test_several_seeds_of_labels():
    teachers, students = [logits(1), logits(6), logits(7)], [logits(8), logits(9), logits(10)]
    found = compare(teachers=teachers, students=students, data=(None, Y), task="multilabel")
    assert found.seeds == 3
    expected = np.mean([((t > 0) == (s > 0)).mean() for t, s in zip(teachers, students, strict=True)])
    assert found.results["agreement_top1"]["own"].value == pytest.approx(expected)
    assert found.targets["label 2"].seeds == 3


def test_each_of_several_values_and_all_of_them():
    y = RNG.normal(size=(ROWS, 2))
    teacher, student = y + RNG.normal(size=(ROWS, 2)), y + RNG.normal(size=(ROWS, 2)) * [1, 3]
    found = compare(teacher, student, (None, y), task="regression")
    for column in range(2):
        alone = compare(teacher[:, column], student[:, column], (None, y[:, column]), task="regression")
        mine = found.targets[f"target {column}"]
        assert mine.results["r2"]["own"].value == pytest.approx(alone.results["r2"]["own"].value)
        assert mine.scores["student"]["R²"].value == pytest.approx(alone.scores["student"]["R²"].value)
    assert compare(teacher[:, 0], student[:, 0], (None, y[:, 0]), task="regression").targets == {}
    many = RNG.normal(size=(3, ROWS, 31))
    wide = compare(many[0], many[1], (None, many[2]), task="regression")
    assert wide.targets == {}
    assert "With 31 targets none is looked at by itself: give at most 30." in wide.notes


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"task": "ranking"}, PlanError, "task='ranking': rankings are not compared, as scores of one query mean nothing beside those"),
        ({"task": "multi"}, PlanError, "task='multi' is unknown: did you mean 'multilabel'"),
        ({"task": "classification"}, DataError, "other than one 1 in a row: labels that do not exclude each other are task='multilabel'"),
        ({"y": Y[:, :2]}, DataError, r"y has shape \(200, 2\), the outputs have 3 labels: give 1 and 0 for each"),
        ({"y": 2 * Y}, DataError, "y holds more than 0, 1 and -100: give 1 where a label is a row's"),
        ({"y": 0 * Y - 100}, DataError, "nothing is left of the data: every label is -100"),
        ({"student": STUDENT[:, 0]}, DataError, r"student gives outputs of shape \(200,\): of labels that do not exclude each other give"),
    ],
)
def test_what_is_not_meant_so_is_named(options, error, text):
    with pytest.raises(error, match=text):
        compare(TEACHER, options.get("student", STUDENT), (None, options.get("y", Y)), task=options.get("task", "multilabel"))


def test_outputs_of_labels_read_as_logits_are_warned_of():
    found = compare(expit(TEACHER), expit(STUDENT), (None, RNG.integers(0, 3, ROWS)), task="classification")
    assert any(
        "Outputs of teacher and student lie between 0 and 1 and do not sum to one" in warning and "task='multilabel'" in warning
        for warning in found.warnings
    )
    assert not compare(TEACHER, STUDENT, None, task="classification").warnings
