"""What is legal and hardly meant is said first; and one model's predictions are one number, however they are written."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

from kdprobe.compare import compare


@pytest.fixture(scope="module")
def digits():
    """Real classifiers of digits: a teacher, a student, three twins, and rows none of them saw."""
    x, y = load_digits(return_X_y=True)
    x = x / 16
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    models = [
        LogisticRegression(C=c, max_iter=300).fit(x[a : a + 300], y[a : a + 300])
        for c, a in zip((9, 1, 1, 1, 1), range(0, 1000, 200), strict=True)
    ]
    return models, x[1200:], y[1200:]


def test_one_models_predictions_have_one_cka_however_they_are_written(digits):
    models, x, y = digits
    teacher, student, *_ = (model.decision_function(x) for model in models)
    shift = 30 * np.random.default_rng(1).normal(size=(len(x), 1))
    # probabilities of a softmax, exact, and in the half precision that many are stored in
    written = [student, student + shift, softmax(student, axis=1), softmax(student, axis=1).astype(np.float32)]
    for of_teacher in (teacher, softmax(teacher, axis=1)):
        found = [compare(of_teacher, one, (None, y), task="classification").results["cka_output"]["own"] for one in written]
        assert [one.value for one in found] == pytest.approx([found[0].value] * 4, rel=1e-4)
        assert [one.low for one in found] == pytest.approx([found[0].low] * 4, rel=1e-3)
    assert 0.5 < found[0].value < 0.999


def test_classes_in_another_order_are_noticed(digits):
    models, x, y = digits
    teacher, student, *twins = (model.predict_proba(x) for model in models)
    order = np.roll(np.arange(10), 1)
    found = compare(teacher, student[:, order], (None, y), task="classification", twins=twins)
    assert found.results["cka_output"]["own"].value > 0.5
    assert found.results["agreement_top1"]["own"].value < 0.3
    assert found.sentence.startswith(
        "Warning: Classes seem to be in another order than the teacher's: with its columns put in another order, student"
    )
    assert "twin" not in found.warnings[0]
    right = compare(teacher, student, (None, y), task="classification", twins=twins)
    assert right.warnings == ()
    # all models alike: it is the teacher's columns that are moved
    moved = compare(teacher[:, order], student, (None, y), task="classification", twins=twins)
    assert "twin 3 with" in moved.warnings[0]
    # two that name one class almost always agree in another order whatever they know
    lazy = [np.eye(10)[np.where(np.arange(len(y)) % 9, to, y)] for to in (0, 1)]
    assert compare(*lazy, (None, y), task="classification").warnings == ()
    # few rows fit some order by chance: nothing is said
    assert compare(teacher[:90], student[:90, order], (None, y[:90]), task="classification").warnings == ()
    assert compare(teacher, student[:, order], None, task="regression").warnings == ()


def test_a_model_passed_twice_is_noticed(digits):
    models, x, y = digits
    found = compare(models[0], models[1], (x, y), task="classification", twins=[models[2], models[1]])
    assert found.sentence.startswith(
        "Warning: student and twin 2 give the same outputs on every row: if the student was passed as its own twin"
    )
    assert "student gives the outputs of teacher on every row" in compare(models[0], models[0], (x, y), task="classification").sentence


def test_dropout_left_on_inside_a_function_is_noticed(digits):
    models, x, y = digits
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10)).double()
    rows = torch.from_numpy(x)
    with torch.no_grad():
        found = compare(models[0].predict_proba, lambda x: net(torch.as_tensor(x)), (rows, y), task="classification")
        assert len(found.warnings) == 1
        assert found.warnings[0].startswith("student gives other outputs when asked twice of the same rows: if dropout is on inside")
        assert found.sentence.startswith("Warning: student gives")
        net.eval()
        assert compare(models[0].predict_proba, lambda x: net(torch.as_tensor(x)), (rows, y), task="classification").warnings == ()
    # a module is put in evaluation mode
    assert compare(models[0].predict_proba, net.train(), (rows, y), task="classification").warnings == ()


def test_a_function_that_gives_its_batches_once_is_left_alone(digits):
    models, x, y = digits
    given = iter([models[1].predict_proba(x)])
    found = compare(models[0], lambda x: next(given), (x, y), task="classification")
    assert found.warnings == ()
    assert found.n == len(x)
