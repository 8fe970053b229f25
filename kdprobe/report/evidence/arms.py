"""What an arm is called: its regime, and of the settings those that vary within it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from kdprobe.core.axes import AXES
from kdprobe.zoo.gains import SETTINGS, with_settings

Frame = Any
"""A pandas DataFrame or Series. pandas annotates itself in part only, so that a type checker would guess at unions of everything."""
ORDER = [
    *("task_order", "size", "student", "scheme_order", "distiller", *SETTINGS),
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


def arms(students: Frame, told: Sequence[str] = tuple(SHOWN)) -> Frame:
    """Name each student's arm: its scheme, and of the other settings those that vary within it."""
    label = students["scheme"].str.replace("_", " ")
    for column, shown in ((name, SHOWN[name]) for name in told):
        varies = students[column].astype(str).groupby([students["task"], students["scheme"]]).transform("nunique") > 1
        if varies.any():
            told_as = students[column].map(shown, na_action="ignore").fillna("")
            label = label.where(~varies, (label + " " + told_as).str.strip())
    return label
