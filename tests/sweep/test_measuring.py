"""What a unit of measuring makes of several results."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import kdprobe
from kdprobe.core.errors import DataError
from kdprobe.core.registry import find
from kdprobe.core.result import Measurement, Refusal
from kdprobe.sweep import measuring, run
from kdprobe.sweep.circle import Circle
from kdprobe.sweep.measuring import _mean, measure_unit
from kdprobe.zoo.traces import Stored
from tests.conftest import SMALL


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


PROBES = ("agreement_top1", "kl", "r2", "residual_correlation", "gain")
TEACHER = 8


def unit_of(zoo, task):
    """The arguments of one unit of the zoo by hand: models by seed, and students by scheme and seed."""
    models = zoo.models().query("task == @task")
    stored = {row.model_id: Stored(zoo.job(row.model_id), row.shard, int(row.slot)) for row in models.itertuples()}
    by_seed = {role: models[(models["role"] == role)] for role in ("teacher", "twin", "student")}
    teachers = by_seed["teacher"].query("width == @TEACHER").set_index("seed")["model_id"].to_dict()
    twins = by_seed["twin"].set_index("seed")["model_id"].to_dict()
    students = by_seed["student"].query("teacher_width == @TEACHER")
    groups = [own.set_index("seed")["model_id"].to_dict() for _, own in students.groupby("scheme")]
    return stored, groups, teachers, twins


def measured(zoo, task, stored, groups, teachers, twins, probes=PROBES, circle=None):
    return measure_unit(zoo.path, task, 0, SMALL.sizes(task), stored, groups, teachers, twins, probes, circle)


def likeness(task, student, teacher):
    """Agreement or R², as anybody would write them."""
    s, t = student.outputs, teacher.outputs
    if task == "letters":
        return float(np.mean([a.argmax() == b.argmax() for a, b in zip(s, t, strict=True)]))
    return 1 - ((t - s) ** 2).sum() / ((t - t.mean(axis=0)) ** 2).sum()


@pytest.mark.parametrize(("task", "probe"), [("letters", "agreement_top1"), ("bikeshare", "r2")])
def test_every_comparison_of_a_unit_is_that_of_a_naive_loop(small_zoo, task, probe):
    stored, groups, teachers, twins = unit_of(small_zoo, task)
    found = measured(small_zoo, task, stored, groups, teachers, twins)
    assert found.broken == []
    results = {(model, comparison): result for model, name, comparison, result in found.rows if name == probe}
    traces = {model: small_zoo.trace(model, rows="A") for model in (*teachers.values(), *twins.values())}
    expected = {}
    for group in groups:
        for seed, student in group.items():
            traces[student] = small_zoo.trace(student, rows="A")
            others = [other for other in teachers if other != seed]
            expected[student, "own"] = [likeness(task, traces[student], traces[teachers[seed]])]
            expected[student, "siblings"] = [likeness(task, traces[student], traces[teachers[other]]) for other in others]
            expected[student, "twin"] = [likeness(task, traces[twins[seed]], traces[teachers[seed]])]
            expected[student, "twin_siblings"] = [likeness(task, traces[twins[seed]], traces[teachers[other]]) for other in others]
            expected[student, "baseline"] = [likeness(task, traces[twins[other]], traces[teachers[seed]]) for other in others]
    assert set(results) == set(expected)
    for key, values in expected.items():
        assert results[key].value == pytest.approx(np.mean(values), abs=1e-9), key
        if len(values) > 1:
            interval = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
            assert (results[key].low, results[key].high) == pytest.approx(interval, abs=1e-9), key
            assert results[key].n == len(values)


# each seed's siblings are the next two around the circle, its reference twins the two before it
SIBLINGS = {0: (1, 2), 1: (2, 3), 2: (3, 0), 3: (0, 1)}
REFERENCES = {0: (2, 3), 1: (0, 3), 2: (0, 1), 3: (1, 2)}


@pytest.mark.parametrize("seeds", [(0, 1, 2, 3), (2,)], ids=["all", "one part"])
def test_of_many_seeds_each_is_read_against_its_part_alone(small_zoo, seeds):
    circle = Circle((0, 1, 2, 3), most=2)
    stored, groups, teachers, twins = unit_of(small_zoo, "bikeshare")
    groups = [{seed: group[seed] for seed in seeds} for group in groups]
    needed = [{seed: of[seed] for seed in sorted(which(seeds))} for of, which in ((teachers, circle.teachers), (twins, circle.twins))]
    found = measured(small_zoo, "bikeshare", stored, groups, *needed, ("r2", "transfer_coefficient"), circle)
    assert found.broken == []
    results = {(model, probe, comparison): result for model, probe, comparison, result in found.rows}
    traces = {model: small_zoo.trace(model, rows="A") for model in (*teachers.values(), *twins.values(), *groups[0].values())}

    def r2(student, teacher):
        return likeness("bikeshare", traces[student], traces[teacher])

    for seed in seeds:
        student, own, twin = groups[0][seed], teachers[seed], twins[seed]
        expected = {
            "own": r2(student, own),
            "siblings": np.mean([r2(student, teachers[other]) for other in SIBLINGS[seed]]),
            "twin": r2(twin, own),
            "twin_siblings": np.mean([r2(twin, teachers[other]) for other in SIBLINGS[seed]]),
            "baseline": np.mean([r2(twins[other], own) for other in REFERENCES[seed]]),
        }
        assert {name: results[student, "r2", name].value for name in expected} == pytest.approx(expected, abs=1e-9)
        assert results[student, "r2", "siblings"].n == results[student, "r2", "baseline"].n == 2
        assert results[student, "transfer_coefficient", "own"].reason.startswith("2 reference twins")


def test_what_is_measured_of_a_seed_is_the_same_in_a_part_and_in_the_whole(small_zoo):
    circle = Circle((0, 1, 2, 3), most=2)
    stored, groups, teachers, twins = unit_of(small_zoo, "letters")
    whole = measured(small_zoo, "letters", stored, groups, teachers, twins, PROBES, circle)
    part = [{1: group[1]} for group in groups]
    needed = [{seed: of[seed] for seed in sorted(which({1}))} for of, which in ((teachers, circle.teachers), (twins, circle.twins))]
    alone = measured(small_zoo, "letters", stored, part, *needed, PROBES, circle)
    ids = {group[1] for group in groups}
    assert alone.rows == [row for row in whole.rows if row[0] in ids]


def test_the_placebo_is_there_for_every_likeness_and_for_no_other_panel(small_zoo):
    table = small_zoo.measurements()
    by_comparison = {name: set(own["probe"]) for name, own in table.groupby("comparison")}
    assert by_comparison["twin_siblings"] == by_comparison["twin"] == by_comparison["siblings"]
    known = {probe: find("probes", probe) for probe in set(table["probe"])}
    assert all(known[probe].likeness or not known[probe].panel for probe in by_comparison["twin_siblings"])
    assert {"transfer_coefficient", "teacher_wrong_room"} <= by_comparison["twin_siblings"]
    assert all(not known[probe].likeness for probe in by_comparison["panel"])


@pytest.mark.parametrize("task", ["letters", "bikeshare"])
def test_a_likeness_of_panels_is_asked_toward_every_teacher_with_references_that_exclude_the_one_asked(small_zoo, task):
    stored, groups, teachers, twins = unit_of(small_zoo, task)
    found = measured(small_zoo, task, stored, groups, teachers, twins, ("transfer_coefficient",))
    assert found.broken == []
    results = {(model, comparison): result for model, _, comparison, result in found.rows}
    says = {model: small_zoo.trace(model, rows="A").outputs for model in (*teachers.values(), *twins.values(), *groups[0].values())}

    def tau(student, teacher, seed):
        references = [says[model] for other, model in twins.items() if other != seed]
        return kdprobe.transfer_coefficient(says[student], says[teacher], references).value

    # toward some teachers four small networks give no denominator: then the panel must refuse as the arrays do
    for seed, student in groups[0].items():
        others = [tau(student, teachers[other], seed) for other in teachers if other != seed]
        strangers = [tau(twins[seed], teachers[other], seed) for other in teachers if other != seed]
        baseline = [tau(twins[other], teachers[seed], other) for other in twins if other != seed]
        expected = {"own": [tau(student, teachers[seed], seed)], "siblings": others, "baseline": baseline}
        expected |= {"twin": [tau(twins[seed], teachers[seed], seed)], "twin_siblings": strangers}
        for comparison, values in expected.items():
            mean = None if None in values else pytest.approx(np.mean(values), abs=1e-9)
            assert results[student, comparison].value == mean, (seed, comparison)


def test_a_seed_without_twin_has_no_placebo_and_a_placebo_without_siblings_is_refused(small_zoo):
    stored, groups, teachers, twins = unit_of(small_zoo, "bikeshare")
    without = {model: place for model, place in stored.items() if model != twins[1]}
    found = measured(small_zoo, "bikeshare", without, groups, teachers, twins, ("r2",))
    of = {(model, comparison): result for model, _, comparison, result in found.rows}
    assert (groups[0][1], "own") in of
    assert (groups[0][1], "twin_siblings") not in of
    assert isinstance(of[groups[0][2], "twin_siblings"], Measurement)
    alone = {model: place for model, place in stored.items() if model not in [teachers[seed] for seed in (1, 2, 3)]}
    found = measured(small_zoo, "bikeshare", alone, groups, teachers, twins, ("r2",))
    of = {(model, comparison): result for model, _, comparison, result in found.rows}
    assert of[groups[0][0], "twin_siblings"].reason == "there are no sibling teachers"


def test_one_refused_sibling_refuses_the_placebo(small_zoo, monkeypatch):
    """A probe that has no answer for one pair: the twin of seed 0 toward the teacher of seed 2."""
    stored, groups, teachers, twins = unit_of(small_zoo, "bikeshare")
    twin, teacher = (small_zoo.trace(model, rows="A").outputs for model in (twins[0], teachers[2]))
    r2 = find("probes", "r2")

    def measure(student, other, target=None):
        if np.allclose(student.outputs, twin) and np.allclose(other.outputs, teacher):
            raise DataError("no answer for this pair")
        return r2.measure(student, other, target)

    odd = replace(r2, name="odd", measure=measure)
    monkeypatch.setattr(measuring, "find", lambda kind, name: odd if name == "odd" else find(kind, name))
    found = measured(small_zoo, "bikeshare", stored, groups, teachers, twins, ("odd",))
    of = {(model, comparison): result for model, _, comparison, result in found.rows}
    assert of[groups[0][0], "twin_siblings"] == Refusal(reason="no answer for this pair")
    assert isinstance(of[groups[0][0], "siblings"], Measurement)
    assert isinstance(of[groups[0][1], "twin_siblings"], Measurement)


def test_a_zoo_of_before_there_was_a_placebo_opens_resumes_verifies_and_reports(tmp_path, monkeypatch):
    plan = kdprobe.GapPlan(tasks=("bikeshare",), schemes=("same_rows",), teacher_widths=(8,), student_widths=(2,), seeds=3, steps=20)

    def before(*arguments):
        found = measure_unit(*arguments)
        return found._replace(rows=[row for row in found.rows if row[2] != "twin_siblings"])

    with monkeypatch.context() as older:
        older.setattr(run, "measure_unit", before)
        kdprobe.sweep(plan, tmp_path / "zoo", jobs=0).close()

    def again(*_):
        raise AssertionError("what is measured is measured")

    monkeypatch.setattr(run, "measure_unit", again)
    with kdprobe.sweep(plan, tmp_path / "zoo", jobs=0) as zoo:
        assert zoo.verify() == []
        assert set(zoo.measurements()["comparison"]) == {"own", "siblings", "twin", "baseline", "panel"}
        page = kdprobe.report(zoo, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "no placebo was measured" in page.lower()
