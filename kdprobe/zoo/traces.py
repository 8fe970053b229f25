"""Traces of the models of a zoo."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from kdprobe.core.recipe import Distiller, Family, Head
from kdprobe.core.registry import find
from kdprobe.core.trace import TaskKind, Trace
from kdprobe.stats.scores import fit_temperature
from kdprobe.tasks.splits import Part, Split
from kdprobe.tasks.views import seen
from kdprobe.training.fixed_features import last_hidden_layer
from kdprobe.training.heads import predicted
from kdprobe.training.job import Job
from kdprobe.training.problem import tensor_of
from kdprobe.training.shapes import network_outputs
from kdprobe.training.streams import initial_module
from kdprobe.zoo.imported.recorded import recorded
from kdprobe.zoo.shards import read_shard

CHUNK = 8192
"""Rows in one forward pass: bounds memory, changes no value."""


class Stored(NamedTuple):
    """Where a model lies in the zoo, and the temperature that was fitted for it on validation rows."""

    job: Job
    shard: str
    slot: int
    temperature: float | None = None


class Means(nn.Module):
    """A network with a head, as everybody else sees it: its predictions are the means of what it says."""

    def __init__(self, network: nn.Module, head: Head):
        super().__init__()
        self.network = network
        self.head: Head = head

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) -> means (n, c) and the hidden layers."""
        outputs, features = self.network(x)
        return predicted(self.head, outputs), features


class Seeing(nn.Module):
    """A network that sees rows in a form of its own, as everybody else sees it: it takes rows as they are."""

    def __init__(self, network: nn.Module, inputs: str, split: Split):
        super().__init__()
        self.network, self.inputs, self._split = network, inputs, split

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """x (n, ...) -> outputs (n, c) and the hidden layers."""
        return self.network(torch.from_numpy(seen(x.cpu().numpy(), self.inputs, self._split)).to(x.device))


def outputs_of(module: nn.Module, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Outputs (n, c) and hidden layers of a family's module on rows x, float32, in evaluation mode."""
    module.eval()
    rows = tensor_of(x)
    with torch.inference_mode():
        if getattr(module, "fixed", None) is not None:
            outputs, features = module.read(last_hidden_layer(module, rows))  # pyright: ignore[reportCallIssue]
            return outputs.numpy(), {name: values.numpy() for name, values in features.items()}
        pieces = [module(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
    outputs = torch.cat([piece[0] for piece in pieces]).numpy()
    return outputs, {name: torch.cat([piece[1][name] for piece in pieces]).numpy() for name in pieces[0][1]}


def network_of(job: Job, split: Split) -> nn.Module:
    """Build the untrained network of a job, with all outputs of its head."""
    family: Family = find("families", job.family)
    distiller: Distiller = find("distillers", job.distiller)
    return initial_module(job, family, split.input_shape, network_outputs(distiller, split.outputs))


def module_of(job: Job, state: Mapping[str, torch.Tensor], slot: int, split: Split) -> nn.Module:
    """Rebuild the network of a job with the weights in one slot of a stack, in evaluation mode; of a head, only the predictions.

    It takes rows as they are, in whatever form it saw them in training.
    """
    if job.imported:
        return recorded(state, slot).eval()
    module = network_of(job, split)
    module.load_state_dict({name: state[name][slot] for name in module.state_dict()})
    distiller: Distiller = find("distillers", job.distiller)
    module = module if distiller.head == "plain" else Means(module, distiller.head)
    return (module if job.inputs == "own" else Seeing(module, job.inputs, split)).eval()


def load_module(zoo: Path, stored: Stored, split: Split) -> nn.Module:
    """Rebuild a network of a zoo from its verified shard."""
    return module_of(stored.job, read_shard(zoo, stored.shard), stored.slot, split)


def trace_of(
    module: nn.Module, part: Part, kind: TaskKind, *, name: str, validation: Part | None = None, temperature: float | None = None
) -> Trace:
    """Trace a module on a part of a split; with validation rows, a classifier without a temperature gets the one that fits them best."""
    raw, features = outputs_of(module, part.x)
    if kind == "classification" and temperature is None and validation is not None:
        temperature = fit_temperature(outputs_of(module, validation.x)[0], validation.y)
    return Trace.from_raw(kind, raw, features=features, ids=part.ids, blocks=part.blocks, temperature=temperature, name=name)
