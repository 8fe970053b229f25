"""Worlds of narrow noise on wide signals that are drawn at random, so that there are always some that nothing was developed on.

Hand-picked worlds are used up by the first look at an estimator's errors on them. Here a seed draws the family of the signal and of the
noise, their parameters and how much wider the one is than the other; another seed gives other worlds of the same kind.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from kdprobe.testing.worlds.information import InformationWorld
from kdprobe.testing.worlds.wide_signals import Mixture, Steps, additive, exponentiated, flat, growing_noise

Drawn = tuple[str, Any]

# share of worlds with additive, multiplicative and growing noise
_FORMS = (0.7, 0.15, 0.15)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))), 2)


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return round(float(rng.uniform(low, high)), 2)


def _mixture(rng: np.random.Generator, scale: float) -> Drawn:
    rare, wide = _uniform(rng, 0.02, 0.5), _log_uniform(rng, 3, 50)
    return f"normals({1 - rare:.2f}, {rare:.2f} of {wide:g})", Mixture(
        (1 - rare, rare), (stats.norm(scale=scale), stats.norm(scale=scale * wide))
    )


_SYMMETRIC: tuple[Callable[[np.random.Generator, float], Drawn], ...] = (
    lambda rng, s: ("Cauchy", stats.cauchy(scale=s)),
    lambda rng, s: (f"t({(df := _uniform(rng, 1.2, 6)):g})", stats.t(df, scale=s)),
    lambda rng, s: ("Laplace", stats.laplace(scale=s)),
    lambda rng, s: ("normal", stats.norm(scale=s)),
    lambda rng, s: ("logistic", stats.logistic(scale=s)),
    _mixture,
)
_SIGNALS = (
    *_SYMMETRIC,
    lambda rng, s: (f"Pareto({(a := _uniform(rng, 1, 4)):g})", stats.pareto(a, scale=s)),
    lambda rng, s: (f"lognormal({(a := _uniform(rng, 0.5, 1.8)):g})", stats.lognorm(a, scale=s)),
    lambda rng, s: ("Gumbel", stats.gumbel_r(scale=s)),
    lambda rng, s: (f"Weibull({(a := _uniform(rng, 1, 2)):g})", stats.weibull_min(a, scale=s)),
    lambda rng, s: (f"gamma({(a := _uniform(rng, 1, 4)):g})", stats.gamma(a, scale=s)),
    lambda rng, s: ("uniform", stats.uniform(-s, 2 * s)),
)
_NOISES: tuple[Callable[[np.random.Generator], Drawn], ...] = (
    lambda rng: ("uniform", flat(1)),
    lambda rng: (f"two steps({(w := _uniform(rng, 0.1, 0.9)):g})", Steps(((-1.0, -1 + w), (1 - w, 1.0)), (0.5, 0.5))),
    lambda rng: (
        f"core({(w := _uniform(rng, 0.05, 0.5)):g}) and skirt",
        Steps(((-1.0, -w), (-w, w), (w, 1.0)), (0.2, 0.6, 0.2)),
    ),
    lambda rng: (f"triangular({(c := _uniform(rng, 0, 1)):g})", stats.triang(c, -1, 2)),
    lambda rng: ("arcsine", stats.arcsine(-1, 2)),
    lambda rng: (f"beta({(a := _uniform(rng, 0.7, 5)):g}, {(b := _uniform(rng, 0.7, 5)):g})", stats.beta(a, b, -1, 2)),
    lambda rng: ("exponential", stats.expon()),
    lambda rng: (f"normal({(s := _log_uniform(rng, 0.3, 1)):g})", stats.norm(scale=s)),
    lambda rng: (f"Laplace({(s := _log_uniform(rng, 0.2, 0.8)):g})", stats.laplace(scale=s)),
)


def _one(rng: np.random.Generator) -> InformationWorld:
    form, scale = rng.choice(3, p=_FORMS), _log_uniform(rng, 0.7, 6)
    if form == 2:
        told, signal = _SYMMETRIC[rng.integers(len(_SYMMETRIC))](rng, scale)
        width = _uniform(rng, 0.1, 0.7)
        return growing_noise(f"{told} × {scale:g} + (1 + |X|) × uniform({width:g})", signal, width)
    told, signal = _SIGNALS[rng.integers(len(_SIGNALS))](rng, scale)
    noised, noise = _NOISES[rng.integers(len(_NOISES))](rng)
    name = f"{told} × {scale:g} + {noised}"
    world = additive(name, signal, noise)
    # the exponential of a heavy tail is out of range
    return world if form == 0 or max(signal.sf(300), signal.cdf(-300)) > 1e-9 else exponentiated(f"exp({name})", world)


def drawn_signals(seed: int, count: int = 48) -> tuple[InformationWorld, ...]:
    """Worlds of one column a side: narrow noise, additive, multiplicative or growing, on a signal .7 to 6 times as wide.

    Parameters
    ----------
    seed
        Draws the worlds. What was tuned on the worlds of one seed is judged on those of another.
    count
        How many.

    Examples
    --------
    >>> [world.name for world in drawn_signals(0, 2)] == [world.name for world in drawn_signals(0, 48)[:2]]
    True
    """
    rng = np.random.default_rng([2026, seed])
    return tuple(_one(rng) for _ in range(count))
