"""Shared by all tests: a small real zoo, trained once a session."""

import shutil

import pytest

import kdprobe
from kdprobe import GapPlan

SMALL = GapPlan(schemes=("same_rows", "transfer_rows"), teacher_widths=(4, 8), student_widths=(2,), seeds=4, steps=60, beside={})


@pytest.fixture(scope="session")
def small_zoo_folder(tmp_path_factory):
    """Folder of a zoo of both embedded tasks and both regimes. Shared: copy it before changing it."""
    folder = tmp_path_factory.mktemp("zoo") / "small"
    kdprobe.sweep(SMALL, folder).close()
    return folder


@pytest.fixture
def small_zoo(small_zoo_folder):
    """The zoo, opened."""
    with kdprobe.Zoo(small_zoo_folder) as zoo:
        yield zoo


@pytest.fixture
def own_zoo_folder(small_zoo_folder, tmp_path):
    """A copy of the zoo's folder that a test may damage."""
    return shutil.copytree(small_zoo_folder, tmp_path / "own")
