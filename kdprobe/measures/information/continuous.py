"""Information of two continuous sides: one number in low dimension, a bracket in high."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from kdprobe.core.result import Kind, Measurement, Refusal, Result, Status
from kdprobe.measures.information.copula import EllipticalCopula, fit_elliptical, fit_gaussian
from kdprobe.measures.information.critic import cap as critic_cap
from kdprobe.measures.information.critic import critic_floor, linear_floor
from kdprobe.measures.information.feature_floor import feature_floor
from kdprobe.measures.information.interval import QUANTILE, Floor, halves_of, higher, standardised
from kdprobe.measures.information.nearest_neighbours import TREE_COLUMNS, mixed
from kdprobe.measures.information.nonlinearity import bend
from kdprobe.measures.information.surrogate import corrected_ksg

LOW_DIMENSION = 3
# KSG gains log 4 per fourfold n where X and Y fix each other; beyond this share of it no finite value can be told
INFINITE_SLOPE = 0.8
# standard errors at which two estimates disagree, four comparisons a bracket; below the second number a second sample of the model must
# say so too, as one sample may be the odd one
_REJECT, _SURE = 3.0, 5.0
# a gain of the last fourfold rows above this, in nats and as a share of the value, is unresolved
_DRIFT, _DRIFT_SHARE = 0.05, 0.1
# so is a step to no neighbours that may be off by more than this, in nats
_STEP = 0.1
# of n rows n·exp(-I) lie within the noise of each; with fewer than this many times the neighbours that are looked at, these reach beyond it
_WITHIN = 1.25
# in more than two columns nothing is extrapolated: where the raw estimate still gains this much from fourfold rows, in nats, what is added
# to it is as right as the elliptical model, and no more
_RAW_GAIN = 0.25

INFINITE = Refusal(
    reason="X and Y fix each other as far as these rows can tell: the information is infinite, an estimate would only tell the sample size",
    advice="ask usable_information how well a family of probes predicts one from the other",
)


@dataclass(frozen=True)
class Sides:
    """Both sides as normal scores, without redundant columns: x (n, rank_x), y (n, rank_y)."""

    x: np.ndarray
    y: np.ndarray
    columns: tuple[int, int]

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.x)

    @property
    def low_dimensional(self) -> bool:
        """Whether nearest neighbours resolve both sides."""
        return max(self.x.shape[1], self.y.shape[1]) <= LOW_DIMENSION

    def details(self, k: int) -> dict[str, float]:
        """Sizes, ranks and the largest value that KSG can give."""
        return {
            "columns_x": self.columns[0],
            "columns_y": self.columns[1],
            "rank_x": self.x.shape[1],
            "rank_y": self.y.shape[1],
            "neighbours": k,
            "cap": float(digamma(self.n) - digamma(k)),
        }


def judged(
    value: float, error: float, drift: float, cap: float, n: int, notes: tuple[str, ...]
) -> tuple[Status, float, float, tuple[str, ...]]:
    """Status, interval and notes of an estimate from its standard error, from what the last fourfold rows added, and from its cap."""
    low, high = value - QUANTILE * error, value + QUANTILE * error
    status: Status = "ok"
    if abs(drift) > 2 * error:
        # the bias falls about as one over √n: what a fourfold sample added, all further ones together add once more
        low, high = low + min(0.0, drift), high + max(0.0, drift)
        notes = (*notes, f"the interval holds the bias that is left: the last fourfold rows added {drift:+.3f} nats")
        if abs(drift) > max(_DRIFT, _DRIFT_SHARE * abs(value)):
            status = "unresolved"
    if value > cap:
        status = "capped"
        notes = (*notes, f"{n} rows cannot show much more: the value is near the most that the estimator can give")
    return status, low, high, notes


def gaussian(sides: Sides, k: int, rng: np.random.Generator) -> Result:
    """Gaussian copula alone."""
    if sides.n < 2 * (sides.x.shape[1] + sides.y.shape[1]):
        return _too_few(sides)
    model = fit_gaussian(sides.x, sides.y)
    if not np.isfinite(model.information):
        return INFINITE
    reach = QUANTILE * _model_error(model, sides)
    details = sides.details(k) | {"error": reach / QUANTILE}
    return _measurement(sides, model.information, model.information - reach, model.information + reach, "estimate", "ok", details, ())


def low_dimensional(sides: Sides, k: int, rng: np.random.Generator) -> Result:
    """Surrogate-corrected KSG, checked against the floor of learned features where there are more than two columns."""
    x, y = sides.x, sides.y
    if sides.n < 2 * (x.shape[1] + y.shape[1]):
        return _too_few(sides)
    if not np.isfinite(fit_gaussian(x, y).information):
        return INFINITE
    estimate = corrected_ksg(x, y, k, rng)
    details = sides.details(k)
    if estimate.slope > INFINITE_SLOPE:
        return INFINITE
    error = float(np.sqrt(estimate.variance))
    value, kind = estimate.value, "estimate"
    status, low, high, notes = judged(value, error, estimate.drift, details["cap"] - 1 + value - estimate.raw, sides.n, ())
    # a fall that may be noise moves no value, but the truth may well lie where it points
    high += estimate.left_out
    if estimate.extrapolated:
        details["extrapolated"] = estimate.extrapolated
    if estimate.off_by > _STEP:
        status = "unresolved"
        notes = (*notes, f"fewer neighbours show more: extrapolating to none moved the value by {estimate.extrapolated:+.3f} nats")
    within = sides.n * float(np.exp(-value))
    if x.shape[1] + y.shape[1] == 2 and within < _WITHIN * estimate.reach:
        status = "unresolved"
        notes = (*notes, f"too few rows for so narrow a noise: only {within:.0f} of {sides.n} lie within it, and the value may be too low")
    gain = estimate.slope * float(np.log(4))
    if x.shape[1] + y.shape[1] > 2 and gain > _RAW_GAIN:
        status = "unresolved"
        note = (
            f"too few rows for so narrow a noise: neighbours alone gained {gain:.2f} nats from the last fourfold, the rest is the model's"
        )
        notes = (*notes, note)
    if x.shape[1] + y.shape[1] > 2:
        floor = feature_floor(x, y, k, halves_of(sides.n, rng), rng)
        details["floor"] = floor.value
        if floor.value - value > _REJECT * np.sqrt(estimate.variance + floor.variance):
            value, low, high = floor.value, *_interval(floor)
            kind, status = "lower_bound", "unresolved"
            notes = ("features learned on other rows share more than neighbours see: the value is a lower bound",)
    details |= {"bias": estimate.bias, "drift": estimate.drift, "model": estimate.copula.information, "error": error}
    return _measurement(sides, value, low, high, kind, status, details, notes)


def contrastive(sides: Sides, k: int, rng: np.random.Generator) -> Result:
    """Held-out InfoNCE alone."""
    floor = critic_floor(sides.x, sides.y, halves_of(sides.n, rng), rng)
    details = sides.details(k) | {"cap": critic_cap(sides.n), "error": float(np.sqrt(floor.variance))}
    status: Status = "capped" if floor.value > details["cap"] - 1 else "ok"
    notes = ("a lower bound from a critic that never saw the rows it is scored on",)
    if status == "capped":
        notes += (f"a critic that meets {round(np.exp(details['cap']))} rows at once cannot show more than their logarithm",)
    return _measurement(sides, floor.value, *_interval(floor), "lower_bound", status, details, notes)


def high_dimensional(sides: Sides, k: int, rng: np.random.Generator) -> Result:
    """Bracket: learned features or a critic below, an elliptical copula as the model value, which is tested against its own surrogate."""
    x, y = sides.x, sides.y
    details = sides.details(k)
    halves = halves_of(sides.n, rng)
    features, critic = feature_floor(x, y, k, halves, rng), critic_floor(x, y, halves, rng)
    floor = higher(features, critic)
    details |= {"floor": floor.value, "floor_features": features.value, "floor_critic": critic.value}
    columns = x.shape[1] + y.shape[1]
    if sides.n < 2 * columns:
        low, high = _interval(floor)
        note = f"{sides.n} rows are too few for a model of {columns} columns (twice as many are needed): a lower bound from held-out rows"
        return _measurement(sides, floor.value, low, high, "lower_bound", "unresolved", details, (note,))
    model = fit_elliptical(x, y)
    if not np.isfinite(model.information):
        return INFINITE
    error = _model_error(model, sides)
    details |= {"model": model.information, "error": error} | ({"df": model.df} if np.isfinite(model.df) else {})
    floors = features, linear_floor(x, y, halves)
    gap = _gap_to_surrogate(sides, model, floors, k, rng)
    if _REJECT < gap.largest < _SURE:
        gap = _gap_to_surrogate(sides, model, floors, k, rng)
    details |= {"z_features": gap.features, "z_critic": gap.critic, "z_neighbours": gap.neighbours, "z_bend": bend(x, y)}
    lower, upper = _interval(floor)[0], model.information + QUANTILE * error
    if gap.largest <= _REJECT:
        bent = details["z_bend"] > _REJECT
        notes = (
            ("one side does not follow the other along a line, as the elliptical model has it: the value may be too low",) if bent else ()
        )
        status: Status = "unresolved" if bent else "ok"
        return _measurement(sides, model.information, min(lower, model.information), upper, "bracket", status, details, notes)
    if floor.value > model.information:
        note = "the elliptical model misses what held-out rows share: the value is a lower bound, and nothing bounds it from above"
        return _measurement(sides, floor.value, *_interval(floor), "lower_bound", "unresolved", details, (note,))
    value = float(np.clip(model.information + gap.deepest, floor.value, model.information))
    note = "a sample of the elliptical model looks different from the data: between the held-out rows' value and the model's"
    return _measurement(sides, value, min(lower, value), upper, "bracket", "unresolved", details, (note,))


@dataclass(frozen=True)
class _Gap:
    """Data less a sample of the model, in standard errors: of both floors, and of KSG in all columns (0 where it sees nothing)."""

    features: float
    critic: float
    neighbours: float
    deepest: float
    """The largest difference towards less information, in nats."""

    @property
    def together(self) -> float:
        """Features and neighbours as one, for worlds that each finds a little odd."""
        return (self.features + self.neighbours) / float(np.sqrt(2))

    @property
    def largest(self) -> float:
        """How unlike the model the data look."""
        return max(abs(z) for z in (self.features, self.critic, self.neighbours, self.together))


def _gap_to_surrogate(sides: Sides, model: EllipticalCopula, floors: tuple[Floor, Floor], k: int, rng: np.random.Generator) -> _Gap:
    x, y, _ = model.draw(rng, sides.n)
    halves = halves_of(sides.n, rng)
    expected = feature_floor(x, y, k, halves, rng), linear_floor(x, y, halves)
    features, critic = (standardised(found, wanted) for found, wanted in zip(floors, expected, strict=True))
    deepest = min(found.value - wanted.value for found, wanted in zip(floors, expected, strict=True))
    if x.shape[1] + y.shape[1] > TREE_COLUMNS:
        # neighbours in many columns are nearly random, and few rows are everyone's neighbour: the gap says little and its error less
        return _Gap(features, critic, 0.0, deepest)
    near, near_model = mixed(sides.x, sides.y, k), mixed(x, y, k)
    near_gap = float(near.mean() - near_model.mean())
    neighbours = near_gap / float(np.sqrt((near.var() + near_model.var()) / sides.n))
    return _Gap(features, critic, neighbours, min(deepest, near_gap))


def _model_error(model: EllipticalCopula, sides: Sides) -> float:
    """Standard error of a model's information: that of its mean pointwise value, and what is left of it at independence."""
    n, dx, dy = sides.n, sides.x.shape[1], sides.y.shape[1]
    return float(np.sqrt(model.pointwise_of_scores(sides.x, sides.y).var() / n + dx * dy / (2 * n**2)))


def _too_few(sides: Sides) -> Refusal:
    columns = sides.x.shape[1] + sides.y.shape[1]
    return Refusal(
        reason=f"{sides.n} rows are too few for a Gaussian of {columns} columns: at least {2 * columns} are needed",
        advice="give more rows, or leave estimator='auto', which gives a lower bound",
    )


def _interval(floor: Floor) -> tuple[float, float]:
    reach = QUANTILE * float(np.sqrt(floor.variance))
    return floor.value - reach, floor.value + reach


def _measurement(
    sides: Sides, value: float, low: float, high: float, kind: Kind, status: Status, details: dict[str, float], notes: tuple[str, ...]
) -> Measurement:
    return Measurement(value=value, low=low, high=high, n=sides.n, unit="nats", kind=kind, status=status, details=details, notes=notes)
