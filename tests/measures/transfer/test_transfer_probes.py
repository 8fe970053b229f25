"""What of a teacher reached a student, by each measure: against formulas written out, and with intervals that cover."""

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from kdprobe import Measurement, Refusal, available
from kdprobe.core.trace import Panel, Trace
from kdprobe.measures.transfer.calibration import calibration_distance, calibration_error, debiased_distances
from kdprobe.measures.transfer.dark_knowledge import rank_agreement
from kdprobe.measures.transfer.fidelity import overlap
from kdprobe.measures.transfer.panel import coefficient, room_taken
from kdprobe.measures.transfer.partial_residuals import partial_correlation
from kdprobe.measures.transfer.teacher_errors import agreement_where_wrong, churn
from kdprobe.stats.intervals import jackknife


def classifiers(seed, n=600, c=5, models=2, sharpness=2.0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, c))
    traces = [Trace.from_raw("classification", sharpness * (shared + rng.normal(size=(n, c))), name=f"model {i}") for i in range(models)]
    return *traces, shared.argmax(axis=1)


def regressors(seed, n=500, c=1, models=2):
    rng = np.random.default_rng(seed)
    y, shared = rng.normal(size=(2, n, c))
    return *(Trace.from_raw("regression", 0.8 * y + 0.6 * shared + 0.5 * rng.normal(size=(n, c))) for _ in range(models)), y


def test_each_is_what_anybody_would_write():
    student, teacher, y = classifiers(0)
    s, t = student.outputs, teacher.outputs
    assert overlap(student, teacher).value == pytest.approx(np.mean([1 - 0.5 * np.abs(a - b).sum() for a, b in zip(s, t, strict=True)]))
    a, b = s.argmax(1), t.argmax(1)
    wrong = agreement_where_wrong(student, teacher, y)
    assert wrong.value == pytest.approx(np.mean(a[b != y] == b[b != y]))
    assert wrong.details["wrong_rows"] == wrong.n == (b != y).sum()
    lost = churn(student, teacher, y)
    assert lost.value == pytest.approx(np.mean((b == y) & (a != y)))
    assert lost.details["changed"] == pytest.approx(np.mean(a != b))
    assert lost.details["wrong_to_right"] == pytest.approx(np.mean((b != y) & (a == y)))
    rows = [spearmanr(np.delete(p, k), np.delete(q, k)).statistic for p, q, k in zip(s, t, y, strict=True)]
    assert rank_agreement(student, teacher, y).value == pytest.approx(np.mean(rows))


@pytest.mark.parametrize("c", [1, 3])
def test_the_partial_correlation_is_that_of_the_covariances_and_its_error_that_of_fitting_anew(c):
    student, teacher, y = regressors(1, c=c)

    def by_covariances(rows):
        s, t, v = (m[rows] - m[rows].mean(axis=0) for m in (student.outputs, teacher.outputs, y))
        given = [[p.T @ q - p.T @ v @ np.linalg.inv(v.T @ v) @ v.T @ q for q in (s, t)] for p in (s, t)]
        return np.trace(given[0][1]) / np.sqrt(np.trace(given[0][0]) * np.trace(given[1][1]))

    n = len(y)
    found = partial_correlation(student, teacher, y)
    assert found.value == pytest.approx(by_covariances(np.arange(n)))
    anew = np.array([by_covariances(np.delete(np.arange(n), i)) for i in range(n)])
    error = np.sqrt((n - 1) / n * np.sum((anew - anew.mean()) ** 2))
    assert found.details["error"] == pytest.approx(error, rel=0.03)


def test_the_debiased_calibration_error_is_the_one_of_simulated_noise():
    """Kumar et al. subtract what draws of noise round each bin's mean add; here that is in closed form."""
    rng = np.random.default_rng(2)
    bins = np.repeat(np.arange(4), [40, 60, 100, 200])
    gaps = np.array([0.3, -0.05, 0.0, 0.1])[bins] + 0.4 * rng.normal(size=400)
    parts = []
    for b in range(4):
        mine = gaps[bins == b]
        drawn = np.abs(rng.normal(mine.mean(), mine.std(ddof=1) / np.sqrt(len(mine)), size=200_000)).mean()
        parts.append(len(mine) / 400 * (2 * abs(mine.mean()) - drawn))
    assert debiased_distances(gaps, bins).mean() == pytest.approx(sum(parts), abs=2e-4)
    plain = sum((bins == b).mean() * abs(gaps[bins == b].mean()) for b in range(4))
    assert debiased_distances(gaps, bins).mean() < plain


def sure(rng, n, over):
    """A calibrated model of two classes made over-confident by so much; the true class is drawn."""
    p = rng.uniform(0.6, 0.9, size=n)
    right = rng.random(n) < p
    said = np.clip(p + over, 0, 1)
    outputs = np.where(right[:, None], np.stack([said, 1 - said], 1), np.stack([1 - said, said], 1))
    return Trace(kind="classification", outputs=outputs, raw=outputs, ids=np.arange(n))


@pytest.mark.slow
def test_calibration_intervals_cover_and_the_bias_is_off():
    found, own = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        student, teacher = sure(rng, 1500, 0.08), sure(rng, 1500, 0.0)
        result = calibration_distance(student, teacher, np.zeros(1500, dtype=int))
        found.append((result.value, result.low <= 0.08 <= result.high))
        own.append((result.details["ece_student"], result.details["ece_teacher"]))
    values, hits = np.array(found).T
    assert values.mean() == pytest.approx(0.08, abs=0.006)
    assert hits.mean() > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 150)
    # of 15 bins of 100 rows with nothing in them, noise makes √(2/π)·s, s = .042; one step of correction leaves 2 - √2 of that
    assert np.mean(own, axis=0) == pytest.approx([0.08, (2 - np.sqrt(2)) * np.sqrt(2 / np.pi) * 0.042], abs=0.003)


def test_ties_of_confidence_fall_into_one_bin_whatever_the_order():
    rng = np.random.default_rng(3)
    student, teacher = (Trace.from_raw("classification", np.round(2 * rng.normal(size=(300, 3)))) for _ in range(2))
    y = rng.integers(0, 3, 300)
    order = rng.permutation(300)
    turned = [Trace.from_raw("classification", trace.raw[order]) for trace in (student, teacher)]
    assert calibration_distance(*turned, y[order]).value == pytest.approx(calibration_distance(student, teacher, y).value)


def test_the_room_is_what_the_twin_left():
    student, teacher, twin, y = classifiers(4, models=3)
    a, b, w = (trace.outputs.argmax(1) for trace in (student, teacher, twin))
    wrong = b != y
    found = room_taken(Panel(student=student, teacher=teacher, twin=twin), y)
    agreed, baseline = np.mean(a[wrong] == b[wrong]), np.mean(w[wrong] == b[wrong])
    assert found.value == pytest.approx((agreed - baseline) / (1 - baseline))
    assert (found.details["student"], found.details["twin"]) == pytest.approx((agreed, baseline))
    assert found.low < found.value < found.high


def test_the_panel_has_the_coefficient_of_the_arrays_and_asks_of_one_teacher_alone():
    import kdprobe

    student, teacher, *others, _ = classifiers(5, models=9)
    panel = Panel(student=student, teacher=teacher, twin=others[0], reference_twins=tuple(others[1:6]), siblings=(others[6],))
    found = coefficient(panel)
    same = kdprobe.transfer_coefficient(student.outputs, teacher.outputs, [twin.outputs for twin in others[1:6]])
    assert (found.value, found.low, found.high) == pytest.approx((same.value, same.low, same.high))
    assert found.details["references"] == 5
    few = coefficient(Panel(student=student, teacher=teacher, twin=others[0], reference_twins=tuple(others[1:3])))
    assert few.reason == "2 reference twins beside the student's: pairs and spread need 3"
    assert few.advice == "give 4 seeds, or twins, or more"


@pytest.mark.parametrize(
    ("measure", "arguments", "text"),
    [
        (agreement_where_wrong, ([0, 1], [0, 0], [0, 0]), "the teacher is right on every row"),
        (rank_agreement, ([1, 1], [0, 1], [0, 1]), "2 classes leave 1 beside the true one"),
        (calibration_distance, ([1, 1], [0, 1], [0, 1]), "2 rows are too few to tell over-confidence"),
    ],
)
def test_what_has_no_answer_says_why(measure, arguments, text):
    student, teacher, target = arguments
    traces = [Trace.from_raw("classification", np.eye(2)[names]) for names in (student, teacher)]
    found = measure(*traces, np.array(target))
    assert isinstance(found, Refusal)
    assert text in found.reason


def test_what_is_a_function_of_the_target_has_nothing_left():
    _, teacher, y = regressors(6)
    found = partial_correlation(Trace.from_raw("regression", 3 - 2 * y, name="student"), teacher, y)
    assert found.reason == "student's predictions are constant, or a linear function of the target: nothing is left to correlate"
    tied = Trace.from_raw("classification", np.where(np.eye(3)[[0, 1, 2] * 9], 5.0, [[0, 1, 2]] * 27))
    flat = Trace.from_raw("classification", np.where(np.arange(27)[:, None] < 5, 5 * np.eye(3)[[0, 1, 2] * 9], tied.raw))
    result = rank_agreement(flat, tied, np.array([0, 1, 2] * 9))
    assert (result.status, result.value) == ("ties", pytest.approx(22 / 27))


PAIRS = ("fidelity", "agreement_teacher_wrong", "churn", "calibration_transfer", "dark_knowledge_rank")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PAIRS, "partial_residual_correlation"])
def test_intervals_over_rows_cover_what_many_rows_give(name):
    probe = available("probes")[name]
    world = regressors if name.startswith("partial") else classifiers
    truth = probe(*world(99, n=100_000)).value
    results = [probe(*world(seed, n=400)) for seed in range(120)]
    hits = [result.low <= truth <= result.high for result in results if isinstance(result, Measurement)]
    assert np.mean(hits) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 120)


def test_the_jackknife_of_a_debiased_distance_is_that_of_its_rows():
    rng = np.random.default_rng(7)
    gaps, bins = 0.2 + 0.3 * rng.normal(size=500), rng.integers(0, 5, 500)
    interval = jackknife(debiased_distances(gaps, bins))
    drawn = []
    for _ in range(400):
        rows = rng.integers(0, 500, 500)
        drawn.append(debiased_distances(gaps[rows], bins[rows]).mean())
    assert interval.error == pytest.approx(np.std(drawn), rel=0.15)
    assert norm.cdf((interval.high - interval.value) / interval.error) == pytest.approx(0.975, abs=0.001)


def test_the_calibration_error_of_a_model_is_what_it_was_made_to_be():
    """Labels drawn from the model's own probabilities leave none; labels drawn after mixing in chance leave what was mixed in."""
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.full(4, 0.5), size=40_000)
    true = np.array([rng.choice(4, p=row) for row in p])
    assert calibration_error(p, true) == pytest.approx(0.0, abs=0.01)
    noisy = np.where(rng.random(len(p)) < 0.5, rng.integers(0, 4, len(p)), true)
    assert calibration_error(p, noisy) == pytest.approx(0.5 * (p.max(axis=1) - 0.25).mean(), abs=0.01)
    # the one model, as the distance between two tells it
    trace = Trace.from_raw("classification", np.log(p[:800]))
    told = calibration_distance(trace, trace, true[:800]).details["ece_student"]
    assert calibration_error(p[:800], true[:800]) == pytest.approx(told)


def test_one_row_has_a_calibration_error_too():
    assert calibration_error(np.array([[0.75, 0.25]]), np.array([1])) == pytest.approx(0.75)
