"""What one draw leaves out is said at the head of a page, and measured by a study."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import f

from kdprobe.report.evidence.draws import one_draw
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.lede import details, lede
from kdprobe.testing.worlds.zoo import ZooWorld

ROOT = Path(__file__).parent.parent.parent
FACTORS = json.loads((ROOT / "kdprobe/report/sections/draws.json").read_text(encoding="utf-8"))
SMALL = {"seeds": 4, "tasks": (("letters", "classification"), ("fashion_mnist", "classification")), "student_widths": (8,)}


@pytest.fixture(scope="module")
def study():
    sys.path.insert(0, str(ROOT / "analyses"))
    spec = importlib.util.spec_from_file_location("draws", ROOT / "analyses" / "draws.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module


def test_one_draw_is_said_with_what_was_measured():
    told = one_draw(Evidence(ZooWorld(**SMALL).zoo()))
    theta = FACTORS["tasks"]["letters"]["theta"]
    assert f"{np.sqrt(1 + 4 * theta):.1f} times as wide on letters [" in told
    assert told.startswith(
        "All seeds share one draw of labelled rows, so intervals do not cover other draws: to do so they would have to be"
    )
    assert "on fashion_mnist was not measured, and a sweep with --draws tells." in told
    assert details(Evidence(ZooWorld(**SMALL).zoo()))[-1] == told


def test_several_draws_need_no_such_words():
    evidence = Evidence(ZooWorld(**SMALL, draws=3).zoo())
    assert one_draw(evidence) == ""
    assert "× 3 draws of labelled rows × " in lede(evidence)
    assert details(evidence)[-1].endswith("each the mean of its seeds.")


def test_the_table_is_that_of_the_page():
    page = (ROOT / "reports/draws.md").read_text(encoding="utf-8")
    for task, found in FACTORS["tasks"].items():
        assert found["draws"] >= 8
        assert found["low"] <= found["theta"] <= found["high"]
        low, value, high = (np.sqrt(1 + 10 * max(found[key], 0)) for key in ("low", "theta", "high"))
        shown = next(line for line in page.splitlines() if line.startswith(f"| {task} |"))
        assert f"| {value:.2f} [{low:.2f}, {high:.2f}] |" in shown


def test_parts_are_those_of_the_world(study):
    """Against draws of a known world: θ = 2 is found, its limits hold it in 95 %, and the widened interval covers the mean over draws."""
    rng = np.random.default_rng(0)
    draws = np.sqrt(2.0) * rng.normal(size=(2000, 12, 1))
    gains = draws + rng.normal(size=(2000, 12, 4))
    found = [study.taken_apart(cell) for cell in gains]
    assert np.mean([part.theta for part in found]) == pytest.approx(2 * 33 / 31, rel=0.1)
    assert np.mean([part.within**2 for part in found]) == pytest.approx(1, rel=0.02)
    held = np.mean([low <= 2 <= high for low, high in (part.limits() for part in found)])
    assert held == pytest.approx(0.95, abs=0.015)
    # an interval over ten seeds of one draw, widened by the true factor, holds the mean over all draws
    ten = np.sqrt(2.0) * rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 10))
    reach = 1.96 / np.sqrt(10) * study.widened(2.0, 10)
    assert np.mean(np.abs(ten.mean(axis=1)) <= reach) == pytest.approx(0.95, abs=0.015)


def test_limits_are_those_of_the_f_distribution(study):
    cell = np.random.default_rng(1).normal(size=(6, 3))
    part = study.taken_apart(cell)
    low, high = part.limits()
    assert f.cdf(part.ratio / (1 + 3 * high), 5, 12) == pytest.approx(0.025)
    assert f.cdf(part.ratio / (1 + 3 * low), 5, 12) == pytest.approx(0.975)


def test_cells_that_share_draws_are_pooled(study):
    rng = np.random.default_rng(2)
    held, values = [], []
    for _ in range(300):
        shared = rng.normal(size=(12, 1))
        cells = [np.sqrt(0.5) * (shared + rng.normal(size=(12, 1))) / np.sqrt(2) + rng.normal(size=(12, 4)) for _ in range(6)]
        value, low, high = study.pooled(cells)
        held.append(low <= 0.5 <= high)
        values.append(value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.05)
    assert np.mean(held) > 0.88


@pytest.mark.slow
def test_the_quick_tier(tmp_path):
    out, factors = tmp_path / "draws.md", tmp_path / "draws.json"
    command = [sys.executable, ROOT / "analyses" / "draws.py", "--quick", "--out", out, "--factors", factors]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    text, found = out.read_text(encoding="utf-8"), json.loads(factors.read_text(encoding="utf-8"))
    assert "nan" not in text
    assert found["tasks"]["letters"]["draws"] == 4
    rows = re.findall(r"^\| (?:teacher's labelled|unlabelled) rows \|", text, flags=re.MULTILINE)
    assert len(rows) == 2 * 2 * 3
