"""Agreement on arrays: closed forms, oracles, what is refused and what is an error."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Refusal
from kdprobe.core.trace import softmax
from kdprobe.measures.agreement import agreement


def logits(n=500, c=6, seed=0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, c))
    return shared + rng.normal(size=(n, c)), shared + rng.normal(size=(n, c)), shared.argmax(axis=1)


def test_classification_agrees_with_scipy_and_scikit_learn():
    from scipy.stats import entropy
    from sklearn.metrics import cohen_kappa_score

    teacher, student, labels = logits()
    found = agreement(teacher, student, task="classification", target=labels)
    assert list(found) == ["top1", "kl", "error_consistency"]
    assert found["top1"].value == np.mean(teacher.argmax(1) == student.argmax(1))
    assert found["kl"].value == pytest.approx(entropy(softmax(teacher), softmax(student), axis=1).mean(), rel=1e-12)
    right = teacher.argmax(1) == labels, student.argmax(1) == labels
    assert found["error_consistency"].value == pytest.approx(cohen_kappa_score(*right), rel=1e-12)


def test_regression_agrees_with_scikit_learn_and_numpy():
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(1)
    y = rng.normal(size=200)
    teacher, student = y + rng.normal(size=(2, 200))
    found = agreement(teacher, student, task="regression", target=y)
    assert list(found) == ["r2", "residual_correlation"]
    assert found["r2"].value == pytest.approx(r2_score(teacher, student), rel=1e-12)
    assert found["residual_correlation"].value == pytest.approx(np.corrcoef(student - y, teacher - y)[0, 1], rel=1e-12)


def test_probabilities_are_seen_as_such_and_give_what_their_logits_give():
    teacher, student, labels = logits()
    one = agreement(teacher, student, task="classification", target=labels)
    other = agreement(softmax(teacher), softmax(student).astype(np.float32), task="classification", target=labels)
    for key, value in one.items():
        assert other[key].value == pytest.approx(value.value, rel=1e-5), key


def kappa(student, teacher, labels):
    right = student.argmax(axis=1) == labels, teacher.argmax(axis=1) == labels
    p, q = (side.mean() for side in right)
    chance = p * q + (1 - p) * (1 - q)
    return ((right[0] == right[1]).mean() - chance) / (1 - chance)


def mean_kl(student, teacher, _):
    s, t = softmax(student), softmax(teacher)
    return (t * np.log(t / s)).sum(axis=1).mean()


def explained(student, teacher, _):
    return 1 - ((teacher - student) ** 2).sum() / ((teacher - teacher.mean(axis=0)) ** 2).sum()


def shared_errors(student, teacher, target):
    return np.corrcoef(student[:, 0] - target, teacher[:, 0] - target)[0, 1]


@pytest.mark.parametrize(
    ("name", "value", "forward", "back"),
    [
        ("error_consistency", kappa, np.arctanh, np.tanh),
        ("kl", mean_kl, np.log, np.exp),
        ("r2", explained, lambda v: np.log(1 - v), lambda s: 1 - np.exp(s)),
        ("residual_correlation", shared_errors, np.arctanh, np.tanh),
    ],
)
def test_intervals_are_those_of_a_loop_over_left_out_rows_on_the_scale_of_the_measure(name, value, forward, back):
    """Where nothing was carried to the scale and back, R² has [.872, .984] in place of [.848, .966], and stays unnoticed."""
    rng, n = np.random.default_rng(4), 40
    if name in ("r2", "residual_correlation"):
        target = rng.normal(size=n)
        teacher = target[:, None] + 0.5 * rng.normal(size=(n, 1))
        student, task = teacher + 0.3 * rng.normal(size=(n, 1)), "regression"
    else:
        target, teacher = rng.integers(0, 3, size=n), rng.normal(size=(n, 3))
        student, task = teacher + rng.normal(size=(n, 3)), "classification"
    whole = value(student, teacher, target)
    left_out = forward(np.array([value(*(np.delete(side, i, axis=0) for side in (student, teacher, target))) for i in range(n)]))
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    ends = sorted(back(forward(whole) + stats.t.ppf([0.025, 0.975], n - 1) * error))
    found = agreement(teacher, student, task=task, target=target)[name]
    assert (found.value, found.low, found.high) == pytest.approx((whole, *ends), rel=1e-6)


def test_a_large_common_offset_costs_no_digits():
    rng = np.random.default_rng(2)
    y, a, b = rng.normal(size=(3, 300))
    near = agreement(y + a, y + b, task="regression", target=y)
    far = agreement(y + a + 1e6, y + b + 1e6, task="regression", target=y)
    for key in near:
        assert far[key].value == pytest.approx(near[key].value, abs=1e-8), key


def test_tensors_with_gradients_and_half_precision():
    torch = pytest.importorskip("torch")
    teacher, student, labels = logits()
    want = agreement(teacher, student, task="classification", target=labels)["top1"].value
    tensor = torch.tensor(teacher, requires_grad=True)
    assert agreement(tensor, torch.tensor(student), task="classification", target=torch.tensor(labels))["top1"].value == want
    rounded = agreement(tensor.to(torch.bfloat16), torch.tensor(student), task="classification")["top1"]
    assert abs(rounded.value - want) < 0.02


def test_without_a_target_what_needs_one_is_refused():
    teacher, student, _ = logits()
    refusal = agreement(teacher, student, task="classification")["error_consistency"]
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.advice) == ("no target was given", "pass target=, (n,) classes or (n, c) values")


def test_a_class_ruled_out_makes_kl_infinite_and_refused():
    found = agreement(np.full((5, 2), 0.5), np.eye(2)[[0, 0, 1, 0, 1]], task="classification")
    assert found["kl"].reason == (
        "KL is infinite: student gives probability 0 to a class that teacher does not, first in row 0 (5 of 5 rows)"
    )
    # the other way round the missing class costs nothing: 0·ln 0 = 0
    assert agreement(np.eye(2)[[0, 0, 1, 0, 1]], np.full((5, 2), 0.5), task="classification")["kl"].value == pytest.approx(np.log(2))


def test_ties_are_told():
    tied = np.zeros((10, 3))
    found = agreement(tied, np.eye(3)[np.zeros(10, dtype=int)], task="classification")["top1"]
    assert found.status == "ties"
    assert found.notes == ("in 10 of 10 rows several classes share the largest output: the first of them counts",)


def spoilt(value, row=3):
    bad = logits(n=10)[0]
    bad[row, 1] = value
    return bad


@pytest.mark.parametrize(
    ("teacher", "student", "target", "text"),
    [
        (spoilt(np.nan), np.zeros((10, 6)), None, "teacher holds NaN or an infinity, first in row 3: drop or mend these rows"),
        (np.zeros((10, 6)), spoilt(-np.inf, 7), None, "student holds NaN or an infinity, first in row 7: drop or mend these rows"),
        (np.zeros((10, 6)), np.zeros((9, 6)), None, "teacher has 10 rows, student 9: rows must be paired, one sample a row"),
        (np.zeros((10, 6)), np.zeros((10, 5)), None, "student has 5 outputs, teacher 6: give outputs for the same classes"),
        (np.zeros((0, 6)), np.zeros((0, 6)), None, "teacher has shape (0, 6): give at least one row and one column"),
        (np.array(["a", "b"]), np.zeros(2), None, "teacher has dtype <U1: give real numbers"),
        (np.zeros((3, 2), dtype=complex), np.zeros((3, 2)), None, "teacher has dtype complex128: give real numbers"),
        (1.0, np.zeros((3, 2)), None, "teacher is a single float: give an array (n, d), one row a sample"),
        (np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(3, int), "target has shape (3,), student has 4 rows: give one class a row, (4,)"),
        (np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(4), "target has dtype float64: give integer classes 0..1"),
        (np.zeros((4, 2)), np.zeros((4, 2)), np.full(4, 2), "target holds classes 2..2, student has 2 outputs: give classes 0..1"),
    ],
)
def test_errors_name_the_argument_and_the_next_step(teacher, student, target, text):
    with pytest.raises(DataError) as caught:
        agreement(teacher, student, task="classification", target=target)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (np.zeros((4, 2)), "target has shape (4, 2), student gives (4, 1): give one value for each output"),
        (np.array([0.0, 1.0, np.nan, 0.0]), "target holds NaN or an infinity, first in row 2: drop or mend these rows"),
        (np.array(["0"] * 4), "target has dtype <U1: give real numbers"),
    ],
)
def test_errors_in_regression_targets(target, text):
    with pytest.raises(DataError) as caught:
        agreement(np.arange(4.0), np.arange(4.0)[::-1], task="regression", target=target)
    assert str(caught.value) == text


def test_an_unknown_task_is_named():
    with pytest.raises(PlanError) as caught:
        agreement(np.zeros(3), np.zeros(3), task="regresion")
    assert str(caught.value) == "task='regresion' is unknown: did you mean 'regression'? Known: classification, regression"


@pytest.mark.parametrize(
    ("task", "scale"), [("classification", 1e300), *itertools.product(["classification", "regression"], [1e-300, 5e-324, 1e4])]
)
def test_extreme_outputs_give_values_or_refusals_without_a_warning(scale, task):
    teacher, student, labels = logits()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = agreement(teacher * scale, student * scale, task=task, target=labels if task == "classification" else teacher)
    assert all(isinstance(result, Refusal) or np.isfinite(result.value) for result in found.values())


def test_values_whose_squares_overflow_are_named():
    teacher, student, _ = logits()
    with pytest.raises(DataError) as caught:
        agreement(teacher * 1e300, student, task="regression", target=teacher)
    largest = np.abs(teacher).max()
    assert str(caught.value) == (
        f"teacher: predictions reach {largest * 1e300:.2g}, whose squares are no numbers: rescale target and predictions"
    )


@pytest.mark.parametrize(("student", "teacher", "who"), [(0, [0, 1] * 20, "student is right"), ([0, 1] * 20, 1, "teacher is wrong")])
def test_a_model_without_any_variation_has_no_error_consistency(student, teacher, who):
    student, teacher = (np.eye(3)[np.broadcast_to(np.array(top), 40)] for top in (student, teacher))
    refusal = agreement(teacher, student, task="classification", target=np.zeros(40, dtype=int))["error_consistency"]
    assert refusal.reason == f"the {who} on every row: κ is 0 whatever the other does"
