"""information_decomposition: Gaussian and discrete worlds with known parts."""

import numpy as np
import pytest

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Refusal
from kdprobe.core.trace import softmax
from kdprobe.measures.information import decomposition as module
from kdprobe.measures.information.decomposition import information_decomposition
from kdprobe.measures.information.redundancy import redundancy_limits
from kdprobe.testing.worlds.information import calibrated_classes, trivariate_normal

BIT = np.log(2)


@pytest.mark.parametrize(
    ("teacher", "student", "between", "a", "b", "j"),
    [(0.8, 0.56, 0.7, 0.5108, 0.1881, 0.5108), (0.9, 0.3, 0.1, 0.8304, 0.0472, 0.9639)],
)
def test_trivariate_gaussian(teacher, student, between, a, b, j):
    t, s, y = trivariate_normal(np.random.default_rng(0), 8000, teacher=teacher, student=student, between=between)
    parts = information_decomposition(1e4 * t, s, y, task="regression")
    assert parts.status == "ok"
    for found, truth in ((parts.teacher, a), (parts.student, b), (parts.joint, j)):
        assert found.value == pytest.approx(truth, abs=0.03)
        assert found.low - 0.01 < truth < found.high + 0.01
    assert parts.retained.value == pytest.approx(b / a, abs=0.03)
    assert parts.left_behind.value == pytest.approx(j - b, abs=0.03)
    assert parts.own.value == pytest.approx(j - a, abs=0.02)
    assert parts.co_information.value == pytest.approx(a + b - j, abs=0.03)
    # jointly Gaussian: the redundancy is the smaller of the two
    assert parts.redundancy.low <= b <= parts.redundancy.high
    assert parts.redundancy.value == pytest.approx(b, abs=0.02)
    atoms = parts.redundancy.details
    assert atoms["unique_teacher"] == pytest.approx(a - b, abs=0.03)
    assert atoms["unique_student"] == pytest.approx(0.0, abs=0.01)
    assert atoms["synergy"] == pytest.approx(j - a, abs=0.03)
    partial = (between - teacher * student) / np.sqrt((1 - teacher**2) * (1 - student**2))
    assert parts.dark.value == pytest.approx(-0.5 * np.log(1 - partial**2), abs=0.03)


def gates(n=4000):
    rng = np.random.default_rng(0)
    t, s = rng.integers(0, 2, n), rng.integers(0, 2, n)
    return {
        "AND": (t, s, t & s, (0.3113, 0.3113, 0.8113), 0.3113),
        "XOR": (t, s, t ^ s, (0.0, 0.0, 1.0), 0.0),
        "UNQ": (t, s, 2 * t + s, (1.0, 1.0, 2.0), 0.0),
        "RDN": (t, t, t, (1.0, 1.0, 1.0), 1.0),
    }


@pytest.mark.parametrize("name", ["AND", "XOR", "UNQ", "RDN"])
def test_discrete_gates(name):
    """Information in bits from the truth table; the redundancy of Bertschinger et al. (2014)."""
    t, s, y, truths, redundancy = gates()[name]
    parts = information_decomposition(t, s, y, task="classification")
    for found, bits in zip((parts.teacher, parts.student, parts.joint), truths, strict=True):
        assert found.value / BIT == pytest.approx(bits, abs=0.03)
    if name == "XOR":
        assert parts.redundancy.details["synergy"] / BIT == pytest.approx(1.0, abs=0.03)
    assert parts.redundancy.low / BIT - 0.01 <= redundancy <= parts.redundancy.high / BIT + 0.01
    assert isinstance(parts.dark, Refusal)


@pytest.mark.parametrize("seed", range(6))
def test_degraded_student_is_not_crossed(seed):
    """The bracket has no width in truth, so point estimates cross in most samples: limits must not."""
    t, s, y = trivariate_normal(np.random.default_rng(seed), 600, teacher=0.8, student=0.56, between=0.7)
    parts = information_decomposition(t, s, y, task="regression")
    assert parts.status == "ok"
    assert parts.redundancy.low <= 0.1881 <= parts.redundancy.high


def test_what_learning_cost_does_not_speak_against_the_truth():
    """A degraded student has nothing of its own; held-out values alone say "less than nothing" in 18 % of samples."""
    above, below = 0, 0
    for seed in range(40):
        t, s, y = trivariate_normal(np.random.default_rng(seed), 200, teacher=0.8, student=0.56, between=0.7)
        own = information_decomposition(t, s, y, task="regression").own
        above, below = above + (own.low > 0), below + (own.high < 0)
    assert below == 0
    assert above <= 4  # more of 40 has probability .003 where 2.5 % are due


def test_limits_that_cross_are_invalid_and_never_a_number():
    """A joint probe that over-fits reads less than either part: [.93, .44] is no bracket."""
    rng = np.random.default_rng(0)
    terms = np.array([0.9, 0.45, 0.4]) + 0.1 * rng.normal(size=(500, 3))
    learned = np.maximum.accumulate(terms, axis=1)  # on its own rows it reads more than either
    assert redundancy_limits(terms, learned, None, rng).crossed
    parts = module._decomposed(terms, learned, Refusal(reason="not asked"), None, 0)
    assert parts.status == "invalid"
    assert isinstance(parts.redundancy, Refusal)
    assert "its limits cross, at least 0.9" in parts.redundancy.reason


def test_bootstrap_of_blocks_is_wider():
    rng = np.random.default_rng(0)
    terms = np.repeat(rng.normal(size=(100, 3), loc=(1.0, 0.5, 1.1)), 9, axis=0)
    a, b, j = terms.mean(axis=0)
    rows = redundancy_limits(terms, terms, None, np.random.default_rng(1))
    blocks = redundancy_limits(terms, terms, np.repeat(np.arange(100), 9), np.random.default_rng(1))
    assert a + b - j - blocks.low > 2 * (a + b - j - rows.low) > 0
    assert blocks.high - min(a, b) > 2 * (rows.high - min(a, b)) > 0


def distilled(dark, n=3000, classes=4):
    """A teacher, and a student that shares with it the label's logits only, or also `dark` of the rest."""
    rng = np.random.default_rng(0)
    logits, y = calibrated_classes(rng, n, classes=classes, scale=1.5)
    noise = rng.normal(size=(2, n, classes))
    return logits + noise[0], logits + dark * noise[0] + (1 - dark) * noise[1], y


def test_classifiers_share_more_than_the_label():
    apart, together = (information_decomposition(*distilled(dark), task="classification", inputs="logits") for dark in (0.0, 0.8))
    assert together.dark.value > apart.dark.value + 0.1
    assert apart.dark.value > 0  # both know the logits behind the label
    assert {"class 0", "class 3"} <= set(together.dark.details)
    assert apart.own.low > 0  # the noises are independent, so two know more than one
    # what is shared is a combination of the teacher's logits and those of the other student: a log-linear pool of both sees as much
    assert together.own.value == pytest.approx(apart.own.value, abs=1e-6)


def test_a_student_of_noise_has_nothing_dark():
    teacher, _, y = distilled(0.0)
    noise = np.random.default_rng(5).normal(size=teacher.shape)
    parts = information_decomposition(teacher, noise, y, task="classification", inputs="logits")
    assert parts.dark.value == pytest.approx(0.0, abs=0.005)
    assert parts.student.value == pytest.approx(0.0, abs=0.005)
    assert parts.retained.value == pytest.approx(0.0, abs=0.02)
    assert parts.redundancy.low == 0.0


def test_a_copy_retains_all():
    teacher, _, y = distilled(0.0)
    parts = information_decomposition(softmax(teacher), softmax(2 * teacher), y, task="classification")
    assert parts.retained.value == pytest.approx(1.0, abs=1e-3)
    assert parts.own.value == pytest.approx(0.0, abs=2e-3)
    assert parts.left_behind.value == pytest.approx(0.0, abs=2e-3)
    assert parts.redundancy.low <= parts.teacher.value <= parts.redundancy.high


def test_a_student_may_know_more_than_its_teacher():
    rng = np.random.default_rng(0)
    y = rng.normal(size=1000)
    parts = information_decomposition(y + 2 * rng.normal(size=1000), y + 0.5 * rng.normal(size=1000), y, task="regression")
    assert parts.status == "ok"
    assert parts.retained.low > 1


def test_too_few_rows_of_a_class():
    teacher, student, y = (side[:120] for side in distilled(0.5))
    y = np.where(np.arange(120) < 10, 3, y % 3)
    parts = information_decomposition(teacher, student, y, task="classification", inputs="logits")
    assert isinstance(parts.dark, Refusal)
    assert "a class has 10 rows, 20 are needed" in parts.dark.reason


def test_features_have_no_dark_part():
    teacher, student, y = distilled(0.5)
    parts = information_decomposition(teacher, student[:, :3], y, task="classification")
    assert isinstance(parts.dark, Refusal)
    assert "needs outputs of both models" in parts.dark.reason
    assert parts.joint.value > 0


def test_refusals():
    x = np.arange(60.0)
    one = information_decomposition(x, x, np.zeros(60, int), task="classification")
    assert isinstance(one, Refusal)
    assert "one class only" in one.reason
    constant = information_decomposition(x, x, np.zeros(60), task="regression")
    assert isinstance(constant, Refusal)
    assert "constant" in constant.reason
    rng = np.random.default_rng(0)
    nothing = information_decomposition(rng.normal(size=60), rng.normal(size=60), rng.normal(size=60), task="regression")
    assert isinstance(nothing.retained, Refusal)
    assert "is not above zero: there is nothing to retain" in nothing.retained.reason


def test_text_and_table():
    t, s, y = trivariate_normal(np.random.default_rng(0), 200, teacher=0.8, student=0.56, between=0.7)
    parts = information_decomposition(t, s, y, task="regression")
    assert str(parts).startswith("teacher")
    assert "left_behind" in str(parts)
    assert "<th>left behind</th>" in parts._repr_html_()
    assert parts == information_decomposition(t, s, y, task="regression")


@pytest.mark.parametrize(
    ("teacher", "student", "options", "error", "text"),
    [
        (np.zeros((60, 2)), np.zeros((59, 2)), {}, DataError, "teacher has 60 rows, student 59"),
        (np.zeros((60, 2)), np.full((60, 2), np.nan), {}, DataError, "student holds NaN"),
        (np.zeros((40, 2)), np.zeros((40, 2)), {}, DataError, "have 40 rows: give at least 50"),
        (np.zeros((61, 2)), np.zeros((61, 2)), {}, DataError, "teacher has 61 rows, target 60"),
        (np.full((60, 2), 0.5), np.full((60, 2), 0.49), {}, DataError, "student are no probabilities: row 0 sums to 0.98.*divide each row"),
        (
            np.eye(2)[np.arange(60) % 2] * 3 - 1,
            np.eye(2)[np.arange(60) % 2],
            {"inputs": "probabilities"},
            DataError,
            "teacher.*look like logits",
        ),
        (np.zeros((60, 2)), np.zeros((60, 2)), {"task": "other"}, PlanError, "task='other' is unknown"),
    ],
)
def test_bad_input(teacher, student, options, error, text):
    with pytest.raises(error, match=text):
        information_decomposition(teacher, student, np.arange(min(len(teacher), 60)) % 2, **{"task": "classification"} | options)
