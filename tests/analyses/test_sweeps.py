"""Analyses of sweeps: the quick tier of each, as a reader runs it, and the arithmetic of its tables."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "analyses"


def run(name, *words):
    """Output of an analysis in a process of its own."""
    done = subprocess.run([sys.executable, FOLDER / name, *map(str, words)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def loaded(name):
    """An analysis as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def paired():
    return loaded("paired")


@pytest.fixture
def defaults(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return loaded("defaults")


def test_intervals_are_students(paired):
    values = pd.Series(np.random.default_rng(0).normal(0.3, 1, 12))
    for of in (1, 5):
        low, high = ttest_1samp(values, 0).confidence_interval(1 - 0.05 / of)
        found = paired.interval(values, of=of)
        assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high), abs=1e-12)
    assert str(paired.interval(values[:1])) == "too few seeds"
    assert paired.interval(values[:1]).word == "not known"
    words = [paired.Interval(0, low, high, 5).word for low, high in ((0.1, 1), (-1, -0.1), (-1, 1))]
    assert words == ["better", "worse", "not told apart"]


def test_an_arm_has_one_student_a_seed(paired):
    table = pd.DataFrame({"seed": [0, 1, 0], "gain": [1.0, 2.0, 3.0], "scheme": ["a", "a", "b"]})
    assert paired.by_seed(table, "gain", scheme="a").to_dict() == {0: 1.0, 1: 2.0}
    with pytest.raises(ValueError, match="several students of one seed, tell them apart"):
        paired.by_seed(table, "gain")


def test_what_is_written_by_hand_stays(paired, tmp_path):
    out = tmp_path / "some_page.md"
    paired.write("## letters\n\nold", out)
    assert out.read_text() == "# Some page\n\n## letters\n\nold\n"
    out.write_text("# Mine\n\nRead so.\n\n## letters\n\nold\n")
    paired.write("## letters\n\nnew", out)
    assert out.read_text() == "# Mine\n\nRead so.\n\n## letters\n\nnew\n"


def cells(text):
    """Rows of all tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


@pytest.mark.slow
def test_first_experiments():
    text = run("first_experiments.py", "--quick")
    rows = [row for row in cells(text) if row[0] in ("the teacher's labelled rows", "unlabelled rows")]
    assert len(rows) == 6 + 4 + 6  # gains, against logits, likeness
    assert {row[1] for row in rows} >= {"logits", "hints", "logits and hints", "three teachers' logits"}
    assert "nan" not in text
    assert "0 failed" in text
    assert "attention, same_rows: no layer of the student has places to attend to" in text
    assert "hint, multi_teacher: it reads hidden layers, and in scheme 'multi_teacher' several teachers have none in common" in text


@pytest.mark.slow
def test_a_task_whose_files_are_not_there_is_named_without_where_it_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    text = run("first_experiments.py", "--task", "cifar10", "--quick")
    assert "## cifar10" in text
    assert "`kdprobe data fetch cifar10` brings its files." in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize("task", ["letters", "bikeshare"])
@pytest.mark.slow
def test_trade_offs(tmp_path, task):
    out = tmp_path / "trade_offs.md"
    asked = () if task == "letters" else ("--question", "temperature", "alpha", "size")
    assert run("trade_offs.py", "--quick", "--task", task, *asked, "--zoo", tmp_path / "zoo", "--out", out) == ""
    text, table = out.read_text(), pd.read_csv(out.with_suffix(".csv"))
    of_classes = {"temperature", "kind of knowledge", "L2 or cosine"} if task == "letters" else set()
    assert set(table["question"]) == {"alpha", "teacher size"} | of_classes
    assert ("A regression's targets have no temperature." in text) == (task == "bikeshare")
    assert np.isfinite(table["gain"]).all()
    assert "nan" not in text
    # a mean of the page is the mean of the table's students
    own = table[(table["question"] == "alpha") & (table["alpha"] == 0.3) & (table["metric"] == table["metric"].iloc[0])]
    for scheme, words in {"same_rows": "teacher's labelled rows", "labelled_and_transfer_rows": "labelled and unlabelled rows"}.items():
        shown = next(row for row in cells(text.split("### α")[1]) if row[:2] == [words, "0.3"])[2]
        found = own[own["scheme"] == scheme]["gain"].mean()
        assert float(re.match(r"[+-][\d.]+", shown)[0]) == pytest.approx(found, abs=6e-4)
    assert "is chosen on validation rows" in text
    assert "capacity gap INCONCLUSIVE" in text  # three seeds decide nothing


@pytest.mark.slow
def test_defaults():
    text = run("defaults.py", "--quick")
    assert text.startswith("## letters: 40 steps, kd, α = ")
    rows = cells(text)
    assert [row[-1] for row in rows].count("chosen") == 1
    assert {row[0] for row in rows} >= {"kd", "dist", "logit_mse"}
    assert "nan" not in text


def test_defaults_are_what_the_rule_says(defaults):
    untaught = pd.DataFrame(
        [
            {"role": role, "width": width, "steps": steps, "loss": loss}
            for role, width, steps, loss in (
                *(("teacher", 8, 100, 1.0), ("teacher", 8, 200, 0.8), ("twin", 4, 100, 1.0), ("twin", 4, 200, 1.1)),
                *(("twin", 2, 100, 1.0), ("twin", 2, 200, 1.05), ("twin", 2, 200, 1.05), ("twin", 2, 200, 1.05)),
            )
        ]
    )
    assert defaults.choose_steps(untaught) == 200  # 1.0 against .983: a width with more models weighs no more

    def students(losses):
        """Losses by (distiller, α, T), the same in two regimes but where one is given for each."""
        return pd.DataFrame(
            [
                {"distiller": name, "at_alpha": alpha, "at_temperature": t, "scheme": scheme, "width": 8, "teacher_width": 32, "loss": loss}
                for (name, alpha, t), by_regime in losses.items()
                for scheme, loss in zip("ab", by_regime, strict=False)
            ]
        )

    nats = students(
        {("kd", 0.5, 1.0): (1.0, 1.0), ("kd", 0.7, 1.0): (1.02, 1.02), ("kd", 0.7, 2.0): (1.01, 1.2), ("dkd", 0.7, 1.0): (0.1,)}
    )
    none = float("nan")
    shares = students({("l2", 0.5, none): (0.12, 0.12), ("l2", 0.7, none): (0.11, 0.11), ("l1", 0.7, none): (0.12, 0.13)})
    assert defaults.choose_losses({"letters": nats}) == {"letters": ("kd", 0.5, 1.0)}  # what is undefined in a regime is no candidate
    both = defaults.choose_losses({"letters": nats, "bikeshare": shares})  # 2 % worse there, 8 % better here
    assert both["letters"] == ("kd", 0.7, 1.0)
    assert both["bikeshare"][:2] == ("l2", 0.7)


def test_every_analysis_is_listed_with_its_command():
    listed = (FOLDER / "README.md").read_text()
    for path in FOLDER.glob("*.py"):
        if "__main__" in path.read_text():
            assert f"`python analyses/{path.name}" in listed
