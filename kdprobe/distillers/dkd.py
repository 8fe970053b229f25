"""Decoupled soft targets (Zhao et al. 2022)."""

import numpy as np
import torch
from scipy.special import softmax

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._truth_inputs import labelled_logits


def _loss(
    student: View, teacher: View, *, temperature: float | torch.Tensor, target: float | torch.Tensor, others: float | torch.Tensor
) -> torch.Tensor:
    """T²·(target·KL of the label's class against the rest + others·KL among the other classes), one value a row.

    With weights 1 and 1 - p_T[label], both at temperature T, it is T²·KL(teacher‖student).
    """
    hit = student.labels[..., None] == torch.arange(teacher.outputs.shape[-1], device=teacher.outputs.device)
    whole_s, rest_s, within_s = _parts(student.outputs / temperature, hit)
    whole_t, rest_t, within_t = _parts(teacher.outputs / temperature, hit)
    of_target = whole_t.exp() * (whole_t - whole_s) + rest_t.exp() * (rest_t - rest_s)
    of_others = torch.where(hit, 0.0, within_t.exp() * (within_t - within_s)).sum(dim=-1)
    return temperature**2 * (target * of_target + others * of_others)


def _parts(logits: torch.Tensor, hit: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log probabilities of the label's class, of all the others together, and of each of the others among themselves."""
    # a finite number and not -inf, so that 0·(log 0 - log 0) is 0 and its gradient is no NaN
    low = logits.detach().amin(dim=-1, keepdim=True) - 1e4
    rest = torch.where(hit, low, logits).logsumexp(dim=-1)
    own = torch.where(hit, logits, 0.0).sum(dim=-1)
    whole = torch.stack([own, rest]).logsumexp(dim=0)
    return own - whole, rest - whole, torch.where(hit, 0.0, logits - rest[..., None])


def _oracle(student: View, teacher: View, *, temperature: float, target: float, others: float) -> np.ndarray:
    found = []
    for z_s, z_t, label in zip(student.outputs, teacher.outputs, student.labels, strict=True):
        p, q = softmax(z_t / temperature), softmax(z_s / temperature)
        of_target = p[label] * np.log(p[label] / q[label]) + (1 - p[label]) * np.log((1 - p[label]) / (1 - q[label]))
        p, q = (np.delete(values, label) / (1 - values[label]) for values in (p, q))
        found.append(temperature**2 * (target * of_target + others * np.sum(p * np.log(p / q))))
    return np.array(found)


DKD = Distiller(
    name="dkd",
    title="decoupled targets",
    knowledge="response",
    tasks=("classification",),
    loss=_loss,
    formula="(1-α)·CE + α·T²·(KL(b_T‖b_S) + 8·KL(p̂_T‖p̂_S)), b: label against rest, p̂: among the other classes",
    parameters={"temperature": 4.0, "target": 1.0, "others": 8.0},
    needs=("outputs", "labels"),
    truths=(
        LossTruth(
            name="both parts by hand", make=labelled_logits, oracle=_oracle, parameters={"temperature": 4.0, "target": 1.0, "others": 8.0}
        ),
        LossTruth(
            name="the label's part alone",
            make=labelled_logits,
            oracle=_oracle,
            parameters={"temperature": 1.0, "target": 1.0, "others": 0.0},
        ),
    ),
    cites="arXiv:2203.08679",
)
