"""What an arm is called: its regime, and of the settings those that vary within it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from kdprobe.core.axes import AXES
from kdprobe.zoo.gains import SETTINGS, beside, with_settings

Frame = Any
"""A pandas DataFrame or Series. pandas annotates itself in part only, so that a type checker would guess at unions of everything."""
ORDER = [
    *("task_order", "size", "student", "scheme_order", "distiller", "beside", *SETTINGS),
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


def _place(axis: str) -> int:
    """Where students stand who changed an axis: after those who changed none, and first what changes students alone."""
    return 0 if not axis else 1 + list(AXES).index(axis) + (0 if AXES[axis].of_student_alone else len(AXES))


def placed(students: Frame, plan: Mapping[str, Any], *, tune: Sequence[str] = ()) -> Frame:
    """Name each student's arm, and what it changed of the plan's own setting.

    Parameters
    ----------
    students
        As `named` gives them.
    plan
        The plan's fields.
    tune
        Columns that were chosen for each teacher size, where they were.

    Returns
    -------
    pandas.DataFrame
        The students with "axis" and "value" (see `kdprobe.zoo.gains.beside`), "beside" (its place in the reading order),
        "own_arm" (of those at the plan's own setting) and "arm".
    """
    found = students.assign(**beside(students, plan))
    pairs = zip(found["axis"], found["value"], strict=True)
    changed = pd.Series([AXES[name].label.format(value) if name else "" for name, value in pairs], index=found.index, dtype=object)
    # what was chosen is not what an arm is called
    own = arms(found, told_beside(tune) if tune else tuple(SHOWN))
    end = ", tuned" if tune else ""
    return found.assign(beside=found["axis"].map(_place), own_arm=own + end, arm=(own + " " + changed).str.strip() + end)


def arms(students: Frame, told: Sequence[str] = tuple(SHOWN)) -> Frame:
    """Name each student's arm: its scheme, and of the other settings those that vary within it at the plan's own settings.

    Parameters
    ----------
    students
        As `named` gives them, with "axis".
    told
        Columns that an arm may be called by.
    """
    label = students["scheme"].str.replace("_", " ")
    # what stands beside a setting varies one thing at a time, and is called by that alone
    own = students.loc[students["axis"] == ""]
    for column, shown in ((name, SHOWN[name]) for name in told):
        counts = own[column].astype(str).groupby([own["task"], own["scheme"]]).nunique()
        cells = pd.MultiIndex.from_arrays([students["task"], students["scheme"]])
        varies = pd.Series(counts.reindex(cells).to_numpy() > 1, index=students.index)
        if varies.any():
            told_as = students[column].map(shown, na_action="ignore").fillna("")
            label = label.where(~varies, (label + " " + told_as).str.strip())
    return label
