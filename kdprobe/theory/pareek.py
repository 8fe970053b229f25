"""Repeated ridge self-distillation with a weight of its own in each round: how far it can come, and how its weights explode on the way.

k rounds shrink a direction by s·P(1-s), P a polynomial of degree k with P(0) = 1: k free coefficients, on which the risk is a convex
quadratic, so the best weights are a linear system. With as many rounds as there are distinct eigenvalues every shrinkage can be had, the
oracle's b/(b+σ²) among them: nothing linear is better. The gain over the best ridge is large only where signal and spectrum disagree, as
where the signal lies on the top direction alone; for signal in proportion to the spectrum, a tuned ridge is the oracle.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize as scipy_optimize  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.errors import DataError
from kdprobe.theory.checks import ENOUGH_ROWS, HOMOSCEDASTIC, INDEPENDENT_ROWS
from kdprobe.theory.inputs import count_of, number_of
from kdprobe.theory.ridge import fixed_design, oracle_risk, ridge_self_distillation, risk, shrinkage_inputs, shrinkage_worlds
from kdprobe.theory.theorem import Assumption, Theorem, Truth, World

MOST_ROUNDS = 12
"""Beyond it powers of 1-s are too alike for float64."""


class PareekRounds(NamedTuple):
    """The best that so many rounds can do, at one ridge."""

    risks: np.ndarray
    """(rounds + 1,) from the ridge itself to all rounds."""
    shrinkage: np.ndarray
    """(r,) of each direction after all rounds."""
    coefficients: np.ndarray
    """(rounds,) of the powers of 1-s: their size is what an error in the estimated risk is multiplied by."""
    best_ridge: float
    """Risk of a ridge tuned to its best λ, without distillation."""
    oracle: float
    """Risk of the best linear shrinker."""


def pareek_rounds(eigenvalues: ArrayLike, signal: ArrayLike, noise: float, *, ridge: float, rounds: int) -> PareekRounds:
    """Return the least risk of k rounds of ridge self-distillation with free weights, beside tuned ridge and the oracle.

    Parameters
    ----------
    eigenvalues, signal, noise, ridge
        As in `kdprobe.theory.ridge_self_distillation`: sums, not means.
    rounds
        1 to 12; powers of 1-s are too alike beyond.

    Returns
    -------
    PareekRounds
        Cost: O(r·rounds²) and some 60 ridge risks.

    Raises
    ------
    DataError
        If a number is out of range, or all directions are without signal and noise.

    Notes
    -----
    Pareek, Du and Oh 2024, arXiv:2407.04600. r rounds reach the oracle whatever the ridge, for r distinct eigenvalues above 0; one round
    fewer only at particular ridges, and for many signals at none.

    Examples
    --------
    >>> found = pareek_rounds([4, 2, 1], [9, 0.1, 0.1], 1.0, ridge=1.0, rounds=3)
    >>> bool(abs(found.risks[-1] - found.oracle) < 1e-9)
    True
    """
    d, b = shrinkage_inputs(eigenvalues, signal, noise)
    ridge, noise = number_of(ridge, "ridge", "give a number above 0"), number_of(noise, "noise")
    rounds = count_of(rounds, "rounds", f"give a whole number from 1 to {MOST_ROUNDS}")
    if not (np.isfinite(ridge) and ridge > 0):
        raise DataError(f"ridge={ridge!r}: give a number above 0")
    if not 1 <= rounds <= MOST_ROUNDS:
        raise DataError(f"rounds={rounds!r}: give a whole number from 1 to {MOST_ROUNDS}; float64 cannot tell higher powers apart")
    if float(b.sum()) + noise == 0:
        raise DataError("signal and noise are 0: there is nothing to learn")
    s = d / (d + ridge)
    powers = s[:, None] * (1 - s[:, None]) ** np.arange(1, rounds + 1)
    scale = np.sqrt(b + noise)
    risks, coefficients, shrink = [risk(s, b, noise)], np.zeros(rounds), s
    aim = np.divide(b, b + noise, out=np.zeros_like(b), where=b + noise > 0)
    for k in range(1, rounds + 1):
        # risk(g) = Σ(b+σ²)(g - b/(b+σ²))² + oracle: least squares in the coefficients, by orthogonal factors, as they are large
        found = np.linalg.lstsq(scale[:, None] * powers[:, :k], scale * (aim - s), rcond=None)[0]
        shrink = s + powers[:, :k] @ found
        coefficients = np.pad(found, (0, rounds - k))
        risks.append(min(risk(shrink, b, noise), risks[-1]))
    return PareekRounds(np.array(risks), shrink, coefficients, tuned_ridge_risk(d, b, noise), oracle_risk(b, noise))


def tuned_ridge_risk(eigenvalues: ArrayLike, signal: ArrayLike, noise: float) -> float:
    """Least risk of ridge over all λ from 0 to infinity."""
    d, b = shrinkage_inputs(eigenvalues, signal, noise)

    def at(log_ridge: float) -> float:
        return risk(d / (d + np.exp(log_ridge)), b, noise)

    middle = float(np.log(max(float(d.max()), 1e-300)))
    grid = [middle - 25 + step / 4 for step in range(201)]
    risks = [at(log_ridge) for log_ridge in grid]
    best = grid[int(np.argmin(risks))]
    optimize: Any = scipy_optimize
    found = optimize.minimize_scalar(at, bounds=(best - 0.3, best + 0.3), method="bounded", options={"xatol": 1e-9})
    return float(min(found.fun, *risks, float(b.sum()), risk((d > 0).astype(float), b, noise)))


def _predict(world: World) -> dict[str, float]:
    return {"risk": float(pareek_rounds(**world, rounds=2).risks[-1])}


def _simulate(world: World, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two rounds of ridge on mixed labels, as they are run: each round's weight follows from the coefficients of the powers."""
    x, mean = fixed_design(world["eigenvalues"], world["signal"], rng)
    first, second = pareek_rounds(**world, rounds=2).coefficients
    solve: Any = np.linalg.solve  # whose overloads leave its type open
    solved: np.ndarray = solve(x.T @ x + world["ridge"] * np.eye(x.shape[1]), x.T)
    hat: np.ndarray = np.matmul(x, solved)
    y = mean[:, None] + np.sqrt(world["noise"]) * rng.normal(size=(len(mean), draws))
    # s(1-s) and s(1-s)² in terms of fits: S y - S S y, and so on
    fits: list[np.ndarray] = [np.matmul(hat, y)]
    for _ in range(2):
        fits.append(np.matmul(hat, fits[-1]))
    student: np.ndarray = fits[0] + first * (fits[0] - fits[1]) + second * (fits[0] - 2 * fits[1] + fits[2])
    return {"risk": ((student - mean[:, None]) ** 2).sum(axis=0)}


def _over_oracle(signal: list[float], rounds: int) -> float:
    found = pareek_rounds([4, 2, 1], signal, 1.0, ridge=0.7, rounds=rounds)
    return float(found.risks[-1] - found.oracle)


def _first_round() -> float:
    world: dict[str, Any] = {"eigenvalues": np.array([4, 2, 1, 0.5]), "signal": np.array([9, 4, 1, 0.25]), "noise": 2.0, "ridge": 0.5}
    return float(pareek_rounds(**world, rounds=1).risks[-1] - ridge_self_distillation(**world).distilled)


PAREEK = Theorem(
    name="pareek_rounds",
    title="repeated ridge self-distillation with free weights",
    statement="As many rounds as there are distinct eigenvalues reach the best linear shrinker of all; what that gains over tuned ridge is "
    "large only where the signal lies on few directions.",
    assumptions=(
        Assumption(name="the same rows", says="All rounds see the same rows, and risk is that on these rows."),
        Assumption(name="known weights", says="The weights are the best ones; estimated weights gain less, the more they explode."),
        HOMOSCEDASTIC,
        INDEPENDENT_ROWS,
        ENOUGH_ROWS,
    ),
    predict=_predict,
    simulate=_simulate,
    worlds=shrinkage_worlds(),
    truths=(
        Truth(name="three rounds reach the oracle", compute=lambda: _over_oracle([9, 0.1, 3], 3), value=0.0),
        Truth(name="the oracle by hand", compute=lambda: pareek_rounds([4, 2, 1], [1, 3, 0], 1.0, ridge=1.0, rounds=3).oracle, value=1.25),
        Truth(name="one round is the ridge theorem", compute=_first_round, value=0.0),
        # b_j = c·d_j: the best ridge σ²/c is the oracle itself
        Truth(
            name="signal as the spectrum: tuned ridge is the oracle",
            compute=lambda: tuned_ridge_risk(np.array([4, 2, 1]), np.array([8, 4, 2]), 3.0) - oracle_risk(np.array([8, 4, 2]), 3.0),
            value=0.0,
        ),
    ),
    cites="Pareek, Du and Oh 2024, arXiv:2407.04600",
)  # fmt: skip
