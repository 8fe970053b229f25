"""Whether one side follows the other along a straight line, as every elliptical law has it: one z for the most visible bend."""

import numpy as np
from scipy.special import log_ndtr, ndtri

# of a normal law, where float64 ends
_MOST = 37.0


def bend(x: np.ndarray, y: np.ndarray) -> float:
    """Test that E[Y | X] and E[X | Y] are linear, x (n, dx) and y (n, dy) normal scores.

    What is left of each column of one side after a linear fit is compared with each column of the other times the rank of its row's norm
    (maps that turn as the row grows), and with each column squared. Errors are White's (1980), as a common radius makes rows of unequal
    variance; the largest of the t values is Bonferroni-adjusted over all.

    Returns
    -------
    float
        The z whose two-sided p is the adjusted one: above 3 in .3 % of samples of an elliptical law, from some hundred rows on. O(n d²).
    """
    largest, tests = 0.0, 0
    for a, b in ((x, y), (y, x)):
        design = np.column_stack([np.ones(len(a)), a])
        order = np.argsort(np.argsort(np.sum(a**2, axis=1)))
        bent = np.hstack([a * (2 * order[:, None] / len(a) - 1), a**2])
        bent, rest = (_rest(values, design) for values in (bent, b))
        error = np.sqrt((bent**2).T @ (rest**2))
        t = np.abs(bent.T @ rest) / np.where(error > 0, error, np.inf)
        largest, tests = max(largest, float(t.max())), tests + t.size
    log_p = float(log_ndtr(-largest)) + np.log(2 * tests)
    return min(_MOST, float(-ndtri(np.exp(min(log_p, 0.0)) / 2))) if log_p > -700 else _MOST


def _rest(values: np.ndarray, design: np.ndarray) -> np.ndarray:
    """What a linear fit leaves of each column; nothing where that is rounding."""
    rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return np.where(np.std(rest, axis=0) > 1e-9 * np.std(values, axis=0), rest, 0.0)
