"""Nearest-neighbour information with its bias measured on surrogates whose information is known.

KSG is biased where densities curve or dimensions grow. A surrogate of the fitted elliptical copula, with as many rows and columns, shows
the same bias, and its pointwise information is known exactly: the difference is the bias, free of the surrogate's own sampling noise.
"""

from dataclasses import dataclass

import numpy as np

from kdprobe.measures.information.copula import EllipticalCopula, fit_elliptical
from kdprobe.measures.information.interval import disjoint_spread
from kdprobe.measures.information.nearest_neighbours import ksg1


@dataclass(frozen=True)
class Corrected:
    """A corrected estimate.

    Parameters
    ----------
    value
        Nats.
    variance
        Of `value`, the surrogates' share included.
    drift
        What the corrected estimate gained from a quarter of the rows to all rows: 0 once it is resolved.
    slope
        What the raw estimate gained, over log 4: 1 where the information is infinite.
    bias
        What was subtracted.
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
    raw: float
    copula: EllipticalCopula


def corrected_ksg(x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator, *, surrogates: int = 2) -> Corrected:
    """Estimate I(X; Y) from normal scores x (n, dx) and y (n, dy)."""
    n = len(x)
    copula = fit_elliptical(x, y)
    draws = [copula.draw(rng, n) for _ in range(surrogates)]
    excess = [float(np.mean(ksg1(a, b, k)) - np.mean(truth)) for a, b, truth in draws]
    raw, bias = float(np.mean(ksg1(x, y, k))), float(np.mean(excess))
    data = disjoint_spread(lambda rows: float(np.mean(ksg1(x[rows], y[rows], k))), n, rng)
    a, b, truth = draws[0]
    noise = disjoint_spread(lambda rows: float(np.mean(ksg1(a[rows], b[rows], k)) - np.mean(truth[rows])), n, rng)
    return Corrected(
        value=raw - bias,
        variance=data.variance + noise.variance / surrogates,
        drift=(raw - data.quarter) - (excess[0] - noise.quarter),
        slope=(raw - data.quarter) / np.log(4),
        bias=bias,
        raw=raw,
        copula=copula,
    )
