"""A report's numbers are found again from its runs alone; a run that was changed is noticed."""

import ast
import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kdprobe

ROOT = Path(__file__).parent.parent.parent
FILES = [ROOT / "analyses" / name for name in ("recompute.py", "_recompute_page.py", "_recompute_runs.py")]


def recompute(page, runs, *words):
    """Exit status and output, in a process of its own."""
    done = subprocess.run([sys.executable, FILES[0], page, runs, *words], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    assert not done.stderr, done.stderr[-3000:]
    return done.returncode, done.stdout


def counts(output):
    return [int(number) for number in re.search(r"(\d+) agree, (\d+) differ, (\d+) not compared", output).groups()]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A small sweep of both kinds of task with enough seeds for verdicts, and one setting beside."""
    folder = tmp_path_factory.mktemp("recompute")
    plan = kdprobe.GapPlan(
        teacher_widths=(4, 8, 16),
        student_widths=(4,),
        seeds=8,
        steps=30,
        schemes=("same_rows", "transfer_rows"),
        beside={"temperature": (1, 3)},
    )
    with kdprobe.sweep(plan, folder / "zoo") as zoo:
        return kdprobe.report(zoo, folder / "page.html"), folder / "page.runs.csv"


@pytest.mark.slow
def test_a_small_sweep_is_found_again(page):
    status, output = recompute(*page, "--every")
    agree, differ, left = counts(output)
    assert (status, differ) == (0, 0), output
    assert agree > 120  # the page has each likeness but one as means alone
    assert left <= agree / 5
    for what in ("Gain over the twin", "Gain, calibrated", "largest costs", "best teachers", ": p:", "first screen", "negligible below"):
        assert f"{what}" in output
    assert re.search(r"(own − siblings|teacher-specific): page", output)


@pytest.mark.slow
def test_a_changed_run_is_noticed(page, tmp_path):
    with page[1].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    student = next(row for row in rows if row["role"] == "student" and row["nll_calibrated.B"])
    student["nll_calibrated.B"] = str(float(student["nll_calibrated.B"]) + 0.5)
    with (tmp_path / "runs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    status, output = recompute(page[0], tmp_path / "runs.csv")
    assert status == 1
    assert counts(output)[1] > 0
    assert all(line.startswith("DIFFERS") for line in output.splitlines()[:-1])


def test_the_committed_page_is_found_again():
    status, output = recompute(ROOT / "reports/gap.html", ROOT / "reports/gap.runs.csv")
    agree, differ, left = counts(output)
    assert (status, differ) == (0, 0), output
    assert agree > 500
    assert left < agree / 5


def test_it_is_independent():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not any(name.split(".")[0] in ("kdprobe", "pandas") for name in names)


@pytest.mark.slow
def test_a_regime_that_it_cannot_read_is_named(page, tmp_path):
    text = page[0].read_text(encoding="utf-8").replace("same rows", "other rows")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, FILES[0], tmp_path / "page.html", page[1]], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert re.search("regime 'other rows' is none of .*transfer_rows.*: give the runs of this page", done.stderr)
