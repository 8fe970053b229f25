"""What a unit of measuring makes of several results."""

import pytest

from kdprobe.core.result import Measurement, Refusal
from kdprobe.sweep.measuring import _mean


def value(number, **more):
    return Measurement(value=number, low=number - 0.1, high=number + 0.1, n=50, unit="nats", **more)


def test_a_mean_is_no_better_than_what_it_is_made_of():
    sure = _mean([value(1.0), value(2.0)], "sibling teachers")
    assert (sure.value, sure.status, sure.notes) == (1.5, "ok", ())
    unsure = _mean([value(1.0), value(2.0, status="unresolved", notes=("more rows would change it",))], "sibling teachers")
    assert unsure.value == pytest.approx(1.5)
    assert (unsure.status, unsure.notes) == ("unresolved", ("more rows would change it",))


def test_one_refusal_refuses_the_mean_and_none_has_a_reason():
    refused = Refusal(reason="infinite")
    assert _mean([value(1.0), refused], "sibling teachers") is refused
    assert _mean([], "sibling teachers").reason == "there are no sibling teachers"
