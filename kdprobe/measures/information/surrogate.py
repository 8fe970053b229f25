"""Nearest-neighbour information with its bias measured on surrogates whose information is known, and extrapolated to no neighbours.

KSG is biased where densities curve or dimensions grow. A surrogate of the fitted elliptical copula, with as many rows and columns, shows
the same bias, and its pointwise information is known exactly: the difference is the bias, free of the surrogate's own sampling noise.

No elliptical copula has edges, and noise that ends abruptly (a uniform one, an exponential one) does: near an edge the neighbours come
from one side only and from farther away, so that KSG reads too little. The rows that lie so near an edge are as many as the neighbours
reach far, √(k / n) of them, and so are the rows of a heavy tail that have fewer than k others in their noise. That is seen in the data:
the estimate falls as k grows, more than the surrogate's does. With two columns the estimate is taken at k, 2k, ... 16k neighbours and
extrapolated to none, as far as its fall stands out of its own noise (the non-negative garrote of Breiman 1995, Technometrics 37).
What stays behind as noise may have been none: the interval reaches up to it.
Combining estimates so that the leading terms of their bias cancel: Zhu et al. (2014), doi 10.1103/PhysRevE.90.052714, for neighbours;
Moon, Sricharan and Hero (2017), arXiv:1701.08083, for kernels.
"""

from dataclasses import dataclass

import numpy as np

from kdprobe.measures.information.copula import EllipticalCopula, fit_elliptical
from kdprobe.measures.information.interval import disjoint_estimates, spread_of
from kdprobe.measures.information.nearest_neighbours import ksg1_means

# neighbours, in units of the smallest
_LADDER = (1, 2, 4, 8, 16)
# sums to 1; what grows as √k and what grows as k cancel; of all such the one of least variance, by the covariance of the five estimates on
# Gaussian pairs of 1,000 rows
_TO_NONE = (0.82965199, 1.21021708, 1.41065302, -3.78945689, 1.33893481)
# the largest rung is at most 2 / 5 of a quarter of the rows
_ROWS_A_NEIGHBOUR = 160
# share of the step that is kept: 1 - this many times its variance over its square, none where that is negative (as Mallows's Cp has it)
_PRICE = 2.0
# the next term of the bias falls as n to the power -3/2: of what the last fourfold rows added, all further ones add this share once more
_LEFT = 1 / 7
# what the extrapolation is off by, as a share of itself: its root mean square was .25 on the worlds that it was developed on, and too
# little on those of `drawn_signals` of seeds 0 and 1
_OFF_BY = 0.5


@dataclass(frozen=True)
class Corrected:
    """A corrected estimate.

    Parameters
    ----------
    value
        Nats.
    variance
        Of `value`, the surrogates' share and what the extrapolation may be off by included.
    drift
        What the estimate gained from a quarter of the rows to all rows, as far as all further rows would add it once more: 0 once it is
        resolved.
    slope
        What the raw estimate gained, over log 4: 1 where the information is infinite.
    bias
        What the surrogates took off at k neighbours.
    extrapolated
        What the step from k neighbours to none added.
    off_by
        What that step may be wrong by.
    left_out
        What was left out of the step as it did not stand out of its noise, in nats, at least 0: nobody knows whether it was noise.
    reach
        The most neighbours that were looked at.
    raw
        KSG's own value.
    copula
        The fitted model.
    """

    value: float
    variance: float
    drift: float
    slope: float
    bias: float
    extrapolated: float
    off_by: float
    left_out: float
    reach: int
    raw: float
    copula: EllipticalCopula


def corrected_ksg(x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator) -> Corrected:
    """Estimate I(X; Y) from normal scores x (n, dx) and y (n, dy)."""
    n, columns = len(x), x.shape[1] + y.shape[1]
    base = min(k, n // _ROWS_A_NEIGHBOUR) if columns == 2 else 0
    rungs = tuple(sorted({k, *(base * step for step in _LADDER)})) if base else (k,)
    copula = fit_elliptical(x, y)
    # the extrapolation raises the surrogates' noise, and two columns are cheap: twice as many
    draws = [copula.draw(rng, n) for _ in range(4 if base else 2)]
    excess = np.array([ksg1_means(a, b, rungs) - np.mean(truth) for a, b, truth in draws])
    raw, bias = ksg1_means(x, y, rungs), excess.mean(axis=0)
    data = np.array(disjoint_estimates(lambda rows: ksg1_means(x[rows], y[rows], rungs), n, rng))
    a, b, truth = draws[0]
    noise = np.array(disjoint_estimates(lambda rows: ksg1_means(a[rows], b[rows], rungs) - np.mean(truth[rows]), n, rng))
    # of each rung, and with the surrogate's sampling noise in neither: the same sample, whole and in quarters
    drifts = (raw - data.mean(axis=(0, 1))) - (excess[0] - noise.mean(axis=(0, 1)))

    def variance(weights: np.ndarray) -> float:
        return spread_of(data @ weights).variance + spread_of(noise @ weights).variance / len(draws)

    at_k = np.array([float(rung == k) for rung in rungs])
    weights, drift, step, left, left_out = at_k, float(at_k @ drifts), 0.0, 0.0, 0.0
    if base:
        to_none = np.zeros(len(rungs))
        for share, multiple in zip(_TO_NONE, _LADDER, strict=True):
            to_none[rungs.index(base * multiple)] = share
        fall = to_none - at_k
        step = float(fall @ (raw - bias))
        kept = max(0.0, 1 - _PRICE * variance(fall) / step**2) if step else 0.0
        left, left_out = kept * _LEFT * float(to_none @ drifts), max(0.0, (1 - kept) * step)
        weights, step, drift = at_k + kept * fall, kept * step, (1 - kept) * drift + left
    off_by = _OFF_BY * abs(step)
    return Corrected(
        value=float(weights @ (raw - bias)) + left,
        variance=variance(weights) + off_by**2,
        drift=drift,
        slope=float(at_k @ (raw - data.mean(axis=(0, 1)))) / np.log(4),
        bias=float(at_k @ bias),
        extrapolated=step + left,
        off_by=off_by,
        left_out=left_out,
        reach=rungs[-1],
        raw=float(at_k @ raw),
        copula=copula,
    )
