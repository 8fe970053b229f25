"""Simple expansions of two sides, and the canonical variates of an expansion.

Three expansions: the columns; the columns times powers of the rank of the row's norm, and these powers alone (maps that turn with their
input, and a common radius; ranks, because powers of the norm itself leave the fit to a few outliers); random Fourier features of the
columns, in low dimension (Rahimi and Recht 2007).
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg import solve_triangular

Expansion = Callable[[np.ndarray], np.ndarray]
RIDGES = (1e-4, 1e-2, 1e-1, 0.3)
# squared correlation below which a pair has none
_NOTHING = 1e-12
# products of columns and radius are too many to learn beyond; the radius alone is not
_RADIAL_COLUMNS = 64
_FOURIER_COLUMNS = 10
_FOURIER_FEATURES = 200


class Canonical:
    """Ridge canonical correlation of two expansions; the moments are taken once for all ridges."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        self.xx, self.yy, self.xy = x.T @ x / len(x), y.T @ y / len(x), x.T @ y / len(x)

    def __call__(self, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Directions (p, pairs) in X and in Y, by falling correlation. The ridge is relative to the mean variance."""
        left, right = (
            np.linalg.cholesky(moment + ridge * np.trace(moment) / len(moment) * np.eye(len(moment))) for moment in (self.xx, self.yy)
        )
        whitened = solve_triangular(right, solve_triangular(left, self.xy, lower=True).T, lower=True).T
        wide = whitened.shape[0] > whitened.shape[1]
        # eigenvectors of the smaller product: a third of the time of a singular value decomposition, and pairs of no correlation, which
        # it has less exactly, are not used
        product = whitened.T @ whitened if wide else whitened @ whitened.T
        squares, vectors = np.linalg.eigh(product)
        vectors = vectors[:, ::-1]
        other = (whitened if wide else whitened.T) @ vectors / np.sqrt(np.maximum(squares[::-1], _NOTHING))
        u, v = (other, vectors) if wide else (vectors, other)
        return solve_triangular(left.T, u), solve_triangular(right.T, v)


def correlations(f: np.ndarray, g: np.ndarray, *, beyond: float = 2.0) -> np.ndarray:
    """Correlation (pairs,) of the columns of f and g (n, pairs); 0 where it is not `beyond` so many standard errors of chance."""
    f, g = f - f.mean(axis=0), g - g.mean(axis=0)
    scale = np.sqrt(np.sum(f**2, axis=0) * np.sum(g**2, axis=0))
    correlation = np.sum(f * g, axis=0) / np.where(scale > 0, scale, 1.0)
    return np.where(correlation > beyond / np.sqrt(len(f)), np.minimum(correlation, 1 - 1e-6), 0.0)


def gaussian_score(correlation: np.ndarray) -> float:
    """Gaussian information in nats of pairs with these correlations."""
    return float(-0.5 * np.log1p(-(correlation**2)).sum())


def expansions(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> list[tuple[Expansion, Expansion]]:
    """Expansions that suit sides like x (n, dx) and y (n, dy), for X and for Y."""
    dim_x, dim_y = x.shape[1], y.shape[1]
    found: list[tuple[Expansion, Expansion]] = [(columns, columns)]
    if max(dim_x, dim_y) > 1:
        found.append((_radial(x), _radial(y)))
    if max(dim_x, dim_y) <= _FOURIER_COLUMNS:
        found.append((_fourier(dim_x, rng), _fourier(dim_y, rng)))
    return found


def columns(values: np.ndarray) -> np.ndarray:
    """The columns as they are."""
    return values


def _radial(learned: np.ndarray) -> Expansion:
    norms = np.sort(np.sum(learned**2, axis=1))
    levels = np.linspace(-1, 1, len(norms))

    def expand(values: np.ndarray) -> np.ndarray:
        u = np.interp(np.sum(values**2, axis=1), norms, levels)[:, None]
        products = [values * u**power for power in (1, 2, 3)] if values.shape[1] <= _RADIAL_COLUMNS else []
        return np.hstack([values, *products, 2 * u, 2 * u**2])

    return expand


def _fourier(dim: int, rng: np.random.Generator) -> Expansion:
    # the width is the root mean square of a row, half a typical distance between rows
    frequencies = rng.standard_normal((dim, _FOURIER_FEATURES)) / np.sqrt(dim)
    phases = rng.uniform(0, 2 * np.pi, _FOURIER_FEATURES)
    scale = np.sqrt(2 * dim / _FOURIER_FEATURES)

    def expand(values: np.ndarray) -> np.ndarray:
        return np.hstack([values, scale * np.cos(values @ frequencies + phases)])

    return expand
