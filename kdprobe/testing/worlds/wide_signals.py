"""Worlds in which a narrow noise meets a wide signal, with their true information: what nearest neighbours find hardest in two columns.

Signals of many scales (Cauchy, stable, Pareto, mixtures), under noise that is bounded, stepped, one-sided, multiplicative or grows with
the signal. In an additive world I(X; Y) = h(Y) - h(noise); the density of Y comes from the distribution function of X where the noise is
made of uniform steps, else from an integral over the noise's quantiles, and h(Y) from an integral on a grid of hyperbolic sines.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import entr

from kdprobe.testing.worlds.information import InformationWorld, Pair

# points of the integral over Y: as many as resolve steps, and as smooth noise needs
_GRID, _SMOOTH_GRID = 40_001, 6_001
# double exponential rule on (0, 1): ends at which a quantile function is steep or infinite do no harm
_STEPS = np.linspace(-3.2, 3.2, 129)
# short of 1, where a quantile may be infinite
_NODES = np.minimum(1 / (1 + np.exp(-np.pi * np.sinh(_STEPS))), 1 - np.finfo(float).eps)
_WEIGHTS = np.pi * np.cosh(_STEPS) * _NODES * (1 - _NODES) * (_STEPS[1] - _STEPS[0])


@dataclass(frozen=True)
class Steps:
    """Noise that is uniform between some edges: `masses` (m,) of the intervals (m, 2)."""

    intervals: tuple[tuple[float, float], ...]
    masses: tuple[float, ...]

    def entropy(self) -> float:
        """Differential entropy in nats."""
        return float(sum(m * np.log((b - a) / m) for (a, b), m in zip(self.intervals, self.masses, strict=True)))

    def rvs(self, *, size: tuple[int, int], random_state: np.random.Generator) -> np.ndarray:
        """Draw."""
        low, high = np.array(self.intervals)[random_state.choice(len(self.masses), p=self.masses, size=size)].transpose(2, 0, 1)
        return random_state.uniform(low, high)

    def density(self, signal: Any, y: np.ndarray) -> np.ndarray:
        """Density of the signal plus this noise at y."""
        found = np.zeros(len(y))
        for (a, b), mass in zip(self.intervals, self.masses, strict=True):
            # differences of the smaller tail keep their digits; far out even these lose them, and the density hardly changes over a step
            below, above = signal.cdf(y - a) - signal.cdf(y - b), signal.sf(y - b) - signal.sf(y - a)
            far = np.abs(y) > 1e5 * (b - a)
            inside = np.where(signal.cdf(y) < 0.5, below, above) / (b - a)
            found += mass * np.where(far, signal.pdf(y - (a + b) / 2), np.maximum(inside, 0))
        return found


def flat(width: float) -> Steps:
    """Uniform noise on ±width."""
    return Steps(((-width, width),), (1.0,))


def factor(low: float, high: float, *, steps: int = 40) -> Steps:
    """Logarithm of a factor between two positive numbers that is uniform but for its steps: the world is exactly what is integrated."""
    edges = np.linspace(np.log(low), np.log(high), steps + 1)
    masses = np.diff(np.exp(edges)) / (high - low)
    return Steps(tuple(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)), tuple((masses / masses.sum()).tolist()))


@dataclass(frozen=True)
class Mixture:
    """Mixture of scipy's frozen laws."""

    shares: tuple[float, ...]
    parts: tuple[Any, ...]

    def _mean(self, name: str, at: np.ndarray) -> np.ndarray:
        return sum((s * getattr(part, name)(at) for s, part in zip(self.shares, self.parts, strict=True)), np.zeros(np.shape(at)))

    def cdf(self, at: np.ndarray) -> np.ndarray:
        """Distribution function."""
        return self._mean("cdf", at)

    def sf(self, at: np.ndarray) -> np.ndarray:
        """One less the distribution function."""
        return self._mean("sf", at)

    def pdf(self, at: np.ndarray) -> np.ndarray:
        """Density."""
        return self._mean("pdf", at)

    def rvs(self, *, size: tuple[int, int], random_state: np.random.Generator) -> np.ndarray:
        """Draw."""
        part = random_state.choice(len(self.shares), p=self.shares, size=size)
        return np.choose(part, [law.rvs(size=size, random_state=random_state) for law in self.parts])


def entropy_of(density: Callable[[np.ndarray], np.ndarray], *, points: int = _GRID) -> float:
    """Differential entropy in nats of a density (n,) -> (n,) on ±1e13 whose scale is about 1."""
    u = np.linspace(-np.arcsinh(1e13), np.arcsinh(1e13), points)
    # where a density is nothing, scipy's may overflow on the way there
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.nan_to_num(density(np.sinh(u)), nan=0.0)
    return float(np.trapezoid(entr(values) * np.cosh(u), u))


def density_of_sum(signal: Any, noise: Any, y: np.ndarray) -> np.ndarray:
    """Density at y of a signal plus independent noise, frozen laws of scipy or `Steps`."""
    if isinstance(noise, Steps):
        return noise.density(signal, y)
    found = np.zeros(len(y))
    for quantile, weight in zip(noise.ppf(_NODES), _WEIGHTS, strict=True):
        found += weight * signal.pdf(y - quantile)
    return found


def additive(name: str, signal: Any, noise: Any) -> InformationWorld:
    """Y = X + independent noise; both are frozen laws of scipy or have their methods, the noise may be `Steps`.

    The truth is right to 1e-4 nats for noise of light tails (at most exponential ones); with Cauchy noise it is .005 off.
    """

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = signal.rvs(size=(n, 1), random_state=rng)
        return x, x + noise.rvs(size=(n, 1), random_state=rng)

    points = _GRID if isinstance(noise, Steps) else _SMOOTH_GRID
    information = entropy_of(lambda y: density_of_sum(signal, noise, y), points=points) - float(noise.entropy())
    return InformationWorld(name=name, dim_x=1, dim_y=1, draw=draw, information=information)


def exponentiated(name: str, base: InformationWorld, *, signed: bool = False) -> InformationWorld:
    """exp X and exp Y of an additive world: multiplicative noise. `signed` gives both the same random sign, which adds log 2 nats."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, y = (np.exp(side) for side in base.draw(rng, n))
        sign = rng.choice([-1.0, 1.0], size=(n, 1)) if signed else 1.0
        return sign * x, sign * y

    return replace(base, name=name, draw=draw, information=base.information + (float(np.log(2)) if signed else 0.0))


def growing_noise(name: str, signal: Any, width: float) -> InformationWorld:
    """Y uniform on X ± width · (1 + |X|), 0 < width < 1, X symmetric: the noise grows with the signal."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = signal.rvs(size=(n, 1), random_state=rng)
        return x, x + width * (1 + np.abs(x)) * rng.uniform(-1, 1, (n, 1))

    # mass of X over its noise's width, added up from the median
    u = np.linspace(0, np.arcsinh(1e16), _GRID)
    x = np.sinh(u)
    slope = signal.pdf(x) / (2 * width * (1 + x)) * np.cosh(u)
    added = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2 * (u[1] - u[0]))])

    def mass(to: np.ndarray) -> np.ndarray:
        return np.sign(to) * np.interp(np.arcsinh(np.abs(to)), u, added)

    def density(y: np.ndarray) -> np.ndarray:
        y = np.abs(y)
        low = np.where(y > width, (y - width) / (1 + width), (y - width) / (1 - width))
        # far out the mass between two ends is lost in rounding: it is the middle's density times their distance
        high = (y + width) / (1 - width)
        far = signal.pdf(y) / (2 * width * (1 + y)) * (high - low)
        return np.where(y > 1e6, far, np.maximum(mass(high) - mass(low), 0))

    at = np.concatenate([-x[:0:-1], x])
    spread = float(np.trapezoid(np.log(2 * width * (1 + np.abs(at))) * signal.pdf(at) * np.sqrt(1 + at**2), np.arcsinh(at)))
    return InformationWorld(name=name, dim_x=1, dim_y=1, draw=draw, information=entropy_of(density) - spread)


def counted(name: str, signal: Any, most: int) -> InformationWorld:
    """Y a Poisson count of mean X; counts beyond `most` must be rare enough to leave out."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = signal.rvs(size=(n, 1), random_state=rng)
        return x, rng.poisson(x).astype(np.float64)

    # midpoints of the signal's levels, crowded towards both ends
    levels = np.sin(np.pi / 2 * (np.arange(4001) / 4000)) ** 2
    means, shares = signal.ppf((levels[1:] + levels[:-1]) / 2), np.diff(levels)
    table = stats.poisson.pmf(np.arange(most + 1), means[:, None])
    information = float(entr(shares @ table).sum() - shares @ entr(table).sum(axis=1))
    return InformationWorld(name=name, dim_x=1, dim_y=1, draw=draw, information=information)


def side_by_side(name: str, *bases: InformationWorld) -> InformationWorld:
    """Independent worlds as columns of one: their informations add."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        xs, ys = zip(*(base.draw(rng, n) for base in bases), strict=True)
        return np.hstack(xs), np.hstack(ys)

    dim_x, dim_y = sum(base.dim_x for base in bases), sum(base.dim_y for base in bases)
    return InformationWorld(name=name, dim_x=dim_x, dim_y=dim_y, draw=draw, information=sum(base.information for base in bases))


def developed_on() -> tuple[InformationWorld, ...]:
    """Ten of these worlds that estimators may be tuned on; the others of this file are for scoring only."""
    uniform, tent = stats.uniform(), stats.triang(0.5, -1, 2)
    contaminated = Mixture((0.9, 0.1), (stats.norm(), stats.norm(scale=10)))
    return (
        additive("t(2) + uniform", stats.t(2), flat(1)),
        additive("Laplace(2) + uniform", stats.laplace(scale=2), flat(1)),
        additive("normal(3) + uniform", stats.norm(scale=3), flat(1)),
        additive("logistic(2) + uniform", stats.logistic(scale=2), flat(1)),
        additive("exponential(3) + uniform", stats.expon(scale=3), flat(1)),
        additive("normals(1, 10) + uniform", contaminated, flat(1)),
        additive("uniform + uniform(.1)", uniform, flat(0.1)),
        additive("uniform + uniform(.75)", uniform, flat(0.75)),
        additive("t(3) + normal(.5)", stats.t(3), stats.norm(scale=0.5)),
        additive("t(2) + triangular", stats.t(2), tent),
    )


def wide_signals() -> tuple[InformationWorld, ...]:
    """Forty worlds that nothing was developed on: other families and parameters than `developed_on`.

    Examples
    --------
    >>> len(wide_signals())
    40
    """
    t, norm, laplace = stats.t, stats.norm, stats.laplace
    close = Mixture((0.5, 0.5), (norm(scale=0.3), norm(scale=6)))
    rare = Mixture((0.98, 0.02), (norm(), norm(scale=50)))
    humps = Mixture((0.4, 0.6), (norm(-6, 0.5), norm(6, 3)))
    thirds = Mixture((0.4, 0.3, 0.3), (norm(scale=0.5), norm(scale=5), norm(scale=50)))
    two_steps = Steps(((-1.25, -0.75), (0.75, 1.25)), (0.5, 0.5))
    three_steps = Steps(((-1.2, -0.8), (-0.2, 0.2), (0.8, 1.2)), (0.25, 0.5, 0.25))
    core_and_skirt = Steps(((-2.0, -0.2), (-0.2, 0.2), (0.2, 2.0)), (0.15, 0.7, 0.15))
    cauchy_flat, laplace_flat = additive("", stats.cauchy(), flat(1)), additive("", laplace(scale=3), flat(1))
    return (
        additive("Cauchy + uniform", stats.cauchy(), flat(1)),
        additive("Cauchy(.3) + uniform", stats.cauchy(scale=0.3), flat(1)),
        additive("t(1.5) + uniform", t(1.5), flat(1)),
        additive("t(5, 3) + uniform", t(5, scale=3), flat(1)),
        additive("t(2.5) + uniform(.3)", t(2.5), flat(0.3)),
        additive("Landau (stable 1) + uniform", stats.landau(), flat(1)),
        additive("Lévy (stable 1/2) + uniform", stats.levy(), flat(1)),
        additive("Pareto(1) + uniform", stats.pareto(1), flat(1)),
        additive("Pareto(2.5, 4) + uniform", stats.pareto(2.5, scale=4), flat(1)),
        additive("Gumbel(3) + uniform", stats.gumbel_r(scale=3), flat(1)),
        additive("Weibull(.5, 3) + uniform", stats.weibull_min(0.5, scale=3), flat(1)),
        additive("Laplace(6) + uniform", laplace(scale=6), flat(1)),
        additive("Laplace(.7) + uniform", laplace(scale=0.7), flat(1)),
        additive("lognormal(1.5) + uniform", stats.lognorm(1.5), flat(1)),
        additive("gamma(.5, 6) + uniform", stats.gamma(0.5, scale=6), flat(1)),
        additive("normal(1) + uniform(2)", norm(), flat(2)),
        additive("normals(.3, 6) + uniform", close, flat(1)),
        additive("normals(1, rare 50) + uniform", rare, flat(1)),
        additive("two humps + uniform", humps, flat(1)),
        additive("normals(.5, 5, 50) + uniform", thirds, flat(1)),
        additive("Cauchy + two steps", stats.cauchy(), two_steps),
        additive("Laplace(3) + three steps", laplace(scale=3), three_steps),
        additive("t(3, 2) + core and skirt", t(3, scale=2), core_and_skirt),
        additive("Cauchy + triangular", stats.cauchy(), stats.triang(0.5, -1, 2)),
        additive("t(4, 2) + arcsine", t(4, scale=2), stats.arcsine(-1, 2)),
        additive("Laplace(3) + beta(2, 5)", laplace(scale=3), stats.beta(2, 5, scale=2)),
        additive("t(1.5) + exponential", t(1.5), stats.expon()),
        additive("normal(3) + exponential", norm(scale=3), stats.expon()),
        additive("t(3, 2) + Laplace(.3)", t(3, scale=2), laplace(scale=0.3)),
        additive("Cauchy + normal(.5)", stats.cauchy(), norm(scale=0.5)),
        additive("Gumbel(2) + logistic(.5)", stats.gumbel_r(scale=2), stats.logistic(scale=0.5)),
        exponentiated("log-logistic × e^uniform(.5)", additive("", stats.logistic(), flat(0.5))),
        exponentiated("lognormal(1.2) × (1 ± .5)", additive("", norm(scale=1.2), factor(0.5, 1.5))),
        exponentiated("Pareto(2) × (1 ± .5)", additive("", stats.expon(scale=0.5), factor(0.5, 1.5))),
        exponentiated("signed lognormal(1) × e^normal(.3)", additive("", norm(), norm(scale=0.3)), signed=True),
        growing_noise("t(2) + (1 + |X|) × uniform(.5)", t(2), 0.5),
        growing_noise("Laplace(2) + (1 + |X|) × uniform(.2)", laplace(scale=2), 0.2),
        counted("Poisson count of gamma(2, 5)", stats.gamma(2, scale=5), 400),
        counted("Poisson count of Pareto(1.5, 3)", stats.pareto(1.5, scale=3), 4000),
        side_by_side("(Cauchy, Laplace(3)) + uniform", cauchy_flat, laplace_flat),
    )
