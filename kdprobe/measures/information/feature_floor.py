"""Held-out information of learned features: a floor under I(X; Y), whatever the dimension.

f(X) and g(Y) are canonical variates of simple expansions of X and Y, learned on one half of the rows. On the other half they are a few
fixed columns, and no function of X knows more of Y than X does: I(f(X); g(Y)) ≤ I(X; Y). The expansion, the ridge and the number of pairs
are chosen inside the learning half, so the held-out half is used once.
"""

import numpy as np

from kdprobe.measures.information.copula import rank_scores
from kdprobe.measures.information.expansions import RIDGES, Canonical, Expansion, correlations, expansions, gaussian_score
from kdprobe.measures.information.interval import Floor, HalfFloor, Halves, disjoint_spread
from kdprobe.measures.information.nearest_neighbours import mixed

MOST_PAIRS = 3


def feature_floor(x: np.ndarray, y: np.ndarray, k: int, halves: Halves, rng: np.random.Generator) -> Floor:
    """Learn on each half of normal scores x (n, dx) and y (n, dy), measure on the other."""
    return Floor(*(_half(x, y, k, learn, measure, rng) for learn, measure in (halves, halves[::-1])))


def _half(x: np.ndarray, y: np.ndarray, k: int, learn: np.ndarray, measure: np.ndarray, rng: np.random.Generator) -> HalfFloor:
    checked, f, g = _learn(x[learn], y[learn], k, rng)
    scores = rank_scores(f(x[measure])), rank_scores(g(y[measure]))
    spread = disjoint_spread(lambda rows: _ksg(scores[0][rows], scores[1][rows], k), len(measure), rng)
    return HalfFloor(checked=checked, value=_ksg(*scores, k), variance=spread.variance)


def _learn(x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator) -> tuple[float, Expansion, Expansion]:
    """Choose expansion, ridge and number of pairs on a third of the rows kept aside, then learn from all.

    The ridge goes by the Gaussian information of the pairs, which is cheap; expansion and number of pairs by KSG, which sees any shape
    and does not count twice what two pairs both say.
    """
    n = len(x)
    fit, check = np.arange(n) < 2 * n // 3, np.arange(n) >= 2 * n // 3
    best: tuple[float, Expansion, Expansion, float, int] | None = None
    for expand_x, expand_y in expansions(x[fit], y[fit], rng):
        solve = Canonical(expand_x(x[fit]), expand_y(y[fit]))
        held_x, held_y = expand_x(x[check]), expand_y(y[check])
        pairs = {}
        for ridge in RIDGES:
            a, b = solve(ridge)
            pairs[ridge] = held_x @ a[:, :MOST_PAIRS], held_y @ b[:, :MOST_PAIRS]
        ridge = max(RIDGES, key=lambda ridge: gaussian_score(correlations(*pairs[ridge])))
        f, g = (rank_scores(side) for side in pairs[ridge])
        for count in range(1, f.shape[1] + 1):
            score = _ksg(f[:, :count], g[:, :count], k)
            if best is None or score > best[0]:
                best = score, expand_x, expand_y, ridge, count
    assert best is not None
    checked, expand_x, expand_y, ridge, count = best
    a, b = (side[:, :count] for side in Canonical(expand_x(x), expand_y(y))(ridge))
    return checked, lambda values: expand_x(values) @ a, lambda values: expand_y(values) @ b


def _ksg(x: np.ndarray, y: np.ndarray, k: int) -> float:
    # with rows that share a value KSG would count what is not there; without any the mixed estimator is KSG
    return float(np.mean(mixed(x, y, k)))
