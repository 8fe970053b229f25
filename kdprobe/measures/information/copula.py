"""Elliptical copulas: Gaussian or Student t, with the mutual information they imply in closed form, in nats.

A copula keeps what is left of a joint law when every column is replaced by its ranks; mutual information depends on nothing else. The
Gaussian information of a d-column sample is biased by the log determinant of a Wishart matrix, which has a closed form.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import brentq, minimize_scalar
from scipy.special import digamma, gammaln, ndtr, ndtri, stdtrit
from scipy.stats import rankdata

from kdprobe.measures.information.expansions import Canonical, correlations

# from as many columns a side on, chance spreads the canonical correlations visibly
_MANY = 4
_FOLDS = 5
# singular values within so many units of the last place of the largest are rounding
_ROUNDING = 30
# variances below so many times 1/n are lost in ranks
_STEPS = 20
_ROUNDS, _SETTLED = 8, 1e-3
DEGREES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0)


@dataclass(frozen=True)
class EllipticalCopula:
    """A fitted copula of (X, Y).

    Parameters
    ----------
    correlation
        (d, d) of the columns of X, then of Y. What the fit owes to chance between X and Y is taken off, so that a sample of the copula
        has the information that `information` says.
    dim_x
        Columns of X.
    df
        Degrees of freedom; infinite for the Gaussian.
    information
        I(X; Y) in nats, corrected for the bias of the fitted correlations.
    log_gain
        Mean log likelihood in nats a row beyond the Gaussian copula; 0 for the Gaussian.
    """

    correlation: np.ndarray
    dim_x: int
    df: float
    information: float
    log_gain: float

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return scores of X and Y drawn from the copula, and each row's true pointwise information (n,)."""
        values, vectors = np.linalg.eigh(self.correlation)
        z = rng.standard_normal((n, len(values))) @ (vectors * np.sqrt(np.clip(values, 0, None))).T
        if np.isfinite(self.df):
            z /= np.sqrt(rng.chisquare(self.df, (n, 1)) / self.df)
        pointwise = self.pointwise(z)
        scores = rank_scores(z)
        return scores[:, : self.dim_x], scores[:, self.dim_x :], pointwise

    def pointwise_of_scores(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return each row's pointwise information (n,) under the copula, from normal scores x and y."""
        scores = np.hstack([x, y])
        return self.pointwise(scores if np.isinf(self.df) else stdtrit(self.df, ndtr(scores)))

    def pointwise(self, z: np.ndarray) -> np.ndarray:
        """Return log p(x, y) - log p(x) - log p(y) of each row, z (n, d) on the scale of the fitted law, without bias correction."""
        d = self.dim_x
        parts = ((z, self.correlation), (z[:, :d], self.correlation[:d, :d]), (z[:, d:], self.correlation[d:, d:]))
        both, x, y = (_log_density(values, matrix, self.df) for values, matrix in parts)
        return both - x - y


def rank_scores(values: np.ndarray) -> np.ndarray:
    """Replace each column of `values` (n, d) by normal scores of its ranks; tied entries get the mean rank, so ties stay ties."""
    n = len(values)
    return ndtri((rankdata(values, axis=0) - 0.5) / n)


def informative_columns(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return `values` without linear redundancy, and their numerical rank.

    Constant columns are dropped. Where the standardised columns have a rank below their number (probabilities that sum to one, a copy of
    a unit), they are replaced by as many principal components as the rank: nothing is lost, and bias terms count what is there. So they
    are where the columns nearly repeat each other: what distinguishes them would drown in the steps between ranks.
    """
    values = np.asarray(values)
    resolution = np.finfo(values.dtype if values.dtype.kind == "f" else np.float64).eps
    values = unit_columns(values)
    values = values[:, values.any(axis=0)]
    if values.shape[1] < 2:
        return values, values.shape[1]
    centred = values - values.mean(axis=0)
    centred /= centred.std(axis=0)
    singular, directions = np.linalg.svd(centred, full_matrices=False)[1:]
    rank = int(np.sum(singular > singular[0] * _ROUNDING * resolution))
    if rank == values.shape[1] and not _nearly_repeat(values):
        return values, rank
    return centred @ directions[:rank].T, rank


def _nearly_repeat(values: np.ndarray) -> bool:
    """Whether ranks hide the smallest direction: they move each column by about 1 / √n, each in another way."""
    return bool(np.linalg.eigvalsh(np.corrcoef(rank_scores(values), rowvar=False))[0] < _STEPS / len(values))


def unit_columns(values: np.ndarray) -> np.ndarray:
    """Return float64 columns (n, d) that start at 0 and whose largest entry is about 1; constant columns are exactly 0.

    Scaling by powers of two loses nothing, and keeps sums of squares inside the range of float64. The first row is what is subtracted, so
    that a column far from zero keeps its digits.
    """
    values = values.astype(np.float64)
    for _ in range(2):
        # halves first: the difference of the two ends of float64's range overflows
        values = np.ldexp(values, -np.frexp(np.abs(values).max(axis=0))[1] - 1)
        values = values - values[:1]
    return np.ldexp(values, 1)


def wishart_bias(n: int, dim_x: int, dim_y: int) -> float:
    """Return the bias in nats of the Gaussian information of an n-row sample: exact for Gaussian columns.

    From E log det of a Wishart matrix with n - 1 degrees of freedom. About dim_x · dim_y / 2n while n is much larger than both.
    """

    def half_log_det(d: int) -> float:
        return float(digamma((n - 1 - np.arange(d)) / 2).sum() / 2)

    return half_log_det(dim_x) + half_log_det(dim_y) - half_log_det(dim_x + dim_y)


def gaussian_information(correlation: np.ndarray, dim_x: int) -> float:
    """Return half the log of det Rx · det Ry / det R in nats; infinite for a singular joint matrix."""
    parts = (correlation[:dim_x, :dim_x], correlation[dim_x:, dim_x:], correlation)
    log_x, log_y, log_both = (_log_det(part) for part in parts)
    return 0.5 * (log_x + log_y - log_both) if np.isfinite(log_both) else np.inf


def student_excess(df: float, dim_x: int, dim_y: int) -> float:
    """Return what X and Y share through the common radius of a Student t, in nats; 0 for infinite `df`.

    Arellano-Valle, Contreras-Reyes and Genton (2013), doi 10.1111/j.1467-9469.2011.00774.x.
    """
    if not np.isfinite(df):
        return 0.0
    both, nu_x, nu_y, nu = (df + dim_x + dim_y) / 2, (df + dim_x) / 2, (df + dim_y) / 2, df / 2
    logs = gammaln(nu) + gammaln(both) - gammaln(nu_x) - gammaln(nu_y)
    return float(logs + nu_x * digamma(nu_x) + nu_y * digamma(nu_y) - both * digamma(both) - nu * digamma(nu))


def fit_gaussian(x: np.ndarray, y: np.ndarray) -> EllipticalCopula:
    """Fit a Gaussian copula to normal scores x (n, dx) and y (n, dy), n > dx + dy + 1."""
    correlation = np.atleast_2d(np.corrcoef(np.hstack([x, y]), rowvar=False))
    information = gaussian_information(correlation, x.shape[1]) - wishart_bias(len(x), x.shape[1], y.shape[1])
    held_out = _shape(x, y) if np.isfinite(information) else None
    return EllipticalCopula(without_chance(correlation, x.shape[1], information, held_out), x.shape[1], np.inf, information, 0.0)


def fit_elliptical(x: np.ndarray, y: np.ndarray) -> EllipticalCopula:
    """Fit Gaussian and Student t copulas to normal scores x (n, dx) and y (n, dy) and keep the likelier one.

    The degrees of freedom come from a grid by likelihood, refined between the neighbours of the best point; one further parameter costs
    half a log n (BIC).
    """
    gaussian = fit_gaussian(x, y)
    n, columns = len(x), x.shape[1] + y.shape[1]
    order = np.argsort(np.argsort(np.hstack([x, y]), axis=0, kind="stable"), axis=0, kind="stable")
    levels = (np.arange(n) + 0.5) / n
    z = ndtri(levels)[order]
    base = float(np.mean(_log_density(z, gaussian.correlation, np.inf))) - columns * float(np.mean(_log_density_1d(ndtri(levels), np.inf)))

    scatter = gaussian.correlation

    def fit(df: float) -> tuple[float, np.ndarray]:
        # each starts where the last one ended: neighbours differ little
        nonlocal scatter
        quantiles = stdtrit(df, levels)
        values = quantiles[order]
        scatter = _scatter(values, scatter, df)
        likelihood = np.mean(_log_density(values, scatter, df)) - columns * np.mean(_log_density_1d(quantiles, df))
        return float(likelihood), scatter

    fits = {df: fit(df)[0] for df in reversed(DEGREES)}
    best = max(DEGREES, key=lambda df: fits[df])
    if fits[best] - base < 0.5 * np.log(n) / n:
        return gaussian
    index = DEGREES.index(best)
    bounds = np.log(DEGREES[max(index - 1, 0)]), np.log(DEGREES[min(index + 1, len(DEGREES) - 1)])
    found = minimize_scalar(lambda log_df: -fit(float(np.exp(log_df)))[0], bounds=bounds, method="bounded", options={"xatol": 0.03})
    df = float(np.exp(found.x))
    likelihood, correlation = fit(df)
    linear = gaussian_information(correlation, x.shape[1]) - wishart_bias(n, x.shape[1], y.shape[1])
    information = linear + student_excess(df, x.shape[1], y.shape[1])
    return EllipticalCopula(without_chance(correlation, x.shape[1], linear, _shape(x, y)), x.shape[1], df, information, likelihood - base)


def _shape(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    return held_out_correlations(x, y) if min(x.shape[1], y.shape[1]) >= _MANY else None


def without_chance(correlation: np.ndarray, dim_x: int, information: float, held_out: np.ndarray | None = None) -> np.ndarray:
    """Lower the canonical correlations until the Gaussian information is `information`. A singular matrix comes back as it is.

    A sample's correlations hold what chance adds; drawn from as they are, they would have it twice. ρ² becomes (ρ² - t) / (1 - t), as in
    the adjusted R². Chance also spreads equal correlations apart, the more the more columns: where `held_out` gives each pair's
    correlation on rows that its directions were not fitted to, the shape is theirs, 1 - ρ² being raised to a common power.
    """
    if not np.isfinite(information):
        return correlation
    try:
        left, right = np.linalg.cholesky(correlation[:dim_x, :dim_x]), np.linalg.cholesky(correlation[dim_x:, dim_x:])
    except np.linalg.LinAlgError:
        return correlation
    cross = solve_triangular(left, correlation[:dim_x, dim_x:], lower=True)
    u, rho, v = np.linalg.svd(solve_triangular(right, cross.T, lower=True).T, full_matrices=False)
    known = 0.0 if held_out is None else float(-0.5 * np.log1p(-(held_out**2)).sum())
    if held_out is not None and known > 0 and information > 0:
        lowered = -np.expm1(information / known * np.log1p(-(held_out**2)))
    else:
        lowered = _adjusted(rho**2, information)
    mended = correlation.copy()
    mended[:dim_x, dim_x:] = left @ (u * np.sqrt(lowered)) @ v @ right.T
    mended[dim_x:, :dim_x] = mended[:dim_x, dim_x:].T
    return mended


def _adjusted(squares: np.ndarray, information: float) -> np.ndarray:
    """Adjusted R² of each pair, so that all hold `information`."""

    def lowered(t: float) -> np.ndarray:
        return np.maximum(squares - t, 0.0) / (1 - t)

    def excess(t: float) -> float:
        return -0.5 * float(np.log1p(-lowered(t)).sum()) - information

    largest = float(squares[0])
    if largest >= 1 or excess(0.0) <= 0:
        return squares
    return lowered(largest if information <= 0 else cast("float", brentq(excess, 0.0, largest)))


def held_out_correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean correlation (pairs,) of canonical pairs of scores x (n, dx) and y (n, dy) on folds that they were not fitted to, 0 at least."""
    pairs = min(x.shape[1], y.shape[1])
    found = np.zeros(pairs)
    for fold in range(_FOLDS):
        held = np.arange(len(x)) % _FOLDS == fold
        a, b = Canonical(x[~held], y[~held])(0.0)
        found += correlations(x[held] @ a, y[held] @ b, beyond=-np.inf) / _FOLDS
    # falling by construction; chance may swap neighbours
    return np.minimum.accumulate(np.maximum(found, 0.0))


def _scatter(values: np.ndarray, start: np.ndarray, df: float) -> np.ndarray:
    """Correlation matrix of a Student t by the fixed point of its likelihood, from `start`."""
    correlation = start
    n, columns = values.shape
    for _ in range(_ROUNDS):
        distance = np.einsum("ij,ij->i", values @ np.linalg.pinv(correlation, hermitian=True), values)
        weights = (df + columns) / (df + distance)
        scatter = (values * weights[:, None]).T @ values / n
        scale = np.sqrt(np.diag(scatter))
        before, correlation = correlation, scatter / np.outer(scale, scale)
        # the likelihood is flat at its top: this leaves it right to a millionth
        if np.abs(correlation - before).max() < _SETTLED:
            break
    return correlation


def _log_det(matrix: np.ndarray) -> float:
    sign, log_det = np.linalg.slogdet(matrix)
    return float(log_det) if sign > 0 else -np.inf


def _log_density(z: np.ndarray, correlation: np.ndarray, df: float) -> np.ndarray:
    """Log density (n,) of a centred Gaussian (infinite df) or Student t with this correlation as its dispersion."""
    d = len(correlation)
    distance = np.einsum("ij,ij->i", z @ np.linalg.pinv(correlation, hermitian=True), z)
    constant = -0.5 * _log_det(correlation)
    if not np.isfinite(df):
        return constant - 0.5 * d * np.log(2 * np.pi) - 0.5 * distance
    constant += gammaln((df + d) / 2) - gammaln(df / 2) - 0.5 * d * np.log(df * np.pi)
    return constant - 0.5 * (df + d) * np.log1p(distance / df)


def _log_density_1d(values: np.ndarray, df: float) -> np.ndarray:
    return _log_density(values[:, None], np.ones((1, 1)), df)
