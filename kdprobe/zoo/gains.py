"""One table of what students gained, with what each was trained under: what `kdprobe.capacity_gap` reads."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd

from kdprobe.core.axes import AXES
from kdprobe.core.axis import Axis
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.training.job import TUNING_SEEDS
from kdprobe.zoo import frames
from kdprobe.zoo.index import Index
from kdprobe.zoo.kept import kept_losses

SETTINGS = tuple(axis.column for axis in AXES.values())
"""Columns that say what a student was trained under, beside its task, scheme, distiller and widths: one for each axis."""
PAIR = ("task", "scheme", "distiller", "width", "teacher_width")
Frame = Any
"""A pandas DataFrame or Series. pandas annotates itself in part only, so that a type checker would guess at unions of everything."""
BETTER = {"nll": -1.0, "nll_calibrated": -1.0, "mse": -1.0, "accuracy": 1.0, "r2": 1.0}
"""Sign that makes the larger score the better one."""
LOSS = {"classification": "nll_calibrated", "regression": "mse"}
"""The loss that verdicts are read on: of classifiers after one temperature a model, so that a gain is none of over-confidence."""


def with_settings(models: Frame) -> Frame:
    """Students of a frame of models, with the columns `SETTINGS`. What holds for the teachers alone is NaN where it holds for all."""
    of_teacher = models.set_index("model_id")
    students = models.loc[models["role"] == "student"].copy()

    def teachers(column: str) -> Frame:
        return students["teacher_id"].map(of_teacher[column].to_dict())

    for axis in AXES.values():
        students[axis.column] = _of_axis(axis, students, teachers)
    return students


def _of_axis(axis: Axis, students: Frame, teachers: Callable[[str], Frame]) -> Frame:
    column = {"row_limit": "row_count"}.get(axis.sets, axis.parameter or axis.sets)
    if axis.parameter and column not in students:
        return students["loss_parameters"].map(lambda text: json.loads(text).get(column))
    if axis.of == "labelled rows":
        return teachers(column)
    if axis.of == "transfer rows":
        return students[column].where(students["rows"] == "transfer", students[f"taught_{column}"])
    return teachers(column).where(lambda values: values != students[column]) if axis.of == "teachers" else students[column]


def beside(students: Frame, plan: Mapping[str, Any]) -> Frame:
    """What each student changed of its plan's own setting.

    Parameters
    ----------
    students
        As `with_settings` gives them.
    plan
        The plan's fields; without `beside` (another question, a zoo of before there was one) nobody changed anything.

    Returns
    -------
    pandas.DataFrame
        "axis", its name, "" where nothing was changed; "value", NaN there.
    """
    found = pd.DataFrame({"axis": "", "value": math.nan}, index=students.index)
    for name, values in (plan.get("beside") or {}).items():
        if name not in AXES or isinstance(plan.get(name), list | tuple) or name in plan.get("tune", ()):
            continue
        column = students[AXES[name].column].astype(float)
        # rows without a number of their own are all that the task has: what stands beside them is fewer
        own = column.groupby(students["task"]).transform("max") if plan.get(name) is None else float(plan[name])
        there = column.isin([float(value) for value in values]) & (column != own)
        found.loc[there, "axis"] = name
        found.loc[there, "value"] = column[there]
    return found


def chosen(students: Frame, validation: dict[str, float], tune: Sequence[str]) -> Frame:
    """Reported students under the setting that validation rows favour for their teacher size; in no other way are they selected.

    Parameters
    ----------
    students
        As `with_settings` gives them, those with seeds to tune on among them.
    validation
        Validation loss of the kept weights by model id, of students and twins.
    tune
        Columns of `SETTINGS` to choose. The mean loss over the seeds to tune on decides.

    Returns
    -------
    pandas.DataFrame
        The twin of a student is the one under the learning rate and steps that are best for twins: the same for all teacher sizes. What has
        no seeds to tune on, having nothing to choose, is there as it is: "tuned" is False.
    """
    students = students.loc[students["status"] == "done"].copy()
    # what is written only where it differs from the students' would cut a cell in two when the students' own is chosen
    for axis in AXES.values():
        if axis.of == "teachers" and axis.sets in tune and students[axis.column].notna().any():
            students[axis.column] = students[axis.column].where(students[axis.column].notna(), students[axis.sets])
    own_of_twins = [axis.column for axis in AXES.values() if axis.of == "all" and axis.column in tune]
    students["validation"] = students["model_id"].map(validation)
    students["twin_validation"] = students["twin_id"].map(validation)
    same_setting = [name for name in (*PAIR, *SETTINGS) if name not in tune]
    kept: list[Frame] = []
    for _, cell in students.groupby(same_setting, sort=False, dropna=False):
        pilots, reported = cell.loc[cell["seed"] >= TUNING_SEEDS], cell.loc[cell["seed"] < TUNING_SEEDS]
        if len(pilots):
            reported = _at(reported, list(tune), _best(pilots, "validation", tune))
        if len(pilots) and own_of_twins:
            best = _best(pilots, "twin_validation", own_of_twins)
            twins = _at(cell, own_of_twins, best).drop_duplicates(["draw", "seed"]).set_index(["draw", "seed"])["twin_id"]
            pairs = pd.MultiIndex.from_frame(reported[["draw", "seed"]])
            reported = reported.assign(twin_id=twins.reindex(pairs).to_numpy())
        kept.append(reported.assign(tuned=bool(len(pilots))))
    return pd.concat(kept) if kept else students.assign(tuned=False)


def _best(pilots: Frame, column: str, tune: Sequence[str]) -> tuple[Any, ...]:
    found = pilots.groupby(list(tune), sort=False, dropna=False)[column].mean().idxmin()
    return cast("tuple[Any, ...]", found) if isinstance(found, tuple) else (found,)


def _at(cell: Frame, columns: list[str], values: tuple[Any, ...]) -> Frame:
    for column, value in zip(columns, values, strict=True):
        cell = cell.loc[cell[column].isna() if pd.isna(value) else cell[column] == value]
    return cell


def gains(index: Index, path: Path, *, metric: str, tune: Sequence[str], all_settings: bool) -> Frame:
    """See `kdprobe.zoo.Zoo.gains`."""
    models: Frame = frames.models(index)
    students = with_settings(models)
    for name in tune:
        if name not in SETTINGS:
            raise PlanError(f"tune holds {name!r}: {did_you_mean(name, SETTINGS)}")
    if tune:
        wanted = models.loc[(models["seed"] >= TUNING_SEEDS) & (models["status"] == "done") & (models["role"] != "teacher")]
        students = chosen(students, kept_losses(index, path, list(wanted["model_id"])).to_dict(), tune)
    students = students.loc[(students["status"] == "done") & (students["seed"] < TUNING_SEEDS)]
    if not all_settings:
        plan: Mapping[str, Any] = index.meta_json("plan", {})
        students = students.loc[beside(students, plan)["axis"] == ""]
        # controls that stand beside the regimes of a plan have one teacher size
        students = students.loc[students["scheme"].isin(plan.get("schemes") or students["scheme"])]
    metrics = tuple(LOSS.values()) if metric == "loss" else (metric,)
    if not set(metrics) <= set(BETTER):
        raise PlanError(f"metric={metric!r} is unknown: {did_you_mean(metric, ('loss', *BETTER))}")
    rows = index.rows(
        f"SELECT model_id, metric, value FROM scores WHERE rows = 'B' AND metric IN ({', '.join('?' * len(metrics))})", metrics
    )
    score = {row["model_id"]: BETTER[row["metric"]] * row["value"] for row in rows}
    table = students.rename(columns={"width": "student_width", "size": "student_size"})
    own, teacher, twin = (table[column].map(score.get) for column in ("model_id", "teacher_id", "twin_id"))
    table = table.assign(gain=own - twin, teacher_loss=-teacher, twin_score=twin).dropna(subset=["gain", "teacher_loss"])
    names = [
        "task",
        "kind",
        "scheme",
        "distiller",
        "loss_parameters",
        *SETTINGS,
        "student_width",
        "student_size",
        "teacher_width",
        "teacher_size",
    ]
    return table.loc[:, [*names, "draw", "seed", "gain", "teacher_loss", "twin_score"]].reset_index(drop=True)
