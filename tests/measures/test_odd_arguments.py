"""Every public measure refuses odd arguments in words: no raw error of NumPy or Python leaves."""

import inspect

import numpy as np
import pytest

import kdprobe
from kdprobe import DataError, PlanError

RNG = np.random.default_rng(0)
X, Y, CLASSES = RNG.normal(size=(60, 3)), RNG.normal(size=(60, 3)), RNG.integers(0, 2, 60)
TWINS = RNG.normal(size=(3, 60, 3))
DATA = {"x": X, "y": Y, "teacher": X, "student": Y, "target": CLASSES, "twins": TWINS}
NAMES = (
    *("agreement", "cca", "cka", "information_decomposition", "mutual_information", "mutual_knn", "neighbourhood_jaccard", "procrustes"),
    *("pwcca", "rsa", "svcca", "transfer_coefficient", "usable_information"),
)
ODD = (-1, 1.5, None, "x", 7, True, float("nan"), float("inf"), [], {}, object(), np.array([1, 2]))
FITS = {  # by argument, those of the odd ones that are no mistake
    "bandwidth": (1.5, 7), "permutations": (7,), "seed": (7,), "k": (7,), "neighbours": (), "blocks": (None,), "target": (None,),
    **dict.fromkeys(("siblings", "held_out"), (None,)),
    **dict.fromkeys(("debiased", "correct_widths", "squared", "curves", "rows"), (True,)),
}  # fmt: skip


def given(name):
    """Arguments of a call that is right."""
    needed = inspect.signature(getattr(kdprobe, name)).parameters
    found = {argument: DATA[argument] for argument in needed if argument in DATA}
    return found | ({"task": "classification"} if "task" in needed else {})


def refused(name, argument, value):
    try:
        getattr(kdprobe, name)(**given(name) | {argument: value})
    except (PlanError, DataError) as error:
        return argument in str(error)
    return False


def test_every_public_measure_is_here():
    public = {name for name in kdprobe.__all__ if getattr(getattr(kdprobe, name), "__module__", "").startswith("kdprobe.measures.")}
    assert {name for name in public if not inspect.isclass(getattr(kdprobe, name))} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_odd_settings_are_refused_by_their_name(name):
    for argument in inspect.signature(getattr(kdprobe, name)).parameters:
        if argument in DATA:
            continue
        for value in ODD:
            fits = any(value is right or (isinstance(value, int | float) and value == right) for right in FITS.get(argument, ()))
            if not fits:
                assert refused(name, argument, value), (argument, value)


@pytest.mark.parametrize("name", NAMES)
def test_odd_arrays_are_refused_by_their_name(name):
    for argument in given(name).keys() & DATA.keys():
        ragged, texts = [[1.0], [1.0, 2.0]], np.array(["a"] * 60)
        for value in (None, "x", {}, object(), 5, ragged, texts, np.zeros((60, 0))):
            if not (name == "agreement" and argument == "target"):
                assert refused(name, argument, value), (argument, value)


def test_what_is_said():
    for call, text in (
        (lambda: kdprobe.cka(X, Y, permutations=-1), "permutations=-1: give 0, for the closed form, or a number such as 1000"),
        (lambda: kdprobe.mutual_knn(X, Y, k=1.5), "k=1.5: give the number of neighbours, at least 1, such as 10"),
        (lambda: kdprobe.rsa(X, Y, seed=None), "seed=None: give a whole number from 0 on, so that the result can be repeated"),
        (lambda: kdprobe.cca(X, Y, squared="no"), "squared='no': give True or False"),
        (lambda: kdprobe.cka([[1.0], [1.0, 2.0]], Y), "x is ragged: give rows of one length"),
    ):
        with pytest.raises((PlanError, DataError), match=text):
            call()
