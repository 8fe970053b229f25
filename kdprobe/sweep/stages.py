"""The jobs behind a cell: every stage of its scheme, with the ids of those that it learns from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from kdprobe.core.recipe import Distiller
from kdprobe.core.registry import find
from kdprobe.core.scheme import Role, Scheme, Stage
from kdprobe.training.job import Job

if TYPE_CHECKING:
    from kdprobe.sweep.plan import Cell, GapPlan


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

    plan: "GapPlan"
    cell: "Cell"
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
        plan, cell = self.plan, self.cell
        sources = tuple(self.job(role).id for role in stage.taught_by) if stage.taught_by and not stage.together else ()
        return Job(
            role=stage.role,
            options=plan.options_of(stage.width),
            width=width_of(stage, cell.teacher_width, cell.student_width),
            task=cell.task,
            data=self.data,
            draw=cell.draw,
            family=plan.family,
            seed=cell.seed,
            rows=stage.rows,
            labels=stage.labels,
            row_limit=cell.setting.train_rows if stage.rows == "train" else cell.setting.transfer_rows,
            label_noise=cell.setting.label_noise if stage.rows == "train" and stage.labels != "other task" else 0.0,
            scheme=cell.scheme if stage.role == "student" else "",
            **(self._teaching(stage) if stage.taught_by else {}),
            sources=sources if sources or stage.role == "student" else None,
            matches=None if stage.matches is None else self.job(stage.matches).id,
            stream_of=stage.stream or "",
            **self._optimiser(stage),
        )

    def _optimiser(self, stage: Stage) -> dict[str, Any]:
        plan, setting = self.plan, self.cell.setting
        if find("families", plan.family).fit != "steps":
            # what is fitted in closed form takes no steps, and its id must not depend on how they would be taken
            return {"steps": 0, "batch_size": 0, "learning_rate": 0.0, "weight_decay": 0.0}
        teaches = stage.width == "teacher"
        steps = find("tasks", self.cell.task).steps if setting.steps is None else setting.steps
        if teaches and setting.teacher_steps is not None:
            steps = setting.teacher_steps
        decay, patience = (setting.teacher_weight_decay, setting.teacher_patience) if teaches else (None, None)
        untrained = stage.steps == 0
        return {
            # one step at rate 0 leaves a network as it was made, and gives it a history
            "steps": 1 if untrained else max(1, round(steps * stage.steps)),
            "learning_rate": 0.0 if untrained else setting.learning_rate,
            "batch_size": plan.batch_size,
            "weight_decay": plan.weight_decay if decay is None else decay,
            "gradient_clip": plan.gradient_clip,
            "patience": plan.patience if patience is None else patience,
        }

    def _teaching(self, stage: Stage) -> Mapping[str, Any]:
        cell, distiller = self.cell, find("distillers", self.cell.distiller)
        return {
            "distiller": cell.distiller,
            "parameters": loss_parameters(distiller, labelled=stage.labelled, alpha=cell.alpha, temperature=cell.setting.temperature),
            "alpha": cell.alpha if stage.alpha is None else stage.alpha,
        }


def loss_parameters(distiller: Distiller, *, labelled: bool, alpha: float, temperature: float) -> dict[str, float]:
    """Parameters of a distiller's loss in a plan."""
    parameters = dict(distiller.parameters)
    if "temperature" in parameters:
        parameters["temperature"] = temperature
    if "response" in parameters and not labelled:
        # without labels nothing else trains the output layer: a response loss takes the label loss's place, (1 - alpha) to alpha
        parameters["response"] = (1 - alpha) / alpha
    return parameters
