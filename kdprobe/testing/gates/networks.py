"""Small networks for the gates, trained many at once: teachers, twins, students at every dose, and controls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import torch

from kdprobe.core.recipe import Distiller, Family
from kdprobe.core.registry import find
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind, Trace
from kdprobe.stats.scores import nll, squared_error
from kdprobe.sweep.problems import prepared
from kdprobe.tasks.other_task import other_task
from kdprobe.tasks.splits import Part, Split, split
from kdprobe.training.engines import train
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem, tensor_of
from kdprobe.training.teachers import Teachers
from kdprobe.zoo.traces import module_of, outputs_of, trace_of

DOSES = (0.0, 0.25, 0.5, 0.75, 1.0)
TEMPERATURE = 2.0
VALIDATION = 200


@dataclass(frozen=True, kw_only=True)
class Depth:
    """How many networks, how wide, and how long they learn.

    Parameters
    ----------
    groups, group
        G1: disjoint groups, and held-out twins in each.
    seeds
        Paired seeds of the doses and controls.
    student, teacher
        Widths of their one hidden layer.
    rows, fresh
        Labelled rows of teachers and twins; further rows that students learn on.
    probe
        Rows that a metric reads; half as many each for gains and for scores.
    """

    groups: int = 125
    group: int = 8
    seeds: int = 10
    student: int = 32
    teacher: int = 64
    narrow: int = 8
    rows: int = 1500
    fresh: int = 3000
    probe: int = 800
    steps: int = 600
    short: int = 150


FULL = Depth()
QUICK = Depth(groups=2, seeds=8, student=16, teacher=32, rows=400, fresh=800, probe=300, steps=100, short=40)


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Trained networks of one kind, in the order of their seeds."""

    jobs: tuple[Job, ...]
    modules: tuple[torch.nn.Module, ...]

    def turned(self) -> "Networks":
        """The same networks, each in the place of the one before it."""
        return Networks(jobs=(*self.jobs[1:], self.jobs[0]), modules=(*self.modules[1:], self.modules[0]))


class Trainer:
    """Trains networks of one task."""

    def __init__(self, task: Task, depth: Depth):
        self.task, self.depth = task, depth
        sizes = replace(task.split, train=depth.rows, transfer=depth.fresh)
        self.parts: Split = split(task, sizes=sizes)
        self.kind: TaskKind = task.kind

    def untaught(
        self, role: str, width: int, seeds: Sequence[int], *, rows: Part | None = None, steps: int, other: bool = False
    ) -> Networks:
        """Networks on labels alone: of the labelled rows, or of others; with `other`, on the labels of another task."""
        part = rows or self.parts.train
        y = other_task(part.x, self.parts) if other else part.y
        jobs = [self._job(role, width, seed, steps) for seed in seeds]
        return self._trained(jobs, part, y, "none", None)

    def taught(self, distiller: str, alpha: float, teachers: Networks, seeds: Sequence[int], *, steps: int) -> Networks:
        """Students on the fresh rows: their true labels weigh 1 - α, what the teacher of the same place says of them α."""
        part, used = self.parts.transfer, find("distillers", distiller)
        said = [torch.from_numpy(outputs_of(module, part.x)[0]) for module in teachers.modules]
        if used.prepare is not None:
            labels = _labels(part.y, self.kind)
            said = [prepared(used, job.id, outputs, labels) for job, outputs in zip(teachers.jobs, said, strict=True)]
        parameters = dict.fromkeys(used.parameters, TEMPERATURE) if "temperature" in used.parameters else dict(used.parameters)
        jobs = [
            msgspec.structs.replace(
                self._job("student", self.depth.student, seed, steps),
                distiller=distiller,
                alpha=alpha,
                parameters=parameters,
                teacher=by.id,
            )
            for seed, by in zip(seeds, teachers.jobs, strict=True)
        ]
        return self._trained(jobs, part, part.y, distiller, torch.stack(said))

    def traces(self, networks: Networks, part: Part, name: str) -> list[Trace]:
        """What each says of the rows of a part."""
        return [
            trace_of(module, part, self.kind, name=f"{name} seed {job.seed}", temperature=1.0 if self.kind == "classification" else None)
            for job, module in zip(networks.jobs, networks.modules, strict=True)
        ]

    @property
    def read(self) -> Part:
        """Rows that a metric reads."""
        return self.parts.probe_a.first(self.depth.probe)

    def performance(self, networks: Networks) -> tuple[np.ndarray, np.ndarray]:
        """Loss on a half of the other probe rows, and accuracy (or minus squared error) on the other half: (networks,) each."""
        part = self.parts.probe_b.first(self.depth.probe)
        first = np.arange(part.n) % 2 == 0
        found = []
        for trace in self.traces(networks, part, "network"):
            if self.kind == "regression":
                losses, right = squared_error(trace.outputs, part.y), -squared_error(trace.outputs, part.y)
            else:
                losses, right = nll(np.log(trace.outputs), part.y), (trace.raw.argmax(axis=1) == part.y).astype(float)
            found.append((losses[first].mean(), right[~first].mean()))
        loss, score = np.array(found).T
        return loss, score

    def _job(self, role: str, width: int, seed: int, steps: int) -> Job:
        family: Family = find("families", "mlp")
        return Job(
            task=self.task.name,
            data=self.parts.sha256,
            draw=0,
            family=family.name,
            width=width,
            options=dict(family.options),
            role=role,
            seed=seed,
            steps=steps,
            batch_size=64,
            learning_rate=0.01,
            weight_decay=1e-4,
        )

    def _trained(self, jobs: Sequence[Job], part: Part, y: np.ndarray, distiller: str, said: torch.Tensor | None) -> Networks:
        used: Distiller = find("distillers", distiller)
        validation = self.parts.validation.first(VALIDATION)
        problem = Problem(
            kind=self.kind,
            family=find("families", "mlp"),
            distiller=used,
            outputs=self.parts.outputs,
            x=tensor_of(part.x),
            y=_labels(y, self.kind),
            teachers=None if said is None else Teachers(outputs=said),
            teacher_of=list(range(len(jobs))) if said is not None else [0] * len(jobs),
            validation_x=tensor_of(validation.x),
            validation_y=_labels(validation.y, self.kind),
        )
        state = train(jobs, problem, "stack").state
        modules = tuple(module_of(job, state, slot, self.parts) for slot, job in enumerate(jobs))
        return Networks(jobs=tuple(jobs), modules=modules)


def _labels(y: np.ndarray, kind: TaskKind) -> torch.Tensor:
    return torch.from_numpy(np.array(y, dtype=np.int64 if kind == "classification" else np.float32))
