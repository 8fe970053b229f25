"""How often are verdicts of these kinds wrong?"""

from typing import Any

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.doses import doses
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.evidence.knowledge import kinds
from kdprobe.report.evidence.transfers import transfers
from kdprobe.report.promises import found_among, rates

ASKED = {
    "gap": ("capacity gap", "teaching helps", "own knowledge arrived"),
    "knowledge": ("this kind helps",),
    "transfer": ("own knowledge arrived",),
}
"""Verdicts of a page, by what its sweep asked."""
SHOWN = {"own knowledge arrived": "teacher-specific transfer", "this kind helps": "a kind of knowledge helps"}
"""What a page calls verdicts that the benchmark calls otherwise."""
SPREAD = {
    "gap": "what a verdict is of: the paired difference of two teacher sizes, the gain over the twin, the teacher-specific part",
    "knowledge": "the gain over the twin, and of that over the control",
    "transfer": "the teacher-specific part",
}


def draw(evidence: Evidence) -> Content | None:
    """Draw one row a verdict of this page; nothing where none was measured."""
    measured = rates()
    counts = {claim: _members(evidence, claim) for claim in ASKED[evidence.asks]}
    verdicts = {claim: count for claim, count in counts.items() if count}
    rows = tuple(
        _row(entry, verdicts[entry["verdict"].partition(":")[0]])
        for entry in measured["rows"]
        if entry["verdict"].partition(":")[0] in verdicts
    )
    if not rows:
        return None
    renamed = [f"{shown!r} is {name!r}" for name, shown in SHOWN.items() if name in verdicts]
    there = f" (where {words.listed(renamed)})" if renamed else ""
    return Content(
        words=(
            f"Measured on {measured['sweeps']:,} simulated sweeps of each of some thirty worlds whose truth is known; all of them are in "
            f"the table that kdprobe tables calibration prints{there}. 1 sd is the standard deviation over seeds of "
            f"{SPREAD[evidence.asks]}. What is found is of a page with as many verdicts as this one "
            f"({words.listed(_numbers(verdicts))}), all others of which are untrue: "
            "the more are read together, the more each must show.",
        ),
        tables=(Table(caption="Error rates of the verdicts", columns=COLUMNS, rows=rows),),
    )


def _numbers(verdicts: dict[str, int]) -> list[str]:
    return [f"{count} of {SHOWN.get(claim, claim)!r}" for claim, count in verdicts.items()]


def _members(evidence: Evidence, claim: str) -> int:
    """How many verdicts of a kind the page gives, whether or not it has the seeds for them."""
    if claim == "this kind helps":
        return sum(len(group.readings) for group in kinds(evidence))
    if claim == "own knowledge arrived" and evidence.asks == "transfer":
        return sum(one.arrived is not None for one in doses(evidence))
    if claim == "own knowledge arrived":
        return sum(one.primary and not one.control for one in transfers(evidence))
    return sum(not gap.control for gap in gaps(evidence))


def _row(entry: dict[str, Any], claims: int) -> dict[str, Any]:
    found, wrong = entry.get("found"), entry.get("wrong")
    claim, _, word = entry["verdict"].partition(": ")
    among, shares = found_among(found, claims) if found else (None, {})
    return {
        "verdict": f"{SHOWN.get(claim, claim)}: {word}",
        "wrong": None if wrong is None else _percent(wrong),
        "where": entry.get("where"),
        "found": None if found is None else f"{_percent(shares['10'])}, {_percent(shares['20'])}",
        "among": among,
        "effect": entry.get("effect"),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


COLUMNS = (
    Column(key="verdict", title="verdict"),
    Column(key="wrong", title="wrong in at most", explains="the largest share of the worlds in which it is false; 5 % is meant"),
    Column(key="where", title="namely", shown="prose"),
    Column(key="found", title="found, 10 and 20 seeds", explains="share of the sweeps of a world in which it is true"),
    Column(
        key="among",
        title="among",
        shown="number",
        explains="verdicts of the simulated page: as many as here, else the next larger number that was measured, or the largest",
    ),
    Column(key="effect", title="where there is", shown="prose"),
)

CALIBRATION = Section(
    name="calibration",
    question="How often are such verdicts wrong?",
    plans=("gap", "knowledge", "transfer"),
    part="provenance",
    order=60,
    draw=draw,
)
