"""How good teacher, twin and student are, in the scores that everybody knows, with their sizes: one row a model."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Column, Table
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import Gap
from kdprobe.report.evidence.groups import Group, short_names
from kdprobe.report.evidence.knowledge import Arm, Kinds, title_of
from kdprobe.report.sections._knowledge_answer import read_of
from kdprobe.stats.paired import contrast

METRICS = {
    "classification": {
        "accuracy": ("accuracy", "share of rows, more is better"),
        "nll": ("NLL", "nats, less is better"),
        "nll_calibrated": ("NLL, calibrated", "after one temperature a model, fitted on validation rows"),
        "calibration_error": ("calibration error", "mean distance between confidence and accuracy, debiased; about 0 is best"),
    },
    "regression": {
        "r2": ("R²", "share of the target's variance, more is better"),
        "mse": ("MSE", "variances of the target, less is better"),
    },
}

GAINED = {
    "classification": "over the twin, in calibrated NLL",
    "regression": "over the twin, in variances of the target",
}


class Model(NamedTuple):
    """Models that are one row: the same network, one a seed."""

    name: str
    ids: tuple[str, ...]
    gain: tuple[float, float, float] | None = None
    """Of a student over its twins."""


def scores(evidence: Evidence, kind: str, models: Iterable[Model], note: str = "") -> Table | None:
    """One row for each of some models, all on the same rows, which no model saw; None where none has a score."""
    table = evidence.models().set_index("model_id")
    values = {name: evidence.score(name) for name in METRICS[kind]}
    rows: list[dict[str, Any]] = []
    for model in models:
        ids = [name for name in dict.fromkeys(model.ids) if name in table.index]
        if not ids:
            continue
        own = table.loc[ids]
        row: dict[str, Any] = {"model": model.name, "size": f"{int(own['size'].iloc[0]):,}", "flops": f"{int(own['flops'].iloc[0]):,}"}
        row["gain"] = model.gain
        row |= {name: _over_units(found.reindex(ids).to_numpy(dtype=float), own["draw"].to_numpy()) for name, found in values.items()}
        rows.append(row)
    gained = Column(key="gain", title="gain", shown="interval", explains=GAINED[kind])
    shown = [name for name in METRICS[kind] if any(row[name] is not None for row in rows)]
    if not shown:
        return None
    columns = (
        Column(key="model", title="model"),
        *(Column(key=name, title=METRICS[kind][name][0], shown="interval", explains=METRICS[kind][name][1]) for name in shown),
        *([gained] if any(row["gain"] is not None for row in rows) else []),
        Column(key="size", title="parameters", shown="number"),
        Column(key="flops", title="multiply-adds", shown="number", explains="of one row, forward"),
    )
    caption = f"Scores on rows that no model saw{note}; means with 95 % intervals over {evidence.units}"
    return Table(caption=caption, columns=columns, rows=tuple(rows))


def _over_units(values: np.ndarray, draws: np.ndarray) -> tuple[float, float, float] | float | None:
    """Mean with its interval over seeds, or over draws where there are several; a number alone where there is one unit."""
    there = np.isfinite(values)
    values, draws = values[there], draws[there]
    names = np.unique(draws)
    if 1 < len(names) < len(values):
        values = np.array([values[draws == name].mean() for name in names])
    if len(values) < 2:
        return float(values[0]) if len(values) else None
    found = contrast(values).measurement("")
    return found.value, found.low, found.high


def gap_scores(evidence: Evidence, group: Sequence[Gap]) -> Table | None:
    """Of a student: its twin, itself in each regime under the teacher of its largest mean gain, and these teachers with the largest."""
    there = {(one.task, one.student, one.student_size, one.arm): one for one in (*evidence.groups, *evidence.tuned_groups)}
    students, teachers, twins = list[Model](), dict[str, Model](), list[str]()
    for gap in group:
        found = there.get((gap.task, gap.student, gap.student_size, gap.arm))
        if found is None or not gap.curve.teachers:
            continue
        best, largest = gap.curve.teachers[gap.helps.best], gap.curve.teachers[-1]
        _, names = short_names(gap.curve.teachers)
        short = dict(zip(gap.curve.teachers, names, strict=True))
        students.append(Model(f"student, {gap.arm} (teacher {short[best]})", _ids(found, best, "model_id"), _ends(gap.helps.gain)))
        twins += _ids(found, best, "twin_id")
        for name in (best, largest):
            teachers.setdefault(name, Model(f"teacher {short[name]}", _ids(found, name, "teacher_id")))
    by_size = sorted(teachers.values(), key=lambda model: _size(evidence, model))
    note = ", each student under the teacher of its largest mean gain"
    return scores(evidence, group[0].kind, (Model("twin, untaught", tuple(twins)), *students, *by_size), note) if students else None


def _ends(found: Measurement | None) -> tuple[float, float, float] | None:
    return None if found is None else (found.value, found.low, found.high)


def _gained(arm: Arm) -> tuple[float, float, float] | None:
    values = arm.gain[np.isfinite(arm.gain)]
    return _ends(contrast(values).measurement("")) if len(values) > 1 else None


def _ids(group: Group, teacher: str, column: str) -> tuple[str, ...]:
    own = group.frame[(group.frame["teacher"] == teacher) & (group.frame["status"] == "done")]
    return tuple(own[column])


def _size(evidence: Evidence, model: Model) -> int:
    table = evidence.models().set_index("model_id")
    known = [name for name in model.ids if name in table.index]
    return int(table.loc[known, "size"].iloc[0]) if known else 0


def knowledge_scores(evidence: Evidence, groups: Sequence[Kinds]) -> Table | None:
    """Of a student: its twin, itself in each regime with the best distiller of each kind and the best control, and the teacher."""
    table = evidence.models().set_index("model_id")
    # the regime of the largest gain, which the answer names if it names one, comes first
    groups = sorted(groups, key=lambda group: -max((one.mean for one in read_of([group])), default=-math.inf))
    taught = [(group, arm) for group in groups for arm in group.best.values() if arm.models]
    ids = [name for _, arm in taught for name in arm.models if name in table.index]
    if not ids:
        return None
    return scores(
        evidence,
        groups[0].kind,
        (
            Model("twin, untaught", tuple(table.loc[ids, "twin_id"].dropna())),
            *(Model(_taught(group, arm), arm.models, _gained(arm)) for group, arm in taught),
            Model("teacher", tuple(table.loc[ids, "teacher_id"].dropna())),
        ),
        ", students with the best distiller of each kind of knowledge and the best control",
    )


def _taught(group: Kinds, arm: Arm) -> str:
    return f"{title_of(arm.usual[0])}, {group.scheme.replace('_', ' ')}"
