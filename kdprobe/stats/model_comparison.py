"""Which shape a curve over sizes has: models compared by how well each predicts a seed it has not seen."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.stats.intervals import Interval, over_seeds
from kdprobe.stats.optimum import WINDOW
from kdprobe.stats.resampling import by_draw
from kdprobe.stats.unimodal import unimodal_fit

Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""x (k,), mean curves (b, k) -> fitted curves (b, k)."""


class ModelScore(NamedTuple):
    """How well one shape predicts."""

    name: str
    error: float
    """Mean squared error on the seed left out, level taken off: a seed's level says nothing of the shape."""
    behind: Interval
    """How much larger its error is than the best model's, over units; all zeros for the best."""


def compare_models(
    x: np.ndarray, gain: np.ndarray, *, draws: np.ndarray | None = None, law: np.ndarray | None = None
) -> tuple[ModelScore, ...]:
    """Compare shapes of a mean curve by leave-one-seed-out error, best first.

    Parameters
    ----------
    x
        (k,) ascending positions, such as logarithms of sizes; at least 4.
    gain
        (seeds, k).
    draws
        (seeds,) the draw of labelled rows of each seed; with several draws, whole draws are left out.
    law
        (k,) what a theory predicts, up to its level. It is fitted to nothing.

    Returns
    -------
    tuple of ModelScore
        "flat", "linear", "saturating" (rises by half over some step of x, again by half of the rest over the next), "unimodal"
        (isotonic), "local quadratic" (through the five nearest sizes, at each size), and "law" where it is given.

    Raises
    ------
    DataError
        If there are fewer than 3 units or 4 sizes.

    Examples
    --------
    >>> x = np.arange(8.0)
    >>> gain = -0.2 * (x - 3) ** 2 + np.random.default_rng(0).normal(0, 0.3, size=(12, 8))
    >>> [score.name for score in compare_models(x, gain)][:2]
    ['local quadratic', 'unimodal']
    """
    x, units = np.asarray(x, dtype=np.float64), by_draw(np.asarray(gain, dtype=np.float64), draws)
    if len(units) < 3 or len(x) < 4 or units.shape[1] != len(x):
        raise DataError(f"gain has {units.shape} units × sizes for {len(x)} positions: give at least 3 units and 4 sizes")
    shapes: dict[str, Shape] = dict(SHAPES)
    if law is not None:
        predicted = np.asarray(law, dtype=np.float64)
        shapes["law"] = lambda _, means: np.broadcast_to(predicted, means.shape)
    errors = _left_out_errors(x, units, shapes)
    best = min(errors, key=lambda name: float(errors[name].mean()))
    scores: list[ModelScore] = []
    for name, error in errors.items():
        behind = over_seeds(error - errors[best])
        assert isinstance(behind, Interval), "at least 3 units have an interval"
        scores.append(ModelScore(name, float(error.mean()), behind))
    return tuple(sorted(scores, key=lambda score: score.error))


def _left_out_errors(x: np.ndarray, units: np.ndarray, shapes: Mapping[str, Shape]) -> dict[str, np.ndarray]:
    shape = units - units.mean(axis=1, keepdims=True)
    others = (shape.sum(axis=0) - shape) / (len(shape) - 1)
    errors: dict[str, np.ndarray] = {}
    for name, fit in shapes.items():
        fitted = fit(x, others)
        errors[name] = np.mean((shape - (fitted - fitted.mean(axis=1, keepdims=True))) ** 2, axis=1)
    return errors


def _flat(_: np.ndarray, means: np.ndarray) -> np.ndarray:
    return np.broadcast_to(means.mean(axis=1, keepdims=True), means.shape)


def _linear(x: np.ndarray, means: np.ndarray) -> np.ndarray:
    return _projected(np.vander(x, 2), means)


def _saturating(x: np.ndarray, means: np.ndarray) -> np.ndarray:
    """a - b·2^(-x/s): linear once s is given, and s is the best of a grid."""
    span = x[-1] - x[0]
    tried = np.stack([_projected(np.stack([np.ones_like(x), 2 ** (-(x - x[0]) / s)], 1), means) for s in span * np.geomspace(0.03, 3, 25)])
    best = ((tried - means) ** 2).sum(axis=2).argmin(axis=0)
    return tried[best, np.arange(len(means))]


def _unimodal(_: np.ndarray, means: np.ndarray) -> np.ndarray:
    return unimodal_fit(means).fit


def _local_quadratic(x: np.ndarray, means: np.ndarray) -> np.ndarray:
    width = min(WINDOW, len(x))
    fitted = np.empty_like(means)
    for place in range(len(x)):
        nearest = np.sort(np.argsort(np.abs(x - x[place]), kind="stable")[:width])
        row = np.vander(np.zeros(1), 3) @ np.linalg.pinv(np.vander(x[nearest] - x[place], 3))
        fitted[:, place] = means[:, nearest] @ row[0]
    return fitted


def _projected(design: np.ndarray, means: np.ndarray) -> np.ndarray:
    return means @ (design @ np.linalg.pinv(design)).T


SHAPES: Mapping[str, Shape] = {
    "flat": _flat,
    "linear": _linear,
    "saturating": _saturating,
    "unimodal": _unimodal,
    "local quadratic": _local_quadratic,
}
