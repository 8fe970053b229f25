"""What a group of jobs learns from: rows, labels and teachers, as tensors; and how its losses are mixed."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from kdprobe.core.recipe import Distiller, Family, Head, Shapes, View
from kdprobe.core.trace import TaskKind
from kdprobe.training.heads import head_loss
from kdprobe.training.job import Job
from kdprobe.training.shapes import layer_shapes, network_outputs
from kdprobe.training.streams import batch_order
from kdprobe.training.teachers import Live, Teachers

CHECKS = 20
"""Entries of a training history, at most: checks on the validation rows."""


CHUNK = 1024
"""Rows in one forward pass over the validation rows: bounds memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Data of a stack of jobs, all on one device.

    Parameters
    ----------
    outputs
        Classes or target columns.
    x, y
        (n, ...) float32 inputs; (n,) int64 classes or (n, c) float32 values. On transfer rows y is None: there are no labels.
    apart
        0 where labels and teachers speak of the same rows. Else the first so many rows have labels, all of y, and teachers speak of the
        rest alone: a batch is one of the first, then one of the rest.
    teachers
        What m teachers say of the same rows, or None.
    teacher_of
        For each job, its teacher's place among the m.
    validation_x, validation_y
        Rows for the training history, and for early stopping where a job asks for it.
    goals
        Of jobs that match another model's loss on the validation rows, that loss; empty for all others. Training ends at the first check
        below it, and the weights of the check that is nearest to it are kept.
    """

    kind: TaskKind
    family: Family
    distiller: Distiller
    outputs: int
    x: torch.Tensor
    y: torch.Tensor | None
    teachers: Teachers | Live | None
    teacher_of: Sequence[int]
    validation_x: torch.Tensor
    validation_y: torch.Tensor
    goals: Sequence[float] = ()
    apart: int = 0

    def order(self, job: Job) -> np.ndarray:
        """Rows of every batch of a job, (steps, rows of a step) int32; where rows are `apart`, the labelled ones are its twin's."""
        if not self.apart:
            return batch_order(job, len(self.x))
        taught = self.apart + batch_order(job, len(self.x) - self.apart, "order of the rows it is taught on")
        return np.concatenate([batch_order(job, self.apart), taught], axis=1)

    def cut(self, job: Job) -> int:
        """Rows at the start of a batch that have labels alone, where rows are `apart`; else 0, and all rows are of both kinds."""
        return min(job.batch_size, self.apart)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of x."""
        return tuple(self.x.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where everything lies."""
        return self.x.device

    @cached_property
    def network_outputs(self) -> int:
        """Outputs of the students' networks."""
        return network_outputs(self.distiller, self.outputs)

    def shapes(self, job: Job) -> Shapes:
        """What an auxiliary module is built for."""
        student = layer_shapes(self.family, self.input_shape, self.network_outputs, job.width, job.options)
        teacher = {} if self.teachers is None else dict(self.teachers.layers)
        return Shapes(kind=self.kind, outputs=self.outputs, student=student, teacher=teacher)

    def loss(
        self,
        outputs: torch.Tensor,
        features: Mapping[str, torch.Tensor],
        y: torch.Tensor | None,
        auxiliary: Any,
        said: tuple[torch.Tensor, Mapping[str, torch.Tensor]] | None,
        alpha: Any,
        numbers: Mapping[str, Any],
    ) -> torch.Tensor:
        """(1 - alpha)·label loss + alpha·teacher's loss of one model on one batch; a part that has no labels or no teacher is left out.

        Parameters
        ----------
        outputs, features
            Of the model, on all rows of the batch.
        y
            Labels of the batch, or of its first rows where rows are `apart`.
        said
            Outputs and hidden layers of its teacher, on those rows of the batch that it speaks of.
        """
        loss = outputs.new_zeros(())
        if y is not None:
            loss = loss + (1 - alpha) * label_loss(self.kind, outputs[: len(y)], y, self.distiller.head).mean()
        if said is not None:
            assert self.distiller.loss is not None, "a teacher needs a loss"
            if self.apart:
                assert y is not None, "rows apart are those with labels and those without"
                cut, y = len(y), None
                outputs, features = outputs[cut:], {name: values[cut:] for name, values in features.items()}
            student, teacher = self.views(outputs, features, y, auxiliary, said)
            loss = loss + alpha * self.distiller.loss(student, teacher, **numbers).mean()
        return loss

    def views(
        self,
        outputs: torch.Tensor,
        features: Mapping[str, torch.Tensor],
        y: torch.Tensor | None,
        auxiliary: Any,
        teacher: tuple[torch.Tensor, Mapping[str, torch.Tensor]],
    ) -> tuple[View, View]:
        """What the distiller's loss sees of student and teacher, on the rows that the teacher speaks of: only what it declared."""
        labels = y if "labels" in self.distiller.needs else None
        seen = features if "features" in self.distiller.needs else {}
        student = View(outputs, seen, labels, auxiliary, self.kind)
        return student, View(teacher[0], teacher[1], labels, kind=self.kind)

    def checks(self, steps: int) -> list[int]:
        """Steps after which the validation loss is looked at: oftener where one value of it is to be met."""
        return recorded_steps(steps, 5 * CHECKS if self.goals else CHECKS)

    def part(self, places: slice | Sequence[int]) -> "Problem":
        """The problem of some of the jobs."""
        chosen = range(len(self.teacher_of))[places] if isinstance(places, slice) else places
        goals = [self.goals[place] for place in chosen] if self.goals else ()
        return replace(self, teacher_of=[self.teacher_of[place] for place in chosen], goals=goals)

    @property
    def taught(self) -> bool:
        """Whether the jobs learn from teachers."""
        return self.teachers is not None and self.distiller.loss is not None


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A stack of trained models, on the CPU.

    Parameters
    ----------
    state
        Parameters and buffers by name, each with the models along its first axis.
    history
        "step" (e,), and "loss", "validation_loss", "gradient_norm", each (models, e): training loss averaged since the last entry,
        the other two at the entry's step. "entries" (models,): how many of them a model reached before it was stopped; later ones
        repeat the last.
    engine
        Which engine trained it, and how many models at once.
    validation_outputs
        What the networks say of the validation rows, (models, n, c), where the engine knows it anyway.
    """

    state: dict[str, torch.Tensor]
    history: dict[str, torch.Tensor]
    engine: str
    validation_outputs: torch.Tensor | None = None

    def first(self) -> "Trained":
        """The first model alone."""
        history = {name: values if name == "step" else values[:1] for name, values in self.history.items()}
        return Trained(state={name: values[:1] for name, values in self.state.items()}, history=history, engine=self.engine)


def tensor_of(x: np.ndarray) -> torch.Tensor:
    """Inputs as float32, where they are float32 in the same memory: nothing may be written to them."""
    with warnings.catch_warnings():
        # that rows of a split are read-only, which is as it should be
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.asarray(x, dtype=np.float32))


HISTORY = ("loss", "validation_loss", "gradient_norm")


def label_loss(kind: TaskKind, outputs: torch.Tensor, y: torch.Tensor, head: Head = "plain") -> torch.Tensor:
    """Cross-entropy in nats; squared error, or what the student's head asks for, averaged over the outputs: (n,)."""
    if kind == "classification":
        return torch.nn.functional.cross_entropy(outputs, y, reduction="none")
    if head != "plain":
        return head_loss(head, outputs, y)
    return ((outputs - y) ** 2).mean(dim=-1)


def validation_loss(module: nn.Module, problem: Problem, state: Mapping[str, torch.Tensor] | None = None) -> float:
    """Mean label loss of a network on the validation rows, in evaluation mode; with `state` in the place of its own weights."""
    module.eval()
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(problem.validation_x), CHUNK):
            x, y = problem.validation_x[start : start + CHUNK], problem.validation_y[start : start + CHUNK]
            outputs, _ = module(x) if state is None else functional_call(module, dict(state), (x,))
            total += float(label_loss(problem.kind, outputs, y, problem.distiller.head).sum())
    return total / len(problem.validation_x)


def recorded_steps(steps: int, entries: int = CHECKS) -> list[int]:
    """Steps after which the history gets an entry: evenly spaced, the last step always."""
    return sorted({max(1, round(steps * (i + 1) / entries)) for i in range(entries)})


def cosine(step: int, steps: int) -> float:
    """Factor of the learning rate at a step counted from 0."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))
