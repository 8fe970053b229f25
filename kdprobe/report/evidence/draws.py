"""What one draw of labelled rows leaves out, for the head of a page."""

import json
import math
from functools import lru_cache
from importlib.resources import files
from typing import Any

from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence

FACTORS = "draws.json"
"""Written by ``analyses/draws.py``, as is ``reports/draws.md``, which ``kdprobe tables draws`` prints."""


def one_draw(evidence: Evidence) -> str:
    """Say that intervals over the seeds of one draw do not cover other draws, and by how much, where it was measured.

    Returns
    -------
    str
        "" where there are several draws, or each seed is one: then intervals are over draws.
    """
    per_task = evidence.students.groupby("task", sort=False)
    single = [task for task, rows in per_task if rows["draw"].nunique() == 1 and rows["seed"].nunique() > 1]
    if not single:
        return ""
    where = "" if len(single) == len(evidence.tasks()) else f" on {words.listed(single)}"
    known, told, unknown = _measured(), list[str](), list[str]()
    for task in single:
        seeds = int(evidence.students.loc[evidence.students["task"] == task, "seed"].nunique())
        if task not in known["tasks"]:
            unknown.append(task)
            continue
        value, low, high = (_widened(known["tasks"][task][key], seeds) for key in ("theta", "low", "high"))
        told.append(f"{value:.1f} times as wide on {task} [{low:.1f}, {high:.1f}]")
    text = f"All seeds{where} share one draw of labelled rows, so intervals do not cover other draws"
    if told:
        text += f": to do so they would have to be {words.listed(told)} (gains, at {known['setting']}: kdprobe tables draws)"
    if unknown:
        text += f"{';' if told else ':'} by how much they are too narrow for that on "
        text += f"{words.listed(unknown)} was not measured{', and a sweep with --draws tells' if evidence.asks == 'gap' else ''}"
    return f"{text}."


@lru_cache(maxsize=1)
def _measured() -> dict[str, Any]:
    return json.loads(files("kdprobe.report.sections").joinpath(FACTORS).read_text(encoding="utf-8"))


def _widened(theta: float, seeds: int) -> float:
    """√(1 + nθ): the mean over n seeds of one draw keeps all of the draw's part."""
    return math.sqrt(1 + seeds * max(theta, 0.0))
