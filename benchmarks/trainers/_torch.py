"""What the trainers in torch share: the networks, the rows, and predictions."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from _work import Work
from torch import nn

torch.set_num_threads(1)


class Perceptron(nn.Module):
    """Linear, ReLU, linear."""

    def __init__(self, inputs: int, width: int, classes: int):
        super().__init__()
        self.hidden, self.output = nn.Linear(inputs, width), nn.Linear(width, classes)

    def forward(self, x: torch.Tensor, is_feat: bool = False) -> torch.Tensor | tuple[list[torch.Tensor], torch.Tensor]:
        """Logits, and the hidden layer before them where asked."""
        hidden = torch.relu(self.hidden(x.flatten(1)))
        return ([hidden], self.output(hidden)) if is_feat else self.output(hidden)


class Convolutional(nn.Module):
    """Three convolutions that halve the image, ReLU after each; mean over places, linear."""

    def __init__(self, channels: int, width: int, classes: int):
        super().__init__()
        sizes = [channels, width, 2 * width, 4 * width]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(sizes))
        self.output = nn.Linear(sizes[-1], classes)

    def forward(self, x: torch.Tensor, is_feat: bool = False) -> torch.Tensor | tuple[list[torch.Tensor], torch.Tensor]:
        """Logits, and the maps before them where asked."""
        features = []
        for layer in self.convolutions:
            x = torch.relu(layer(x))
            features.append(x)
        logits = self.output(x.mean(dim=(-2, -1)))
        return (features, logits) if is_feat else logits


def network(work: Work, width: int, seed: int) -> nn.Module:
    """An untrained network in torch's own initialisation."""
    torch.manual_seed(seed)
    shape = work.arrays["x"].shape[1:]
    if work.family == "mlp":
        return Perceptron(math.prod(shape), width, work.classes)
    return Convolutional(shape[0], width, work.classes)


def teacher(work: Work, place: int) -> nn.Module:
    """A trained teacher, frozen."""
    module = network(work, work.teacher_width, 0).eval().requires_grad_(False)
    for parameter, values in zip(module.parameters(), work.teacher(place), strict=True):
        parameter.copy_(torch.from_numpy(values))
    return module


def rows(work: Work, part: str = "") -> tuple[torch.Tensor, torch.Tensor]:
    """x and y of a part: "", "validation_" or "test_"."""
    return torch.from_numpy(work.arrays[f"{part}x"]), torch.from_numpy(work.arrays[f"{part}y"])


def predictions(students: Sequence[nn.Module], work: Work) -> np.ndarray:
    """Logits of the test rows (students, n, classes)."""
    with torch.no_grad():
        return torch.stack([student(rows(work, "test_")[0]) for student in students]).numpy()
