"""Metrics put through the gates: readings against a loop written out, networks that are what they say, and odd requests."""

import json
import subprocess
import sys

import numpy as np
import pytest

from kdprobe import PlanError, Trace, available
from kdprobe.core.registry import find
from kdprobe.testing.gates import Depth, gates, metric
from kdprobe.testing.gates.networks import Trainer
from kdprobe.testing.gates.put import HELD_OUT_SEEDS, train_arms
from kdprobe.testing.gates.readings import Reader

TINY = Depth(groups=1, group=4, seeds=4, student=4, teacher=8, narrow=4, rows=150, fresh=200, probe=100, steps=15, short=10)


def models(seed, count, n=300, c=4):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, c))
    return [Trace.from_raw("classification", shared + rng.normal(size=(n, c))) for _ in range(count)], shared.argmax(axis=1)


@pytest.mark.parametrize("name", ["agreement_top1", "kl"])
def test_readings_are_those_of_a_loop_and_larger_is_nearer(name):
    traces, y = models(0, 12)
    teachers, twins, students = traces[:4], traces[4:8], traces[8:]
    probe = available("probes")[name]
    sign = -1 if probe.better == "lower" else 1

    def m(model, teacher):
        return sign * probe(model, teacher, y).value

    specific, moved = [], []
    for s in range(4):
        others = [t for t in range(4) if t != s]
        own = m(students[s], teachers[s]) - np.mean([m(students[s], teachers[t]) for t in others])
        placebo = m(twins[s], teachers[s]) - np.mean([m(twins[s], teachers[t]) for t in others])
        specific.append(own - placebo)
        moved.append(m(students[s], teachers[s]) - np.mean([m(twins[w], teachers[s]) for w in others]))
    assert Reader(probe, teachers, twins, y, "specific")(students) == pytest.approx(specific)
    assert Reader(probe, teachers, twins, y, "moved")(students) == pytest.approx(moved)
    copies = Reader(probe, teachers, twins, y, "specific")(teachers)
    assert (copies > np.abs(specific)).all()


def test_what_has_no_answer_is_missing_with_its_reason():
    traces, y = models(1, 6)
    reader = Reader(available("probes")["transfer_coefficient"], traces[:2], traces[2:4], y, "specific")
    assert np.isnan(reader(traces[4:])).all()
    assert "1 reference twin beside the student's" in reader.reasons[0]


def test_networks_are_independent_where_the_null_needs_it_and_paired_where_arms_do():
    trainer = Trainer(find("tasks", "letters"), TINY)
    twins = trainer.untaught("twin", 4, range(3), steps=10)
    held_out = trainer.untaught("twin", 4, [HELD_OUT_SEEDS + seed for seed in range(3)], steps=10)
    teachers = trainer.untaught("teacher", 8, range(3), steps=10)
    weights = [next(module.parameters()).detach().numpy() for one in (twins, held_out) for module in one.modules]
    assert len({w.tobytes() for w in weights}) == 6
    # with no weight on the teacher what it says changes nothing
    by_labels, by_other = (trainer.taught("kd", 0.0, by, range(3), steps=10) for by in (teachers, teachers.turned()))
    for first, second in zip(by_labels.modules, by_other.modules, strict=True):
        for a, b in zip(first.parameters(), second.parameters(), strict=True):
            np.testing.assert_array_equal(a.detach(), b.detach())
    taught = trainer.taught("kd", 1.0, teachers, range(3), steps=10)
    assert not np.array_equal(next(taught.modules[0].parameters()).detach(), next(by_labels.modules[0].parameters()).detach())


def test_gains_and_scores_come_from_rows_of_their_own():
    trainer = Trainer(find("tasks", "letters"), TINY)
    arms = train_arms(trainer)
    ids = set(trainer.read.ids) & set(trainer.parts.probe_b.ids)
    assert ids == set()
    assert arms.gains.shape == arms.scores.shape == (4, len(arms.students))
    assert list(arms.students)[:5] == ["α=0", "α=0.25", "α=0.5", "α=0.75", "α=1"]
    assert {"shuffled", "class_means", "label_smoothing", "other-task teacher", "sibling teacher", "untaught, wider"} < set(arms.students)
    twin = trainer.untaught("twin", 4, range(4), steps=15)
    loss, score = trainer.performance(twin)
    part = trainer.parts.probe_b.first(100)
    trace = trainer.traces(twin, part, "twin")[0]
    assert loss[0] == pytest.approx(np.mean(-np.log(trace.outputs[::2][np.arange(50), part.y[::2]])))
    assert score[0] == pytest.approx(np.mean(trace.outputs[1::2].argmax(1) == part.y[1::2]))


@pytest.mark.parametrize("name", ["fidelity", "partial_residual_correlation"])
def test_all_gates_of_few_networks_are_told_and_none_is_passed_by_few(name):
    (found,) = gates(available("probes")[name], depth=TINY).values()
    assert [gate.name for gate in found] == ["G1", "G2", "G3", "G4", "G5", "G6"]
    assert [gate.outcome for gate in found] == ["refused"] * 5 + ["pass"]
    assert found[0].details["held_out_twins"] == 4


def test_seeds_are_those_that_were_asked_for():
    (found,) = gates(available("probes")["agreement_top1"], depth=TINY, seeds=3).values()
    assert {gate.says for gate in found if gate.name in ("G2", "G3", "G4", "G5")} == {"3 seeds: give 8 or more"}


PROBE = '''
"""A metric of a package of one's own."""
from dataclasses import replace
from kdprobe import available
MINE = replace(available("probes")["agreement_top1"], name="mine")
'''


def test_a_metric_is_found_by_name_or_in_a_module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "gates_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "metric.py").write_text(PROBE)
    (package / "two.py").write_text(PROBE + "OTHER = replace(MINE, name='other')\n")
    assert metric("churn") is available("probes")["churn"]
    for name in ("gates_package.metric", "gates_package.metric:MINE", "gates_package.metric.MINE", "gates_package.two:MINE"):
        assert metric(name).name == "mine"
    for name, text in (
        ("agreement_top", "metric 'agreement_top' is unknown: did you mean 'agreement_top1'"),
        ("gates_package.two", r"holds 2 probes \(MINE, OTHER\): name one as gates_package.two:NAME"),
        ("gates_package", "is unknown"),
        ("gates_package.nothing", "holds no probe 'nothing'"),
        ("no_such_package.metric", "No module named 'no_such_package'.*give a module on Python's path"),
        *((name, "is no name of a module: write it as Python imports it") for name in ("../metric.py", ".metric", ":MINE", "a..b")),
        ("gates_package.metric:YOURS", "holds no probe 'YOURS'.*MINE"),
    ):
        with pytest.raises(PlanError, match=text):
            metric(name)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"probe": "gain"}, r"probe 'gain' is no likeness of a student and a teacher \(likeness=False\)"),
        ({"probe": "r2", "task": "letters"}, "probe 'r2' is for regression, task 'letters' is a classification: choose a task"),
        ({"probe": "churn", "reading": "own"}, "reading='own' is unknown"),
        ({"probe": "churn", "seeds": 1}, "seeds=1: give 2 or more"),
    ],
)
def test_what_no_gate_is_for(asked, text):
    with pytest.raises(PlanError, match=text):
        gates(available("probes")[asked.pop("probe")], **asked)
    with pytest.raises(PlanError, match="probe is empty"):
        gates([])


@pytest.mark.slow
def test_the_command_prints_a_table_and_says_by_its_exit_that_not_all_are_passed(tmp_path):
    (tmp_path / "mine.py").write_text(PROBE)
    words = [sys.executable, "-m", "kdprobe", "gates", "--quick"]
    done = subprocess.run([*words, "mine:MINE", "--json"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    found = json.loads(done.stdout)["mine"]
    assert [gate["name"] for gate in found] == ["G1", "G2", "G3", "G4", "G5", "G6"]
    assert found[0]["outcome"] in ("refused", "fail")
    assert "untaught networks, groups 1 to 2 of 2" in done.stderr
    empty = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert empty.returncode == 2
    assert "metrics is empty: name a probe" in empty.stderr
