"""Under squared error, mixing losses is mixing targets: what distillation can add in regression, and what it cannot.

(1-α)·(f-y)² + α·(f-t)² = (f - [(1-α)·y + α·t])² + α(1-α)·(y-t)², and the last term does not depend on f. So on the rows that have labels a
squared-error distillation is nothing but training on other labels: there is no dark knowledge in a regressor's output. It can help in
three ways only: rows without labels get some (an unlabelled row has no y to mix), labels are denoised (a teacher, better still the mean of
several, is nearer to E[y|x] than y is), or the head says more than a mean (a predicted distribution).
"""

from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.theory.inputs import array_of, number_of


class Relabelled(NamedTuple):
    """A mixed squared loss as a squared loss on one target."""

    targets: np.ndarray
    """(n, c): (1-α)·y + α·teacher."""
    constant: float
    """Mean of α(1-α)·(y - teacher)²: what the mixed loss is larger by, whatever the student predicts."""


def relabelled(y: np.ndarray, teacher: np.ndarray, alpha: float) -> Relabelled:
    """Return the labels on which a student's squared error has the gradients of a mixed distillation loss.

    Parameters
    ----------
    y
        (n,) or (n, c) labels.
    teacher
        Of the same shape: the teacher's predictions.
    alpha
        The teacher's weight; any number, as the identity holds for negative weights and for those above 1.

    Returns
    -------
    Relabelled
        For every prediction f: mean((1-α)(f-y)² + α(f-t)²) = mean((f - targets)²) + constant. Cost: O(n c).

    Raises
    ------
    DataError
        If shapes differ or something is not finite.

    Examples
    --------
    >>> found = relabelled([1.0, 2.0], [3.0, 2.0], 0.25)
    >>> found.targets.tolist(), found.constant
    ([1.5, 2.0], 0.375)
    """
    y, teacher, alpha = array_of(y, "y"), array_of(teacher, "teacher"), number_of(alpha, "alpha", "give the teacher's weight")
    if y.shape != teacher.shape or y.ndim not in (1, 2) or not y.size:
        raise DataError(f"y has shape {y.shape}, teacher {teacher.shape}: give (n,) or (n, c) twice")
    if not (np.isfinite(y).all() and np.isfinite(teacher).all() and np.isfinite(alpha)):
        raise DataError("y, teacher or alpha holds NaN or an infinity")
    return Relabelled((1 - alpha) * y + alpha * teacher, float(alpha * (1 - alpha) * ((y - teacher) ** 2).mean()))
