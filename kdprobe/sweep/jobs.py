"""The jobs behind a cell: every stage of its scheme, with the ids of those that it learns from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from kdprobe.core.axis import OPTIMISER, PARAMETERS, Axis
from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.core.scheme import Role, Scheme, Stage
from kdprobe.sweep.cells import Cell
from kdprobe.training.job import Job


def width_of(stage: Stage, teacher: int, student: int) -> int:
    """Width of a stage's network between a teacher and a student.

    Examples
    --------
    >>> width_of(Stage("assistant"), 128, 8), width_of(Stage("assistant", size="between"), 128, 8)
    (128, 32)
    """
    return {"teacher": teacher, "student": student, "between": round((teacher * student) ** 0.5)}[stage.width]


@dataclass(frozen=True)
class CellJobs:
    """Jobs of one cell, by role."""

    cell: Cell
    data: str
    """Content hash of the split."""
    _made: dict[Role, Job] = field(default_factory=dict, init=False, compare=False)

    @cached_property
    def scheme(self) -> Scheme:
        """The scheme of the cell."""
        return find("schemes", self.cell.scheme)

    def all(self) -> list[Job]:
        """Every stage's job."""
        return [self.job(stage.role) for stage in self.scheme.stages]

    def job(self, role: Role) -> Job:
        """The job of a role."""
        if role not in self._made:
            self._made[role] = self._make(self.scheme.stage(role))
        return self._made[role]

    def _make(self, stage: Stage) -> Job:
        job = self._alone(stage)
        if stage.together:
            others = tuple(self._alone(other).alone for other in self.scheme.cohort if other is not stage)
            job = msgspec.structs.replace(job, peers=others)
        if stage.role != "student":
            return job
        teacher = self.job("teacher").id
        # one teacher, the one it is read against, is the usual case and needs no list
        return msgspec.structs.replace(job, teacher=teacher, sources=None if job.sources == (teacher,) else job.sources)

    def _alone(self, stage: Stage) -> Job:
        """A stage's job without those it learns together with, and before a student is told what it is read against."""
        cell = self.cell
        sources = tuple(self.job(role).id for role in stage.taught_by) if stage.taught_by and not stage.together else ()
        return Job(
            role=stage.role,
            options=cell.block.options_of(stage.width),
            width=width_of(stage, cell.teacher_width, cell.student_width),
            task=cell.task,
            data=self.data,
            draw=cell.draw,
            family=cell.block.family_of(stage.width).name,
            seed=cell.seed,
            rows=stage.rows,
            labels=stage.labels,
            taught_on=stage.taught_on,
            scheme=cell.scheme if stage.role == "student" else "",
            sources=sources if sources or stage.role == "student" else None,
            matches=None if stage.matches is None else self.job(stage.matches).id,
            stream_of=stage.stream or "",
            subset=stage.subset,
            inputs=stage.inputs,
            shift=stage.shift,
            noise=stage.noise,
            weights=stage.weights,
            **self._set(stage),
        )

    def _set(self, stage: Stage) -> dict[str, Any]:
        """Fields that plan and axes set, as far as they reach a stage."""
        cell, block = self.cell, self.cell.block
        found: dict[str, Any] = {name: getattr(block, name) for name in ("batch_size", "weight_decay", "gradient_clip", "patience")}
        found["steps"] = find("tasks", cell.task).steps
        found |= {_field(axis, stage): value for axis, value in cell.setting if value is not None and reaches(axis, stage)}
        if stage.share < 1:
            # fewer are the first that were drawn
            found["row_limit"] = max(1, round(stage.share * (found.get("row_limit") or block.sizes.train)))
        parameters = {name: found.pop(name) for name in list(found) if name.startswith(PARAMETERS)}
        if stage.taught_by:
            distiller: Distiller = find("distillers", cell.distiller)
            given = {name.removeprefix(PARAMETERS): value for name, value in parameters.items()}
            found["distiller"] = cell.distiller
            found["parameters"] = loss_parameters(distiller, given, labelled=stage.labelled, alpha=cell.alpha)
            if stage.alpha is not None:
                found["alpha"] = stage.alpha
        if not block.by_steps(stage.width):
            # what is fitted at once takes no steps, and its id must not depend on how they would be taken
            nothing = {"steps": 0, "batch_size": 0, "learning_rate": 0.0, "weight_decay": 0.0}
            return {name: value for name, value in found.items() if name not in OPTIMISER} | nothing
        untrained = stage.steps == 0
        # one step at rate 0 leaves a network as it was made, and gives it a history
        found["steps"] = 1 if untrained else max(1, round(found["steps"] * stage.steps))
        return found | {"learning_rate": 0.0} if untrained else found


def reaches(axis: Axis, stage: Stage) -> bool:
    """Whether an axis says something of a stage's model."""
    if axis.sets == "label_noise" and stage.labels == "other task":
        return False
    return {
        "all": True,
        "teachers": stage.width == "teacher",
        "taught": bool(stage.taught_by),
        "labelled rows": stage.sees("train"),
        "transfer rows": stage.sees("transfer"),
    }[axis.of]


def _field(axis: Axis, stage: Stage) -> str:
    """Field of a stage's job that an axis sets: rows that it is taught on beside those of its labels are counted by themselves."""
    return "taught_row_limit" if axis.of == "transfer rows" and stage.taught_on else axis.sets


def loss_parameters(distiller: Distiller, given: Mapping[str, float], *, labelled: bool, alpha: float) -> dict[str, float]:
    """Parameters of a distiller's loss: its own, in their place those of a setting, and the weight of the response loss beside it."""
    parameters = {name: given.get(name, value) for name, value in distiller.parameters.items()}
    if "response" in parameters and not labelled:
        # without labels nothing else trains the output layer: a response loss takes the label loss's place, (1 - alpha) to alpha
        parameters["response"] = (1 - alpha) / alpha
    return parameters
