"""Traces refuse what no probe could read."""

import numpy as np
import pytest
from scipy.special import log_softmax as scipy_log_softmax

from kdprobe.core.errors import DataError
from kdprobe.core.trace import Trace, check_finite, log_softmax


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_number_is_named_by_layer_and_first_row(bad):
    features = np.zeros((5, 3), dtype=np.float32)
    features[3:, 1] = bad
    with pytest.raises(DataError, match=r"student: hidden2 holds NaN or an infinity, first in row 3: drop or mend these rows"):
        Trace.from_raw("regression", np.zeros(5), features={"hidden2": features}, name="student")


def test_opposite_infinities_do_not_cancel():
    with pytest.raises(DataError, match="first in row 0"):
        check_finite(np.array([[np.inf, -np.inf]]), "x")


def test_large_finite_numbers_are_finite():
    check_finite(np.full((4, 4), 3e38, dtype=np.float32), "x")
    check_finite(np.full((4, 4), 1e308), "x")


def test_unpaired_rows():
    with pytest.raises(DataError, match=r"model: hidden has 4 rows, the ids 5: give one row an id"):
        Trace.from_raw("regression", np.zeros(5), features={"hidden": np.zeros((4, 2))})
    with pytest.raises(DataError, match=r"model: blocks has 2 rows, the ids 5"):
        Trace.from_raw("regression", np.zeros(5), blocks=np.zeros(2))


def test_objects_are_no_numbers():
    with pytest.raises(DataError, match=r"model: raw outputs has dtype object: give real numbers"):
        Trace.from_raw("regression", np.array([[None]] * 4, dtype=object))


def test_log_softmax_is_scipys_in_float64():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=50, size=(40, 7)).astype(np.float32)
    np.testing.assert_allclose(log_softmax(logits), scipy_log_softmax(logits.astype(np.float64), axis=1), atol=1e-12)


def test_derived_values_are_computed_once():
    trace, calls = Trace.from_raw("regression", np.zeros(5)), []
    for _ in range(3):
        assert trace.derived("n", lambda t: calls.append(1) or t.n) == 5
    assert len(calls) == 1


def test_the_last_hidden_layer_is_the_last_given():
    features = {"first": np.zeros((5, 1)), "second": np.zeros((5, 1))}
    assert Trace.from_raw("regression", np.zeros(5), features=features).last_hidden == "second"
    assert Trace.from_raw("regression", np.zeros(5)).last_hidden is None
