"""A pilot before a sweep: what it trains, what it says, and what the report makes of it."""

import json

import numpy as np
import pytest

import kdprobe
from kdprobe import GapPlan, PlanError
from kdprobe.cli import run as main
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.pilots import advised, outcomes, pilots
from kdprobe.sweep.pilot import FOLDER, pilot_plan
from kdprobe.verdicts.pilot import advise

PLAN = [
    "--task",
    "letters",
    "--scheme",
    "same_rows",
    "--teacher-widths",
    "3",
    "6",
    "12",
    "24",
    "--student-widths",
    "3",
    "--steps",
    "20",
    "--beside",
    "none",
]


def test_a_pilot_is_a_tenth_and_shares_no_model():
    plan = GapPlan(tasks=("letters",), seeds=29, alpha=(0.3, 0.7), tune=("alpha",))
    few = pilot_plan(plan)
    data = {("letters", 0): "rows"}
    assert len(few.cells()) <= 0.1 * len(plan.cells())
    assert not {job.id for job in few.grid(data).jobs} & {job.id for job in plan.grid(data).jobs}
    assert {cell.teacher_width for cell in few.cells()} == {cell.teacher_width for cell in plan.cells()}


def test_what_is_too_small_for_a_pilot_says_so():
    with pytest.raises(PlanError, match="seeds=19: a pilot of 2 seeds is more than a tenth of that: give at least 20"):
        pilot_plan(GapPlan(tasks=("letters",), seeds=19))
    with pytest.raises(PlanError, match="seeds=20 from first_seed=4990: a pilot has the seeds from 5000 on: stay below"):
        pilot_plan(GapPlan(tasks=("letters",), seeds=20, first_seed=4990))
    with pytest.raises(PlanError, match="seeds=10 from first_seed=-1: give numbers from 0"):
        GapPlan(tasks=("letters",), first_seed=-1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pilot, and then the sweep."""
    out = tmp_path_factory.mktemp("sweep") / "zoo"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(out.parent)
        assert main(["sweep", "--gap", "--pilot", *PLAN, "--seeds", "20", "--out", "zoo", "--jobs", "0", "--json"]) == 0
    return out


@pytest.mark.slow
def test_it_advises_from_validation_rows_alone(folder):
    with kdprobe.Zoo(folder / FOLDER) as zoo:
        assert set(zoo.models()["seed"]) == {5000, 5001}
        # nothing was measured on probe rows
        assert zoo.measurements().empty
        (pilot,) = advised(Evidence(zoo))
        students = zoo.models().query("role == 'student'")
        history = zoo.history().groupby("model_id")["validation_loss"].last()
    gain = (students["twin_id"].map(history) - students["model_id"].map(history)).to_numpy()
    grid = np.array(
        [[gain[(students["seed"] == seed) & (students["teacher_width"] == width)][0] for width in (3, 6, 12, 24)] for seed in (5000, 5001)]
    )
    assert pilot.advice.named == advise(grid).named
    assert pilot.teachers == ("mlp-3", "mlp-6", "mlp-12", "mlp-24")
    assert len(pilot.named) == 2


@pytest.mark.slow
def test_the_report_says_whether_it_was_right(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert main(["sweep", "--gap", *PLAN, "--seeds", "20", "--out", "zoo", "--jobs", "0", "--json", "--no-similarity"]) == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    with kdprobe.Zoo(folder) as zoo:
        (outcome,) = outcomes(Evidence(zoo))
        assert len(pilots(Evidence(zoo))) == 1
        assert set(zoo.models()["seed"]) == set(range(20))
    assert outcome.best == outcome.gap.curve.teachers[int(np.argmax(outcome.gap.reading.gain.mean(axis=0)))]
    assert outcome.right == (outcome.best in outcome.pilot.named)
    assert "Did the pilot name the right teacher sizes?" in page
    assert f"It named the size with the best mean in {int(outcome.right)} of 1 case" in page
    capsys.readouterr()
    # a pilot comes first
    other = tmp_path / "other"
    assert main(["sweep", "--gap", *PLAN, "--seeds", "2", "--out", str(other), "--jobs", "0"]) == 0
    assert main(["sweep", "--gap", "--pilot", *PLAN, "--seeds", "20", "--out", str(other), "--jobs", "0"]) == 2
    assert "holds results, and a pilot comes before them: choose another folder" in capsys.readouterr().err


@pytest.mark.slow
def test_a_narrower_sweep_leaves_it_untested(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "--gap", "--pilot", *PLAN, "--seeds", "20", "--out", "zoo", "--jobs", "0"]) == 0
    out = capsys.readouterr().out
    assert "letters · mlp-3 · same rows: worth training: width" in out
    assert "all sizes:            kdprobe sweep --gap --task letters --scheme same_rows --teacher-widths 3,6,12,24" in out
    assert "those worth training: kdprobe sweep --gap --task letters --scheme same_rows --teacher-widths" in out
    narrow = [word for word in PLAN if word not in ("12", "24")]
    assert main(["sweep", "--gap", *narrow, "--seeds", "20", "--out", "zoo", "--jobs", "0", "--no-similarity", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["failed_cells"] == []
    with kdprobe.Zoo("zoo") as zoo:
        (outcome,) = outcomes(Evidence(zoo))
    assert (outcome.best, outcome.right, outcome.possible) == (None, None, None)
    page = (tmp_path / "zoo" / "report.html").read_text(encoding="utf-8")
    assert "did not train all sizes of the pilot, so whether it was right is not known" in page
