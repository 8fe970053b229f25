"""For every test and every doctest: each runs in a folder of its own, and the folder that pytest is started from stays as it was."""

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
CACHES = {"__pycache__", "build", "dist", "node_modules"}
SLOW = 40
"""How many tests one that is marked slow takes as long as, roughly."""


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory):
    """Fixtures of modules and of the session work in a folder of their own; the processes they start import this checkout from there."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("working")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        os.chdir(folder)
        yield folder
    os.chdir(before)


@pytest.fixture(autouse=True)
def _own_folder(_elsewhere, tmp_path_factory, monkeypatch):
    """A test reads and writes the folder it runs in, never the one that pytest is started from, where a sweep may have left its results."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


def pytest_collection_modifyitems(config, items):
    """Several processes take whole files in turn: those with most to do come first, so that none is left alone with one at the end."""
    if hasattr(config, "workerinput"):
        work = Counter[Path]()
        for item in items:
            work[item.path] += SLOW if item.get_closest_marker("slow") else 1
        items.sort(key=lambda item: -work[item.path])


def pytest_sessionstart(session):
    """Remember what lies in the folder pytest is started from."""
    if not hasattr(session.config, "workerinput"):  # once, not in each process of tests
        session.config.stash[BEFORE] = files_of(session.config.invocation_params.dir)


def pytest_sessionfinish(session):
    """Fail where a file has come, gone or changed."""
    before = session.config.stash.get(BEFORE, None)
    if before is None:
        return
    after = files_of(session.config.invocation_params.dir)
    changed = sorted(str(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    session.config.stash[CHANGED] = changed
    if changed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Say which."""
    if changed := config.stash.get(CHANGED, []):
        terminalreporter.section("changed while the tests ran", red=True)
        terminalreporter.line(f"{len(changed)} in {config.invocation_params.dir}; tests work in tmp_path: {', '.join(changed[:20])}")


BEFORE: pytest.StashKey[dict[Path, tuple[int, int]]] = pytest.StashKey()
CHANGED: pytest.StashKey[list[str]] = pytest.StashKey()


def files_of(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of each file below a folder that is neither in version control, where people edit, nor of a tool's cache."""
    if ROOT not in (folder, *folder.parents):
        return {}  # a folder of somebody's other work
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=folder, capture_output=True, text=True)
    versioned = {folder / name for name in listed.stdout.split("\0") if name}
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in CACHES and not name.endswith(".egg-info")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path not in versioned and (status := path.lstat()):
                found[path.relative_to(folder)] = (status.st_size, status.st_mtime_ns)
    return found
