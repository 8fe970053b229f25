"""Each control keeps what it says it keeps, and breaks the rest."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import entr, softmax

from kdprobe import GapPlan, KnowledgePlan, PlanError
from kdprobe.core.recipe import View
from kdprobe.core.registry import available
from kdprobe.sweep.problems import prepared as prepare_targets

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


def test_matched_labels_are_the_labels_with_the_teachers_spread():
    rng = np.random.default_rng(0)
    labels, outputs = rng.normal(3.0, 2.0, (500, 2)), rng.normal(-1.0, [0.5, 4.0], (500, 2)).astype(np.float32)
    found = prepared("matched_labels", outputs, labels)
    assert found.dtype == outputs.dtype
    # column by column: the labels' mean, the teacher's spread, and nothing of the teacher beside
    np.testing.assert_allclose(found.mean(axis=0), labels.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), outputs.std(axis=0), rtol=1e-5)
    for column in range(2):
        assert np.corrcoef(found[:, column], labels[:, column])[0, 1] == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(found, prepared("matched_labels", outputs[::-1].copy(), labels))
    # by hand: mean 2, sd 2; the teacher's sd is 1
    by_hand = prepared("matched_labels", np.array([[7.0], [9.0]]), np.array([[0.0], [4.0]]))
    np.testing.assert_allclose(by_hand, [[1.0], [3.0]])


def test_labels_that_do_not_vary_stay_what_they_are():
    outputs = np.arange(4.0, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(prepared("matched_labels", outputs, np.full(4, 2.5)), np.full((4, 1), 2.5))
    # nor is anything left of labels where the teacher does not
    np.testing.assert_allclose(prepared("matched_labels", np.ones((4, 1), np.float32), outputs), np.full((4, 1), 1.5))


def test_matched_labels_are_refused_on_rows_without_labels():
    plan = GapPlan(tasks=("bikeshare",), schemes=("transfer_rows",), distillers=("matched_labels",), seeds=2)
    with pytest.raises(PlanError, match=r"'matched_labels'.*needs labels, and scheme 'transfer_rows' has none for its student"):
        plan.data()
    plan = KnowledgePlan(tasks=("bikeshare",), distillers=("l2_imitation", "matched_labels"), seeds=2, controls=False)
    assert {(row.scheme, row.distiller) for row in plan.refused} == {("transfer_rows", "matched_labels")}
    assert "needs labels" in plan.refused[0].reason


@pytest.mark.parametrize(("name", "shown"), [("matched_labels", True), ("shuffled_imitation", False)])
def test_labels_of_regression_are_shown_to_what_needs_them_alone(name, shown):
    seen = []
    distiller = replace(ALL[name], prepare=lambda outputs, labels, rng: seen.append(labels) or outputs)
    outputs, y = torch.arange(3.0)[:, None], torch.tensor([[5.0], [6.0], [8.0]])
    prepare_targets(distiller, "teacher", outputs, y)
    if shown:
        np.testing.assert_array_equal(seen[0], y.numpy())
    else:
        assert seen == [None]
