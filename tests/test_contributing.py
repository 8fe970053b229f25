"""Every file that CONTRIBUTING.md shows is one that works where it says, and keeps the contract of its kind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.S)
FILES = {match[1]: block for block in BLOCKS if (match := re.match(r"# (kdprobe/\S+\.py)\n", block))}
KINDS = {
    "probes": "mean_distance",
    "distillers": "quartic",
    "tasks": "wave",
    "families": "sine",
    "schemes": "short_student",
    "sections": "worst_seed",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the package with all of the examples, the axis among them."""
    folder = tmp_path_factory.mktemp("contributed")
    shutil.copytree(ROOT / "kdprobe", folder / "kdprobe", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    axis = next(block for block in BLOCKS if "Axis(" in block)
    path = folder / "kdprobe" / "core" / "axes.py"
    before = path.read_text(encoding="utf-8")
    place = before.index("\n\nAXES: ")
    path.write_text(f"{before[:place]}\n{axis}{before[place:]}", encoding="utf-8")
    return folder


def run(checkout, *words):
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_there_is_an_example_of_each_kind():
    assert len(FILES) == len(KINDS) + 1
    for name, text in FILES.items():
        limit = 40 if "/plans/" not in name else 47
        assert len(text.splitlines()) <= limit, f"{name} has {len(text.splitlines())} lines"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), KINDS.items())
def test_an_example_keeps_the_contract_of_its_kind(checkout, kind, name):
    code = f"import kdprobe; from kdprobe.testing import check; check({kind!r}, kdprobe.available({kind!r})[{name!r}])"
    run(checkout, "-W", "error", "-c", code)


@pytest.mark.slow
def test_the_examples_have_the_style_and_the_order_of_the_house(checkout):
    shutil.copy(ROOT / "pyproject.toml", checkout)
    run(checkout, "-m", "ruff", "check", "--no-cache", "kdprobe")
    run(checkout, "-m", "ruff", "format", "--no-cache", "--check", "kdprobe")
    run(checkout, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))")


def test_the_commands_that_it_names_find_something():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    file, word = re.search(r"pytest (tests/\S+\.py) -k (\w+)", page).groups()
    assert f"def test_{word}" in (ROOT / file).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:kdprobe|tests|reports|analyses|benchmarks|notebooks)/[^`*]*)`", page):
        assert (ROOT / name).exists(), name


@pytest.mark.slow
def test_a_sweep_of_the_examples(checkout):
    words = "--task wave --scheme short_student --teacher-widths 4,8 --student-widths 2 --seeds 2 --steps 20 --clip 1,2 --distiller quartic"
    run(checkout, "-m", "kdprobe", "sweep", "--gap", *words.split(), "--beside", "none", "--jobs", "0", "--out", "zoo")
    page = (checkout / "zoo" / "report.html").read_text(encoding="utf-8")
    assert "On which seed did teaching do least?" in page
    assert "mean distance" in page
    assert "short student clipped at 2" in page
    run(checkout, "-m", "kdprobe", "sweep", "--equals", "--width", "2", "--seeds", "2", "--jobs", "0", "--out", "equals")
