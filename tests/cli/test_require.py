"""``kdprobe probe --require``, as continuous integration meets it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest


def probe(*words):
    line = [sys.executable, "-m", "kdprobe", "probe", "teacher.csv", "student.csv", "--task", "classification", "--target", "y.csv"]
    return subprocess.run([*line, "--twin", "twin.csv", *words], capture_output=True, text=True)


@pytest.fixture
def files():
    """As pandas writes them, the classes too."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 6, 300)
    teacher = 3 * np.eye(6)[y] + rng.normal(size=(300, 6))
    models = {"teacher": teacher, "student": teacher + 0.1 * rng.normal(size=(300, 6)), "twin": np.eye(6)[y] + rng.normal(size=(300, 6))}
    for name, values in models.items():
        pd.DataFrame(values).to_csv(f"{name}.csv", index=False)
    pd.Series(y).to_csv("y.csv", index=False)
    return models


def test_what_is_shown_passes_and_what_is_not_exits_with_4(files):
    done = probe("--require", "gain>0", "--require", "agreement_top1>=0.5")
    assert done.returncode == 0, done.stderr
    assert "kdprobe: shown: gain>0: gain is " in done.stderr
    assert "teacher.csv: its first line (0,1,2,3,4,5) is names of columns, no row" in done.stderr
    done = probe("--require", "gain>0", "--require", "agreement_top1>=0.999", "--json", "-o", "page.html")
    assert done.returncode == 4
    failing = [line for line in done.stderr.splitlines() if "not shown" in line]
    assert len(failing) == 1
    assert failing[0].startswith("kdprobe: not shown: agreement_top1>=0.999: agreement_top1 is 0.9")
    found = json.loads(done.stdout)
    assert [one["shown"] for one in found["required"]] == [True, False]
    own = {row["probe"]: row for row in found["results"] if row["comparison"] == "own"}
    assert own["agreement_top1"]["n"] == 300
    assert own["agreement_top1"]["value"] == (files["teacher"].argmax(1) == files["student"].argmax(1)).mean()
    with open("page.html", encoding="utf-8") as page:
        assert "<!doctype html>" in page.read()


def test_a_slip_in_a_requirement_is_wrong_usage(files):
    for words, text in [("gain=0", "is no requirement"), ("gian>0", "did you mean 'gain'")]:
        done = probe("--require", words)
        assert (done.returncode, text in done.stderr) == (2, True), done.stderr
