"""Values as histograms, which a head and a loss share.

Targets are in standard deviations of the train rows, so that one range of bins serves all tasks.
"""

import math

import torch

from kdprobe.core.recipe import HEADS

BINS = HEADS["histogram"]
LOW, HIGH = -5.0, 5.0
"""The first edge and the last; a value beyond them is taken at the edge."""
SPREAD = 0.15
"""Standard deviation of the Gaussian that smooths a value: .75 of a bin's width, the choice of Farebrother et al. 2024."""


def smoothed(values: torch.Tensor, spread: float | torch.Tensor) -> torch.Tensor:
    """Mass in each bin of a Gaussian round a value, cut off at the ends of the range: (..., c) -> (..., c, bins)."""
    edges = torch.linspace(LOW, HIGH, BINS + 1, dtype=values.dtype, device=values.device)
    below = torch.erf((edges - values.clamp(LOW, HIGH)[..., None]) / (spread * math.sqrt(2)))
    # rounding may put a later edge below an earlier one where both are as good as 1
    mass = (below[..., 1:] - below[..., :-1]).clamp(min=0.0)
    return mass / (below[..., -1:] - below[..., :1])


def cross_entropy(target: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    """Nats from target histograms (..., c, bins) to those of a network's outputs (..., c·bins): (..., c)."""
    return -(target * torch.log_softmax(outputs.unflatten(-1, (-1, BINS)), dim=-1)).sum(dim=-1)


def mean_of(outputs: torch.Tensor) -> torch.Tensor:
    """Means of the histograms of a network's outputs: (..., c·bins) -> (..., c)."""
    half = 0.5 * (HIGH - LOW) / BINS
    centres = torch.linspace(LOW + half, HIGH - half, BINS, dtype=outputs.dtype, device=outputs.device)
    return (torch.softmax(outputs.unflatten(-1, (-1, BINS)), dim=-1) * centres).sum(dim=-1)
