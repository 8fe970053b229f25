"""Students of regression with a head of their own: what they lose by a label, and what they predict."""

import math

import torch

from kdprobe.core.recipe import Head
from kdprobe.distillers._histogram import SPREAD, cross_entropy, mean_of, smoothed


def head_loss(head: Head, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Loss of the labels, averaged over the targets: (n,) nats.

    Parameters
    ----------
    outputs
        (n, c · outputs of the head) of the network.
    y
        (n, c) values in standard deviations of the train rows.
    """
    if head == "histogram":
        return cross_entropy(smoothed(y, SPREAD), outputs).mean(dim=-1)
    mean, log_variance = outputs.chunk(2, dim=-1)
    # targets have variance 1: below e^-10 of it a variance is no estimate, and its inverse would overflow
    log_variance = log_variance.clamp(min=-10.0)
    return 0.5 * (log_variance + (y - mean) ** 2 * torch.exp(-log_variance) + math.log(2 * math.pi)).mean(dim=-1)


def predicted(head: Head, outputs: torch.Tensor) -> torch.Tensor:
    """What a network with a head predicts: (n, c)."""
    if head == "histogram":
        return mean_of(outputs)
    return outputs.chunk(2, dim=-1)[0] if head == "gaussian" else outputs
