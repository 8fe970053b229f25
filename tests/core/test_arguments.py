"""Arguments are refused in words, whatever type they are of."""

import numpy as np
import pytest

from kdprobe import PlanError
from kdprobe.core.arguments import choice, number, seed_number, switch, whole


def test_what_fits_comes_back_in_one_type():
    assert [repr(whole("k", value)) for value in (3, 3.0, np.int64(3), np.float64(3.0))] == ["3"] * 4
    assert (
        repr(number("share", np.float64(0.5), above=0.0, most=1.0, advice="")) == repr(number("share", 0.5, above=0.0, advice="")) == "0.5"
    )
    assert [switch("on", value) for value in (True, False, np.bool_(True))] == [True, False, True]
    choice("kind", "a", ("a", "b"))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (lambda: whole("k", 1.5), "k=1.5: give a whole number"),
        (lambda: whole("k", True), "k=True: give a whole number"),
        (lambda: whole("k", float("nan")), "k=nan: give a whole number"),
        (lambda: whole("k", 0, least=1, advice="give 1 or more"), "k=0: give 1 or more"),
        (lambda: seed_number(None), "seed=None: give a whole number from 0 on, so that the result can be repeated"),
        (lambda: seed_number(-1), "seed=-1: give a whole number from 0 on"),
        (lambda: number("share", 1.5, above=0.0, most=1.0, advice="give a share"), "share=1.5: give a share"),
        (lambda: number("share", float("inf"), above=0.0, advice="give a share"), "share=inf: give a share"),
        (lambda: number("share", "half", above=0.0, advice="give a share"), "share='half': give a share"),
        (lambda: switch("on", "no"), "on='no': give True or False"),
        (lambda: switch("on", 1), "on=1: give True or False"),
        (lambda: choice("kind", "lineer", ("linear", "rbf")), "kind='lineer' is unknown: did you mean 'linear'"),
        (lambda: choice("kind", [], ("linear", "rbf")), r"kind=\[\] is unknown: give one of linear, rbf"),
    ],
)
def test_what_does_not_fit_is_refused(check, text):
    with pytest.raises(PlanError, match=text):
        check()
