"""Worlds whose mutual information is known, so that any estimator can be scored.

The forty benchmark worlds are those of Czyż, Grabowski, Vogt, Beerenwinkel and Marx, "Beyond Normal: On the Evaluation of Mutual
Information Estimators" (NeurIPS 2023, arXiv:2306.11078), written from the formulas of the paper with their parameters free. A world made by
transforming X and Y with injective maps keeps the information of its base: the tests check each map for injectivity and each base by its
density.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, gammaln, ndtr

from kdprobe.core.errors import PlanError

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class InformationWorld:
    """A joint law of X and Y with its true mutual information.

    Parameters
    ----------
    name
        What a table's row says.
    dim_x, dim_y
        Columns of X and of Y.
    draw
        (rng, n) -> x (n, dim_x), y (n, dim_y), rows independent.
    information
        The true I(X; Y) in nats.

    Examples
    --------
    >>> world = bivariate_normal(0.5)
    >>> x, y = world.draw(np.random.default_rng(0), 100)
    >>> x.shape, round(world.information, 3)
    ((100, 1), 0.144)
    """

    name: str
    dim_x: int
    dim_y: int
    draw: Callable[[np.random.Generator, int], Pair]
    information: float


def gaussian_information(correlation: np.ndarray, dim_x: int) -> float:
    """Return I(X; Y) in nats of jointly Gaussian X (the first `dim_x` columns) and Y: half the log of det Σx · det Σy / det Σ."""
    log_det = np.linalg.slogdet
    return float(0.5 * (log_det(correlation[:dim_x, :dim_x])[1] + log_det(correlation[dim_x:, dim_x:])[1] - log_det(correlation)[1]))


def student_information(dim_x: int, dim_y: int, df: float) -> float:
    """Return what a Student t with `df` degrees of freedom has beyond the Gaussian of the same dispersion, in nats.

    Arellano-Valle, Contreras-Reyes and Genton (2013), "Shannon entropy and mutual information for multivariate skew-elliptical
    distributions". It depends on the two dimensions and on `df` only: the common radius is what X and Y share.
    """
    both, nu_x, nu_y, nu = (df + dim_x + dim_y) / 2, (df + dim_x) / 2, (df + dim_y) / 2, df / 2
    logs = gammaln(nu) + gammaln(both) - gammaln(nu_x) - gammaln(nu_y)
    return float(logs + nu_x * digamma(nu_x) + nu_y * digamma(nu_y) - both * digamma(both) - nu * digamma(nu))


def bivariate_normal(correlation: float = 0.75) -> InformationWorld:
    """X and Y normal with this correlation."""
    if not -1 < correlation < 1:
        raise PlanError(f"correlation={correlation!r} must lie between -1 and 1: beyond that there is no density")
    matrix = np.array([[1.0, correlation], [correlation, 1.0]])
    return _normal(f"normal 1×1 (ρ={correlation:g})", matrix, 1)


def multinormal_dense(dim_x: int, dim_y: int, correlation: float = 0.5) -> InformationWorld:
    """Every two of the dim_x + dim_y columns have the same correlation."""
    matrix = np.full((dim_x + dim_y, dim_x + dim_y), correlation) + (1 - correlation) * np.eye(dim_x + dim_y)
    return _normal(f"multinormal {dim_x}×{dim_y} (dense)", matrix, dim_x)


def multinormal_pairs(dim_x: int, dim_y: int, *, pairs: int = 2, strength: float = 2.0) -> InformationWorld:
    """Column i of X and column i of Y correlate for i < `pairs` by strength² / (1 + strength²); all else is independent."""
    if not 0 <= pairs <= min(dim_x, dim_y):
        raise PlanError(f"pairs={pairs!r} must lie between 0 and the smaller dimension, {min(dim_x, dim_y)}")
    matrix = np.eye(dim_x + dim_y)
    index = np.arange(pairs)
    matrix[index, dim_x + index] = matrix[dim_x + index, index] = strength**2 / (1 + strength**2)
    return _normal(f"multinormal {dim_x}×{dim_y} ({pairs}-pair)", matrix, dim_x)


def student(dim_x: int, dim_y: int, df: float) -> InformationWorld:
    """A multivariate Student t with identity dispersion: no correlation anywhere, one common radius."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        z = rng.standard_normal((n, dim_x + dim_y)) / np.sqrt(rng.chisquare(df, (n, 1)) / df)
        return z[:, :dim_x], z[:, dim_x:]

    information = student_information(dim_x, dim_y, df)
    return InformationWorld(name=f"Student t {dim_x}×{dim_y} (df={df:g})", dim_x=dim_x, dim_y=dim_y, draw=draw, information=information)


def additive_noise(epsilon: float) -> InformationWorld:
    """X uniform on [0, 1], Y = X + uniform noise on [-ε, ε]."""
    if epsilon <= 0:
        raise PlanError(f"epsilon={epsilon!r} must be positive: without noise the information is infinite")

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.random((n, 1))
        return x, x + rng.uniform(-epsilon, epsilon, (n, 1))

    information = 0.25 / epsilon if epsilon > 0.5 else float(epsilon - np.log(2 * epsilon))
    return InformationWorld(name=f"additive noise 1×1 (ε={epsilon:g})", dim_x=1, dim_y=1, draw=draw, information=information)


def transformed(
    base: InformationWorld,
    name: str,
    map_x: Callable[[np.ndarray], np.ndarray],
    map_y: Callable[[np.ndarray], np.ndarray],
    *,
    dim_x: int | None = None,
) -> InformationWorld:
    """Transform X (n, dim_x) and Y by *injective* maps: the information stays that of the base."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, y = base.draw(rng, n)
        return map_x(x), map_y(y)

    return InformationWorld(
        name=f"{name} of {base.name}", dim_x=dim_x or base.dim_x, dim_y=base.dim_y, draw=draw, information=base.information
    )


def half_cube(values: np.ndarray) -> np.ndarray:
    """Signed power 3/2, by entry."""
    return values * np.sqrt(np.abs(values))


def wiggly_x(values: np.ndarray) -> np.ndarray:
    """An increasing map with wiggles, by entry."""
    return values + 0.4 * np.sin(values) + 0.2 * np.sin(1.7 * values + 1) + 0.03 * np.sin(3.3 * values - 2.5)


def wiggly_y(values: np.ndarray) -> np.ndarray:
    """An increasing map with other wiggles, by entry."""
    return values - 0.4 * np.sin(0.4 * values) + 0.17 * np.sin(1.3 * values + 3.5) + 0.02 * np.sin(4.3 * values - 2.5)


def swiss_roll(values: np.ndarray) -> np.ndarray:
    """Roll the interval [0, 1] (n, 1) up in the plane (n, 2)."""
    angle = 1.5 * np.pi * (1 + 2 * values)
    return np.hstack([angle * np.cos(angle), angle * np.sin(angle)]) / 21.0


def spiral(values: np.ndarray, *, plane: tuple[int, int], speed: float) -> np.ndarray:
    """Rotate each row in one plane by an angle of speed · |row|². The norm stays, so the map can be undone."""
    angle = speed * np.sum(values**2, axis=1)
    turned = values.copy()
    first, second = values[:, plane[0]], values[:, plane[1]]
    turned[:, plane[0]] = np.cos(angle) * first - np.sin(angle) * second
    turned[:, plane[1]] = np.sin(angle) * first + np.cos(angle) * second
    return turned


def bimodal_quantile(weights: tuple[float, float], centres: tuple[float, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Quantile function of a mixture of two unit normals, by entry."""

    def cdf(value: float, level: float) -> float:
        return weights[0] * ndtr(value - centres[0]) + weights[1] * ndtr(value - centres[1]) - level

    def quantile(levels: np.ndarray) -> np.ndarray:
        # every level lies between the quantiles of the two parts; ±9 sd holds all of float64's levels
        low, high = min(centres) - 9.0, max(centres) + 9.0
        return np.array([brentq(cdf, low, high, args=(level,)) for level in levels.ravel()]).reshape(levels.shape)

    return quantile


def bimodal(correlation: float = 0.75) -> InformationWorld:
    """A Gaussian copula with two-humped margins."""
    map_x = bimodal_quantile((0.3, 0.7), (0.0, 5.0))
    map_y = bimodal_quantile((0.5, 0.5), (-1.0, 3.0))
    return transformed(bivariate_normal(correlation), "bimodal", lambda x: map_x(ndtr(x)), lambda y: map_y(ndtr(y)))


def spiralled(base: InformationWorld, speed: float = 1.0) -> InformationWorld:
    """Wind X in its plane (0, 1) and Y in its plane (1, 2), `speed` radians a mean square of the row."""
    if base.dim_x < 2 or base.dim_y < 3:
        raise PlanError(f"{base.name} is {base.dim_x}×{base.dim_y}: a spiral needs 2 columns in X and 3 in Y")
    return transformed(
        base,
        "spiral",
        lambda x: spiral(x, plane=(0, 1), speed=speed / base.dim_x),
        lambda y: spiral(y, plane=(1, 2), speed=speed / base.dim_y),
    )


def beyond_normal() -> tuple[InformationWorld, ...]:
    """Return the forty worlds of the Beyond Normal benchmark (version 1), in its order.

    Examples
    --------
    >>> len(beyond_normal())
    40
    """
    normal = bivariate_normal(0.75)
    uniform = transformed(normal, "normal CDF", ndtr, ndtr)
    pairs = [multinormal_pairs(d, d) for d in (3, 5, 25)]
    uniform_pairs = [transformed(world, "normal CDF", ndtr, ndtr) for world in pairs]
    return (
        normal,
        uniform,
        additive_noise(0.1),
        additive_noise(0.75),
        bimodal(0.75),
        transformed(normal, "wiggly", wiggly_x, wiggly_y),
        transformed(normal, "half-cube", half_cube, half_cube),
        student(1, 1, 1),
        transformed(student(1, 1, 1), "asinh", np.arcsinh, np.arcsinh),
        transformed(uniform, "swiss roll", swiss_roll, lambda y: y, dim_x=2),
        *(multinormal_dense(d, d) for d in (2, 3, 5, 25, 50)),
        *(multinormal_pairs(d, d) for d in (2, 3, 5, 25)),
        *(student(d, d, df) for d, df in ((2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3))),
        *uniform_pairs,
        *(transformed(world, "half-cube", half_cube, half_cube) for world in pairs),
        *(spiralled(world) for world in pairs),
        *(spiralled(world) for world in uniform_pairs),
        *(transformed(student(d, d, df), "asinh", np.arcsinh, np.arcsinh) for d, df in ((2, 1), (3, 2), (5, 2))),
    )


def gamma_exponential(shape: float) -> InformationWorld:
    """X Gamma with this shape, Y exponential with rate X: ψ(shape + 1) - log(shape) (Darbellay and Vajda 2000, doi 10.1109/18.857799)."""
    if shape <= 0:
        raise PlanError(f"shape={shape!r} must be positive")

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.gamma(shape, size=(n, 1))
        return x, rng.exponential(size=(n, 1)) / x

    information = float(digamma(shape + 1) - np.log(shape))
    return InformationWorld(name=f"gamma-exponential 1×1 (shape={shape:g})", dim_x=1, dim_y=1, draw=draw, information=information)


def uniform_mixture(classes: int = 5) -> InformationWorld:
    """X one of 0..classes-1, Y uniform on [X, X + 2]: the mixed example of Gao, Kannan, Oh and Viswanath (NeurIPS 2017)."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.integers(0, classes, (n, 1)).astype(float)
        return x, x + rng.uniform(0, 2, (n, 1))

    information = float(np.log(classes) - (classes - 1) * np.log(2) / classes)
    return InformationWorld(name=f"uniform mixture ({classes} classes)", dim_x=1, dim_y=1, draw=draw, information=information)


def calibrated_classes(rng: np.random.Generator, n: int, *, classes: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits = scale · N(0, 1) (n, classes) and labels (n,) from their softmax: a classifier that knows what it knows."""
    logits = scale * rng.standard_normal((n, classes))
    # the largest of logits plus Gumbel noise is a draw from the softmax
    return logits, np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)


def calibrated_information(classes: int, scale: float, *, draws: int = 200_000, seed: int = 0) -> float:
    """Return I(P; label) in nats of `calibrated_classes`, log C - E H(P), with a simulation error of about 0.4 / √draws."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for start in range(0, draws, 10_000):
        logits = scale * rng.standard_normal((min(10_000, draws - start), classes))
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        total -= float(np.sum(np.exp(log_p) * log_p))
    # by symmetry the label is uniform
    return float(np.log(classes)) - total / draws


def trivariate_normal(rng: np.random.Generator, n: int, *, teacher: float, student: float, between: float) -> tuple[np.ndarray, ...]:
    """Draw (teacher, student, target), each (n,), jointly normal with correlations r_TY, r_SY and r_TS."""
    matrix = np.array([[1.0, between, teacher], [between, 1.0, student], [teacher, student, 1.0]])
    if np.linalg.eigvalsh(matrix)[0] < -1e-12:
        raise PlanError(f"teacher={teacher!r}, student={student!r}, between={between!r} are no correlations of three variables")
    # a degraded student sits on the edge of positive definiteness when its noise is zero: eigenvectors, not Cholesky
    values, vectors = np.linalg.eigh(matrix)
    draws = rng.standard_normal((n, 3)) @ (vectors * np.sqrt(np.clip(values, 0, None))).T
    return draws[:, 0], draws[:, 1], draws[:, 2]


def _normal(name: str, matrix: np.ndarray, dim_x: int) -> InformationWorld:
    root = np.linalg.cholesky(matrix)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        z = rng.standard_normal((n, len(matrix))) @ root.T
        return z[:, :dim_x], z[:, dim_x:]

    information = gaussian_information(matrix, dim_x)
    return InformationWorld(name=name, dim_x=dim_x, dim_y=len(matrix) - dim_x, draw=draw, information=information)
