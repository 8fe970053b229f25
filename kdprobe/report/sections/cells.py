"""Every cell with its seeds."""

from typing import Any

import numpy as np
import pandas as pd

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import CELL, PRIMARY, Evidence
from kdprobe.report.evidence.signatures import SIGNATURES, signatures
from kdprobe.report.evidence.transfers import is_likeness, placebo, specific, title_of, transfers


def draw(evidence: Evidence) -> Content:
    """Draw one table a task: a row a cell, a column a probe."""
    return Content(
        words=(
            "One row a cell: a student size under a teacher size in a regime. Ticks are seeds, all rows of a table on one scale with a "
            f"line at 0. Values are means, with 95 % intervals over {evidence.units}. Where a question was refused for some seeds, their "
            "number stands beside: such a mean speaks only of the seeds that could be answered."
            + _likenesses(evidence)
            + (BESIDE if (evidence.students["axis"] != "").any() else "")
            + _elsewhere(evidence),
        ),
        tables=tuple(_table(evidence, task) for task in evidence.tasks()),
    )


def _likenesses(evidence: Evidence) -> str:
    """Where the other similarities stand: a page has three parts of them where it has verdicts on them."""
    if not any((probe, "own") in evidence.values and is_likeness(probe) for task in evidence.tasks() for probe in evidence.probes(task)):
        return ""
    return LIKENESS if evidence.asks == "gap" and transfers(evidence) else LIKENESS_ALONE


def _elsewhere(evidence: Evidence) -> str:
    if not any(probe in ELSEWHERE for task in evidence.tasks() for probe in evidence.probes(task)):
        return ""
    return ELSEWHERE_WORDS + (FURTHER_UP if evidence.asks == "gap" else "") + "."


def _table(evidence: Evidence, task: str) -> Table:
    # a similarity has values toward own teacher and siblings, a panel probe has one
    similar = [probe for probe in evidence.probes(task) if (probe, "own") in evidence.values]
    told = {probe for probe in similar if is_likeness(probe)} - set(PRIMARY.values())
    probes = [probe for probe in evidence.probes(task) if probe not in told and probe not in ELSEWHERE]
    shown = pd.DataFrame(index=evidence.values.index)
    columns = []
    for probe in probes:
        unit = evidence.unit(task, probe)
        shown[probe] = evidence.value(probe, "own" if probe in similar else "panel")
        columns.append(Column(key=probe, title=title_of(probe), shown="interval", explains=f"in {unit}" if unit else ""))
        if probe in similar and is_likeness(probe):
            shown[f"{probe} specific"] = specific(evidence, task, probe)
            beyond = "" if placebo(evidence, task, probe) is None else ", less the same of its twin"
            explains = f"own teacher minus siblings{beyond}"
            columns.append(
                Column(key=f"{probe} specific", title=f"{title_of(probe)}: teacher-specific", shown="interval", explains=explains)
            )
    intervals = evidence.over_seeds(shown)
    places = {key: i for i, key in enumerate(intervals.index)}
    triples = {column.key: intervals[column.key][["value", "low", "high"]].to_numpy() for column in columns}
    flags = signatures(evidence)
    flags = flags[flags["flagged"]].groupby(CELL)["signature"].agg(set)
    gains = evidence.gain
    students = evidence.students[(evidence.students["task"] == task) & (evidence.students["axis"] == "")]
    rows = []
    for key, cell in students.groupby(CELL, sort=False):
        first = cell.iloc[0]
        own, done = flags.get(key, set()), cell[cell["status"] == "done"]
        row: dict[str, Any] = {
            **{"student": first["student"], "teacher": first["teacher"], "arm": first["arm"]},
            "ratio": round(first["teacher_size"] / first["size"], 1),
            "seeds": f"{len(done)} of {len(cell)}",
            "strip": gains.reindex(cell["model_id"]).dropna().tolist(),
            "flags": ", ".join(signature.title for signature in SIGNATURES if signature.name in own),
        }
        for column in columns:
            found, answered = triples[column.key][places[key]], len(shown[column.key].reindex(done["model_id"]).dropna())
            if np.isnan(found[0]):
                row[column.key] = "fewer than two seeds" if len(done) < 2 else f"refused, {len(done) - answered} of {len(done)}"
            else:
                row[column.key] = (*found.tolist(), "" if answered == len(done) else f"{answered} of {len(done)}")
        rows.append(row)
    return Table(caption=f"{task}: {words.counted(len(rows), 'cell')}", columns=(*FIRST, *columns, FLAGS), rows=tuple(rows))


ELSEWHERE = ("shared_information", "left_behind", "own_information", "dark_information")
"""Of these a table of cells would say little: they matter beside each other, and the page would be too wide to print."""
ELSEWHERE_WORDS = " Information shared, left behind and the student's own stand by run in the table of all runs"
FURTHER_UP = ", and by student further up where siblings and twins of other seeds could be asked too"
LIKENESS = " Of the similarities the one that verdicts are of stands here, the others in the table of three parts and that of runs."
LIKENESS_ALONE = " Of the similarities one stands here, the others in the table of all runs."
BESIDE = " What was trained beside the plan's own setting is in the table of all runs."
FIRST = (
    Column(key="student", title="student"),
    Column(key="teacher", title="teacher"),
    Column(key="ratio", title="size ratio", shown="number", explains="parameters of the teacher over parameters of the student"),
    Column(key="arm", title="regime"),
    Column(key="seeds", title="seeds", explains="finished of planned"),
    Column(
        key="strip",
        title="gain, each seed",
        shown="strip",
        explains="gain over the twin, every seed; of classes after one temperature a model",
    ),
)
FLAGS = Column(key="flags", title="flags", shown="flag", explains="signs of failed distillation, see above")

CELLS = Section(name="cells", question="What did each cell give?", draw=draw, part="every run", order=10)
