"""What an arm is called: its regime, and of the settings those that vary within it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from kdprobe.zoo.gains import with_settings

Frame = Any
"""A pandas DataFrame or Series. pandas annotates itself in part only, so that a type checker would guess at unions of everything."""
ORDER = [
    *("task_order", "size", "student", "scheme_order", "distiller", "labelled_rows", "unlabelled_rows", "label_noise", "steps", "alpha"),
    *("temperature", "arm", "teacher_size", "teacher", "draw", "seed"),
]
SHOWN: dict[str, Callable[[Any], str]] = {
    "distiller": str,
    "labelled_rows": "n={:.0f}".format,
    "unlabelled_rows": "m={:.0f}".format,
    "label_noise": "label noise {:g}".format,
    "alpha": "α={:g}".format,
    "loss_parameters": lambda text: ", ".join(
        f"T={value:g}" if name == "temperature" else f"{name} {value:g}" for name, value in json.loads(text).items()
    ),
    "learning_rate": "learning rate {:g}".format,
    "weight_decay": "weight decay {:g}".format,
    "batch_size": "batches of {}".format,
    "steps": "{} steps".format,
    "matched": "matched to {}".format,
    "teacher_weight_decay": "teachers' weight decay {:g}".format,
    "teacher_patience": "teachers stopped after {:.0f} checks".format,
    "teacher_steps": "teachers {:.0f} steps".format,
}


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
