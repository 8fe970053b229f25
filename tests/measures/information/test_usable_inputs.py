"""Classes and the columns that speak of them: nothing that the caller said is passed over, no class wraps to another."""

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.trace import softmax
from kdprobe.measures.information.decomposition import information_decomposition
from kdprobe.measures.information.usable_information import usable_information
from kdprobe.testing.worlds.information import calibrated_classes

LOGITS, Y = calibrated_classes(np.random.default_rng(0), 2000, classes=3, scale=2.0)
P = softmax(LOGITS)


@pytest.mark.parametrize("inputs", ["probabilities", "logits", "auto"])
def test_losses_draws_and_wins_are_classes_too(inputs):
    """Labels -1, 0, 1 were read as features, whatever the caller said that x is."""
    x = LOGITS if inputs == "logits" else P
    plain = usable_information(x, Y, task="classification", inputs=inputs)
    assert usable_information(x, Y - 1, task="classification", inputs=inputs) == plain
    assert usable_information(x, Y - 1, task="classification", inputs="features").value != plain.value


def test_the_decomposition_reads_them_alike():
    student = softmax(LOGITS + np.random.default_rng(1).normal(size=LOGITS.shape))
    plain, moved = (information_decomposition(P, student, y, task="classification", inputs="probabilities") for y in (Y, Y - 1))
    assert (moved.teacher, moved.joint, moved.dark.value) == (plain.teacher, plain.joint, plain.dark.value)
    assert set(moved.dark.details) == {"error", "class -1", "class 0", "class 1"}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (np.where(Y == 0, -7, 5), r"x have 3 columns, the target holds 2 classes from -7 to 5: give a column a class, or classes 0\.\.2"),
        (Y + 1, "x have 3 columns, the target holds classes up to 3: give a column a class"),
        (
            Y.astype(np.uint64) + np.uint64(10**19),
            "target holds the class 1000000000000000000. in row .*, beyond 64 bits: number",
        ),
        (Y + 1e19, r"target holds the class 1e\+19 in row .*, beyond 64 bits"),
        (Y - 1e19, r"target holds the class -1e\+19 in row .*, beyond 64 bits"),
    ],
)
def test_classes_without_a_column_are_refused(target, text):
    with pytest.raises(DataError, match=text):
        usable_information(P, target, task="classification", inputs="probabilities")


def test_two_models_of_different_columns_are_no_classifiers_of_one_target():
    few = P[:, :2] / P[:, :2].sum(axis=1, keepdims=True)
    with pytest.raises(DataError, match="inputs='probabilities', and the teacher has 3 columns, the student has 2 columns: give both"):
        information_decomposition(P, few, Y, task="classification", inputs="probabilities")
