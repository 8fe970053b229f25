"""Self-distillation in a Hilbert space, round by round, until it collapses.

Each round fits the smoothest function whose mean squared error on its targets is at most ε, and its fit is the next round's targets.
With the Gram matrix G = V·D·V' the t-th fit is y_t = V·∏ D(c_iI+D)⁻¹·V'·y_0, where c_i > 0 makes the constraint tight. The shrinkage of the
k-th direction so far is B_k; what it leaves of the basis is ever sparser: S = min B_k/B_{k+1}, eigenvalues falling, grows round by
round. When ‖y_t‖² <= Kε the zero function fits, and there is no next round.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize as scipy_optimize  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.errors import DataError
from kdprobe.theory.inputs import array_of, count_of, number_of
from kdprobe.theory.theorem import Assumption, Theorem, Truth, World

MOST_ROUNDS = 10_000


class MobahiRounds(NamedTuple):
    """What each round gives, first to last before the collapse."""

    fits: np.ndarray
    """(rounds, K) fitted values on the rows; each is the next round's targets."""
    penalties: np.ndarray
    """(rounds,) c_t, so that the fit is G(c_tI+G)⁻¹ of the targets."""
    shrinkage: np.ndarray
    """(rounds, K) of each eigenvector, all rounds so far together; eigenvalues fall."""
    sparsity: np.ndarray
    """(rounds,) min B_k/B_{k+1}: 1 is no sparser than the kernel's own basis."""
    guaranteed: float
    """Rounds that are there whatever the targets look like, from ‖y‖, ε and the condition number alone."""
    collapsed: bool
    """Whether a next round would give the zero function; False where ``most`` ended it."""


def mobahi_rounds(gram: np.ndarray, y: np.ndarray, tolerance: float, *, most: int = MOST_ROUNDS) -> MobahiRounds:
    """Distil a kernel regression into itself until nothing is left.

    Parameters
    ----------
    gram
        (K, K) symmetric and positive definite. The paper's own kernel of second derivatives is 0 at the ends of the interval: leave such
        rows out.
    y
        (K,) labels.
    tolerance
        ε: mean squared error of each round's fit on its targets.
    most
        Rounds after which to stop in any case.

    Returns
    -------
    MobahiRounds
        Cost: one eigendecomposition, O(K³), and O(K) a round.

    Raises
    ------
    DataError
        If the Gram matrix is singular or not symmetric, if something is not finite, or if ‖y‖² <= Kε: the zero function fits the labels.

    Notes
    -----
    Mobahi, Farajtabar and Bartlett 2020, arXiv:2002.05715. `guaranteed` is their bound (‖y‖/√(Kε) - 1)/κ.

    Examples
    --------
    >>> found = mobahi_rounds(np.diag([2.0, 1.0]), np.array([3.0, 3.0]), 1.0)
    >>> len(found.fits), [round(float(s), 3) for s in found.sparsity]
    (3, [1.25, 1.77, 3.416])
    """
    gram, y = gram_and_targets(gram, y)
    tolerance = number_of(tolerance, "tolerance", "give a mean squared error above 0")
    most = count_of(most, "most", "give a whole number of rounds, at least 1")
    if most < 1:
        raise DataError(f"most={most}: give a whole number of rounds, at least 1")
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise DataError(f"tolerance={tolerance!r}: give a mean squared error above 0")
    rows = len(y)
    least = math.sqrt(rows * tolerance)
    norm = float(np.linalg.norm(y))
    if norm <= least:
        raise DataError(f"tolerance={tolerance:g} is the mean square of y or more, {norm**2 / rows:g}: the zero function fits; give less")
    values, vectors = np.linalg.eigh(gram)
    d, basis = values[::-1], vectors[:, ::-1]
    z, shrink = basis.T @ y, np.ones(rows)
    fits: list[np.ndarray] = []
    shrinkage: list[np.ndarray] = []
    penalties: list[float] = []
    sparsity: list[float] = []
    while len(fits) < most and np.linalg.norm(z) > least:
        c = _penalty(d, z, least)
        factor = d / (c + d)
        z, shrink = factor * z, factor * shrink
        fits.append(basis @ z)
        penalties.append(c)
        shrinkage.append(shrink)
        sparsity.append(float((shrink[:-1] / shrink[1:]).min()) if rows > 1 else 1.0)
    condition = float(d[0] / d[-1])
    return MobahiRounds(
        np.array(fits), np.array(penalties), np.array(shrinkage), np.array(sparsity), (norm / least - 1) / condition,
        bool(np.linalg.norm(z) <= least),
    )  # fmt: skip


def _penalty(d: np.ndarray, z: np.ndarray, least: float) -> float:
    """The c whose residual c(cI+D)⁻¹z has norm √(Kε): it grows with c from 0 to ‖z‖."""

    def short(log_c: float) -> float:
        c = math.exp(log_c)
        return float(np.linalg.norm(c / (c + d) * z)) - least

    # ‖residual‖ lies between c/(c+d_max) and c/(c+d_min) of ‖z‖, so c lies between these; one step more for rounding
    share = least / float(np.linalg.norm(z))
    odds = share / (1 - share)
    optimize: Any = scipy_optimize
    return math.exp(optimize.brentq(short, math.log(d[-1] * odds) - 1e-6, math.log(d[0] * odds) + 1e-6, xtol=1e-15, rtol=1e-15))


def gram_and_targets(gram: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check and return a Gram matrix and targets as float arrays."""
    gram, y = array_of(gram, "gram"), array_of(y, "y")
    if y.ndim != 1 or gram.shape != (len(y), len(y)) or not len(y):
        raise DataError(f"gram has shape {gram.shape}, y {y.shape}: give (K, K) and (K,)")
    if not (np.isfinite(gram).all() and np.isfinite(y).all()):
        raise DataError("gram or y holds NaN or an infinity")
    scale = float(np.abs(gram).max())
    if scale == 0 or np.abs(gram - gram.T).max() > 1e-9 * scale:
        raise DataError("gram is not symmetric, or all 0: give the kernel of the rows with themselves")
    least, most = np.linalg.eigvalsh(gram)[[0, -1]]
    if least <= len(y) * np.finfo(float).eps * most:
        raise DataError(
            f"gram is singular (eigenvalues from {least:.2g} to {most:.2g}): leave out repeated rows and rows where the kernel is 0"
        )
    return gram, y


def _world(world: World) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Points on a line, a Gaussian kernel, a wave with a fixed disturbance."""
    x = np.linspace(0, 1, world["points"])
    gram = np.exp(-((x[:, None] - x) ** 2) / (2 * world["width"] ** 2)) + 0.05 * np.eye(len(x))
    y = np.sin(7 * x) + 0.3 * np.cos(31 * x)
    return gram, y, world["tolerance"] * float(y @ y) / len(y), world["rounds"]


def _predict(world: World) -> dict[str, float]:
    gram, y, tolerance, rounds = _world(world)
    fits = mobahi_rounds(gram, y, tolerance, most=rounds).fits
    return {f"fit {k}": float(fits[-1][k]) for k in (0, len(y) // 3)}


def _simulate(world: World, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Minimise the norm under the constraint by a general solver, round after round: it knows no eigenvector and no penalty."""
    gram, y, tolerance, rounds = _world(world)
    inverse = np.linalg.inv(gram)
    optimize: Any = scipy_optimize

    def norm(f: np.ndarray) -> float:
        return float(f @ inverse @ f)

    def steepness(f: np.ndarray) -> np.ndarray:
        return 2 * inverse @ f

    for _ in range(rounds):
        target = y

        def spare(f: np.ndarray, target: np.ndarray = target) -> float:
            return tolerance - float(((f - target) ** 2).mean())

        found = optimize.minimize(norm, target, jac=steepness, constraints=[{"type": "ineq", "fun": spare}], method="SLSQP",
                         options={"ftol": 1e-14, "maxiter": 2000})  # fmt: skip
        y = np.asarray(found.x)
    return {f"fit {k}": np.full(draws, y[k]) for k in (0, len(y) // 3)}


def _two(at: int) -> float:
    return float(mobahi_rounds(np.eye(2), np.array([3.0, 4.0]), 0.5).fits[at][1])


MOBAHI = Theorem(
    name="mobahi_rounds",
    title="self-distillation in a Hilbert space",
    statement="Each round shrinks every direction of the kernel, the weakest most: the basis grows sparser until the fit collapses to 0.",
    assumptions=(
        Assumption(name="one kernel", says="All rounds use one kernel, and each fits its targets to the same mean squared error."),
        Assumption(name="no labels after the first round", says="Later rounds see their teacher's fit only."),
    ),
    predict=_predict,
    simulate=_simulate,
    worlds=tuple(
        {"points": points, "width": width, "tolerance": tolerance, "rounds": rounds}
        for points in (6, 10)
        for width in (0.05, 0.2)
        for tolerance in (0.01, 0.03)
        for rounds in (1, 3)
    ),
    truths=(
        # with the identity a round takes √(Kε) = 1 off the length 5: fits of length 4, 3, ...
        Truth(name="identity, first round", compute=lambda: _two(0), value=3.2),
        Truth(name="identity, third round", compute=lambda: _two(2), value=1.6),
        Truth(name="identity, rounds", compute=lambda: float(len(mobahi_rounds(np.eye(2), np.array([3.0, 4.1]), 0.5).fits)), value=5.0),
    ),
    cites="Mobahi, Farajtabar and Bartlett 2020, arXiv:2002.05715",
)
