"""Ridge self-distillation in one step: how much to mix, when to mix at all, and what no shrinkage can beat.

A fixed design with eigenvalues d_j of X'X, signal b_j = (u_j'f)² of the noise-free labels f along the left singular vectors, noise σ².
Ridge at λ shrinks direction j by s_j = d_j/(d_j+λ). A student of the same λ on the labels (1-ξ)·y + ξ·ŷ shrinks by s - ξ·s(1-s), so

* its risk is R(ξ) = Σ (1-s+ξs(1-s))²·b + (s-ξs(1-s))²·σ², a parabola with its least value at
  ξ* = Σ s(1-s)[sσ²-(1-s)b] / Σ s²(1-s)²(b+σ²);
* sign ξ* = -sign R'(λ): mixing helps under too small a λ, a negative weight helps over too large a one, and at the best λ nothing helps;
* no linear shrinker beats b/(b+σ²), the oracle.

Risks are sums over rows of the squared error of the fitted mean, as the eigenvalues are of X'X, not of its mean.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kdprobe.core.errors import DataError
from kdprobe.theory.checks import ENOUGH_ROWS, HOMOSCEDASTIC, INDEPENDENT_ROWS
from kdprobe.theory.inputs import array_of, number_of
from kdprobe.theory.theorem import Assumption, Theorem, Truth, World


class RidgeSelfDistillation(NamedTuple):
    """The best student of one round, and what stands beside it."""

    mixing: float
    """ξ*: the teacher's weight; below 0 or above 1 where that is best."""
    ridge: float
    """Risk of the teacher: ridge at λ."""
    distilled: float
    """Risk of the student at ξ*."""
    oracle: float
    """Risk of the best linear shrinker; no number of rounds comes below it."""
    slope: float
    """R'(λ) of the teacher's risk: its sign is the opposite of that of ξ*."""


def ridge_self_distillation(eigenvalues: ArrayLike, signal: ArrayLike, noise: float, ridge: float) -> RidgeSelfDistillation:
    """Return the best weight of the teacher in one round of ridge self-distillation, and its risk.

    Parameters
    ----------
    eigenvalues
        (r,) d_j of X'X, 0 or more.
    signal
        (r,) b_j = (u_j'f)², sums over rows, not means.
    noise
        Variance σ² of a label.
    ridge
        λ, above 0: without shrinkage the teacher's fit is the student's, whatever is mixed.

    Returns
    -------
    RidgeSelfDistillation
        Cost: O(r).

    Raises
    ------
    DataError
        If a number is out of range, or if there is nothing to mix: all eigenvalues are 0, or there is neither signal nor noise.

    Notes
    -----
    Das and Sanghavi 2023, arXiv:2301.13304; Pareek, Du and Oh 2024, arXiv:2407.04600; the sign rule for any squared risk: Dang, Patil and
    Rinaldo 2026, arXiv:2602.17565.

    Examples
    --------
    >>> found = ridge_self_distillation([4, 2, 1, 0.5], [9, 4, 1, 0.25], noise=2.0, ridge=0.5)
    >>> round(found.mixing, 9), round(found.ridge, 9), round(found.distilled, 9)
    (1.174859898, 4.693858025, 3.935145509)
    """
    d, b = shrinkage_inputs(eigenvalues, signal, noise)
    ridge, noise = number_of(ridge, "ridge", "give a number above 0"), number_of(noise, "noise", "give a variance, 0 or more")
    if not (np.isfinite(ridge) and ridge > 0):
        raise DataError(f"ridge={ridge!r}: give a number above 0; without shrinkage a student on its teacher's fit is its teacher")
    s = d / (d + ridge)
    h = s * (1 - s)
    bend = float((h * h) @ (b + noise))
    if bend <= 0:
        raise DataError("eigenvalues, signal and noise leave nothing to mix: no direction has both an eigenvalue and signal or noise")
    pull = float(h @ (s * noise - (1 - s) * b))
    mixing = pull / bend
    slope = -2 * pull / ridge
    return RidgeSelfDistillation(mixing, risk(s, b, noise), risk(s - mixing * h, b, noise), oracle_risk(b, noise), slope)


def risk(shrink: np.ndarray, signal: np.ndarray, noise: float) -> float:
    """Sum over rows of the squared error of the fitted mean under a linear shrinker."""
    return float(((1 - shrink) ** 2) @ signal + noise * (shrink @ shrink))


def oracle_risk(signal: np.ndarray, noise: float) -> float:
    """Risk of the shrinker b/(b+σ²), the best there is."""
    total = signal + noise
    return float(np.divide(signal * noise, total, out=np.zeros_like(total), where=total > 0).sum())


def shrinkage_inputs(eigenvalues: ArrayLike, signal: ArrayLike, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Check and return eigenvalues and signal as float arrays."""
    d, b, noise = array_of(eigenvalues, "eigenvalues"), array_of(signal, "signal"), number_of(noise, "noise", "give a variance, 0 or more")
    if d.ndim != 1 or d.shape != b.shape or not len(d):
        raise DataError(f"eigenvalues have shape {d.shape}, signal {b.shape}: give (r,) twice")
    if not (np.isfinite(d).all() and np.isfinite(b).all() and np.isfinite(noise)):
        raise DataError("eigenvalues, signal or noise holds NaN or an infinity")
    if (d < 0).any() or (b < 0).any() or noise < 0:
        raise DataError(f"eigenvalues, signal and noise are 0 or more; the least are {d.min():g}, {b.min():g} and {noise:g}")
    return d, b


def _predict(world: World) -> dict[str, float]:
    found = ridge_self_distillation(**world)
    return {"ridge": found.ridge, "distilled": found.distilled}


def _simulate(world: World, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Solve the two ridge problems on a design with these eigenvalues, on new labels each time; nothing is diagonalised."""
    x, mean = fixed_design(world["eigenvalues"], world["signal"], rng)
    weight = ridge_self_distillation(**world).mixing
    solve: Any = np.linalg.solve  # whose overloads leave its type open
    solved: np.ndarray = solve(x.T @ x + world["ridge"] * np.eye(x.shape[1]), x.T)
    hat: np.ndarray = np.matmul(x, solved)
    y = mean[:, None] + np.sqrt(world["noise"]) * rng.normal(size=(len(mean), draws))
    teacher: np.ndarray = np.matmul(hat, y)
    student: np.ndarray = np.matmul(hat, ((1 - weight) * y + weight * teacher))
    return {"ridge": ((teacher - mean[:, None]) ** 2).sum(axis=0), "distilled": ((student - mean[:, None]) ** 2).sum(axis=0)}


def fixed_design(eigenvalues: np.ndarray, signal: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows x (2r, r) in random directions whose X'X has these eigenvalues, and a mean (2r,) of this signal in the span of the rows."""
    d, b = np.asarray(eigenvalues, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    left = np.linalg.qr(rng.normal(size=(2 * len(d), len(d))))[0]
    right = np.linalg.qr(rng.normal(size=(len(d), len(d))))[0]
    return left @ np.diag(np.sqrt(d)) @ right.T, left @ np.sqrt(b)


def shrinkage_worlds() -> tuple[World, ...]:
    """Spectra of several kinds, with the signal on top, at the bottom, and spread."""
    decays = [np.arange(1, 13) ** -power for power in (0.5, 1.0, 2.0)]
    signals = [np.full(12, 3.0), 30.0 * np.arange(1, 13) ** -2.0, np.eye(12)[0] * 40, np.eye(12)[-1] * 10]
    return tuple(
        {"eigenvalues": 12 * d, "signal": b, "noise": noise, "ridge": ridge}
        for d in decays
        for b in signals
        for noise, ridge in ((1.0, 0.3), (1.0, 10.0), (5.0, 2.0))
    )


_KNOWN: World = {"eigenvalues": np.array([4, 2, 1, 0.5]), "signal": np.array([9, 4, 1, 0.25]), "noise": 2.0, "ridge": 0.5}

RIDGE_SELF_DISTILLATION = Theorem(
    name="ridge_self_distillation",
    title="one round of ridge self-distillation",
    statement="The best weight of the teacher has the opposite sign of the slope of the risk in λ: distilling helps where λ is too small, "
    "hurts for every positive weight where λ is too large, and adds nothing at the best λ.",
    assumptions=(
        Assumption(name="the same rows", says="Student and teacher see the same rows, and risk is that on these rows."),
        HOMOSCEDASTIC,
        INDEPENDENT_ROWS,
        ENOUGH_ROWS,
    ),
    predict=_predict,
    simulate=_simulate,
    worlds=shrinkage_worlds(),
    truths=(
        Truth(name="mixing, four directions", compute=lambda: ridge_self_distillation(**_KNOWN).mixing, value=1.174859898252),
        Truth(name="ridge, four directions", compute=lambda: ridge_self_distillation(**_KNOWN).ridge, value=4.693858024691),
        Truth(name="distilled, four directions", compute=lambda: ridge_self_distillation(**_KNOWN).distilled, value=3.935145508856),
        # one direction: s = 1/2, and the oracle is reached
        Truth(name="one direction by hand", compute=lambda: ridge_self_distillation([1], [1], 3.0, 1.0).distilled, value=0.75),
        Truth(name="its weight by hand", compute=lambda: ridge_self_distillation([1], [1], 3.0, 1.0).mixing, value=1.0),
    ),
    cites="Das and Sanghavi 2023, arXiv:2301.13304; Pareek et al. 2024, arXiv:2407.04600; Dang et al. 2026, arXiv:2602.17565",
)  # fmt: skip
