"""The table of runs of a report, by cell. Nothing of kdprobe is used."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
from _recompute_page import Page

AXES = {"T=": "temperature", "α=": "alpha", "n=": "labelled"}
"""How a regime's name begins to say what it changes, and the column that holds it."""
Row = dict[str, Any]


class Runs:
    """The table of runs, by cell."""

    def __init__(self, path: Path, page: Page):
        with path.open(newline="", encoding="utf-8") as file:
            self.by_id: dict[str, Row] = {row["model_id"]: row for row in csv.DictReader(file)}
        plan = {row["what"]: row["value"] for row in page.rows("Plan")}
        self.own = {name: float(plan[name]) for name in ("temperature", "alpha") if re.fullmatch(r"[\d.]+", plan.get(name, ""))}
        self.students = [row for row in self.by_id.values() if row["role"] == "student"]
        for row in self.students:
            row["labelled"] = self.by_id[row["teacher_id"]]["row_count"] if row["teacher_id"] in self.by_id else ""
        self.schemes = sorted({row["scheme"] for row in self.students}, key=len, reverse=True)

    def arm(self, task: str, student: str, arm: str) -> list[Row]:
        """Students of an arm, by the name that the page gives it."""
        scheme = next((name for name in self.schemes if f"{arm} ".startswith(name.replace("_", " ") + " ")), None)
        if scheme is None:
            raise SystemExit(f"regime {arm!r} is none of {', '.join(self.schemes)}: give the runs of this page")
        told = arm[len(scheme) :].split()
        unknown = [word for word in told if word[:2] not in AXES]
        if unknown:
            raise SystemExit(f"regime {arm!r}: {' '.join(unknown)!r} is not known here, teach AXES to read it")
        rows = [row for row in self.students if (row["task"], f"{row['family']}-{row['width']}", row["scheme"]) == (task, student, scheme)]
        given = {AXES[word[:2]]: float(word[2:]) for word in told}
        own = {"labelled": max((number(row["labelled"]) for row in rows), default=np.nan), "temperature": self.own.get("temperature")}
        wanted = {name: value for name, value in {**own, **given}.items() if value is not None}
        # a regression has no temperature
        return [row for row in rows if all(row[name] == "" or number(row[name]) == value for name, value in wanted.items())]

    def grid(self, rows: list[Row], value: Any) -> tuple[np.ndarray, list[str]]:
        """Values (units, sizes) and the teachers, by size; NaN where one is missing. Units are seeds, or means of draws of several."""
        teachers = sorted({(number(row["teacher_size"]), self.teacher(row)) for row in rows})
        pairs = sorted({(int(row["draw"]), int(row["seed"])) for row in rows})
        found = np.full((len(pairs), len(teachers)), np.nan)
        for row in rows:
            place = pairs.index((int(row["draw"]), int(row["seed"]))), [name for _, name in teachers].index(self.teacher(row))
            if np.isfinite(found[place]):
                raise SystemExit(f"two students of one seed under {self.teacher(row)}: the page's regimes are not told apart")
            found[place] = value(row)
        draws = np.array([draw for draw, _ in pairs])
        if 1 < len(set(draws)) < len(draws):
            found = np.stack([found[draws == draw].mean(axis=0) for draw in sorted(set(draws))])
        return found, [name for _, name in teachers]

    def teacher(self, row: Row) -> str:
        """What the page calls a student's teacher."""
        return f"{self.by_id[row['teacher_id']]['family']}-{row['teacher_width']}"

    def score(self, metric: str, of: str = "model_id") -> Any:
        """Score of a student, or of its twin or teacher; the larger the better."""
        sign = 1.0 if metric in ("accuracy", "r2") else -1.0
        return lambda row: sign * number(self.by_id[row[of]][f"{metric}.B"])

    def gain(self, metric: str) -> Any:
        """Score of a student less that of its twin."""
        own, twin = self.score(metric), self.score(metric, "twin_id")
        # where probes failed the page has no gain either
        return lambda row: own(row) - twin(row) if row["gain.panel"] else np.nan

    def specific(self, probe: str, *, placebo: bool) -> Any:
        """Likeness to the own teacher less that to siblings; and less the same of its twin."""

        def value(row: Row) -> float:
            found = number(row[f"{probe}.own"]) - number(row[f"{probe}.siblings"])
            return found - (number(row[f"{probe}.twin"]) - number(row[f"{probe}.twin_siblings"])) if placebo else found

        return value

    def untaught(self, task: str, probe: str) -> bool:
        """Whether what twins have of own teachers and siblings was measured."""
        return any(row.get(f"{probe}.twin_siblings") for row in self.students if row["task"] == task)


def number(text: str) -> float:
    """A number of the table; NaN where there is none."""
    return float(text) if text else np.nan


def arm_is_beside(runs: Runs, arm: str) -> bool:
    """Whether an arm changes the plan's own setting."""
    return any(word.startswith("n=") or (word.startswith("T=") and "temperature" in runs.own) for word in arm.split())
