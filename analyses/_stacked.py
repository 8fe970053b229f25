"""Perceptrons of many seeds trained at once, for studies whose teachers no scheme of a sweep has (smoothed, mislabelled, at odds).

Weights of all seeds lie in one tensor, and their losses are added: AdamW works on each number by itself, so every network is trained as it
would be alone. The recipe is a sweep's: AdamW, cosine schedule down to nothing, decay 1e-4, batches of 64, rate .01.
"""

import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically
from kdprobe.core.registry import find
from kdprobe.stats.scores import fit_temperature
from kdprobe.tasks.splits import split

STEPS = {"letters": 600, "digits": 600, "fashion_mnist": 400}
"""In place of a task's own, so that these studies end in minutes."""
COARSE = 16
"""Pixels of a side, above which images are halved."""
BATCH, RATE, DECAY = 64, 0.01, 1e-4
Loss = Callable[[torch.Tensor, list[torch.Tensor], torch.Tensor], torch.Tensor]
"""(outputs (seeds, rows, c), hidden layers, places of the rows (seeds, rows)) -> a loss for each row of each seed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """A task's parts as tensors; y are classes (n,) or targets (n, 1)."""

    name: str
    kind: str
    outputs: int
    steps: int
    train: tuple[torch.Tensor, torch.Tensor]
    transfer: tuple[torch.Tensor, torch.Tensor]
    validation: tuple[torch.Tensor, torch.Tensor]
    probe: tuple[torch.Tensor, torch.Tensor]


def data(name: str, *, steps: int | None = None) -> Data:
    """The default split of a task; images as rows of numbers, those of 28 × 28 pixels as 14 × 14."""
    task = find("tasks", name)
    parts = split(task)
    pairs = {}
    for part in ("train", "transfer", "validation", "probe_b"):
        own = getattr(parts, part)
        y = torch.from_numpy(np.array(own.y))
        x = torch.from_numpy(np.array(own.x)).float()
        # images of 784 numbers would cost four times as much
        x = (functional.avg_pool2d(x, 2) if x.ndim == 4 and x.shape[-1] > COARSE else x).flatten(1)
        pairs[part] = (x, y if parts.kind == "classification" else y.float())
    return Data(
        name=name, kind=parts.kind, outputs=parts.outputs, steps=steps or STEPS.get(name) or task.steps or 600, train=pairs["train"],
        transfer=pairs["transfer"], validation=pairs["validation"], probe=pairs["probe_b"],
    )  # fmt: skip


class Nets:
    """One perceptron a seed: `weights` and `biases` of each layer, (seeds, in, out) and (seeds, 1, out)."""

    def __init__(self, inputs: int, widths: Sequence[int], outputs: int, *, seeds: int, stream: str):
        generator = torch.Generator().manual_seed(_number("start", stream, *widths))
        sizes = [inputs, *widths, outputs]
        self.weights, self.biases = [], []
        for fan, out in itertools.pairwise(sizes):
            reach = 1 / math.sqrt(fan)
            self.weights.append(((2 * torch.rand(seeds, fan, out, generator=generator) - 1) * reach).requires_grad_())
            self.biases.append(((2 * torch.rand(seeds, 1, out, generator=generator) - 1) * reach).requires_grad_())

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """x (rows, d), or (seeds, rows, d), to outputs (seeds, rows, c) and hidden layers."""
        hidden = []
        here = x.expand(len(self.weights[0]), *x.shape[-2:])
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            here = torch.relu(torch.baddbmm(bias, here, weight))
            hidden.append(here)
        return torch.baddbmm(self.biases[-1], here, self.weights[-1]), hidden

    @property
    def size(self) -> int:
        """Parameters of one network."""
        return sum(one[0].numel() for one in (*self.weights, *self.biases))

    @torch.no_grad()
    def answers(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (seeds, rows, c)."""
        return torch.cat([self(part)[0] for part in x.split(2000)], dim=1)


def fit(
    nets: Nets,
    x: torch.Tensor,
    loss: Loss,
    *,
    steps: int,
    stream: str,
    until: float = 1.0,
    decay: float = DECAY,
    beside: Sequence[Any] = (),
) -> Nets:
    """Train networks in place on rows x, and return them.

    Parameters
    ----------
    stream
        Whose batches they see: those of one stream see the same.
    until
        The share of the steps after which training is stopped, with the schedule of all of them.
    beside
        Other tensors that are trained along.
    """
    own = [*nets.weights, *nets.biases, *beside]
    optimiser = torch.optim.AdamW(own, lr=RATE, weight_decay=decay, foreach=True)
    generator, seeds = torch.Generator().manual_seed(_number("batches", stream)), len(nets.weights[0])
    for step in range(round(until * steps)):
        optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        rows = torch.randint(len(x), (seeds, BATCH), generator=generator)
        outputs, hidden = nets(x[rows])
        optimiser.zero_grad(set_to_none=True)
        loss(outputs, hidden, rows).mean(dim=1).sum().backward()
        optimiser.step()
    return nets


def _number(*words: object) -> int:
    """A seed that is the same wherever it is asked for."""
    return int.from_bytes("/".join(map(str, words)).encode(), "big") % (2**61 - 1)


def labels(y: torch.Tensor, *, smoothing: float = 0.0) -> Loss:
    """Cross entropy to classes, (n,) for all seeds or (seeds, n), or squared error to targets (n, 1)."""

    def loss(outputs: torch.Tensor, hidden: list[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
        own = torch.gather(y, 1, rows) if y.ndim == 2 and not y.is_floating_point() else y[rows]
        if own.is_floating_point():
            return ((outputs - own) ** 2).mean(dim=-1)
        return functional.cross_entropy(outputs.movedim(-1, 1), own, reduction="none", label_smoothing=smoothing)

    return loss


def soft(answers: torch.Tensor, *, temperature: float = 1.0, wrong: float | None = None, y: torch.Tensor | None = None) -> Loss:
    """T²·KL to a teacher's logits (seeds, n, c); with `wrong` that temperature divides the logits of the wrong classes (asymmetric).

    The student has T for all classes either way, as in arXiv:2210.04427.
    """
    scaled = answers / temperature
    if wrong is not None:
        assert y is not None, "which classes are wrong, labels say"
        right = functional.one_hot(y, answers.shape[-1]).bool()
        scaled = torch.where(right, answers / temperature, answers / wrong)
    targets = torch.softmax(scaled, dim=-1)
    return to_probabilities(targets, temperature=temperature)


def to_probabilities(targets: torch.Tensor, *, temperature: float = 1.0) -> Loss:
    """T²·KL of the student's softened probabilities to targets (seeds, n, c)."""

    def loss(outputs: torch.Tensor, hidden: list[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
        own = torch.gather(targets, 1, rows[..., None].expand(*rows.shape, targets.shape[-1]))
        told = torch.log_softmax(outputs / temperature, dim=-1)
        return temperature**2 * (torch.xlogy(own, own) - own * told).sum(dim=-1)

    return loss


def imitation(answers: torch.Tensor) -> Loss:
    """Squared error to a teacher's predictions (seeds, n, 1)."""

    def loss(outputs: torch.Tensor, hidden: list[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
        own = torch.gather(answers, 1, rows[..., None].expand(*rows.shape, answers.shape[-1]))
        return ((outputs - own) ** 2).mean(dim=-1)

    return loss


def mixed(alpha: float, teacher: Loss, own: Loss) -> Loss:
    """α of the teacher's loss and 1 - α of the labels'."""
    return lambda outputs, hidden, rows: alpha * teacher(outputs, hidden, rows) + (1 - alpha) * own(outputs, hidden, rows)


def scores(nets: Nets, given: Data) -> dict[str, np.ndarray]:
    """Scores of each seed on probe rows, more is better: accuracy and -NLL after one temperature, or R² and -MSE; (seeds,) each."""
    found = nets.answers(given.probe[0]).double().numpy()
    y = given.probe[1].numpy()
    if given.kind == "regression":
        errors = ((found - y) ** 2).mean(axis=(1, 2))
        return {"score": 1 - errors / y.var(), "loss": -errors}
    held = nets.answers(given.validation[0]).double().numpy()
    losses = []
    for own, validation in zip(found, held, strict=True):
        told = torch.log_softmax(torch.from_numpy(own / fit_temperature(validation, given.validation[1].numpy())), dim=-1)
        losses.append(float(told[torch.arange(len(y)), torch.from_numpy(y)].mean()))
    return {"score": (found.argmax(axis=-1) == y).mean(axis=1), "loss": np.array(losses)}


def kept(folder: Path | None, name: str, make: Callable[[], Any], *, train: bool = True) -> Any:
    """What `make` gives, as plain values, from a file of the folder where it is there already; DataError where it may not be trained."""
    if folder is None:
        return make()
    path = folder / f"{name}.json"
    if not path.exists():
        if not train:
            raise DataError(f"{name} is not trained: leave out --kept-only")
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(make()).encode())
    return json.loads(path.read_text(encoding="utf-8"))
