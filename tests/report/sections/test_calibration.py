"""The appendix says what the benchmark measured, and of the verdicts on the page alone."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.sections import calibration
from kdprobe.testing.worlds.zoo import ZooWorld

RATES = json.loads(files("kdprobe.report.sections").joinpath("calibration.json").read_text(encoding="utf-8"))
TABLE = Path(__file__).parents[3] / "reports" / "calibration.md"


@pytest.fixture(scope="module")
def content():
    zoo = ZooWorld(seeds=3, tasks=(("letters", "classification"),), student_widths=(8,)).zoo()
    return find("sections", "calibration").draw(Evidence(zoo))


def test_it_speaks_of_the_verdicts_on_the_page(content):
    verdicts = {row["verdict"].partition(":")[0] for row in content.tables[0].rows}
    assert verdicts == {"capacity gap", "teaching helps", "teacher-specific transfer"}


def test_every_verdict_keeps_its_promise(content):
    """Of each is asked: false positives within two points of 5 %, power .8 at 1 sd and 20 seeds."""
    for row in RATES["rows"]:
        assert row.get("wrong", 0) <= 0.07, row
        assert "found" not in row or row["found"]["1"]["20"] >= 0.8, row


def test_the_numbers_are_those_of_the_table():
    """Both files are written by one run: each rate of the appendix stands in the table."""
    text = TABLE.read_text(encoding="utf-8")
    assert f"{RATES['sweeps']:,} simulated sweeps" in text
    for row in RATES["rows"]:
        lines = [line for line in text.splitlines() if line.startswith(f"| {row['verdict']} |")]
        if "wrong" in row:
            world = re.sub(r", \d+ seeds$", "", row["where"])
            assert any(f"| {world} |" in line and _shows(line, row["wrong"]) for line in lines), row
        for claims, shares in row.get("found", {}).items():
            own = [line for line in lines if row["effect"] in line and (claims == "1" or f"| {claims} |" in line)]
            assert all(any(_shows(line, share) for line in own) for share in shares.values()), row


@pytest.mark.parametrize(("students", "among"), [((8,), 2), ((8, 16, 32), 6)])
def test_what_is_found_is_of_a_page_with_as_many_verdicts(students, among, monkeypatch):
    """The more are read together, the less is found: a share of one claim is not printed on a page of twelve."""
    found = {str(claims): {"10": 1 / claims, "20": 0.9} for claims in (1, 2, 6, 12)}
    rows = [{"verdict": "capacity gap: SUPPORTED", "found": found, "effect": "a hump"}]
    monkeypatch.setattr(calibration, "rates", lambda: {"sweeps": 1000, "rows": rows})
    zoo = ZooWorld(seeds=3, tasks=(("letters", "classification"),), student_widths=students).zoo()
    (table,) = (drawn := find("sections", "calibration").draw(Evidence(zoo))).tables
    assert (table.rows[0]["among"], table.rows[0]["found"]) == (among, f"{100 / among:.0f} %, 90 %")
    assert f"{among} of 'capacity gap'" in drawn.words[0]


def _shows(line, share):
    """Whether a row of the table holds a share, to the one decimal that is printed; halves may be rounded either way."""
    return any(abs(float(text) - 100 * share) < 0.0501 for text in re.findall(r"([\d.]+) %", line))
