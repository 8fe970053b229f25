"""The suite for probes notices each way of breaking the contract, and says what was due."""

from dataclasses import replace

import numpy as np
import pytest

from kdprobe import KnownAnswer, Measurement, Refusal, available
from kdprobe.core.errors import ContractError, DataError
from kdprobe.testing import check
from kdprobe.testing.probes import check_probe

GOOD = available("probes")["agreement_top1"]
PANEL = available("probes")["gain"]


def answer(value):
    return lambda *arguments: Measurement(value=value, low=value, high=value, n=1)


def instead(measure):
    """The good probe's answers to models that are paired, and `measure` in the place of everything else it gives."""

    def measured(student, teacher, target):
        GOOD.measure(student, teacher, target)
        return measure(student, teacher, target)

    return measured


def noisy(*arguments):
    return answer(np.random.default_rng().random())()


def warns(*arguments):
    return answer(float(np.float64(1.0) / np.float64(0.0) > 0))()


def crashes(*arguments):
    raise IndexError("list index out of range")


def first_entry(student, teacher, target):
    return answer(float(student.raw[0, 0]))()


def writes(student, teacher, target):
    if target is not None:
        target[0] = 0 if target[0] else 1
    return answer(0.5)()


def refuses_all(student, teacher, target):
    return Refusal(reason="never", advice="")


def terse(student, teacher, target):
    raise DataError("bad")


def wide(student, teacher, target):
    return Measurement(value=0.5, low=-2.0, high=0.9, n=1)


ANY = {"bounds": (-99, 99), "truths": None}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"title": " "}, "its title is empty: say what heads its column"),
        ({"asks": "How alike are they"}, "asks='How alike are they' is no question"),
        ({"cites": ""}, "cites nothing: name the paper or page that defines it"),
        ({"truths": GOOD.truths[:2]}, "has 2 truths: give at least 3 cases whose answers are known without it"),
        ({"measure": answer(0.4)}, "truth 'a model agrees with itself' gave 0.4, 1.0 ± 1e-09 was due"),
        ({"bounds": (0.0, 0.5)}, "lies outside its bounds"),
        ({"measure": wide, "truths": None}, "reaches outside (0.0, 1.0): cut its ends there, or make it on a scale that has these ends"),
        ({"measure": crashes}, "IndexError: list index out of range"),
        ({"measure": warns}, "RuntimeWarning: divide by zero"),
        ({"measure": lambda *a: 1.0}, "gave a float, not a Measurement or a Refusal"),
        ({"measure": refuses_all, "truths": None}, "it refused ("),
        ({"measure": lambda *a: Refusal(reason="", advice="")}, "a refusal without a reason"),
        ({"measure": noisy, "truths": None}, "asked twice, it gave two values"),
        ({"measure": writes, "truths": None}, "the target was changed"),
        ({"measure": first_entry, **ANY}, "declared symmetric, but"),
        ({"measure": first_entry, **ANY, "symmetric": False}, "declared invariant under 'scale', but"),
        ({"measure": answer(0.5), "truths": None}, "a student on fewer rows gave 0.500 [0.500, 0.500], a DataError was due"),
        ({"measure": instead(answer(0.5)), "truths": None, "needs": ("features",)}, "models without features gave 0.500"),
        ({"measure": instead(answer(0.5)), "truths": None, "needs": ("target",)}, "a target that is too short gave 0.500"),
    ],
)
def test_a_broken_one_is_noticed(changes, text):
    if changes.get("truths", GOOD.truths) is None:
        # whatever it is asked, half is near enough; a refusal is met later
        anything = KnownAnswer(name="anything", make=GOOD.truths[0].make, value=0.5, tolerance=10)
        if changes["measure"] is refuses_all:
            anything = replace(anything, value=None)
        changes = changes | {"truths": (anything,) * 3}
    with pytest.raises(ContractError) as caught:
        check("probes", replace(GOOD, **changes))
    assert text in str(caught.value)
    assert str(caught.value).startswith("probe 'agreement_top1': ")


def test_a_refusal_that_is_due():
    truths = (replace(GOOD.truths[0], value=None),) * 3
    with pytest.raises(ContractError, match=r"truth 'a model agrees with itself' gave 1\.000 .*, a refusal was due"):
        check_probe(replace(GOOD, truths=truths))


def test_a_data_error_where_an_answer_is_due():
    with pytest.raises(ContractError, match="a model agrees with itself: an answer was due, not DataError: bad"):
        check_probe(replace(GOOD, measure=terse))


def test_a_data_error_that_says_too_little():
    def measure(student, teacher, target):
        return terse(student, teacher, target) if np.all(student.raw == 3.7) else GOOD.measure(student, teacher, target)

    with pytest.raises(ContractError, match="constant arrays: the text of its DataError says too little: bad"):
        check_probe(replace(GOOD, measure=measure))


def test_a_target_that_it_needs():
    """Without one it must refuse, and a wrong one it must not take."""

    def guesses(student, teacher, target):
        GOOD.measure(student, teacher, None)
        if target is not None and len(target) != student.n:
            raise DataError("the target has another number of rows than the models")
        return answer(0.5)()

    truths = (KnownAnswer(name="anything", make=GOOD.truths[0].make, value=0.5, tolerance=10),) * 3
    with pytest.raises(ContractError, match=r"no target gave 0\.500 .*, a refusal was due"):
        check_probe(replace(GOOD, measure=guesses, truths=truths, needs=("target",)))


def test_one_truth_of_a_panel_is_enough():
    assert len(PANEL.truths) >= 1
    check_probe(replace(PANEL, truths=PANEL.truths[:1]))
