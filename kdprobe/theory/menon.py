"""Why good soft targets are worth more than labels: the same risk with less variance; and what a biased teacher costs.

The risk of a model f on N rows can be estimated with labels, (1/N)Σ ℓ(y_i, f(x_i)), with the Bayes probabilities,
(1/N)Σ p*(x_i)'ℓ(f(x_i)), or with a teacher's. The first two are unbiased; the second has less variance, by (1/N)·E[Var(ℓ | x)], what labels
add by chance. The teacher's has squared error V/N + bias²: its own variance, and the square of E[(p^t - p*)'ℓ], which no number of rows
removes. So a teacher beats N labels only while bias² is below the difference of the variances over N.
"""

import math
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.theory.checks import GAUSSIAN_ERRORS, HOMOSCEDASTIC, INDEPENDENT_ROWS
from kdprobe.theory.inputs import array_of, count_of, number_of
from kdprobe.theory.theorem import Assumption, Theorem, Truth, World


class RiskEstimates(NamedTuple):
    """Expected squared errors of three estimates of one risk."""

    labels: float
    """Of the mean loss on labels."""
    bayes: float
    """Of the mean loss on the Bayes targets; never above `labels`."""
    teacher: float
    """Of the mean loss on the teacher's targets: variance/N + bias²."""
    bias: float
    """Of the teacher's estimate; not its square."""
    rows: int
    """N."""

    @property
    def break_even(self) -> float | None:
        """Rows up to which the teacher's estimate is no worse than that of labels; None where it is at every number of rows, or never."""
        spare = (self.labels - self.teacher + self.bias**2) * self.rows
        return spare / self.bias**2 if self.bias != 0 and spare > 0 else None


def risk_estimates(losses: np.ndarray, bayes: np.ndarray, teacher: np.ndarray, *, rows: int) -> RiskEstimates:
    """Squared errors of a classifier's risk on N rows, by what stands for the labels.

    Parameters
    ----------
    losses
        (k, C) ℓ(c, f(x)) of class c at each of k inputs, which are equally likely.
    bayes, teacher
        (k, C) probabilities of the classes at each input.
    rows
        N.

    Returns
    -------
    RiskEstimates
        Exact. Cost: O(k C).

    Raises
    ------
    DataError
        If shapes differ, something is not finite, or rows of probabilities do not add up to 1.

    Notes
    -----
    Menon, Rawat, Reddi, Kim and Kumar 2021, "A statistical perspective on distillation", arXiv:2005.10419.

    Examples
    --------
    >>> losses = np.array([[0.1, 2.0], [1.0, 0.5]])
    >>> found = risk_estimates(losses, np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.5, 0.5]]), rows=100)
    >>> found.bayes < found.labels, round(found.bias, 3)
    (True, -0.095)
    """
    values = [array_of(value, name) for value, name in ((losses, "losses"), (bayes, "bayes"), (teacher, "teacher"))]
    if values[0].ndim != 2 or len({value.shape for value in values}) > 1 or not values[0].size:
        raise DataError(f"losses, bayes and teacher have shapes {', '.join(str(v.shape) for v in values)}: give (k, C) three times")
    losses, bayes, teacher = values
    if not all(np.isfinite(value).all() for value in values):
        raise DataError("losses, bayes or teacher holds NaN or an infinity")
    for name, p in (("bayes", bayes), ("teacher", teacher)):
        if (p < 0).any() or np.abs(p.sum(axis=1) - 1).max() > 1e-6:
            raise DataError(f"{name} holds rows that are no probabilities: each is to be 0 or more and to add up to 1")
    mean = (bayes * losses).sum(axis=1)
    chance = float(((bayes * losses**2).sum(axis=1) - mean**2).mean())
    return _estimates(mean, chance, (teacher * losses).sum(axis=1), rows)


def regression_risk_estimates(error: np.ndarray, shift: np.ndarray, noise: float, *, rows: int) -> RiskEstimates:
    """Squared errors of a regressor's mean squared error on N rows, by what stands for the labels.

    Parameters
    ----------
    error
        (k,) f(x) - E[y|x] at each of k inputs, which are equally likely.
    shift
        (k,) the teacher's prediction less E[y|x].
    noise
        Variance σ² of a label, which is Gaussian. The risk is that over the Bayes predictor: σ² is taken off what labels give.
    rows
        N.

    Returns
    -------
    RiskEstimates
        A label adds 4σ²·error² + 2σ⁴ to the variance of a row's loss. Cost: O(k).

    Raises
    ------
    DataError
        If shapes differ, or something is not finite or out of range.

    Examples
    --------
    >>> found = regression_risk_estimates(np.array([1.0, -1.0]), np.array([0.0, 0.0]), 0.5, rows=10)
    >>> found.labels, found.bayes, found.teacher
    (0.25, 0.0, 0.0)
    """
    error, shift, noise = array_of(error, "error"), array_of(shift, "shift"), number_of(noise, "noise", "give a variance, 0 or more")
    if error.ndim != 1 or error.shape != shift.shape or not len(error):
        raise DataError(f"error has shape {error.shape}, shift {shift.shape}: give (k,) twice")
    if not (np.isfinite(error).all() and np.isfinite(shift).all() and math.isfinite(noise) and noise >= 0):
        raise DataError(f"error or shift holds NaN or an infinity, or noise={noise!r} is no variance: give numbers, and 0 or more")
    return _estimates(error**2, float((4 * noise * error**2).mean() + 2 * noise**2), (error - shift) ** 2, rows)


def _estimates(mean: np.ndarray, chance: float, taught: np.ndarray, rows: int) -> RiskEstimates:
    rows = count_of(rows, "rows", "give a whole number of rows, at least 1")
    if rows < 1:
        raise DataError(f"rows={rows}: give at least 1")
    bias = float(taught.mean() - mean.mean())
    least = float(mean.var()) / rows
    return RiskEstimates(least + chance / rows, least, float(taught.var()) / rows + bias**2, bias, rows)


def _predict(world: World) -> dict[str, float]:
    found = regression_risk_estimates(**world) if "error" in world else risk_estimates(**world)
    return {"labels": found.labels, "bayes": found.bayes, "teacher": found.teacher}


def _simulate(world: World, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw inputs and labels one by one, and take each estimate's squared distance from the risk."""
    rows = world["rows"]
    if "error" in world:
        places = rng.integers(len(world["error"]), size=(draws, rows))
        error, shift = world["error"][places], world["shift"][places]
        labelled = (error - math.sqrt(world["noise"]) * rng.normal(size=places.shape)) ** 2 - world["noise"]
        parts, truth = (labelled, error**2, (error - shift) ** 2), float((world["error"] ** 2).mean())
    else:
        losses, bayes, teacher = world["losses"], world["bayes"], world["teacher"]
        places = rng.integers(len(losses), size=(draws, rows))
        labels = (rng.random(size=(draws, rows, 1)) > bayes.cumsum(axis=1)[places]).sum(axis=-1).clip(max=losses.shape[1] - 1)
        parts = (losses[places, labels], (bayes * losses).sum(axis=1)[places], (teacher * losses).sum(axis=1)[places])
        truth = float((bayes * losses).sum(axis=1).mean())
    return {name: (part.mean(axis=1) - truth) ** 2 for name, part in zip(("labels", "bayes", "teacher"), parts, strict=True)}


def _worlds() -> tuple[World, ...]:
    rng = np.random.default_rng(5)
    found: list[World] = []
    for rows in (20, 60):
        for sharpness in (0.5, 2.0):
            p, q = (np.exp(sharpness * rng.normal(size=(15, 4))) for _ in range(2))
            p /= p.sum(axis=1, keepdims=True)
            q /= q.sum(axis=1, keepdims=True)
            for share in (0.0, 0.3):
                mixed = (1 - share) * p + share * q
                found.append({"losses": rng.gamma(1.0, size=(15, 4)), "bayes": p, "teacher": mixed, "rows": rows})
        for noise in (0.1, 2.0):
            for size in (0.0, 0.5):
                found.append({"error": rng.normal(size=15), "shift": size * rng.normal(size=15), "noise": noise, "rows": rows})
    return tuple(found)


MENON = Theorem(
    name="risk_estimates",
    title="soft targets as an estimate of risk",
    statement="Bayes targets estimate the same risk as labels with less variance; a biased teacher's targets cost variance/N + bias².",
    assumptions=(
        Assumption(name="a fixed model", says="The model whose risk is estimated did not see the rows."),
        INDEPENDENT_ROWS,
        GAUSSIAN_ERRORS,
        HOMOSCEDASTIC,
    ),
    predict=_predict,
    simulate=_simulate,
    worlds=_worlds(),
    truths=(
        # one input, two classes at p = .3, losses 0 and 1: a Bernoulli variance
        Truth(name="a coin, labels", compute=lambda: _coin().labels, value=0.021),
        Truth(name="a coin, Bayes", compute=lambda: _coin().bayes, value=0.0),
        Truth(name="a coin, biased teacher", compute=lambda: _coin().teacher, value=0.04),
        Truth(name="a coin, rows to break even", compute=lambda: _coin().break_even or 0.0, value=5.25),
        Truth(name="σ⁴ of a label", compute=lambda: regression_risk_estimates(np.zeros(1), np.zeros(1), 3.0, rows=9).labels, value=2.0),
    ),
    cites="Menon, Rawat, Reddi, Kim and Kumar 2021, arXiv:2005.10419",
)


def _coin() -> RiskEstimates:
    return risk_estimates(np.array([[0.0, 1.0]]), np.array([[0.7, 0.3]]), np.array([[0.5, 0.5]]), rows=10)
