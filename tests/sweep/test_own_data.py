"""Sweeps over one's own rows: resumed, refused where the rows changed, the same in workers, and read by whoever opens the zoo."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe import GapPlan, KnowledgePlan, PlanError
from kdprobe.cli import run
from kdprobe.core.identity import content_id
from kdprobe.core.registry import _PROVIDED
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.sweep import own
from kdprobe.sweep.command import command_of

SMALL = {"schemes": ("same_rows",), "teacher_widths": (4, 8), "student_widths": (2,), "beside": {}}


@pytest.fixture(autouse=True)
def nothing_stays_provided():
    before = dict(_PROVIDED)
    yield
    _PROVIDED.clear()
    _PROVIDED.update(before)


def table(rows=100, seed=0):
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"]).assign(town=rng.choice(["Bonn", "Köln", "Ulm"], size=rows))
    return found.assign(price=found.a**2 + found.b * (found.town == "Ulm") + 0.1 * rng.normal(size=rows))


def test_the_smallest_data_set_gets_verdicts():
    task = kdprobe.task_from_frame(table(100), target="price", steps=40)
    plan = GapPlan(tasks=(task,), seeds=8, **SMALL)
    assert plan.tasks == ("frame",)
    assert plan.own_data == {"frame": task.sha256}
    with kdprobe.sweep(plan, "zoo") as zoo:
        assert (zoo.models()["status"] == "done").all()
        assert zoo.provenance()["plan"]["own_data"] == plan.own_data
        (gap,) = gaps(Evidence(zoo))
        assert gap.reading.deficit is not None
        assert "direction only" not in gap.reading.qualifier
        assert gap.helps.gain is not None
        model = zoo.models()["model_id"].iloc[0]
        before = zoo.trace(model).outputs
        page = kdprobe.report(zoo, "zoo/report.html").read_text()
    assert "frame · student mlp-2" in page
    # resumed: nothing is trained again
    with kdprobe.sweep(plan, "zoo") as zoo:
        assert zoo.provenance()["runs"] == 2
    # more seeds extend it, in a process that knows the rows from the folder alone
    _PROVIDED.clear()
    with kdprobe.Zoo("zoo") as zoo:
        assert np.array_equal(zoo.trace(model).outputs, before)
    changed = table(100)
    changed.loc[0, "price"] += 1
    with pytest.raises(PlanError, match="zoo holds results of other rows of frame: the data, or how it is read, has changed since"):
        kdprobe.sweep(GapPlan(tasks=(kdprobe.task_from_frame(changed, target="price", steps=40),), seeds=8, **SMALL), "zoo")
    with pytest.raises(PlanError, match="task 'frame' was made anew of other rows since this plan"):
        kdprobe.sweep(plan, "elsewhere")
    assert not Path("elsewhere").exists()


def test_plans_without_own_rows_have_the_hash_that_they_had():
    for plan in (GapPlan(), KnowledgePlan()):
        told = {name: value for name, value in plan.settings_of().items() if name not in ("own_data", "teacher_family")}
        assert plan.hash == content_id(told)
    assert "--task" not in command_of("x", GapPlan(tasks=(kdprobe.task_from_frame(table(), target="price", steps=9),)), "zoo")
    assert GapPlan(tasks=("letters",)).own_data == {}


def test_steps_are_those_of_the_least_validation_loss(monkeypatch):
    task = kdprobe.task_from_frame(table(400), target="price", steps=9)
    monkeypatch.setattr(own, "STEPS", (5, 300))
    monkeypatch.setattr(own, "WIDTHS", (4, 16))
    found = own.losses_by_steps(task)
    assert sorted(found) == [5, 300]
    assert all(found[300][width] < found[5][width] for width in (4, 16))
    assert kdprobe.task_from_frame(table(400), target="price").steps == 300
    # of noise nothing can be learnt: more steps are worse, and the largest network worst
    noise = table(120).assign(price=np.random.default_rng(5).normal(size=120))
    monkeypatch.setattr(own, "WIDTHS", (2, 64))
    assert kdprobe.task_from_frame(noise, target="price").steps == 5


@pytest.mark.slow
def test_the_command_line_sweeps_a_file_in_workers_and_says_what_it_did(capsys):
    table(120).to_csv("my.csv", index=False)
    words = ["sweep", "--gap", "--data", "my.csv", "--target", "price", "--seeds", "2", "--steps", "20", "--scheme", "same_rows"]
    words += ["--teacher-widths", "4,8", "--student-widths", "2", "--beside", "none", "--out", "zoo"]
    assert run([*words, "--jobs", "1"]) == 0
    said = capsys.readouterr()
    assert "'price' is the target: regression" in said.err
    assert "my.csv · student mlp-2" in said.out
    with kdprobe.Zoo("zoo") as zoo:
        command = zoo.provenance()["command"]
        assert command.startswith("kdprobe sweep --gap --data my.csv --target price --scheme same_rows --teacher-widths 4,8")
    table(120, seed=1).to_csv("my.csv", index=False)
    assert run([*words, "--jobs", "0"]) == 2
    assert "holds results of other rows of my.csv" in capsys.readouterr().err


def test_data_is_checked_in_words_and_nothing_is_written(capsys):
    table(200).to_csv("my.csv", index=False)
    assert run(["data", "check", "my.csv", "--target", "price", "--ignore", "c"]) == 0
    said = capsys.readouterr().out
    assert "my.csv: 200 rows, 5 inputs, 1 value." in said
    assert "Ignored: 'c'." in said
    assert "Rows of each part: train 45, transfer 55, validation 20, probe a 40, probe b 40." in said
    assert run(["data", "check", "my.csv", "--target", "town", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == ["Bonn", "Köln", "Ulm"]
    assert [path.name for path in Path().iterdir()] == ["my.csv"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["sweep", "--gap", "--data", "my.csv"], 2, "--data my.csv: say which column is to be learnt, as in --target price"),
        (["sweep", "--gap", "--target", "price"], 2, "give the data too, as in --data my.csv --target price"),
        (["sweep", "--gap", "--data", "my.csv", "--target", "prise"], 3, "did you mean 'price'?"),
        (["sweep", "--gap", "--data", "no.csv", "--target", "price"], 3, "no.csv is not there"),
        (
            ["sweep", "--gap", "--task", "letters", "--data", "my.csv", "--target", "price"],
            2,
            "--task letters beside --data: give one of them",
        ),
        (["data", "check"], 2, "give the data too"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(words, code, text, capsys):
    table(100).to_csv("my.csv", index=False)
    assert run(words) == code
    assert text in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["my.csv"]


def test_what_fits_ones_own_rows_is_asked_of_these_and_not_of_the_usual_tasks(capsys):
    """A distiller for classes alone, beside tasks of both kinds that a sweep has by default; what is wrong is said all the same."""
    frame = table(100).assign(price=np.tile(["low", "high"], 50))
    frame.to_csv("classes.csv", index=False)
    line = ["sweep", "--gap", "--data", "classes.csv", "--target", "price", "--steps", "5", "--dry-run"]
    assert run([*line, "--distiller", "kd", "--scheme", "same_rows", "--beside", "none"]) == 0
    for more, text in (
        (["--distiller", "l1_imitation"], "distiller 'l1_imitation' is for regression"),
        (["--family", "cnn"], "family 'cnn' does not fit task 'classes.csv'"),
        (["--seeds", "1"], "seeds=1"),
    ):
        assert run([*line, *more]) == 2
        assert text in capsys.readouterr().err
    # and nothing of it stays
    with pytest.raises(PlanError, match="seeds=1"):
        GapPlan(seeds=1)
