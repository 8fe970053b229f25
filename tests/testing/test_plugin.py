"""The plug-in of the tests holds one thing of each kind, written with what kdprobe exports and nothing deeper."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kdprobe.testing import SUITES

PLUGIN = Path(__file__).parent.parent / "installed" / "plugin"
POINTS = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]["entry-points"]
FILES = sorted((PLUGIN / "kdprobe_plugin").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_it_imports_nothing_deeper(file):
    for node in ast.walk(ast.parse(file.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in getattr(node, "names", ())]
        assert not [name for name in names if name and name.startswith("kdprobe.") and name != "kdprobe.testing"]


def test_one_thing_of_each_kind():
    assert set(POINTS) == {f"kdprobe.{kind}" for kind in SUITES}


@pytest.fixture
def installed(tmp_path):
    """What an installer leaves of a package: its files, and its entry points beside them."""
    info = tmp_path / "kdprobe_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kdprobe-plugin\nVersion: 1.0\n")
    lines = [line for group, own in POINTS.items() for line in (f"[{group}]", *(f"{name} = {value}" for name, value in own.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "kdprobe_plugin").symlink_to(PLUGIN / "kdprobe_plugin")
    return tmp_path


@pytest.mark.slow
def test_each_is_found_and_keeps_its_contract(installed):
    code = "from kdprobe import available; from kdprobe.testing import check\n"
    for group, own in POINTS.items():
        kind = group.removeprefix("kdprobe.")
        code += "".join(f"check({kind!r}, available({kind!r})[{name!r}])\n" for name in own)
    path = os.pathsep.join([str(installed), str(PLUGIN.parent.parent.parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=installed, env=environment)
    assert done.returncode == 0, done.stderr
