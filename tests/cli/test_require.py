"""``kdprobe probe --require``, as continuous integration meets it."""

import json
import subprocess
import sys
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import kdprobe


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


@pytest.fixture
def given(monkeypatch):
    """What reaches a comparison, which then ends: requirements, and twins' outputs."""
    from kdprobe.cli import run

    module = import_module("kdprobe.compare.requirement")  # kdprobe.compare is a function
    seen, requirement = [], module.requirement

    def compare(*data, twins, **rest):
        seen.extend(outputs.tolist() for outputs in twins)
        raise kdprobe.DataError("read")

    monkeypatch.setattr(module, "requirement", lambda text: seen.append(text) or requirement(text))
    monkeypatch.setattr(kdprobe, "compare", compare)

    def probed(*words):
        seen.clear()
        return run(["probe", "teacher.csv", "student.csv", "--task", "classification", "--target", "y.csv", *words]), list(seen)

    return probed


def test_lists_take_commas_and_spaces(files, given, capsys):
    for name in ("other", "comma, of its own"):
        pd.DataFrame(files["twin"][::-1]).to_csv(f"{name}.csv", index=False)
    wanted = (3, ["gain>0", "kl<9", files["twin"].tolist(), files["twin"][::-1].tolist()])
    for other in ("twin.csv,other.csv", "twin.csv, other.csv"):
        assert given("--twin", other, "--require", "gain>0,kl<9") == wanted
    assert given("--twin", "twin.csv", "other.csv", "--require", "gain>0", "kl<9") == wanted
    assert given("--twin", "twin.csv", "comma, of its own.csv", "--require", "gain>0", "--require", "kl<9") == wanted
    assert capsys.readouterr().err.count("kdprobe: read\n") == 4


@pytest.mark.parametrize("nothing", ["", ",", " , "])
def test_a_list_of_nothing_is_no_list(files, given, capsys, nothing):
    """An unset variable of a script must not pass what it was to check."""
    assert given(f"--require={nothing}") == (2, [nothing])
    assert f"kdprobe: require={nothing!r} is no requirement" in capsys.readouterr().err
    assert given(f"--twin={nothing}") == (3, [])
    assert "kdprobe: read" not in capsys.readouterr().err


def test_siblings_are_read_from_files_and_can_be_required(files):
    rng = np.random.default_rng(1)
    for i in range(3):
        for role, level in (("sibling", 3), ("twin", 1)):
            values = level * np.eye(6)[pd.read_csv("y.csv").to_numpy()[:, 0]] + rng.normal(size=(300, 6))
            pd.DataFrame(values).to_csv(f"{role}{i}.csv", index=False)
    others = ["--twin", "twin0.csv,twin1.csv,twin2.csv", "--sibling", "sibling0.csv", "sibling1.csv", "sibling2.csv"]
    done = probe(*others, "--require", "kl:specific<0", "--json")
    assert done.returncode == 0, done.stderr
    assert "kdprobe: shown: kl:specific<0: kl:specific is −" in done.stderr
    found = json.loads(done.stdout)
    assert "Transferred from this very teacher, as the student is nearer to it than to its 3 sibling teachers" in found["sentence"]
    assert {"sibling 3", "siblings", "contrast", "placebo", "specific"} <= {row["comparison"] for row in found["results"]}
    assert found["warnings"] == []
    done = probe("--require", "kl:specific<0")
    assert done.returncode == 2
    assert "kl has no comparison 'specific'" in done.stderr
    assert "a contrast and what is specific need --sibling" in done.stderr


def test_files_of_outputs_need_no_target(files, capsys):
    from kdprobe.cli import run

    for task in ("classification", "regression"):
        assert run(["probe", "teacher.csv", "student.csv", "--task", task]) == 0
        assert " rows" in capsys.readouterr().out
