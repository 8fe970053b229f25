"""The cheap probes of outputs give what `information_decomposition` gives, at a hundredth of its cost."""

import time

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import Trace, softmax
from kdprobe.measures.information.decomposition import information_decomposition
from kdprobe.measures.information.output_information import part
from kdprobe.testing.worlds.information import calibrated_classes

NAMES = {"shared_information": "co_information", "left_behind": "left_behind", "own_information": "own", "dark_information": "dark"}
PROBES = available("probes")


def classifiers(n=3000, classes=6, seed=0):
    """An over-confident teacher, and a student that shares a part of its errors."""
    rng = np.random.default_rng(seed)
    logits, y = calibrated_classes(rng, n, classes=classes, scale=1.5)
    noise = rng.normal(size=(3, n, classes))
    return 3 * (logits + noise[0]), logits + 0.6 * noise[0] + noise[1], y


def regressors(n=1500, outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    y, one, other = rng.normal(size=(3, n, outputs))
    return y + 0.5 * one, y + 0.3 * one + 0.4 * other, y


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("blocks", [False, True])
def test_values_and_intervals_are_those_of_the_decomposition(kind, blocks):
    teacher, student, y = classifiers() if kind == "classification" else regressors()
    groups = np.arange(len(y)) // 10 if blocks else None
    traces = [Trace.from_raw(kind, raw, blocks=groups, name=name) for raw, name in ((student, "student"), (teacher, "teacher"))]
    inputs = {"inputs": "probabilities"} if kind == "classification" else {}
    whole = information_decomposition(*(trace.outputs for trace in traces[::-1]), y, task=kind, blocks=groups, **inputs)
    for name, field in NAMES.items():
        found, due = PROBES[name](*traces, y), getattr(whole, field)
        assert isinstance(found, Measurement)
        assert (found.value, found.low, found.high) == pytest.approx((due.value, due.low, due.high), abs=1e-3)
        assert found.n == due.n
        assert found.unit == "nats"


def test_of_gaussian_outputs_the_parts_are_those_of_the_covariance():
    """An oracle that shares nothing with kdprobe: log determinants of the covariances that the outputs were drawn with."""
    teacher, student, y = regressors(n=20_000)
    # of one output: y, teacher = y + a/2, student = y + 3a/10 + 4b/10
    covariance = np.array([[1.0, 1.0, 1.0], [1.0, 1.25, 1.15], [1.0, 1.15, 1.25]])

    def told(*models):
        places = list(models)
        both = np.linalg.det(covariance[np.ix_([0, *places], [0, *places])])
        # two outputs that are drawn alike
        return 2 * 0.5 * np.log(np.linalg.det(covariance[np.ix_(places, places)]) / both)

    due = {
        "shared_information": told(1) + told(2) - told(1, 2),
        "left_behind": told(1, 2) - told(2),
        "own_information": told(1, 2) - told(1),
    }
    traces = [Trace.from_raw("regression", raw) for raw in (student, teacher)]
    found = {name: PROBES[name](*traces, y).value for name in due}
    assert found == pytest.approx(due, abs=0.02)


def test_saturated_and_equal_answers():
    """Logits of a thousand, probabilities of exactly 0, and a student that is its teacher."""
    teacher, _, y = classifiers(n=600)
    sure = Trace.from_raw("classification", 300 * teacher, name="sure")
    given = softmax(300 * teacher)
    zeros = Trace(kind="classification", outputs=given, raw=given, ids=np.arange(600), name="zeros")
    plain = Trace.from_raw("classification", teacher, name="teacher")
    assert (given == 0).any()
    for other in (sure, zeros):
        own = PROBES["own_information"](other, plain, y)
        assert own.value == pytest.approx(0.0, abs=0.01)
    copy = Trace.from_raw("classification", 2 * teacher, name="copy")
    assert PROBES["left_behind"](copy, plain, y).value == pytest.approx(0.0, abs=2e-3)
    assert PROBES["shared_information"](copy, plain, y).value == pytest.approx(
        information_decomposition(plain.outputs, copy.outputs, y, task="classification").teacher.value, abs=2e-3
    )
    t, _, values = regressors(outputs=1)
    traces = [Trace.from_raw("regression", raw) for raw in (3 * t + 1, t)]
    assert PROBES["left_behind"](*traces, values).value == pytest.approx(0.0, abs=1e-6)
    assert isinstance(PROBES["dark_information"](*traces, values), Refusal)  # nothing of the teacher is left to tell


def test_a_trace_keeps_one_targets_answer_apart_from_anothers():
    teacher, student, y = classifiers(n=400)
    traces = [Trace.from_raw("classification", raw) for raw in (student, teacher)]
    first = PROBES["shared_information"](*traces, y).value
    assert PROBES["shared_information"](*traces, np.roll(y, 1)).value == pytest.approx(0.0, abs=0.05)
    assert PROBES["shared_information"](*traces, y).value == first > 0.2
    others = [Trace.from_raw("classification", raw) for raw in (student, teacher)]
    assert PROBES["shared_information"](*others, y).value == first


def test_it_is_cheap():
    teacher, student, y = classifiers(n=4000, classes=26)
    start = time.process_time()
    information_decomposition(teacher, student, y, task="classification", inputs="logits")
    whole = time.process_time() - start
    rng = np.random.default_rng(0)
    students = [Trace.from_raw("classification", student + rng.normal(size=student.shape)) for _ in range(4)]
    teachers = [Trace.from_raw("classification", teacher + rng.normal(size=student.shape)) for _ in range(4)]
    for trace in students:  # what is known of one model is kept
        PROBES["shared_information"](trace, teachers[0], y)
    start = time.process_time()
    for trace in students:
        for other in teachers[1:]:
            for name in NAMES:
                PROBES[name](trace, other, y)
    assert (time.process_time() - start) / 12 < whole / 10


@pytest.mark.parametrize(
    ("teacher", "student", "y", "text"),
    [
        (np.zeros((49, 3)), np.zeros((49, 3)), np.zeros(49, dtype=int), "model and model have 49 rows: give at least 50"),
        (np.zeros((60, 3)), np.zeros((60, 2)), np.zeros(60, dtype=int), "give outputs for the same classes"),
    ],
)
def test_illegal_input(teacher, student, y, text):
    with pytest.raises(DataError, match=text):
        PROBES["shared_information"](*(Trace.from_raw("classification", raw) for raw in (student, teacher)), y)


@pytest.mark.parametrize(
    ("name", "y", "reason"),
    [
        ("shared_information", np.zeros(100, dtype=int), "the target holds one class only, 0: there is nothing to know"),
        ("dark_information", (np.arange(100) < 19).astype(int), "a class has 19 rows, 20 are needed to know the teacher's mean answer"),
        ("own_information", None, "no target was given"),
    ],
)
def test_refusals(name, y, reason):
    traces = [Trace.from_raw("classification", np.random.default_rng(i).normal(size=(100, 3))) for i in (0, 1)]
    assert PROBES[name](*traces, y).reason == reason


def test_refusals_of_values():
    t, s, y = regressors(n=100, outputs=1)
    exact, other = Trace.from_raw("regression", y), Trace.from_raw("regression", s)
    measure = part(lambda pair: pair.joint - pair.teacher)
    assert measure(exact, other, y).reason == "a model predicts the target exactly: the information is infinite"
    assert measure(other, exact, np.ones_like(y)).reason == "a column of the target is constant: there is nothing to know"
    constant = Trace.from_raw("regression", np.ones_like(t))
    assert PROBES["dark_information"](other, constant, y).reason == "an output of the teacher is constant: it has nothing dark"
