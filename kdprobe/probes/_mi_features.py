"""Held-out information of learned features: a floor under I(X; Y), whatever the dimension.

f(X) and g(Y) are canonical variates of simple expansions of X and Y, learned on one half of the rows. On the other half they are a few
fixed columns, and no function of X knows more of Y than X does: I(f(X); g(Y)) ≤ I(X; Y). The expansion, the ridge and the number of pairs
are chosen inside the learning half, so the held-out half is used once.

Three expansions: the columns; the columns times powers of the rank of the row's norm, and these powers alone (maps that turn with their
input, and a common radius; ranks, because powers of the norm itself leave the fit to a few outliers); random Fourier features of the
columns, in low dimension (Rahimi and Recht 2007).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from kdprobe.probes._mi_copula import rank_scores
from kdprobe.probes._mi_interval import disjoint_spread
from kdprobe.probes._mi_neighbours import ksg1

Expansion = Callable[[np.ndarray], np.ndarray]
MOST_PAIRS = 3
_FOURIER_COLUMNS = 10
_FOURIER_FEATURES = 200
_RIDGES = (1e-4, 1e-2, 1e-1, 0.3)


@dataclass(frozen=True)
class FeatureFloor:
    """What the learned features share, in nats, the mean of both halves.

    Parameters
    ----------
    value, variance
        The estimate and its variance.
    pairs
        Pairs of features used in each half.
    """

    value: float
    variance: float
    pairs: tuple[int, ...]


def feature_floor(x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator) -> FeatureFloor:
    """Learn on each half of normal scores x (n, dx) and y (n, dy), measure on the other."""
    halves = np.array_split(rng.permutation(len(x)), 2)
    values, variances, pairs = [], [], []
    for learn, measure in (halves, halves[::-1]):
        f, g, count = _learn(x[learn], y[learn], k, rng)
        scores = rank_scores(f(x[measure])), rank_scores(g(y[measure]))
        values.append(_ksg(*scores, k))
        variances.append(disjoint_spread(lambda rows, s=scores: _ksg(s[0][rows], s[1][rows], k), len(measure), rng).variance)
        pairs.append(count)
    return FeatureFloor(float(np.mean(values)), float(np.mean(variances)) / 2, tuple(pairs))


def _learn(x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator) -> tuple[Expansion, Expansion, int]:
    """Choose expansion, ridge and number of pairs on a third of the rows kept aside, then learn from all.

    The ridge goes by the Gaussian information of the pairs, which is cheap; expansion and number of pairs by KSG, which sees any shape
    and does not count twice what two pairs both say.
    """
    n = len(x)
    fit, check = np.arange(n) < 2 * n // 3, np.arange(n) >= 2 * n // 3
    best: tuple[float, Expansion, Expansion, float, int] | None = None
    for expand_x, expand_y in _expansions(x[fit], y[fit], rng):
        solve = _Canonical(expand_x(x[fit]), expand_y(y[fit]))
        held_x, held_y = expand_x(x[check]), expand_y(y[check])
        pairs = {ridge: [held @ side for held, side in zip((held_x, held_y), solve(ridge), strict=True)] for ridge in _RIDGES}
        ridge = max(_RIDGES, key=lambda ridge: _gaussian_score(*pairs[ridge]))
        f, g = (rank_scores(side) for side in pairs[ridge])
        for count in range(1, f.shape[1] + 1):
            score = _ksg(f[:, :count], g[:, :count], k)
            if best is None or score > best[0]:
                best = score, expand_x, expand_y, ridge, count
    assert best is not None
    _, expand_x, expand_y, ridge, count = best
    a, b = (side[:, :count] for side in _Canonical(expand_x(x), expand_y(y))(ridge))
    return lambda values: expand_x(values) @ a, lambda values: expand_y(values) @ b, count


def _ksg(x: np.ndarray, y: np.ndarray, k: int) -> float:
    return float(np.mean(ksg1(x, y, k)))


class _Canonical:
    """Ridge canonical correlation of two expansions; the moments are taken once for all ridges."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        self.xx, self.yy, self.xy = x.T @ x / len(x), y.T @ y / len(x), x.T @ y / len(x)

    def __call__(self, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Directions (p, MOST_PAIRS or fewer) in X and in Y, by falling correlation. The ridge is relative to the mean variance."""
        left, right = (
            np.linalg.cholesky(moment + ridge * np.trace(moment) / len(moment) * np.eye(len(moment))) for moment in (self.xx, self.yy)
        )
        whitened = solve_triangular(right, solve_triangular(left, self.xy, lower=True).T, lower=True).T
        u, _, v = np.linalg.svd(whitened, full_matrices=False)
        return solve_triangular(left.T, u[:, :MOST_PAIRS]), solve_triangular(right.T, v[:MOST_PAIRS].T)


def _expansions(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> list[tuple[Expansion, Expansion]]:
    dim_x, dim_y = x.shape[1], y.shape[1]
    found: list[tuple[Expansion, Expansion]] = [(_columns, _columns)]
    if max(dim_x, dim_y) > 1:
        found.append((_radial(x), _radial(y)))
    if max(dim_x, dim_y) <= _FOURIER_COLUMNS:
        found.append((_fourier(dim_x, rng), _fourier(dim_y, rng)))
    return found


def _columns(values: np.ndarray) -> np.ndarray:
    return values


def _radial(learned: np.ndarray) -> Expansion:
    norms = np.sort(np.sum(learned**2, axis=1))
    levels = np.linspace(-1, 1, len(norms))

    def expand(values: np.ndarray) -> np.ndarray:
        u = np.interp(np.sum(values**2, axis=1), norms, levels)[:, None]
        return np.hstack([values, values * u, values * u**2, values * u**3, 2 * u, 2 * u**2])

    return expand


def _fourier(columns: int, rng: np.random.Generator) -> Expansion:
    # the width is the root mean square of a row, half a typical distance between rows
    frequencies = rng.standard_normal((columns, _FOURIER_FEATURES)) / np.sqrt(columns)
    phases = rng.uniform(0, 2 * np.pi, _FOURIER_FEATURES)
    scale = np.sqrt(2 * columns / _FOURIER_FEATURES)

    def expand(values: np.ndarray) -> np.ndarray:
        return np.hstack([values, scale * np.cos(values @ frequencies + phases)])

    return expand


def _gaussian_score(f: np.ndarray, g: np.ndarray) -> float:
    """Gaussian information of the pairs (n, pairs) whose held-out correlation is beyond chance."""
    f, g = f - f.mean(axis=0), g - g.mean(axis=0)
    scale = np.sqrt(np.sum(f**2, axis=0) * np.sum(g**2, axis=0))
    correlation = np.sum(f * g, axis=0) / np.where(scale > 0, scale, 1.0)
    used = np.where(correlation > 2 / np.sqrt(len(f)), np.minimum(correlation, 1 - 1e-6), 0.0)
    return float(-0.5 * np.log1p(-(used**2)).sum())
