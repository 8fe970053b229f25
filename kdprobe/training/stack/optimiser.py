"""AdamW for a stack, with a learning rate, a weight decay and a largest gradient norm for each model."""

from itertools import groupby

import torch

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""torch's defaults, which the loop engine uses."""


class StackedAdamW:
    """Moments of a stack's parameters (models, parameters), and the step: torch's fused kernel, once for all neighbours of equal rates.

    It changes each number by itself, so a model is the same bits whoever shares its call.

    Parameters
    ----------
    rate, decay, clip
        (models,) float64 peak learning rate, decoupled weight decay, largest norm of the gradient (infinite for none).
    """

    def __init__(self, flat: torch.Tensor, rate: torch.Tensor, decay: torch.Tensor, clip: torch.Tensor):
        self.average, self.square = torch.zeros_like(flat), torch.zeros_like(flat)
        self.rate, self.decay, self.clip = rate, decay, clip
        self._taken = torch.zeros((), device=flat.device)
        self._group()

    def step(self, flat: torch.Tensor, gradient: torch.Tensor, factor: float) -> None:
        """Change `flat` in place.

        Parameters
        ----------
        gradient
            (models, parameters); left as it is.
        factor
            Of the schedule: the learning rate is this share of its peak.
        """
        if self._clips:
            # the formula of torch's clip_grad_norm_
            clip = self.clip.to(gradient)[:, None]
            gradient = gradient * (clip / (gradient.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1.0)
        self._taken += 1
        for start, end, rate, decay in self._groups:
            # what torch.optim.AdamW(fused=True) calls; a fifth of its time for one small network
            torch.ops.aten._fused_adamw_.default(
                *([values[start:end]] for values in (flat, gradient, self.average, self.square)),
                max_exp_avg_sqs=[],
                state_steps=[self._taken],
                lr=rate * factor,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
            )

    def keep(self, models: torch.Tensor) -> None:
        """Go on with some of the models only."""
        for name in ("average", "square"):
            setattr(self, name, getattr(self, name)[models])
        for name in ("rate", "decay", "clip"):
            setattr(self, name, getattr(self, name)[models.cpu()])
        self._group()

    def _group(self) -> None:
        """Find neighbours of equal rates: (first, after the last, rate, decay)."""
        self._clips = not torch.isinf(self.clip).all()
        self._groups: list[tuple[int, int, float, float]] = []
        start = 0
        for (rate, decay), group in groupby(zip(self.rate.tolist(), self.decay.tolist(), strict=True)):
            end = start + len(list(group))
            self._groups.append((start, end, rate, decay))
            start = end
