"""Repeated self-distillation of kernel ridge with the labels kept in the mixture: where it ends, and that this is a ridge again.

f_1 = S·y with S = G(G+λI)⁻¹, f_t = S·((1-α)·y + α·f_{t-1}). Along an eigenvector with eigenvalue d the shrinkage after t fits is
g_t = g_∞ + (αs)^{t-1}(s - g_∞), s = d/(d+λ), and g_∞ = d/(d + λ/(1-α)): endless rounds are kernel ridge with λ/(1-α). The labels' own
weight 1-α, α in the paper, dampens what the rounds do; at α = 1 there is no limit but 0.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.theory.inputs import count_of, number_of
from kdprobe.theory.mobahi import gram_and_targets
from kdprobe.theory.ridge import fixed_design, risk
from kdprobe.theory.theorem import Assumption, Theorem, Truth, World


class RepeatedDistillation(NamedTuple):
    """Fits on the rows, first to last, and where they go."""

    fits: np.ndarray
    """(rounds, K): the teacher, then one student a round."""
    shrinkage: np.ndarray
    """(rounds, K) of each eigenvector, eigenvalues falling."""
    limit: np.ndarray
    """(K,) the fit after endless rounds."""
    limit_ridge: float | None
    """λ/(1-α), the ridge whose fit the limit is; None at α = 1, where the limit is 0."""


def repeated_distillation(gram: np.ndarray, y: np.ndarray, *, ridge: float, alpha: float, rounds: int) -> RepeatedDistillation:
    """Distil kernel ridge into itself, the labels mixed in at every round.

    Parameters
    ----------
    gram
        (K, K) symmetric and positive definite.
    y
        (K,) labels.
    ridge
        λ, above 0.
    alpha
        The teacher's weight, 0 to 1; the labels have 1 - alpha, which the paper calls α.
    rounds
        Fits, the first teacher counted.

    Returns
    -------
    RepeatedDistillation
        Cost: one eigendecomposition, O(K³), and O(K²) a round.

    Raises
    ------
    DataError
        If the Gram matrix is singular or not symmetric, or a number is out of range.

    Notes
    -----
    Borup and Andersen 2021, arXiv:2102.13088.

    Examples
    --------
    >>> found = repeated_distillation(np.diag([2.0, 1.0]), np.array([3.0, 3.0]), ridge=1.0, alpha=0.5, rounds=3)
    >>> found.limit_ridge, [round(float(value), 4) for value in found.limit]
    (2.0, [1.5, 1.0])
    """
    gram, y = gram_and_targets(gram, y)
    values, vectors = np.linalg.eigh(gram)
    d, basis = values[::-1], vectors[:, ::-1]
    shrinkage = repeated_shrinkage(d, ridge=ridge, alpha=alpha, rounds=rounds)
    z = basis.T @ y
    end = None if alpha == 1 else ridge / (1 - alpha)
    limit = np.zeros(len(y)) if end is None else basis @ (d / (d + end) * z)
    return RepeatedDistillation((shrinkage * z) @ basis.T, shrinkage, limit, end)


def repeated_shrinkage(eigenvalues: np.ndarray, *, ridge: float, alpha: float, rounds: int) -> np.ndarray:
    """(rounds, K) shrinkage of each direction after each fit, in closed form."""
    ridge, alpha = number_of(ridge, "ridge", "give a number above 0"), number_of(alpha, "alpha", "the teacher's weight, give 0 to 1")
    rounds = count_of(rounds, "rounds", "give a whole number from 1 on, the first teacher counted")
    if not (math.isfinite(ridge) and ridge > 0):
        raise DataError(f"ridge={ridge!r}: give a number above 0")
    if not 0 <= alpha <= 1:
        raise DataError(f"alpha={alpha!r} is the teacher's weight: give 0 to 1")
    if rounds < 1:
        raise DataError(f"rounds={rounds!r}: give a whole number from 1 on, the first teacher counted")
    s = eigenvalues / (eigenvalues + ridge)
    end = (1 - alpha) * s / (1 - alpha * s)
    steps = np.arange(rounds, dtype=np.float64)[:, None]
    return end + (alpha * s) ** steps * (s - end)


def _predict(world: World) -> dict[str, float]:
    d, rounds = np.asarray(world["eigenvalues"]), world["rounds"]
    shrink = repeated_shrinkage(d, ridge=world["ridge"], alpha=world["alpha"], rounds=rounds)[-1]
    return {"risk": risk(shrink, np.asarray(world["signal"]), world["noise"])}


def _simulate(world: World, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Solve each round's kernel ridge on new labels; nothing is diagonalised."""
    x, mean = fixed_design(world["eigenvalues"], world["signal"], rng)
    gram = x @ x.T
    y = mean[:, None] + math.sqrt(world["noise"]) * rng.normal(size=(len(mean), draws))
    fit: np.ndarray = np.asarray(y)
    for round_ in range(world["rounds"]):
        targets = y if round_ == 0 else (1 - world["alpha"]) * y + world["alpha"] * fit
        fit = np.matmul(gram, np.linalg.solve(gram + world["ridge"] * np.eye(len(y)), np.asarray(targets)))
    return {"risk": ((fit - mean[:, None]) ** 2).sum(axis=0)}


_POINTS = np.linspace(0, 1, 7)
_GRAM, _Y = np.exp(-8 * (_POINTS[:, None] - _POINTS) ** 2) + 0.1 * np.eye(7), np.sin(6 * _POINTS)


def _from_limit(row: int) -> Callable[[], float]:
    def gap() -> float:
        found = repeated_distillation(_GRAM, _Y, ridge=0.4, alpha=0.7, rounds=400)
        return float(found.fits[-1][row] - (_GRAM @ np.linalg.solve(_GRAM + 0.4 / 0.3 * np.eye(7), _Y))[row])

    return gap


BORUP_ANDERSEN = Theorem(
    name="repeated_distillation",
    title="repeated self-distillation with the labels mixed in",
    statement="Endless rounds in which the teacher has weight α are kernel ridge with λ/(1-α): the labels' weight dampens what rounds do.",
    assumptions=(
        Assumption(name="one kernel", says="All rounds use one kernel, one ridge and one weight, on the same rows."),
        Assumption(name="labels in every round", says="Every round sees the labels too."),
    ),
    predict=_predict,
    simulate=_simulate,
    worlds=tuple(
        {"eigenvalues": 8 * np.arange(1, 9) ** -decay, "signal": signal, "noise": 1.5, "ridge": ridge, "alpha": alpha, "rounds": rounds}
        for decay in (0.5, 1.5)
        for signal in (np.full(8, 3.0), np.eye(8)[0] * 30)
        for ridge in (0.2, 2.0)
        for alpha in (0.3, 0.8, 1.0)
        for rounds in (2, 6)
    ),
    truths=(
        Truth(name="limit is ridge with λ/(1-α), end row", compute=_from_limit(0), value=0.0, tolerance=1e-12),
        Truth(name="limit is ridge with λ/(1-α), middle row", compute=_from_limit(3), value=0.0, tolerance=1e-12),
        Truth(
            name="two fits by hand, s = 1/2, α = 1/2",
            compute=lambda: float(repeated_shrinkage(np.array([1.0]), ridge=1.0, alpha=0.5, rounds=2)[-1][0]),
            value=0.375,
        ),
    ),
    cites="Borup and Andersen 2021, arXiv:2102.13088",
)
