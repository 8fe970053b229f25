"""Baselines, differences and gains agree with NumPy written by hand; intervals cover; refusals stay refusals."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import t as student_t

from kdprobe.compare import compare
from kdprobe.compare.cells import Cast
from kdprobe.compare.contrast import GROUPS, contrasts
from kdprobe.compare.judge import spread
from kdprobe.compare.traces import paired
from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import Trace
from kdprobe.stats.intervals import jackknife


def world(rng, n=400, k=3, teaching=0.5):
    """Logits of a teacher, a student near it, and k twins that know the labels only."""
    y = rng.integers(0, 4, n)
    truth = 2 * np.eye(4)[y]
    teacher = truth + 0.7 * rng.normal(size=(n, 4))
    student = truth + teaching * (teacher - truth) + rng.normal(size=(n, 4))
    twins = [truth + math.hypot(teaching, 1) * rng.normal(size=(n, 4)) for _ in range(k)]
    return teacher, student, twins, y


def values(results):
    return {probe: {key: float(result) for key, result in found.items()} for probe, found in results.items()}


def test_all_numbers_agree_with_numpy():
    teacher, student, twins, y = world(np.random.default_rng(0))
    rows = np.arange(len(y))
    found = compare(teacher, student, (None, y), task="classification", twins=twins).results

    def top(logits):
        return logits.argmax(axis=1)

    agreement = [np.mean(top(model) == top(teacher)) for model in (student, *twins)]
    assert found["agreement_top1"]["own"].value == pytest.approx(agreement[0])
    assert [found["agreement_top1"][f"twin {i}"].value for i in (1, 2, 3)] == pytest.approx(agreement[1:])
    assert found["agreement_top1"]["baseline"].value == pytest.approx(np.mean(agreement[1:]))
    assert found["agreement_top1"]["difference"].value == pytest.approx(agreement[0] - np.mean(agreement[1:]))
    assert found["agreement_top1"]["difference"].details["twin_sd"] == pytest.approx(np.std(agreement[1:], ddof=1))

    def kl(model):
        return np.mean(np.sum(softmax(teacher, axis=1) * (log_softmax(teacher, axis=1) - log_softmax(model, axis=1)), axis=1))

    assert found["kl"]["difference"].value == pytest.approx(kl(student) - np.mean([kl(twin) for twin in twins]))

    def loss(model):
        return np.mean(-log_softmax(model, axis=1)[rows, y])

    def accuracy(model):
        return np.mean(top(model) == y)

    assert found["gain"]["panel"].value == pytest.approx(np.mean([loss(twin) for twin in twins]) - loss(student))
    assert found["gain_second"]["panel"].value == pytest.approx(accuracy(student) - np.mean([accuracy(twin) for twin in twins]))
    shares = [(loss(twin) - loss(student)) / (loss(twin) - loss(teacher)) for twin in twins]
    assert found["recovered"]["panel"].value == pytest.approx(np.mean(shares))
    assert isinstance(found["cka"]["own"], Refusal)


def test_one_twin_keeps_the_probes_own_interval():
    teacher, student, twins, y = world(np.random.default_rng(1), k=1)
    found = compare(teacher, student, (None, y), task="classification", twins=twins).results
    assert found["agreement_top1"]["baseline"] == found["agreement_top1"]["twin"]
    rows = np.arange(len(y))
    by_row = -log_softmax(twins[0], axis=1)[rows, y] + log_softmax(student, axis=1)[rows, y]
    expected = jackknife(by_row)
    assert (found["gain"]["panel"].value, found["gain"]["panel"].low) == pytest.approx((expected.value, expected.low))


def test_the_error_of_a_difference_is_that_of_paired_rows():
    probes = {"agreement_top1": available("probes")["agreement_top1"]}
    ratios = []
    for seed in range(30):
        teacher, student, twins, y = world(np.random.default_rng(seed), k=2)
        found = contrasts(probes, _traced(teacher, student, twins, y))["agreement_top1"]["difference"]
        by_row = (student.argmax(1) == teacher.argmax(1)) - np.mean([twin.argmax(1) == teacher.argmax(1) for twin in twins], axis=0)
        expected = jackknife(by_row.astype(float))
        assert found.value == pytest.approx(expected.value)
        assert found.n == GROUPS
        assert found.high - found.value == pytest.approx(student_t.ppf(0.975, GROUPS - 1) * found.details["error"])
        ratios.append(found.details["error"] / expected.error)
    # an error from 20 groups is known to a sixth, the mean of 30 of them to 3 %
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


def _traced(teacher, student, twins, y):
    from kdprobe.compare.models import Outputs
    from kdprobe.compare.run import Ran

    names = ["teacher", "student", *(f"twin {i}" for i in range(1, len(twins) + 1))]
    models = [Outputs(name, values) for name, values in zip(names, (teacher, student, *twins), strict=True)]
    (teacher, student, *twins), target, _ = paired([Ran(model, model.values) for model in models], y, "classification")
    return Cast((student,), (teacher,), tuple(twins), target)


def test_an_untaught_student_shows_no_difference_and_a_taught_one_does():
    teacher, student, twins, y = world(np.random.default_rng(4), n=800, k=5, teaching=0.0)
    found = compare(teacher, student, (None, y), task="classification", twins=twins)
    difference = found.results["agreement_top1"]["difference"]
    assert abs(difference.value) < spread(difference)
    assert "That is more than" not in found.sentence
    teacher, student, twins, y = world(np.random.default_rng(4), n=800, k=5, teaching=0.9)
    found = compare(teacher, student, (None, y), task="classification", twins=twins)
    assert "That is more than new rows or one more twin" in found.sentence


def test_the_reach_of_one_more_twin_is_the_prediction_interval():
    found = Measurement(value=0.1, low=0.0, high=0.2, n=20, details={"twins": 4.0, "twin_sd": 0.02})
    assert spread(found) == pytest.approx(student_t.ppf(0.975, 3) * 0.02 * math.sqrt(1.25))
    assert spread(Measurement(value=0.1, low=0.0, high=0.2, n=20, details={"twins": 2.0, "twin_sd": 0.02})) is None


def test_each_twin_is_paired_once_with_the_others_as_reference():
    seen = []

    def measure(panel, target):
        seen.append((panel.twin.name, tuple(twin.name for twin in panel.reference_twins)))
        return Measurement(value=float(len(seen)), low=0.0, high=1e9, n=1)

    probe = Probe(
        name="spy",
        title="Spy",
        asks="?",
        measure=measure,
        panel=True,
        cites="",
        truths=(KnownAnswer(name="", make=lambda rng: (), value=0.0),),
    )
    found = contrasts({"spy": probe}, _traced(*world(np.random.default_rng(5), k=3)))
    assert seen[:3] == [("twin 1", ("twin 2", "twin 3")), ("twin 2", ("twin 1", "twin 3")), ("twin 3", ("twin 1", "twin 2"))]
    assert found["spy"]["panel"].value == 2.0
    assert len(seen) == 3 * (1 + GROUPS)


def test_refusals_name_their_reason_and_take_nothing_with_them():
    teacher, student, twins, y = world(np.random.default_rng(6), k=2)
    found = compare(teacher, student, None, task="classification", twins=twins).results
    assert isinstance(found["agreement_top1"]["difference"], Measurement)
    assert found["gain"]["panel"].reason == "it needs the true target, and the data hold none"
    found = compare(teacher, student, (None, y), task="classification").results
    assert found["gain"]["panel"].reason == "it needs a twin: the student's network trained without the teacher"
    assert set(found["agreement_top1"]) == {"own"}
    sure = [np.where(np.eye(4)[(twin.argmax(1) + 1) % 4] == 1, 1.0, 0.0) for twin in twins]
    found = compare(softmax(teacher, axis=1), student, (None, y), task="classification", twins=[twins[0], sure[1]]).results
    assert found["kl"]["baseline"].reason.startswith("twin 2: KL is infinite")
    assert found["kl"]["difference"].reason.startswith("twin 2: KL is infinite")
    assert isinstance(found["kl"]["twin 1"], Measurement)
    found = compare(softmax(teacher, axis=1), sure[0], (None, y), task="classification", twins=twins).results
    assert found["kl"]["own"].reason.startswith("KL is infinite: student")
    assert found["kl"]["difference"] == found["kl"]["own"] or found["kl"]["difference"].reason.endswith(found["kl"]["own"].reason)
    assert found["kl"]["baseline"].value == pytest.approx((found["kl"]["twin 1"].value + found["kl"]["twin 2"].value) / 2)


def test_intervals_stay_within_the_bounds_of_their_probe():
    teacher, student, _, y = world(np.random.default_rng(8), n=60, k=2)
    near = [teacher + 0.2 * np.random.default_rng(seed).normal(size=teacher.shape) for seed in (0, 1)]
    found = compare(teacher, student, (None, y), task="classification", twins=near).results["agreement_top1"]
    baseline = found["baseline"]
    assert baseline.value + student_t.ppf(0.975, GROUPS - 1) * baseline.details["error"] > 1
    assert (baseline.value < 1, baseline.high) == (True, 1.0)
    assert found["difference"].low < found["difference"].value < 0


def test_a_probe_that_cannot_read_the_models_is_one_refusal():
    def broken(student, teacher, target):
        from kdprobe.core.errors import DataError

        raise DataError("teacher is too wide for this probe")

    probe = Probe(
        name="broken", title="", asks="", measure=broken, cites="", truths=(KnownAnswer(name="", make=lambda rng: (), value=0.0),)
    )
    found = contrasts({"broken": probe}, _traced(*world(np.random.default_rng(7), k=2)))
    assert all(result.reason.endswith("teacher is too wide for this probe") for result in found["broken"].values())


def test_few_rows_give_values_or_refusals_and_no_error():
    for n in range(1, 6):
        teacher, student, twins, y = world(np.random.default_rng(n), n=n, k=2)
        for task, target in (("classification", y), ("regression", teacher)):
            comparison = compare(teacher, student, (None, target), task=task, twins=twins)
            for results in comparison.results.values():
                for result in results.values():
                    assert isinstance(result, Measurement | Refusal)
            assert str(comparison)
            assert comparison._repr_html_()


def test_a_probe_that_breaks_costs_its_own_values_only():
    def breaks(student, teacher, target):
        raise ZeroDivisionError("by hand")

    agreement = available("probes")["agreement_top1"]
    broken = dataclasses.replace(agreement, name="broken", measure=breaks)
    teacher, student, twins, y = world(np.random.default_rng(0))
    trace = lambda raw, name: Trace.from_raw("classification", raw, name=name)  # noqa: E731
    untaught = tuple(trace(twin, f"twin {i}") for i, twin in enumerate(twins, 1))
    models = Cast((trace(student, "student"),), (trace(teacher, "teacher"),), untaught, y)
    found = contrasts({"broken": broken, "agreement_top1": agreement}, models)
    assert str(found["broken"]["own"]) == "refused: probe 'broken' broke: ZeroDivisionError: by hand (mend the probe and run again)"
    assert isinstance(found["agreement_top1"]["difference"], Measurement)


def test_a_measure_that_does_not_differ_is_not_taken_for_all():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 2000)
    base = 6 * np.eye(3)[y]
    teacher = base + rng.normal(size=base.shape)
    # taught the teacher's noise, which never changes a class
    student = base + 0.9 * (teacher - base) + 0.3 * rng.normal(size=base.shape)
    sentence = compare(
        teacher, student, (None, y), task="classification", twins=[base + rng.normal(size=base.shape) for _ in range(5)]
    ).sentence
    assert "Other measures that differ from the twins' by more than new rows or one more twin would give, of 11 that" in sentence
    assert "CKA" in sentence.partition("Other measures")[2]


def test_what_probes_know_at_once_is_what_they_say_of_the_rest_of_the_rows():
    teacher, student, twins, y = world(np.random.default_rng(8), n=600, k=3)
    probes = {name: probe for name, probe in available("probes").items() if probe.without and probe.cost == "cheap"}
    probes.pop("cka")  # arrays have no hidden layer; cka_output is the same measure
    cast = _traced(teacher, student, twins, y)
    known = contrasts(probes, cast)
    again = contrasts({name: dataclasses.replace(probe, without=None) for name, probe in probes.items()}, cast)
    assert {"cka_output", "dark_knowledge_rank", "dark_information", "left_behind"} <= set(known)
    for name in probes:
        mine, theirs = known[name]["difference"], again[name]["difference"]
        assert mine.value == pytest.approx(theirs.value), name
        # probes of information are not learned anew without a twentieth of the rows
        near = 0.5 if "information" in name or name == "left_behind" else 1e-6
        assert mine.details["error"] == pytest.approx(theirs.details["error"], rel=near), name


def test_a_probe_whose_shortcut_breaks_is_asked_again():
    def breaks(student, teacher, target):
        raise ZeroDivisionError

    cast = _traced(*world(np.random.default_rng(9), k=2))
    agreement = available("probes")["agreement_top1"]
    plain, broken = (
        contrasts({"agreement_top1": probe}, cast)["agreement_top1"]
        for probe in (agreement, dataclasses.replace(agreement, without=breaks))
    )
    assert plain == broken
