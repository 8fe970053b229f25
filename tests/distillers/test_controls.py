"""Each control keeps what it says it keeps, and breaks the rest."""

import numpy as np
import pytest
import torch
from scipy.special import entr, softmax

from kdprobe.core.recipe import View
from kdprobe.core.registry import available

ALL = available("distillers")
ROWS, CLASSES = 4000, 7


@pytest.fixture
def teacher():
    """Logits of a teacher whose first class is mostly the label, and the labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, ROWS)
    # classes 0 and 1, 2 and 3, ... are alike
    alike = 2.0 * (np.arange(CLASSES)[None] == (labels ^ 1)[:, None])
    outputs = 3 * np.eye(CLASSES)[labels] + alike + rng.normal(size=(ROWS, CLASSES))
    return outputs.astype(np.float32), labels


def prepared(name, outputs, labels, seed=1):
    return ALL[name].prepare(outputs, labels, np.random.default_rng(seed))


def sorted_rows(outputs):
    return outputs[np.lexsort(outputs.T)]


def test_class_means_keep_the_means_and_nothing_of_a_row(teacher):
    outputs, labels = teacher
    found = prepared("class_means", outputs, labels)
    for label in range(CLASSES):
        np.testing.assert_allclose(
            found[labels == label], outputs[labels == label].mean(axis=0)[None].repeat((labels == label).sum(), 0), atol=1e-5
        )
    assert len(np.unique(found, axis=0)) == CLASSES


@pytest.mark.parametrize("name", ["shuffled", "shuffled_imitation"])
def test_shuffled_targets_are_the_same_targets_on_other_rows(name, teacher):
    outputs, labels = teacher
    found = prepared(name, outputs, labels)
    np.testing.assert_array_equal(sorted_rows(found), sorted_rows(outputs))
    # what is left of the label is chance
    assert (found.argmax(axis=1) == labels).mean() == pytest.approx(1 / CLASSES, abs=0.03)
    assert (prepared(name, outputs, labels, seed=2) != found).any()


def test_targets_shuffled_in_class_are_targets_of_the_class(teacher):
    outputs, labels = teacher
    found = prepared("shuffled_in_class", outputs, labels)
    for label in range(CLASSES):
        np.testing.assert_array_equal(sorted_rows(found[labels == label]), sorted_rows(outputs[labels == label]))
    assert (found == outputs).all(axis=1).mean() < 0.02


@pytest.mark.parametrize("name", ["class_means", "shuffled_in_class"])
def test_without_labels_the_classes_are_the_teachers(name, teacher):
    outputs, _ = teacher
    np.testing.assert_array_equal(prepared(name, outputs, None), prepared(name, outputs, outputs.argmax(axis=1)))


def test_permuted_others_keep_first_class_confidence_and_entropy(teacher):
    outputs, labels = teacher
    found = prepared("permuted_others", outputs, labels)
    np.testing.assert_array_equal(found.argmax(axis=1), outputs.argmax(axis=1))
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(outputs, axis=1))
    # the class alike is no more likely than any other
    right = outputs.argmax(axis=1) == labels
    second = (np.argsort(found, axis=1)[:, -2] == (labels ^ 1) % CLASSES)[right]
    assert second.mean() == pytest.approx(1 / (CLASSES - 1), abs=0.03)
    assert (np.argsort(outputs, axis=1)[:, -2] == (labels ^ 1) % CLASSES)[right].mean() > 0.5


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_smoothed_labels_have_the_mean_entropy_of_the_teacher(temperature, teacher):
    """Read off the loss: where it is smallest, the student is the target."""
    outputs, labels = teacher
    targets = prepared("label_smoothing", outputs, labels)
    logits = torch.zeros(ROWS, CLASSES, dtype=torch.float64, requires_grad=True)
    loss = ALL["label_smoothing"].loss(View(logits, {}), View(torch.from_numpy(targets).double(), {}), temperature=temperature)
    # T²·KL at a uniform student: its gradient by the logits is T·(1/C - target)
    target = 1 / CLASSES - torch.autograd.grad(loss.sum(), logits)[0].numpy() / temperature
    wanted = entr(softmax(outputs.astype(float) / temperature, axis=1)).sum(axis=1).mean()
    assert entr(target).sum(axis=1).mean() == pytest.approx(wanted, rel=1e-5)
    np.testing.assert_array_equal(target.argmax(axis=1), labels)
    assert np.ptp(np.sort(target, axis=1)[:, :-1]) < 1e-9  # all other classes alike


def test_smoothed_labels_follow_the_labels_where_the_teacher_errs(teacher):
    outputs, labels = teacher
    wrong = outputs.argmax(axis=1) != labels
    assert wrong.any()
    np.testing.assert_array_equal(prepared("label_smoothing", outputs, labels).argmax(axis=1), labels)
    np.testing.assert_array_equal(prepared("label_smoothing", outputs, None), outputs)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_smoothing_survives_teachers_that_know_nothing_or_everything(scale):
    outputs = scale * torch.randn(50, CLASSES, generator=torch.Generator().manual_seed(0))
    logits = torch.zeros(50, CLASSES, requires_grad=True)
    loss = ALL["label_smoothing"].loss(View(logits, {}), View(outputs, {}), temperature=1.0)
    assert loss.isfinite().all()
    assert torch.autograd.grad(loss.sum(), logits)[0].isfinite().all()


def test_the_teachers_classes_alone_are_its_labels(teacher):
    outputs, _ = teacher
    student = torch.randn(ROWS, CLASSES, generator=torch.Generator().manual_seed(0))
    found = ALL["argmax_labels"].loss(View(student, {}), View(torch.from_numpy(outputs), {}))
    expected = torch.nn.functional.cross_entropy(student, torch.from_numpy(outputs.argmax(axis=1)), reduction="none")
    torch.testing.assert_close(found, expected)
