"""How often are verdicts of these kinds wrong?"""

import json
from importlib.resources import files
from typing import Any

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report.evidence.frames import Evidence

RATES = "calibration.json"
"""Written by ``benchmarks/calibration.py``."""
ASKED = {"gap": ("capacity gap", "teaching helps", "own knowledge arrived"), "knowledge": ("this kind helps",)}
"""Verdicts of a page, by what its sweep asked."""


def draw(evidence: Evidence) -> Content | None:
    """Draw one row a verdict of this page; nothing where none was measured."""
    measured: dict[str, Any] = json.loads(files("kdprobe.report.sections").joinpath(RATES).read_text(encoding="utf-8"))
    rows = tuple(_row(entry) for entry in measured["rows"] if entry["verdict"].partition(":")[0] in ASKED[evidence.asks])
    if not rows:
        return None
    return Content(
        words=(
            f"Measured on {measured['sweeps']:,} simulated sweeps of each of some thirty worlds whose truth is known; all of them are in "
            "reports/calibration.md. 1 sd is the standard deviation over seeds of the paired difference of two teacher sizes.",
        ),
        tables=(Table(caption="Error rates of the verdicts", columns=COLUMNS, rows=rows),),
    )


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    found, wrong = entry.get("found"), entry.get("wrong")
    return {
        "verdict": entry["verdict"],
        "wrong": None if wrong is None else _percent(wrong),
        "where": entry.get("where"),
        "found": None if found is None else f"{_percent(found['10'])}, {_percent(found['20'])}",
        "effect": entry.get("effect"),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


COLUMNS = (
    Column(key="verdict", title="verdict"),
    Column(key="wrong", title="wrong in at most", explains="the largest share of the worlds in which it is false; 5 % is meant"),
    Column(key="where", title="namely", shown="prose"),
    Column(key="found", title="found, 10 and 20 seeds", explains="share of the sweeps of a world in which it is true"),
    Column(key="effect", title="where there is", shown="prose"),
)

CALIBRATION = Section(
    name="calibration",
    question="How often are such verdicts wrong?",
    plans=("gap", "knowledge"),
    part="provenance",
    order=60,
    draw=draw,
)
