"""What is no number is refused by its name, whatever public function of the room it is given to."""

import numpy as np
import pytest

from kdprobe import theory
from kdprobe.core.errors import DataError

SPECTRUM = {"eigenvalues": [2.0, 1.0], "signal": [1.0, 1.0], "noise": 1.0, "ridge": 1.0}
KERNEL = {"gram": np.eye(2), "y": [3.0, 4.0]}
LAW = {"beta": [1.0, 0.5, 0.2], "noise": 0.5, "n": 20, "p": 1, "q": 2, "m": 30}
FUNCTIONS = {
    "nested_ols": LAW | {"teachers": 1, "shift": [0.0]},
    "noise_threshold": {name: value for name, value in LAW.items() if name != "noise"} | {"teachers": 1},
    "ridge_self_distillation": SPECTRUM,
    "pareek_rounds": SPECTRUM | {"rounds": 2},
    "mobahi_rounds": KERNEL | {"tolerance": 0.5, "most": 10},
    "repeated_distillation": KERNEL | {"ridge": 1.0, "alpha": 0.5, "rounds": 2},
    "linear_disagreement": {"d": 5, "n": 2},
    "projected_student": {"x": np.eye(2), "teacher": [1.0, 2.0]},
    "risk_estimates": {"losses": [[0.1, 2.0]], "bayes": [[0.9, 0.1]], "teacher": [[1.0, 0.0]], "rows": 10},
    "regression_risk_estimates": {"error": [1.0], "shift": [0.0], "noise": 0.5, "rows": 10},
    "relabelled": {"y": [1.0], "teacher": [2.0], "alpha": 0.5},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_word_or_nothing_is_refused_by_its_name(function):
    given, call = FUNCTIONS[function], getattr(theory, function)
    call(**given)
    for name in given:
        for wrong in ("a", None, [None], object()):
            if name == "shift" and wrong is None and function == "nested_ols":
                continue
            with pytest.raises(DataError, match=rf"^{name}\b.*: (give|the teacher's weight, give)"):
                call(**given | {name: wrong})


def test_numbers_of_other_kinds_are_read():
    plain = theory.nested_ols(**LAW)
    assert theory.nested_ols(**LAW | {"n": np.int64(20), "p": 1.0, "noise": np.float32(0.5), "m": np.array(30)}) == plain
    with pytest.raises(DataError, match=r"p=1\.5: give a whole number"):
        theory.nested_ols(**LAW | {"p": 1.5})
    with pytest.raises(DataError, match="noise=True: give a variance"):
        theory.nested_ols(**LAW | {"noise": True})
