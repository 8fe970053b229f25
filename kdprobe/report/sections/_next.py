"""The command that would change an answer: the sweep's own, narrowed to one student, with what the answer hangs on changed."""

import re
import shlex
from collections.abc import Mapping

from kdprobe.core.errors import PlanError
from kdprobe.core.section import Next
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.sweep.command import changed, command_of
from kdprobe.sweep.plans import asked, kind

FEW_ROWS = 300
"""Labels that are few enough for a teacher to have something to say."""


def following(
    evidence: Evidence,
    task: str,
    student: str,
    why: str,
    name: str,
    settings: Mapping[str, str],
    *,
    times: float = 1.0,
    longer: float = 1.0,
) -> Next | None:
    """The command that a student's answer asks for; None where the sweep was no command.

    Parameters
    ----------
    why
        What of it would change the answer, as in "10 seeds, enough for a verdict".
    name
        Ends the name of the folder: nothing of the old one is touched.
    settings
        Flag without dashes -> value.
    times, longer
        How many more networks than this sweep of the same student it trains, and how much longer each.
    """
    command = _command(evidence)
    width = student.rpartition("-")[2]
    narrowed = {"student-widths": width} if width.isdigit() else {}
    own = "--data" not in command.split()
    narrowed |= {"task": task} if own else {}
    # "letters-8-seeds" would be read as 8 seeds
    folder = re.sub(r"[^\w-]+", "-", f"{task if own else 'own'}-{student}-{name}")
    found = changed(command, {**narrowed, **settings, "out": shlex.quote(folder)})
    return None if found is None else Next(why=why, command=found, cost=_cost(evidence, task, student, times, longer))


def again(evidence: Evidence, task: str, why: str) -> Next | None:
    """The sweep's own command, which trains what failed; None where the sweep was no command."""
    command, models = _command(evidence), evidence.models()
    count = int(((models["task"] == task) & (models["status"] != "done")).sum())
    return Next(why=why, command=command, cost=f"about {words.counted(count, 'network')}") if changed(command, {}) else None


def _command(evidence: Evidence) -> str:
    """The command of the sweep; of one that was started from Python, the one that repeats it, unless its rows are known there alone."""
    found = evidence.provenance()
    command, plan = str(found.get("command", "")), found.get("plan", {})
    if command.startswith("kdprobe sweep ") or evidence.asks not in asked() or plan.get("own_data"):
        return command
    try:
        made = kind(evidence.asks)(**{name: tuple(value) if isinstance(value, list) else value for name, value in plan.items()})
    except (PlanError, TypeError):
        return ""  # a plan of before, or of a plug-in that is not installed here
    alone = (evidence.measurements()["comparison"] == "panel").all()
    return command_of(f"kdprobe sweep --{evidence.asks}{' --no-similarity' if alone else ''}", made, "zoo")


def fewer_rows(evidence: Evidence, task: str) -> int | None:
    """Labels to try where a teacher had nothing to add: few, or half of what there was; None where that is too few to train on."""
    models = evidence.models()
    twins = models[(models["task"] == task) & (models["role"] == "twin")]["row_count"].dropna()
    rows = int(twins.max()) if len(twins) else 0
    return FEW_ROWS if rows > FEW_ROWS else rows // 2 if rows >= 100 else None


def _cost(evidence: Evidence, task: str, student: str, times: float, longer: float) -> str:
    """Networks, and the time that they take at the pace of this sweep."""
    models, seconds = evidence.models(), evidence.provenance().get("seconds")
    own = models["task"] == task
    named = models["family"] + "-" + models["width"].astype(str)
    count = round(times * int((own & ((models["role"] == "teacher") | (named == student))).sum()))
    told = words.counted(count, "network")
    if not isinstance(seconds, int | float) or not seconds:
        return f"about {told}"
    took = longer * seconds * count / len(models)
    return f"about {told}, {f'{max(took, 1):.0f} s' if took < 90 else f'{took / 60:.0f} min'} at this sweep's pace"
