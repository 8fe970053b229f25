"""A value or a refusal: nothing else can be built."""

import math

import numpy as np
import pytest

from kdprobe.core.result import Measurement, Refusal


@pytest.mark.parametrize("field", ["value", "low", "high"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_number_of_a_measurement_may_be_nan_or_infinite(field, number):
    numbers = {"value": 0.0, "low": 0.0, "high": 0.0, field: number}
    with pytest.raises(ValueError, match=rf"{field}={number!r} is not finite: a question without an answer needs a Refusal"):
        Measurement(**numbers, n=3)


def test_ends_must_be_in_order():
    with pytest.raises(ValueError, match=r"low=0.2 lies above high=0.1"):
        Measurement(value=0.15, low=0.2, high=0.1, n=3)


def test_details_must_be_finite():
    with pytest.raises(ValueError, match=r"details\['z'\]=inf is not finite"):
        Measurement(value=0, low=0, high=0, n=3, details={"z": math.inf})


def test_numpy_scalars_become_floats():
    found = Measurement(value=np.float32(0.5), low=np.float64(0.25), high=1, n=3)
    assert [type(number) for number in (found.value, found.low, found.high)] == [float] * 3
    assert float(found) == 0.5


def test_html_escapes_what_others_wrote():
    bad = "<script>alert(1)</script>"
    shown = Measurement(value=0, low=0, high=0, n=3, unit=bad, notes=(bad,))._repr_html_() + Refusal(reason=bad, advice=bad)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_a_refusal_says_why_and_what_to_do():
    refusal = Refusal(reason="layer 'a' is constant", advice="leave it out")
    assert str(refusal) == "refused: layer 'a' is constant (leave it out)"
    assert str(Refusal(reason="no rows")) == "refused: no rows"
