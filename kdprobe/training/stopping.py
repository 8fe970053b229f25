"""Early stopping by model: the best weights on the validation rows are kept, and who does not improve any more stops.

"Best" is the least loss, or where a model has a goal the loss that is nearest to it; whoever is at the goal stops.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch


class Stopping:
    """Which models of a stack still train, and the best state of each.

    Parameters
    ----------
    patience
        Checks without improvement after which a model stops; 0 never stops and keeps the last state.
    models
        Models at the start.
    goals
        Loss of each model to come near to; empty where less is better.
    """

    def __init__(self, patience: int, models: int, goals: Sequence[float] = ()):
        self._patience = patience
        self._goals = torch.tensor(goals) if goals else None
        self._best = torch.full((models,), torch.inf)
        self._waited = torch.zeros(models, dtype=torch.int64)
        self._state: dict[str, torch.Tensor] = {}
        self.active = torch.ones(models, dtype=torch.bool)
        self.entries = torch.zeros(models, dtype=torch.int64)

    def check(self, places: torch.Tensor, losses: torch.Tensor, state: Mapping[str, torch.Tensor]) -> None:
        """Take note of one check.

        Parameters
        ----------
        places
            (k,) which models of the stack are looked at.
        losses
            (k,) on the validation rows.
        state
            By name, each (k, ...).
        """
        trained = self.active[places]
        self.entries[places[trained]] += 1
        if not self._keeps:
            return
        if self._goals is not None:
            self.active[places] &= losses > self._goals[places]
            losses = (losses - self._goals[places]).abs()
        better = trained & (losses < self._best[places])
        if not self._state:
            self._state = {name: value.new_zeros(len(self.active), *value.shape[1:]) for name, value in state.items()}
            better = trained  # whatever comes first is best, even where it is not finite
        chosen = better.to(next(iter(state.values())).device)
        for name, value in state.items():
            self._state[name][places[better].to(value.device)] = value[chosen]
        self._best[places[better]] = losses[better]
        self._waited[places] = torch.where(better, 0, self._waited[places] + 1)
        if self._patience:
            self.active[places] &= self._waited[places] < self._patience

    def best(self, last: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The state to keep of all models: the best one, or without patience and goal the last one."""
        return dict(self._state) if self._keeps else dict(last)

    @property
    def _keeps(self) -> bool:
        return bool(self._patience) or self._goals is not None


def kept_loss(losses: np.ndarray, *, patience: int = 0, goal: float | None = None) -> float:
    """Loss on the validation rows of the weights that `Stopping` kept.

    Parameters
    ----------
    losses
        (checks,) of one model as it trained, at least one.
    patience, goal
        As its `Stopping` had them; None where less is better.

    Examples
    --------
    >>> losses = np.array([3.0, 1.0, 2.0])
    >>> kept_loss(losses), kept_loss(losses, patience=1), kept_loss(losses, goal=2.6)
    (2.0, 1.0, 3.0)
    """
    if not patience and goal is None:
        return float(losses[-1])
    distances = losses if goal is None else np.abs(losses - goal)
    # what comes first is kept until something is nearer, and nothing is nearer than what is no number
    return float(losses[0 if np.isnan(distances[0]) else np.nanargmin(distances)])
