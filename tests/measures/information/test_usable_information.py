"""usable_information: known answers, and each known way to be wrong."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Refusal
from kdprobe.core.trace import softmax
from kdprobe.measures.information import usable_classes, usable_values
from kdprobe.measures.information.usable_information import usable_information
from kdprobe.testing.worlds.information import calibrated_classes, calibrated_information


def classes(count=5, scale=2.0, n=2000, seed=0):
    return calibrated_classes(np.random.default_rng(seed), n, classes=count, scale=scale)


@pytest.mark.parametrize(("count", "scale", "n"), [(2, 2.0, 3000), (10, 1.0, 4000), (10, 2.0, 4000), (100, 2.0, 6000)])
def test_calibrated_probabilities(count, scale, n):
    truth = calibrated_information(count, scale, draws=100_000)
    found = [usable_information(softmax(logits), y, task="classification") for logits, y in (classes(count, scale, n, s) for s in range(3))]
    assert np.mean([m.value for m in found]) == pytest.approx(truth, abs=0.03)
    for m in found:
        assert m.low - 0.02 < truth < m.high + 0.02


@pytest.mark.parametrize(("count", "scale", "truth"), [(2, 2.0, 0.317), (10, 1.0, 0.379)])
def test_calibrated_information_by_known_numbers(count, scale, truth):
    assert calibrated_information(count, scale) == pytest.approx(truth, abs=0.004)


def test_doubled_logits_move_nothing():
    """Over-confidence is not ignorance: the cross-entropy of the doubled logits as they are would read a tenth of a nat less."""
    logits, y = classes()
    once, twice = (usable_information(softmax(k * logits), y, task="classification").value for k in (1, 2))
    assert twice == pytest.approx(once, abs=1e-3)
    unscaled = np.log(5) + np.log(softmax(2 * logits)[np.arange(len(y)), y]).mean()
    assert unscaled < once - 0.1
    assert usable_information(3 * logits, y, task="classification", inputs="logits").value == pytest.approx(once, abs=1e-3)


def test_saturated_half_precision_probabilities():
    logits, y = classes(10, 2.0)
    exact = usable_information(softmax(3 * logits), y, task="classification").value
    rounded = softmax(3 * logits).astype(np.float16)
    assert (rounded == 0).any()
    assert usable_information(rounded, y, task="classification").value == pytest.approx(exact, abs=0.03)
    # certain rows that are all right
    sure = np.eye(5, dtype=np.float32)[y % 5]
    assert usable_information(sure, y % 5, task="classification").value == pytest.approx(np.log(5), abs=0.02)


def test_independent_outputs_tell_nothing():
    logits, _ = classes()
    y = np.random.default_rng(1).integers(0, 5, len(logits))
    for inputs in ("logits", "features"):
        result = usable_information(logits, y, task="classification", inputs=inputs)
        assert result.value == pytest.approx(0.0, abs=0.01)
        assert result.low < 0.005


def test_many_classes_and_few_rows_are_not_information():
    """A hundred classes, ten rows each: counted in-sample, chance alone would read two nats."""
    rng = np.random.default_rng(0)
    result = usable_information(rng.normal(size=(1000, 100)), rng.integers(0, 100, 1000), task="classification", inputs="logits")
    assert result.value == pytest.approx(0.0, abs=0.03)


def test_a_skewed_prior_is_no_information():
    """Uniform outputs, 90 % of one class: the probe may not be paid for knowing the frequencies."""
    rng = np.random.default_rng(0)
    y = (rng.random(2000) < 0.1).astype(int)
    result = usable_information(softmax(0.01 * rng.normal(size=(2000, 2))), y, task="classification")
    assert result.value == pytest.approx(0.0, abs=0.005)


def test_linear_probe_reads_rotated_logits():
    logits, y = classes(4, 2.0, 3000)
    features = 1e-6 * logits @ np.random.default_rng(2).normal(size=(4, 12)) + 7
    truth = calibrated_information(4, 2.0, draws=100_000)
    assert usable_information(features, y, task="classification").value == pytest.approx(truth, abs=0.06)


@pytest.mark.parametrize("condition", [1e3, 1e6])
def test_features_that_nearly_repeat_keep_what_they_differ_by(condition):
    """A ridge on standardised columns would hide the small directions: .5 where .7 is there."""
    logits, y = classes(5, 2.0)
    rng = np.random.default_rng(3)
    turns = [np.linalg.qr(rng.normal(size=(5, 5)))[0] for _ in range(2)]
    mixing = turns[0] * np.geomspace(1, 1 / condition, 5) @ turns[1]
    plain = usable_information(logits, y, task="classification", inputs="features").value
    assert usable_information(logits @ mixing, y, task="classification").value == pytest.approx(plain, abs=0.02)
    target = logits[:, :2] + rng.normal(size=(len(y), 2))
    plain = usable_information(logits, target, task="regression").value
    assert usable_information(logits @ mixing, target, task="regression").value == pytest.approx(plain, abs=0.01)


class Witness:
    """An array that notes how many threads the libraries had when it was read."""

    def __init__(self, values):
        self.values, self.threads = values, []

    def __array__(self, dtype=None, copy=None):
        self.threads += [library["num_threads"] for library in threadpool_info()]
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize("probe", ["usable_information", "mutual_information", "information_decomposition"])
def test_many_threads_are_not_taken(probe):
    """Small products on a thread a core take ten times as long: inside a call there is one, and after it as many as before."""
    rng = np.random.default_rng(0)
    seen, x, y = Witness(rng.normal(size=60)), rng.normal(size=60), rng.normal(size=60)
    options = {} if probe == "mutual_information" else {"task": "regression"}
    arguments = (seen, x, y) if probe == "information_decomposition" else (seen, y)
    with threadpool_limits(2):
        before = [library["num_threads"] for library in threadpool_info()]
        getattr(kdprobe, probe)(*arguments, **options)
        assert [library["num_threads"] for library in threadpool_info()] == before
    assert max(before) == 2
    assert set(seen.threads) == {1}


def test_mlp_reads_what_a_linear_probe_cannot():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    linear, mlp = (usable_information(x, y, task="classification", family=family).value for family in ("linear", "mlp"))
    assert linear < 0.05
    assert mlp > 0.4


def test_rows_average_to_the_value_and_no_row_saw_itself():
    logits, y = classes()
    result = usable_information(logits, y, task="classification", inputs="logits", rows=True)
    values = np.array(result.curves["rows"])
    assert values[:, 0].tolist() == list(range(len(y)))
    assert values[:, 1].mean() == pytest.approx(result.value)
    for folds in (usable_classes.folds_of(y, 0), usable_values.folds_of(len(y), 0)):
        assert all(not set(learn) & set(held) for learn, held in folds)
        assert sorted(np.concatenate([held for _, held in folds])) == list(range(len(y)))


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95])
def test_gaussian_regression(rho):
    rng = np.random.default_rng(0)
    x = rng.normal(size=3000)
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=3000)
    result = usable_information(1e4 * x, 1e-12 * y + 5, task="regression")
    assert result.value == pytest.approx(-0.5 * np.log(1 - rho**2), abs=0.05)


def test_multivariate_regression_counts_shared_targets_once():
    """Two nearly equal targets: the sum of -½ log(1 - R²) would count the same information twice."""
    rng = np.random.default_rng(0)
    matrix = np.array([[1, 0.8, 0.79], [0.8, 1, 0.95], [0.79, 0.95, 1]])
    draws = rng.multivariate_normal(np.zeros(3), matrix, 5000)
    truth = 0.5 * np.log(np.linalg.det(matrix[1:, 1:]) / np.linalg.det(matrix))
    assert usable_information(draws[:, :1], draws[:, 1:], task="regression").value == pytest.approx(truth, abs=0.04)


def test_more_columns_than_rows_do_not_overfit():
    rng = np.random.default_rng(0)
    result = usable_information(rng.normal(size=(120, 300)), rng.normal(size=120), task="regression")
    assert -0.3 < result.value < 0.05


def test_mlp_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1500)
    y = np.sin(2 * x) + 0.3 * rng.normal(size=1500)
    linear, mlp = (usable_information(x, y, task="regression", family=family).value for family in ("linear", "mlp"))
    assert mlp > linear + 0.3


def test_blocks_widen_the_interval():
    """Every row four times: as independent rows the interval is half as wide as it should be."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=200), 4)
    y = np.repeat(rng.normal(size=200), 4) + x
    naive = usable_information(x, y, task="regression")
    honest = usable_information(x, y, task="regression", blocks=np.repeat(np.arange(200), 4))
    assert honest.n == 200
    assert 1.6 < (honest.high - honest.low) / (naive.high - naive.low) < 2.5


def test_no_answer_is_a_refusal():
    one = usable_information(np.zeros((60, 2)), np.ones(60, int), task="classification")
    assert isinstance(one, Refusal)
    assert "one class only, 1" in one.reason
    constant = usable_information(np.arange(60.0), np.ones(60), task="regression")
    assert isinstance(constant, Refusal)
    assert "column 0 of the target is constant" in constant.reason
    exact = usable_information(np.arange(60.0), 2 * np.arange(60.0), task="regression")
    assert isinstance(exact, Refusal)
    assert exact.reason.startswith("x predicts the target, or a combination of its columns, exactly: the information is infinite")


def test_constant_input_tells_nothing():
    for target, task in ((np.arange(60) % 2, "classification"), (np.arange(60.0), "regression")):
        result = usable_information(np.full((60, 3), 2.0), target, task=task)
        assert (result.low, result.value, result.high) == (0, 0, 0)
        assert result.notes == ("x is constant: it tells nothing",)


LABELS = np.arange(60) % 3


@pytest.mark.parametrize(
    ("x", "target", "options", "error", "text"),
    [
        (np.r_[np.inf, np.zeros(59)], LABELS, {}, DataError, "x holds NaN or an infinity, first in row 0"),
        (np.zeros((59, 2)), LABELS, {}, DataError, "x has 59 rows, target 60"),
        (np.zeros((49, 2)), LABELS[:49], {}, DataError, "have 49 rows: give at least 50"),
        (np.full((60, 3), 0.33), LABELS, {}, DataError, r"row 0 sums to 0\.99.*rounded probabilities: divide each row by its sum"),
        (np.eye(3)[LABELS] * 4 - 1, LABELS, {"inputs": "probabilities"}, DataError, "they look like logits: pass inputs='logits'"),
        (np.full((60, 3), 0.9), LABELS, {"inputs": "probabilities"}, DataError, r"independent scores in \[0, 1\]: pass inputs='features'"),
        (np.zeros((60, 2)), LABELS, {"inputs": "logits"}, DataError, "x have 2 columns, the target holds classes up to 2"),
        (np.zeros((60, 2)), LABELS + 0.5, {}, DataError, "target has dtype float64: give integer classes, or task='regression'"),
        (np.zeros((60, 2)), np.zeros((60, 2), int), {}, DataError, r"target has shape \(60, 2\): give one class a row"),
        (np.zeros((60, 2)), LABELS, {"task": "clasification"}, PlanError, "task='clasification' is unknown: did you mean 'classification'"),
        (np.zeros((60, 2)), LABELS, {"inputs": "logit"}, PlanError, "inputs='logit' is unknown: did you mean 'logits'"),
        (np.zeros((60, 2)), LABELS, {"family": "deep"}, PlanError, "family='deep' is unknown"),
        (np.zeros((60, 2)), LABELS, {"blocks": np.zeros(60)}, DataError, "blocks holds 1 blocks: 5 folds need at least 5"),
        (np.zeros((60, 2)), LABELS, {"blocks": np.zeros(3)}, DataError, r"blocks has shape \(3,\), the arrays have 60 rows"),
    ],
)
def test_bad_input(x, target, options, error, text):
    with pytest.raises(error, match=text):
        usable_information(x, target, **{"task": "classification"} | options)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ([1] * 60, "class 0 of the target has 1 row, and no class has more: 5 folds need 5"),
        ([57, 2, 1], "class 2 of the target has 1 row: 5 folds need 5"),
    ],
)
def test_classes_that_no_fold_can_hold_are_refused(counts, reason):
    x, labels = np.random.default_rng(0).normal(size=(60, 4)), np.repeat(np.arange(len(counts)), counts)
    for found in (
        kdprobe.usable_information(x, labels, task="classification"),
        kdprobe.information_decomposition(x, x[:, ::-1], labels, task="classification"),
    ):
        assert isinstance(found, Refusal)
        assert found.reason == reason


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_constant_model_is_refused_by_name(task):
    x, labels = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3
    for sides, name in (((x, np.ones((60, 3))), "student"), ((np.ones((60, 3)), x), "teacher")):
        assert kdprobe.information_decomposition(*sides, labels, task=task).reason == f"the {name} is constant: it tells nothing"
