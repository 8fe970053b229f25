"""AdamW for a stack, with a learning rate, a weight decay and a largest gradient norm for each model."""

import math

import torch

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""torch's defaults, which the loop engine uses."""


class StackedAdamW:
    """Moments of a stack's parameters (models, parameters), and the step.

    Parameters
    ----------
    rate, decay, clip
        (models,) peak learning rate, decoupled weight decay, largest norm of the gradient (infinite for none).
    """

    def __init__(self, flat: torch.Tensor, rate: torch.Tensor, decay: torch.Tensor, clip: torch.Tensor):
        self.average, self.square, self._scratch = torch.zeros_like(flat), torch.zeros_like(flat), torch.empty_like(flat)
        self.rate, self.decay, self.clip = rate[:, None], decay[:, None], clip[:, None]
        self._clips = not torch.isinf(clip).all()
        self._taken = 0

    def step(self, flat: torch.Tensor, gradient: torch.Tensor, factor: float) -> None:
        """Change `flat` in place.

        Parameters
        ----------
        gradient
            (models, parameters); left as it is.
        factor
            Of the schedule: the learning rate is this share of its peak.
        """
        self._taken += 1
        if self._clips:
            # the formula of torch's clip_grad_norm_
            gradient = gradient * (self.clip / (gradient.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1.0)
        current = self.rate * factor
        bias1, bias2 = 1 - BETAS[0] ** self._taken, math.sqrt(1 - BETAS[1] ** self._taken)
        self.average.lerp_(gradient, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        # (rate / bias1) · average / (√square / bias2 + ε), with the corrections moved out of the large tensors
        step = torch.sqrt(self.square, out=self._scratch).add_(EPSILON * bias2)
        torch.div(self.average, step, out=step)
        flat.mul_(1 - current * self.decay).sub_(step.mul_(current * (bias2 / bias1)))

    def keep(self, models: torch.Tensor) -> None:
        """Go on with some of the models only."""
        for name in ("average", "square", "rate", "decay", "clip"):
            setattr(self, name, getattr(self, name)[models])
        self._scratch = torch.empty_like(self.average)
