"""What a linear student learns from the soft labels of a linear teacher: the projection of its weights on the rows it sees.

Gradient descent from 0 on soft labels σ(w*'x) moves within the span of the n rows, and ends where every row's soft label is met: at w*
itself for n >= d, at the projection of w* on the span of the rows for n < d. On isotropic inputs the two disagree with probability
angle/π; the cosine of the angle, squared, is Beta(n/2, (d-n)/2) where the rows are isotropic too, so that its expectation is known.
"""

import math
from typing import Any

import numpy as np
from scipy import integrate as scipy_integrate  # pyright: ignore[reportMissingTypeStubs]
from scipy.special import betainc  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.errors import DataError
from kdprobe.theory.checks import TWO_CLASSES
from kdprobe.theory.inputs import array_of, count_of
from kdprobe.theory.theorem import Assumption, Theorem, Truth, World


def linear_disagreement(d: int, n: int) -> float:
    """Expected share of inputs on which a linear student and its linear teacher disagree.

    Parameters
    ----------
    d
        Inputs, isotropic.
    n
        Rows with the teacher's soft labels, isotropic and independent.

    Returns
    -------
    float
        0 for n >= d. Below: E[angle]/π, by quadrature to 1e-12; cost: some hundred evaluations of the incomplete beta function.

    Raises
    ------
    DataError
        If d < 1 or n < 0.

    Notes
    -----
    Phuong and Lampert 2019, arXiv:2105.13093.

    Examples
    --------
    >>> round(linear_disagreement(20, 5), 10), round(linear_disagreement(20, 10), 10), linear_disagreement(20, 20)
    (0.3378038877, 0.25, 0.0)
    """
    d, n = count_of(d, "d", "give a whole number of inputs, at least 1"), count_of(n, "n", "give a whole number of rows, 0 or more")
    if d < 1 or n < 0:
        raise DataError(f"d={d!r}, n={n!r}: give at least 1 input, and 0 rows or more, as whole numbers")
    if n >= d:
        return 0.0
    if n == 0:
        return 0.5
    # E[angle] = ∫ P(angle > a) da, and the angle lies beyond a where the squared cosine lies below cos²a
    middle = math.acos(math.sqrt(n / d))
    integrate: Any = scipy_integrate

    def beyond(angle: float) -> float:
        return float(betainc(n / 2, (d - n) / 2, math.cos(angle) ** 2))

    ends = ((0.0, middle), (middle, math.pi / 2))
    return sum(float(integrate.quad(beyond, *part, epsabs=1e-13, epsrel=1e-13, limit=400)[0]) for part in ends) / math.pi


def projected_student(x: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """Return the weights of the linear student that the soft labels of a linear teacher lead to.

    Parameters
    ----------
    x
        (n, d) rows, linearly independent where n < d.
    teacher
        (d,) weights.

    Returns
    -------
    np.ndarray
        (d,): the teacher projected on the span of the rows. Cost: O(n d min(n, d)).

    Raises
    ------
    DataError
        If shapes do not fit or something is not finite.

    Examples
    --------
    >>> projected_student([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], [3.0, 4.0, 5.0]).tolist()
    [3.0, 4.0, 0.0]
    """
    x, teacher = array_of(x, "x"), array_of(teacher, "teacher")
    if x.ndim != 2 or teacher.shape != x.shape[1:]:
        raise DataError(f"x has shape {x.shape}, teacher {teacher.shape}: give (n, d) and (d,)")
    if not (np.isfinite(x).all() and np.isfinite(teacher).all()):
        raise DataError("x or teacher holds NaN or an infinity")
    rows = np.linalg.svd(x, full_matrices=False)
    least = max(x.shape) * np.finfo(float).eps * rows.S.max(initial=0.0)
    span = rows.Vh[least < rows.S]
    return span.T @ (span @ teacher)


def _predict(world: World) -> dict[str, float]:
    return {"disagreement": linear_disagreement(world["d"], world["n"])}


def _simulate(world: World, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Fit students to soft labels by Newton's method within the span of new rows, and count disagreements on new inputs."""
    d, n = world["d"], world["n"]
    x, teacher = rng.normal(size=(draws, n, d)), rng.normal(size=(draws, d, 1)) / math.sqrt(d)
    across = x.transpose(0, 2, 1)
    soft, gram = 1 / (1 + np.exp(-x @ teacher)), x @ across
    a = np.zeros_like(soft)
    for _ in range(30):
        p = 1 / (1 + np.exp(-gram @ a))
        # the gradient of the cross-entropy in a is gram(p - soft), its curvature gram·p(1-p)·gram
        step = np.linalg.solve(p * (1 - p) * gram, p - soft)
        a -= step
        if np.abs(gram @ step).max() < 1e-9:
            break
    inputs = rng.normal(size=(draws, 100, d))
    apart: np.ndarray = (inputs @ teacher > 0) != (inputs @ (across @ a) > 0)
    return {"disagreement": apart.mean(axis=(1, 2))}


PHUONG_LAMPERT = Theorem(
    name="linear_disagreement",
    title="soft labels of a linear teacher",
    statement="With as many rows as inputs a linear student of soft labels is its teacher; with fewer it is the teacher's projection.",
    assumptions=(
        TWO_CLASSES,
        Assumption(name="a linear classifier", says="Teacher and student are linear classifiers of two classes, without intercept."),
        Assumption(name="soft labels only", says="The student sees soft labels at T = 1, to convergence, from weights of 0."),
        Assumption(name="isotropic inputs", says="Inputs are independent and standard normal (for the expected disagreement)."),
    ),
    predict=_predict,
    simulate=_simulate,
    worlds=tuple({"d": d, "n": n} for d in (6, 10, 16) for n in (1, d // 3, d // 2, d - 1)),
    truths=(
        Truth(name="(20, 10): half of the plane", compute=lambda: linear_disagreement(20, 10), value=0.25),
        Truth(name="(20, 5)", compute=lambda: linear_disagreement(20, 5), value=0.3378038877, tolerance=5e-11),
        # two inputs, one row: the angle is uniform on [0, π/2]
        Truth(name="(2, 1): uniform angle", compute=lambda: linear_disagreement(2, 1), value=0.25),
        # three inputs, two rows: the sine of the angle is uniform, and ∫ asin(u) du = π/2 - 1
        Truth(name="(3, 2): uniform height", compute=lambda: linear_disagreement(3, 2), value=0.5 - 1 / math.pi),
    ),
    cites="Phuong and Lampert 2019, arXiv:2105.13093",
)
