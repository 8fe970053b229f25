"""Worlds with known truth and their pages, drawn once a session."""

from types import SimpleNamespace

import pytest

from kdprobe.report import report
from kdprobe.testing.worlds.zoo import ZooWorld


@pytest.fixture(scope="session")
def world():
    """The default world: a hump on the teacher's own rows, a rising curve on transfer rows."""
    return ZooWorld().zoo()


@pytest.fixture(scope="session")
def page(world, tmp_path_factory):
    """Its page, with the path and the text."""
    path = report(world, tmp_path_factory.mktemp("page") / "report.html")
    return SimpleNamespace(path=path, html=path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def small_world():
    """One student in one arm of one task, for tests that draw a page of their own."""
    return SMALL.zoo()


SMALL = ZooWorld(seeds=3, tasks=(("letters", "classification"),), student_widths=(8,))
