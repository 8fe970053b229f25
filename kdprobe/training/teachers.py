"""What the teachers of a stack say of its rows: those that are trained, and those that still learn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from kdprobe.core.recipe import Head
from kdprobe.core.trace import TaskKind
from kdprobe.training.heads import predicted

CACHED_BYTES = 16 << 20
"""Largest size of one teacher's features that are kept; larger ones are computed anew for each batch. By teacher and not by stack, so
that what a student learns from does not depend on what it is trained beside."""

Said = tuple[torch.Tensor, dict[str, torch.Tensor]]
"""Outputs, and hidden layers by name."""
CHUNK = 512
"""Rows in one forward pass over a teacher's features."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Teachers:
    """m teachers on n rows.

    Parameters
    ----------
    outputs
        (m, n, c) float32.
    layers
        Shape of one row of each hidden layer; empty where no distiller reads features.
    features
        Hidden layers by name, each (m, n, ...); empty where they are computed anew.
    modules
        The teachers in evaluation mode, where features are computed anew; else empty.
    """

    outputs: torch.Tensor
    layers: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    features: Mapping[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])
    modules: tuple[nn.Module, ...] = ()

    def one(self, place: int, rows: torch.Tensor, x: torch.Tensor) -> Said:
        """Outputs and features of one teacher on the rows (b,), whose inputs are x."""
        if self.modules:
            with torch.no_grad():
                return self.outputs[place, rows], self.modules[place](x)[1]
        return self.outputs[place, rows], {name: values[place, rows] for name, values in self.features.items()}

    def many(self, places: torch.Tensor, rows: torch.Tensor, x: torch.Tensor) -> Said:
        """Outputs and features for a stack: places (k,), rows (k, b), x (k, b, ...)."""
        at = places[:, None] * self.outputs.shape[1] + rows
        outputs = rows_of(self.outputs.flatten(0, 1), at)
        if self.modules:
            with torch.no_grad():
                found = [self.modules[place](inputs)[1] for place, inputs in zip(places.tolist(), x, strict=True)]
            return outputs, {name: torch.stack([features[name] for features in found]) for name in self.layers}
        return outputs, {name: rows_of(values.flatten(0, 1), at) for name, values in self.features.items()}


def mean_output(outputs: torch.Tensor, kind: TaskKind, weights: torch.Tensor | None = None) -> torch.Tensor:
    """What several teachers say together: (m, ..., c) -> (..., c).

    With weights (m, ..., 1), which sum to 1 over the teachers, it is their weighted mean.

    Predictions are averaged. Of classifiers the predicted probabilities are averaged, at temperature 1, as in an ensemble; their
    logarithm is given, which serves as logits at any temperature (Hinton, Vinyals and Dean 2015, section 3).
    """
    if len(outputs) == 1:
        return outputs[0]
    if kind == "regression":
        return outputs.mean(dim=0) if weights is None else (weights * outputs).sum(dim=0)
    if weights is None:
        return torch.log_softmax(outputs, dim=-1).logsumexp(dim=0) - math.log(len(outputs))
    # what counts for nothing is left out: the logarithm of 0 is no number to add to
    return (torch.log_softmax(outputs, dim=-1) + weights.clamp_min(torch.finfo(outputs.dtype).tiny).log()).logsumexp(dim=0)


def rows_of(table: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Rows (k, b) of a table (n, ...), as (k, b, ...): faster than ``table[rows]``."""
    return table.index_select(0, rows.reshape(-1)).view(*rows.shape, *table.shape[1:])


@dataclass(eq=False)
class Live:
    """Teachers that still learn, in the place of `Teachers`: their answers are computed anew for every batch, in evaluation mode.

    Parameters
    ----------
    head
        Of all of them: of a head of its own, a peer says what it predicts.
    learners
        Those who teach: each a `Learner`, or a `Stack` whose models teach the models in the same places.
    """

    kind: TaskKind
    head: Head
    learners: list[Any] = field(default_factory=list)
    layers: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]], init=False)

    def one(self, place: int, rows: torch.Tensor, x: torch.Tensor) -> Said:
        """What the others of one cohort say of inputs x (b, ...)."""
        return self._together([learner.answers(x) for learner in self.learners])

    def many(self, places: torch.Tensor, rows: torch.Tensor, x: torch.Tensor) -> Said:
        """What the others of each cohort say of its inputs: x (k, b, ...)."""
        return self._together([learner.answers(x) for learner in self.learners])

    def _together(self, said: Sequence[torch.Tensor]) -> Said:
        return mean_output(torch.stack([predicted(self.head, one) for one in said]), self.kind), {}


def teachers_with_features(outputs: torch.Tensor, modules: Sequence[nn.Module], x: torch.Tensor) -> Teachers:
    """Teachers whose hidden layers are read too.

    Parameters
    ----------
    outputs
        (m, n, c) outputs on the rows x.
    modules
        m networks of one architecture; they are put into evaluation mode.
    x
        (n, ...) rows.
    """
    frozen = tuple(module.to(x.device).eval().requires_grad_(False) for module in modules)
    with torch.no_grad():
        layers = {name: tuple(values.shape[1:]) for name, values in frozen[0](x[:2])[1].items()}
        size = 4 * len(x) * sum(torch.Size(shape).numel() for shape in layers.values())
        if size > CACHED_BYTES:
            return Teachers(outputs=outputs, layers=layers, modules=frozen)
        passes = [[module(x[start : start + CHUNK])[1] for start in range(0, len(x), CHUNK)] for module in frozen]
    features = {name: torch.stack([torch.cat([part[name] for part in parts]) for parts in passes]) for name in layers}
    return Teachers(outputs=outputs, layers=layers, features=features)
