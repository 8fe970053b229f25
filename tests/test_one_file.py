"""One new file adds a probe: to the command line, the sweep, the report's tables and the contract tests, with no other edit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "tests" / "installed" / "plugin" / "kdprobe_plugin" / "worst_row.py"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the package and its contract tests, with one file more."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "kdprobe", folder / "kdprobe", ignore=ignored)
    shutil.copytree(ROOT / "tests" / "contracts", folder / "tests" / "contracts", ignore=ignored)
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(PLUGIN, folder / "kdprobe" / "probes" / "worst_row.py")
    return folder


def run(checkout, *words):
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_a_throw_away_probe(checkout):
    assert "worst_row\tHow far apart are student and teacher" in run(checkout, "-m", "kdprobe", "ls", "probes")
    flags = "--task bikeshare --scheme same_rows --teacher-widths 2 4 --student-widths 2 --seeds 2 --steps 20 --jobs 0 --out zoo"
    run(checkout, "-m", "kdprobe", "sweep", "--gap", *flags.split())
    assert "worst row" in (checkout / "zoo" / "report.html").read_text()
    assert "worst_row.own" in (checkout / "zoo" / "runs.csv").read_text().partition("\n")[0]
    collected = run(checkout, "-m", "pytest", "tests/contracts/test_probes.py", "-k", "worst_row", "-p", "no:cacheprovider")
    assert "1 passed" in collected
