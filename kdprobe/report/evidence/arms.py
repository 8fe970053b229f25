"""What an arm is called: its regime, and of the settings those that vary within it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from kdprobe.core.axes import AXES
from kdprobe.zoo.gains import SETTINGS, with_settings

Frame = Any
"""A pandas DataFrame or Series. pandas annotates itself in part only, so that a type checker would guess at unions of everything."""
ORDER = [
    *("task_order", "size", "student", "scheme_order", "distiller", "beside_order", *SETTINGS),
    *("arm", "teacher_size", "teacher", "draw", "seed"),
]
PARAMETERS = "loss_parameters"


def _parameters(text: str) -> str:
    """All parameters of a loss as its axes call them: "T=2", or by their names where they are no axis."""
    labels = {axis.parameter: axis.label for axis in AXES.values() if axis.parameter}
    return ", ".join(labels[name].format(value) if name in labels else f"{name} {value:g}" for name, value in json.loads(text).items())


OTHERS = {"weight_decay": "weight decay {:g}", "batch_size": "batches of {}"}
OF_AXES = {axis.sets for axis in AXES.values() if axis.of != "teachers"}
"""Fields of a student's job that are told as the axis calls them."""
SHOWN: dict[str, Callable[[Any], str]] = {
    "distiller": str,
    **{PARAMETERS if axis.parameter else axis.column: _parameters if axis.parameter else axis.label.format for axis in AXES.values()},
    **{name: label.format for name, label in OTHERS.items() if name not in OF_AXES},
    "matched": "matched to {}".format,
}
"""Column -> what a value of it is called."""


def told_beside(tune: Sequence[str]) -> list[str]:
    """Columns that an arm is called by where some have values of their own for each teacher size."""
    chosen = {PARAMETERS if axis.parameter else axis.column for axis in AXES.values() if axis.column in tune}
    return [column for column in SHOWN if column not in chosen]


def named(models: Frame) -> Frame:
    """Students of a frame of models, with readable names and with what they were trained under."""
    students, by_id = with_settings(models), models.set_index("model_id")
    students["student"] = students["family"] + "-" + students["width"].astype(str)
    students["teacher"] = students["teacher_id"].map(by_id["family"] + "-" + by_id["width"].astype(str)).fillna("no teacher")
    return students


def beside(students: Frame, plan: Mapping[str, Any]) -> Frame:
    """What each student changed of its plan's own setting, as "T=2"; "" where it changed nothing, and is primary.

    Parameters
    ----------
    students
        As `named` gives them.
    plan
        The plan's fields; without `beside` (another question, a zoo of before there was one) every student is primary.
    """
    told = pd.Series("", index=students.index, dtype=object)
    for name, values in (plan.get("beside") or {}).items():
        if name not in AXES or isinstance(plan.get(name), list | tuple) or name in plan.get("tune", ()):
            continue
        column = students[AXES[name].column].astype(float)
        # rows without a number of their own are all that the task has: what stands beside them is fewer
        own = column.groupby(students["task"]).transform("max") if plan.get(name) is None else float(plan[name])
        there = column.isin([float(value) for value in values]) & (column != own)
        told = told.mask(there, column.map(AXES[name].label.format, na_action="ignore"))
    return told


def arms(students: Frame, told: Sequence[str] = tuple(SHOWN)) -> Frame:
    """Name each student's arm: its scheme, of the other settings those that vary, and what it changed of the plan's own setting.

    Parameters
    ----------
    students
        As `named` gives them; a column "beside" says what each changed.
    told
        Columns that an arm may be called by.
    """
    label = students["scheme"].str.replace("_", " ")
    changed = students["beside"] if "beside" in students else pd.Series("", index=students.index)
    # what stands beside a setting varies one thing at a time, and is called by that alone
    own = students.loc[changed == ""]
    for column, shown in ((name, SHOWN[name]) for name in told):
        counts = own[column].astype(str).groupby([own["task"], own["scheme"]]).nunique()
        cells = pd.MultiIndex.from_arrays([students["task"], students["scheme"]])
        varies = pd.Series(counts.reindex(cells).to_numpy() > 1, index=students.index)
        if varies.any():
            told_as = students[column].map(shown, na_action="ignore").fillna("")
            label = label.where(~varies, (label + " " + told_as).str.strip())
    return (label + " " + changed).str.strip()
