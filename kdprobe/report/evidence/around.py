"""What stands around a reading of gains: the setting it speaks of, the controls of its regime, how sure of themselves the models are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kdprobe.core.axes import AXES
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.groups import Curve, Group
from kdprobe.stats.paired import contrast
from kdprobe.zoo.gains import SETTINGS


@dataclass(frozen=True, kw_only=True)
class Control:
    """A control beside a student: what it gains, and what the student gains beyond it."""

    title: str
    """What it is, in words: "a twin on its own pseudo-labels"."""
    gain: Measurement
    """Of the control over the same twins."""
    beyond: Measurement
    """Gain of the student under its best teacher minus that of the control; simultaneous over the teachers."""


def setting_of(evidence: Evidence, group: Group) -> str:
    """The α and T of an arm as a sentence says them.

    An α that no choice was made of, because there are no labels or no teacher, is not told; nor is what was chosen for each teacher size.
    """
    told = []
    scheme: Any = available("schemes").get(group.scheme)
    taught = scheme is None or bool(scheme.student.taught_by)
    labelled = taught and bool((group.frame["rows"] != "transfer").any())
    for name, known, letter in (("alpha", labelled, "α"), ("temperature", True, "T")):
        axis = AXES[name]
        values = group.frame[axis.column].dropna().unique()
        if known and len(values) == 1 and not (group.tuned and axis.column in evidence.tune):
            told.append(f"{letter} {values[0]:g}")
    return f"at {', '.join(told)}" if told else ""


def controls_of(evidence: Evidence, group: Group, probe: str, curve: Curve, best: int, unit: str) -> tuple[Control, ...]:
    """Controls of a group's regime, at the same setting, on the same student and seeds.

    Parameters
    ----------
    probe
        Of the gain.
    curve, best
        Complete pairs of the group, and the place there of the teacher size that the student is taken under.
    """
    scheme: Any = available("schemes").get(group.scheme)
    found = []
    for name in () if scheme is None or group.tuned else scheme.controls:
        same = (group.task, group.student, name)
        there = _at_setting([other for other in evidence.groups if (other.task, other.student, other.scheme) == same], group)
        if there:
            found += _control(evidence, group, there[0], probe, curve, best, unit)
    return tuple(found)


def _at_setting(others: list[Group], group: Group) -> list[Group]:
    """Those that agree with a group in every setting that tells them apart."""
    for column in ("distiller", *SETTINGS):
        values = {str(other.frame[column].iloc[0]) for other in others}
        if len(values) > 1:
            others = [other for other in others if str(other.frame[column].iloc[0]) == str(group.frame[column].iloc[0])]
    return others


def _control(evidence: Evidence, group: Group, other: Group, probe: str, curve: Curve, best: int, unit: str) -> list[Control]:
    if not curve.teachers:
        return []
    # a size that most seeds lack is in the group and not in its curve
    best = group.teachers.index(curve.teachers[best])
    own, gain = group.grid(evidence.value(probe, "panel")), other.grid(evidence.value(probe, "panel"))
    # seeds that both have; a control has one teacher size
    shared = [pair for pair in group.seeds if pair in set(other.seeds)]
    pairs = np.array([[own[group.seeds.index(pair), best], gain[other.seeds.index(pair), -1]] for pair in shared]).reshape(-1, 2)
    kept = np.isfinite(pairs).all(axis=1)
    draws = np.array([draw for draw, _ in shared])[kept]
    pairs = pairs[kept]
    if 1 < len(set(draws.tolist())) < len(draws):
        pairs = np.stack([pairs[draws == draw].mean(axis=0) for draw in sorted(set(draws.tolist()))])
    if len(pairs) < 2:
        return []
    beyond = contrast(pairs[:, 0] - pairs[:, 1]).measurement(unit, tests=len(curve.teachers))
    title = available("schemes")[other.scheme].title.removeprefix("control: ")
    return [Control(title=title, gain=contrast(pairs[:, 1]).measurement(unit), beyond=beyond)]


ROLES: Mapping[str, Literal["model_id", "teacher_id", "twin_id"]] = {"teacher": "teacher_id", "twin": "twin_id", "student": "model_id"}


def temperatures_of(evidence: Evidence, group: Group) -> dict[str, Measurement]:
    """Mean fitted temperature of teachers, twins and students, over the teacher sizes; with intervals over the group's units."""
    grids = {role: group.grid(evidence.temperatures, of=column) for role, column in ROLES.items()}
    if not all(np.isfinite(grid).any() for grid in grids.values()):
        return {}
    values = group.curve(grids).values
    return {role: contrast(grid.mean(axis=1)).measurement("") for role, grid in values.items() if len(grid) > 1}
