"""Objective × knowledge × area: what the built tables of runs hold of each cell of the survey's taxonomy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kdprobe.core.errors import DataError
from kdprobe.core.registry import available
from kdprobe.core.section import Column, Content, Table
from kdprobe.report import words
from kdprobe.report.evidence.arms import Frame
from kdprobe.report.page import compose
from kdprobe.stats.paired import contrast

OBJECTIVES = ("compression", "expansion", "adaptation", "enhancement")
KNOWLEDGE = ("response", "intermediate", "relation", "information")
AREAS = ("classification", "recognition", "generation", "ranking", "regression")
EMPTY = "—"
ARM = [
    "task", "scheme", "distiller", "loss_parameters", "alpha", "temperature", "width", "teacher_width", "row_count", "taught_row_count",
    "steps", "label_noise", "options",
]  # fmt: skip
LEAST = 2
"""Seeds below which an arm has no interval and is left out."""
RULE = (
    "A cell holds the gain over the paired untaught twin of its middle arm (an arm is one scheme, loss, weight, size and number of rows; "
    "the middle one has as many arms above it as below), with how many arms are shown to be better and worse than their twins. Each arm "
    "has its own 95 % interval, so that of a hundred arms without any effect five are told apart by chance. No arm is picked.",
    f"{EMPTY} is a cell of which nothing has been measured. Areas are those of the survey; images and tables of classes both count as "
    "classification where a task names no other area.",
    "Of enhancement the difference is that of the student from its specialists, in accuracy, where its page is that of break conditions.",
    "Cells hold trained networks alone. An exact law speaks of response knowledge in regression under all four objectives: see the page on "
    "regression.",
)


def cells(folder: Path) -> Frame:
    """One row an arm of every table of runs in a folder: objective, knowledge, area, and the gain with its interval.

    Tables named ``NAME.cells.csv`` hold such rows already, for studies whose networks are in no zoo.

    Raises
    ------
    DataError
        If the folder has neither.
    """
    found = [one for path in sorted(folder.glob("*.runs.csv")) for one in _arms(path)]
    parts = [pd.DataFrame(found)] if found else []
    parts += [pd.read_csv(path).assign(page=f"{path.name.removesuffix('.cells.csv')}.html") for path in sorted(folder.glob("*.cells.csv"))]
    if not parts:
        raise DataError(
            f"{folder.name} holds no tables of runs (NAME.runs.csv), of which the taxonomy is made: a clone of kdprobe has them"
        )
    return pd.concat(parts, ignore_index=True)


def _arms(path: Path) -> Iterator[dict[str, Any]]:
    schemes, distillers, tasks = (available(kind) for kind in ("schemes", "distillers", "tasks"))
    runs: Frame = pd.read_csv(path, low_memory=False)
    runs = runs[(runs["role"] == "student") & (runs["status"] == "done")]
    keys = [name for name in ARM if name in runs]
    for values, own in runs.groupby(keys, dropna=False, sort=False):
        arm = dict(zip(keys, values, strict=True))
        # a scheme or loss of a plug-in that is not here: nobody can say what it is
        if arm["scheme"] not in schemes or arm["distiller"] not in distillers or arm["task"] not in tasks:
            continue
        scheme, distiller, task = schemes[arm["scheme"]], distillers[arm["distiller"]], tasks[arm["task"]]
        gain = "gain_calibrated.panel" if task.kind == "classification" else "gain.panel"
        gains = own.groupby("seed")[gain].mean().dropna().to_numpy(dtype=float)
        if scheme.objective not in OBJECTIVES or distiller.knowledge not in KNOWLEDGE or len(gains) < LEAST:
            continue
        told = contrast(gains).measurement()
        yield {
            "objective": scheme.objective, "knowledge": distiller.knowledge, "area": getattr(task, "area", task.kind), "task": arm["task"],
            "scheme": arm["scheme"], "distiller": arm["distiller"], "value": told.value, "low": told.low, "high": told.high,
            "seeds": told.n, "page": f"{path.name.removesuffix('.runs.csv')}.html",
        }  # fmt: skip


def middle(arms: Frame) -> tuple[float, float, float, str]:
    """The middle arm by value, with the counts of those that are told apart from nothing."""
    one = arms.sort_values("value").iloc[(len(arms) - 1) // 2]
    better, worse = int((arms["low"] > 0).sum()), int((arms["high"] < 0).sum())
    told = f"{better} of {words.counted(len(arms), 'arm')} better, {worse} worse"
    return float(one["value"]), float(one["low"]), float(one["high"]), told


def taxonomy(folder: Path) -> str:
    """The whole page."""
    arms: Frame = cells(folder)
    grid, held = [], 0
    for objective in OBJECTIVES:
        for knowledge in KNOWLEDGE:
            row: dict[str, Any] = {"cell": f"{objective} · {knowledge}"}
            for area in AREAS:
                own = arms[(arms["objective"] == objective) & (arms["knowledge"] == knowledge) & (arms["area"] == area)]
                row[area] = EMPTY if own.empty else middle(own)
                held += not own.empty
            grid.append(row)
    pages = sorted(set(arms["page"]))
    lede = (
        f"Four objectives, four kinds of knowledge, five areas: of {np.prod([len(OBJECTIVES), len(KNOWLEDGE), len(AREAS)])} cells {held} "
        f"hold a result, from {len(arms):,} arms of {len(pages)} built pages; the others are empty, and are shown so."
    )
    units = {"classification": "nats of calibrated NLL, or accuracy where its page says so", "regression": "variances of the target"}
    columns = (
        Column(key="cell", title="objective · knowledge"),
        *(Column(key=area, title=area, shown="interval", explains=units.get(area, "")) for area in AREAS),
    )
    rows = tuple(
        {
            "what": f"{objective} · {knowledge}", "area": area,
            "task": task, "scheme": scheme, "distiller": distiller, "gain": middle(own),
            "seeds": int(own["seeds"].min()), "page": ", ".join(sorted(set(own["page"]))),
        }
        for (objective, knowledge, area, task, scheme, distiller), own in arms.groupby(
            ["objective", "knowledge", "area", "task", "scheme", "distiller"], sort=True
        )
    )  # fmt: skip
    listed = (
        Column(key="task", title="task"), Column(key="what", title="objective · knowledge"), Column(key="area", title="area"),
        Column(key="scheme", title="scheme"),
        Column(key="distiller", title="loss"), Column(key="gain", title="middle arm", shown="interval"),
        Column(key="seeds", title="seeds, at least", shown="number"), Column(key="page", title="page"),
    )  # fmt: skip
    sections = [
        (
            "taxonomy", "What is known of each cell?",
            Content(words=RULE, tables=(Table(caption="Objective and knowledge by area", columns=columns, rows=tuple(grid)),)),
        ),
        (
            "arms", "Which arms stand behind a cell?",
            Content(
                tables=(Table(caption="Every task, scheme and loss", columns=listed, rows=rows),),
                links=(
                    ("The survey’s questions", "index.html"), ("Regression, and its law", "regression_theory.html"),
                    *((page, page) for page in pages if (folder / page).exists()),
                ),
                commands=("kdprobe answers --again",),
            ),
        ),
    ]  # fmt: skip
    return compose("Which cells of the survey’s taxonomy hold a result?", lede, sections)
