"""What a group of jobs learns from: rows, labels and teacher outputs, as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from kdprobe.core.recipe import Distiller, Family
from kdprobe.core.trace import TaskKind


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Data of a stack of jobs.

    Parameters
    ----------
    x, y
        (n, ...) float32 inputs; (n,) int64 classes or (n, c) float32 values. On transfer rows y is None: there are no labels.
    targets
        (m, n, c) float32 outputs of m teachers on the same rows, or None.
    teacher_of
        For each job, its teacher's place among the m.
    validation_x, validation_y
        Rows for the training history; nothing is chosen on them here.
    """

    kind: TaskKind
    family: Family
    distiller: Distiller
    outputs: int
    x: torch.Tensor
    y: torch.Tensor | None
    targets: torch.Tensor | None
    teacher_of: Sequence[int]
    validation_x: torch.Tensor
    validation_y: torch.Tensor

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of x."""
        return tuple(self.x.shape[1:])


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A stack of trained models.

    Parameters
    ----------
    state
        Parameters and buffers by name, each with the models along its first axis.
    history
        "step" (e,), and "loss", "validation_loss", "gradient_norm", each (models, e): training loss averaged since the last entry,
        the other two at the entry's step.
    engine
        Which engine trained it, and its chunk size.
    """

    state: dict[str, torch.Tensor]
    history: dict[str, torch.Tensor]
    engine: str


def label_loss(kind: TaskKind, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats, or squared error averaged over the outputs: (n,)."""
    if kind == "classification":
        return torch.nn.functional.cross_entropy(outputs, y, reduction="none")
    return ((outputs - y) ** 2).mean(dim=-1)


def recorded_steps(steps: int, entries: int = 20) -> list[int]:
    """Steps after which the history gets an entry: evenly spaced, the last step always."""
    return sorted({max(1, round(steps * (i + 1) / entries)) for i in range(entries)})


def cosine(step: int, steps: int) -> float:
    """Factor of the learning rate at a step counted from 0."""
    return 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * step / steps))))
