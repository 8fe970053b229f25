"""Batch norm of vectors in a stack, with the same last bits whatever is trained beside a model."""

import torch
from torch import nn


class StackedBatchNorm1d(nn.BatchNorm1d):
    """`nn.BatchNorm1d` from operations that treat each model by itself.

    torch folds the models of a stack into the channels, and its kernel rounds the last channels differently. Images are not concerned:
    there it works channel by channel.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """input (n, c) or (n, c, length), normalised; in training mode by the batch, whose statistics go into the running ones."""
        axes = (0,) if input.ndim == 2 else (0, 2)
        shape = (1, -1) if input.ndim == 2 else (1, -1, 1)
        if not self.training and self.running_mean is not None and self.running_var is not None:
            mean, variance = self.running_mean, self.running_var
        else:
            mean = input.mean(axes)
            variance = ((input - mean.view(shape)) ** 2).mean(axes)
            if self.training and self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
                n = input.numel() // mean.numel()
                self.num_batches_tracked.add_(1)
                share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
                self.running_mean.mul_(1 - share).add_(share * mean.detach())
                self.running_var.mul_(1 - share).add_(share * variance.detach() * (n / (n - 1)))
        normed = (input - mean.view(shape)) * torch.rsqrt(variance + self.eps).view(shape)
        return normed if self.weight is None else normed * self.weight.view(shape) + self.bias.view(shape)


def with_stacked_norms(module: nn.Module) -> nn.Module:
    """Put a `StackedBatchNorm1d` in the place of every `nn.BatchNorm1d`, in place."""
    for name, part in list(module.named_modules()):
        if type(part) is nn.BatchNorm1d and name:
            owner, _, key = name.rpartition(".")
            norm = StackedBatchNorm1d(part.num_features, part.eps, part.momentum, part.affine, part.track_running_stats)
            norm.load_state_dict(part.state_dict())
            setattr(module.get_submodule(owner), key, norm)
    return module
