"""The nested least-squares law: the exact expected risk of a distilled linear student, for all four objectives.

x ~ N(0, I_D), y = x'β + N(0, σ²). The teacher is fitted by least squares on the first q features of n labelled rows; the student on the
first p features of m fresh rows that the teacher labels; the twin on p features of the teacher's n labels. With
v_q = (σ² + ‖β_{>q}‖²)/(n-q-1), the variance of each of the teacher's coefficients,

* student, p <= q: p·v_q + p/(m-p-1)·(‖β_{p+1..q}‖² + (q-p)·v_q) over the best p-feature predictor; the second part is what the teacher
  puts into features that the student cannot see, noise to it;
* twin: p·v_p;
* teacher: ‖β_{>q}‖² + q·v_q over the Bayes predictor.

It has a true capacity gap where m is finite, and none where m is infinite. No universal ratio of sizes exists in it: the best teacher is
set by n, m, the spectrum and the noise. Where student and teacher share their rows (m = n, the same inputs), distillation does nothing at
all: the projection of the teacher's fit on p of its features is the fit on these.
"""

import math
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.theory.inputs import array_of, count_of, number_of


class NestedOls(NamedTuple):
    """Expected risks under squared error."""

    student: float
    """Excess over the best p-feature predictor of the target."""
    twin: float
    """Excess over the best p-feature predictor of the target."""
    teacher: float
    """Excess of the teachers' mean over the Bayes predictor of what they learned."""
    student_risk: float
    """Excess, plus what no p-feature predictor can know, plus the noise."""
    twin_risk: float
    teacher_risk: float
    """Excess plus the noise."""


def nested_ols(
    beta: np.ndarray, noise: float, *, n: float, p: int, q: int, m: float, teachers: int = 1, shift: np.ndarray | None = None
) -> NestedOls:
    """Return the exact expected risks of student, twin and teacher.

    Parameters
    ----------
    beta
        (D,) coefficients of the target.
    noise
        Variance σ² of the labels round x'β.
    n
        Labelled rows of each teacher, and of the twin.
    p, q
        Features of the student and of the teacher; q < p is expansion: the student then equals the teacher.
    m
        Fresh rows that the teacher labels for the student; may be ``math.inf``.
    teachers
        Independent teachers, each with n labelled rows of its own, whose mean labels the student's rows (enhancement).
    shift
        (D,) or shorter, padded with zeros: the teacher and the twin learned from labels of β + shift (adaptation).

    Returns
    -------
    NestedOls
        The twin learns from one set of n labels, as a teacher does. Cost: O(D).

    Raises
    ------
    DataError
        If a count is out of range: sizes need 1 <= p, q <= D, and an expectation exists only for n > max(p, q) + 1 and m > p + 1 (m >= p
        where the student's features hold all of the teacher's).

    Examples
    --------
    >>> beta = np.arange(1, 61) ** -0.75
    >>> law = nested_ols(beta, 0.25, n=80, p=4, q=14, m=160)
    >>> round(law.student, 9), round(law.twin, 9)
    (0.04467609, 0.049826364)
    >>> nested_ols(beta, 0.25, n=80, p=4, q=14, m=math.inf).student < law.student
    True
    """
    p, q, teachers = (count_of(value, name) for name, value in (("p", p), ("q", q), ("teachers", teachers)))
    # between whole numbers of rows the law is a smooth curve, which maps draw
    n = number_of(n, "n", "give a number of rows")
    m, noise = number_of(m, "m", "give a number of rows, or math.inf"), number_of(noise, "noise", "give a variance, 0 or more")
    beta, learned = _coefficients(beta, noise, shift)
    _check(len(beta), n=n, p=p, q=q, m=m, teachers=teachers)
    each = (noise + _norm(learned[q:])) / (n - q - 1)
    variance = each / teachers
    moved = _norm(learned[: min(p, q)] - beta[: min(p, q)])
    if q <= p:
        student = q * variance + moved + _norm(beta[q:p])
    else:
        unseen = _norm(learned[p:q]) + (q - p) * variance
        student = p * variance + moved + (0.0 if math.isinf(m) else p / (m - p - 1) * unseen)
    twin = p * (noise + _norm(learned[p:])) / (n - p - 1) + _norm(learned[:p] - beta[:p])
    teacher = _norm(learned[q:]) + q * variance
    floor = noise + _norm(beta[p:])
    return NestedOls(student, twin, teacher, student + floor, twin + floor, teacher + noise)


class NestedOlsDraws(NamedTuple):
    """Excess risks of fitted networks, one row a seed: the risks that `nested_ols` gives the expectation of."""

    student: np.ndarray
    """(seeds, sizes)."""
    twin: np.ndarray
    """(seeds,)."""
    teacher: np.ndarray
    """(seeds, sizes)."""


def simulate_nested_ols(
    beta: np.ndarray,
    noise: float,
    *,
    n: int,
    p: int,
    q: tuple[int, ...],
    m: float,
    teachers: int = 1,
    shift: np.ndarray | None = None,
    seeds: int,
    rng: np.random.Generator,
) -> NestedOlsDraws:
    """Fit teachers of several sizes, their students and twins, on new rows for each seed.

    A seed's rows are shared by its teachers, twin and students, as in a sweep. The rows themselves are not made: least squares sees them
    through their Gram matrix only, whose Cholesky factor is drawn directly (Bartlett 1933). Risks are exact, not measured on test rows.

    Parameters
    ----------
    beta, noise, n, p, m, teachers, shift
        As in `nested_ols`.
    q
        Sizes of the teachers.
    seeds, rng
        How many, and the generator they are drawn from.

    Notes
    -----
    Cost: for each seed and teacher D·q normal numbers and the inverse of a triangle of q²; 0.1 ms at D=60.

    Examples
    --------
    >>> beta = np.arange(1, 31) ** -0.75
    >>> draws = simulate_nested_ols(beta, 0.25, n=60, p=4, q=(8, 16), m=120, seeds=500, rng=np.random.default_rng(0))
    >>> draws.student.shape
    (500, 2)
    """
    beta, learned = _coefficients(beta, noise, shift)
    for size in q:
        _check(len(beta), n=n, p=p, q=size, m=m, teachers=teachers)
    student, teacher, twin = np.empty((seeds, len(q))), np.empty((seeds, len(q))), np.empty(seeds)
    chunk = max(1, 4_000_000 // len(beta) ** 2)
    for start in range(0, seeds, chunk):
        rows = slice(start, min(start + chunk, seeds))
        drawn = _draw(beta, learned, noise, n, p, q, m, teachers, rows.stop - start, rng)
        student[rows], twin[rows], teacher[rows] = drawn
    return NestedOlsDraws(student, twin, teacher)


def _draw(
    beta: np.ndarray, learned: np.ndarray, noise: float, n: int, p: int, q: tuple[int, ...], m: float, teachers: int, seeds: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    features = len(beta)
    fitted = {size: np.zeros((seeds, features)) for size in {*q, p}}
    twin_fit = np.empty((seeds, p))
    most = max(fitted)
    for member in range(teachers):
        factor, inverse = _factor(n, features, most, seeds, rng)
        # X'y given X'X = LL' is L(L'β + σe): z is what the triangular solves start from
        z = np.einsum("sij,i->sj", factor, learned) + math.sqrt(noise) * rng.normal(size=(seeds, most))
        for size, mean in fitted.items():
            own = np.einsum("sij,si->sj", inverse[:, :size, :size], z[:, :size])
            mean[:, :size] += own / teachers
            if member == 0 and size == p:
                twin_fit = own
    fresh: tuple[np.ndarray, np.ndarray] | None = None if math.isinf(m) else _factor(int(m), features, p, seeds, rng)
    student, teacher = np.empty((seeds, len(q))), np.empty((seeds, len(q)))
    for column, size in enumerate(q):
        mean = fitted[size]
        seen = mean[:, :p]
        if fresh is not None and size > p:
            factor, inverse = fresh
            # least squares on p features takes in what the teacher puts into the others: (Z_p'Z_p)^-1 Z_p'Z_rest β_rest
            pulled = np.einsum("sij,si->sj", factor[:, p:size], mean[:, p:size])
            seen = seen + np.einsum("sij,si->sj", inverse, pulled)
        student[:, column] = ((seen - beta[:p]) ** 2).sum(axis=1)
        teacher[:, column] = ((mean - learned) ** 2).sum(axis=1)
    return student, ((twin_fit - beta[:p]) ** 2).sum(axis=1), teacher


def _factor(rows: int, features: int, columns: int, seeds: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Leading columns of Cholesky factors of Gram matrices of standard normal rows, and the inverses of their square tops."""
    factor = np.tril(rng.normal(size=(seeds, features, columns)), -1)
    places = np.arange(columns, dtype=np.int64)
    factor[:, places, places] = np.sqrt(rng.chisquare(rows - places, size=(seeds, columns)))
    return factor, np.linalg.inv(factor[:, :columns])


def _coefficients(beta: np.ndarray, noise: float, shift: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the target, and of what the teacher learned."""
    beta = array_of(beta, "beta")
    moved = np.zeros(0) if shift is None else array_of(shift, "shift")
    if beta.ndim != 1 or moved.ndim != 1 or len(moved) > len(beta):
        raise DataError(f"beta has shape {beta.shape}, shift {moved.shape}: give (D,), and a shift that is no longer")
    if not (np.isfinite(beta).all() and np.isfinite(moved).all() and math.isfinite(noise)):
        raise DataError("beta, noise or shift holds NaN or an infinity")
    if noise < 0:
        raise DataError(f"noise={noise:g} is a variance: give 0 or more")
    return beta, beta + np.pad(moved, (0, len(beta) - len(moved)))


def _check(features: int, *, n: float, p: int, q: int, m: float, teachers: int) -> None:
    for name, size in (("p", p), ("q", q)):
        if not 1 <= size <= features:
            raise DataError(f"{name}={size} of {features} features: give 1 to {features}")
    if n <= max(p, q) + 1:
        raise DataError(f"n={n:g} labelled rows: least squares on {max(p, q)} features has a finite expected risk from {max(p, q) + 2} on")
    least = p if q <= p else p + 2
    if not m >= least:
        raise DataError(f"m={m:g} rows of the student: its expected risk is finite from {least} on")
    if teachers < 1:
        raise DataError(f"teachers={teachers}: give at least 1")


def _norm(values: np.ndarray) -> float:
    return float(values @ values)
