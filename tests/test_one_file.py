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
    run(checkout, "-m", "kdprobe", "sweep", "--gap", "--beside", "none", *flags.split())
    assert "worst row" in (checkout / "zoo" / "report.html").read_text()
    assert "worst_row.own" in (checkout / "zoo" / "runs.csv").read_text().partition("\n")[0]
    collected = run(checkout, "-m", "pytest", "tests/contracts", "-k", "worst_row", "-p", "no:cacheprovider")
    assert "1 passed" in collected


AXIS = """
    momentum_clip: Annotated[
        Numbers | None,
        Axis(
            sets="gradient_clip", low=0.0, high=100.0, tunable=True, label="clipped at {:g}", column="clip",
            help="A throw-away axis: largest norm of a gradient.",
        ),
    ] = None  # fmt: skip
"""

PLAN = '''"""How wide should a student be that learns from a teacher of its own width?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter

from kdprobe.core.registry import find
from kdprobe.core.spelling import Whole, words
from kdprobe.sweep.cells import Block
from kdprobe.sweep.plan import Plan


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class EqualsPlan(Plan):
    """Students of their teachers' own width.

    Parameters
    ----------
    tasks
        Names of tasks.
    width
        Hidden units of all networks.
    seeds
        Paired seeds.
    """

    tasks: Annotated[tuple[str, ...], words("task", "tasks")] = ("bikeshare",)
    width: Whole = 4
    seeds: Whole = 2

    asks: ClassVar[str] = "equals"
    question: ClassVar[str] = "does a teacher of one's own size help?"
    heading: ClassVar[str] = "Does a teacher of one's own size help?"
    small: ClassVar[Mapping[str, Any]] = {}

    def crossed(self) -> tuple[Block, ...]:
        """One block a task."""
        return tuple(
            Block(
                task=task, scheme="same_rows", distillers=("l2_imitation",), axes={"steps": 20}, sizes=find("tasks", task).split,
                family="mlp", teacher_widths=(self.width,), student_widths=(self.width,), seeds=self.seeds,
            )
            for task in self.tasks
        )
'''

SECTION = '''"""The answer of a throw-away question."""

from kdprobe.core.section import Content, Section
from kdprobe.report.evidence.frames import Evidence


def draw(evidence: Evidence) -> Content:
    """Count the students."""
    return Content(words=(f"{len(evidence.students)} students of their teachers' width",))


EQUALS = Section(name="equals", question="Does a teacher of one's own size help?", plans=("equals",), draw=draw)
'''


def plain(told):
    """Help without its frame and its line breaks."""
    return " ".join(told.replace("│", " ").split())


@pytest.mark.slow
def test_a_throw_away_axis_is_one_declaration(checkout):
    """In one file, and it is in the plan, on the command line, in files of settings, in gains(), in the report and in the provenance."""
    path = checkout / "kdprobe" / "core" / "axes.py"
    before = path.read_text()
    place = before.index("\n\nAXES: ")
    path.write_text(before[:place] + AXIS + before[place:])
    try:
        assert "A throw-away axis: largest norm" in plain(run(checkout, "-m", "kdprobe", "sweep", "--gap", "--help"))
        (checkout / "plan.toml").write_text("momentum_clip = [0.5, 50]\n")
        flags = "--task bikeshare --scheme same_rows --teacher-widths 2,4 --student-widths 2 --seeds 2 --steps 20 --jobs 0 --out axis"
        run(
            checkout,
            "-m",
            "kdprobe",
            "sweep",
            "--gap",
            "--beside",
            "none",
            *flags.split(),
            "--config",
            "plan.toml",
            "--tune",
            "momentum-clip",
        )
        said = run(
            checkout,
            "-c",
            "import kdprobe; zoo = kdprobe.Zoo('axis'); print(sorted(set(zoo.gains()['clip'])), len(zoo.gains(tune=['clip'])), "
            "zoo.provenance()['plan']['momentum_clip'], zoo.provenance()['command'], kdprobe.GapPlan(momentum_clip=[3]).momentum_clip)",
        )
        assert said.startswith("[0.5, 50.0] 4 [0.5, 50.0] ")
        assert "--momentum-clip 0.5,50.0" in said
        assert said.rstrip().endswith(" 3.0")
        assert "same rows clipped at 50" in (checkout / "axis" / "report.html").read_text()
    finally:
        path.write_text(before)


@pytest.mark.slow
def test_a_throw_away_question_is_a_plan_and_a_section(checkout):
    new = {
        checkout / "kdprobe" / "sweep" / "plans" / "equals.py": PLAN,
        checkout / "kdprobe" / "report" / "sections" / "equals.py": SECTION,
    }
    for path, text in new.items():
        path.write_text(text)
    try:
        assert "Hidden units of all networks" in run(checkout, "-m", "kdprobe", "sweep", "--equals", "--help")
        assert "does a teacher of one's own size help?" in plain(run(checkout, "-m", "kdprobe", "sweep", "--gap", "--help"))
        run(checkout, "-m", "kdprobe", "sweep", "--equals", "--width", "3", "--jobs", "0")
        page = (checkout / "sweep-equals" / "report.html").read_text()
        assert "Does a teacher of one&#39;s own size help?" in page
        assert "2 students of their teachers&#39; width" in page
        assert "equals\tDoes a teacher" in run(checkout, "-m", "kdprobe", "ls", "sections")
        assert "--width 3" in run(checkout, "-c", "import kdprobe; print(kdprobe.Zoo('sweep-equals').provenance()['command'])")
    finally:
        for path in new:
            path.unlink()
