"""Where Python is started does not matter: not to tests, not to what a clone installed."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

STRAY = """
from pathlib import Path

def test_stray():
    {}
"""


def pytest_of(folder, content, processes="0"):
    """Run pytest in a copy of a checkout with one test."""
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (folder / "test_stray.py").write_text(STRAY.format(content))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", processes]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True)


def test_a_test_runs_in_a_folder_of_its_own(tmp_path):
    done = pytest_of(tmp_path, "Path('sweep-gap').mkdir(); assert not Path('test_stray.py').exists()")
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "sweep-gap").exists()


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_test_that_writes_beside_itself_fails_the_session(tmp_path, processes):
    done = pytest_of(tmp_path, f"Path({str(tmp_path)!r}, 'left.txt').write_text('x')", processes)
    assert done.returncode == 1, done.stdout
    assert "1 passed" in done.stdout
    assert "left.txt" in done.stdout


def test_python_started_above_a_clone_imports_the_package(tmp_path):
    """As the README installs it: a folder of the package's name, such as the clone's own, is not taken for it."""
    try:
        distribution("kdprobe")
    except PackageNotFoundError:
        pytest.skip("kdprobe is not installed here")
    (tmp_path / "kdprobe").mkdir()
    words = [sys.executable, "-c", "import kdprobe; print(kdprobe.cka.__name__)"]
    done = subprocess.run(words, cwd=tmp_path, env={}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "cka\n"), done.stderr
