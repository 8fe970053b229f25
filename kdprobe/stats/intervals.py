"""Intervals: jackknife over rows or whole blocks, Wilson, Fieller, and Student's t over paired seeds.

Rows of one block (the hours of one day) are not independent, so whole blocks are left out. Functions give an `Interval`, or a `Refusal`
where there is none to give; neither holds NaN or an infinity.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.result import Refusal

Z95 = 1.959963984540054


class Interval(NamedTuple):
    """An estimate with the ends of its 95 % interval."""

    value: float
    low: float
    high: float
    n: int
    """Independent units: rows, blocks or seeds."""
    error: float
    """Standard error, on the scale of the value."""


class Transform(NamedTuple):
    """A scale on which the sampling distribution is closer to symmetric: intervals are made there and carried back."""

    forward: Callable[[Any], Any]
    inverse: Callable[[Any], Any]
    least: float
    most: float
    """Ends of the value's range, which no interval leaves."""


def _minus_log_rest(value: np.ndarray) -> np.ndarray:
    return -np.log1p(-value)


def _without_rest(scaled: np.ndarray) -> np.ndarray:
    return -np.expm1(-scaled)


FISHER = Transform(np.arctanh, np.tanh, -1.0, 1.0)
"""For correlations."""
LOG = Transform(np.log, np.exp, 0.0, math.inf)
"""For values above 0."""
BELOW_ONE = Transform(_minus_log_rest, _without_rest, -math.inf, 1.0)
"""For values up to 1, such as R²: the log of what is left to 1."""


def jackknife(
    contributions: np.ndarray,
    function: Callable[[np.ndarray], np.ndarray] | None = None,
    *,
    blocks: np.ndarray | None = None,
    transform: Transform | None = None,
) -> Interval | Refusal:
    """Jackknife interval of a smooth function of row means (Tukey 1958; unequal blocks: Busing, Meijer and van der Leeden 1999).

    Parameters
    ----------
    contributions
        (n,) or (n, k): what each row adds to the means.
    function
        Maps means (..., k) to values (...), vectorised. None: the mean itself.
    blocks
        (n,) labels of rows that are left out together. None: rows are independent.
    transform
        Scale on which the interval is made. Where it sends an estimate to infinity (a correlation of exactly 1), the interval is made on
        the plain scale and cut at the ends of the value's range.

    Returns
    -------
    Interval
        Student's t with one degree of freedom less than there are units. A refusal with fewer than two units, or where the function is
        undefined on all rows or without one unit. O(n k).

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> interval = jackknife(x)
    >>> round(interval.error, 4), round(float(x.std(ddof=1) / 2), 4)
    (0.6455, 0.6455)
    """
    contributions = np.asarray(contributions, dtype=np.float64)
    if contributions.ndim == 1:
        contributions = contributions[:, None]
    function = function or (lambda means: means[..., 0])
    sums, sizes = unit_sums(contributions, blocks)
    n = len(contributions)
    if len(sizes) < 2:
        return too_few(len(sizes), blocks)
    with np.errstate(all="ignore"):
        total = sums.sum(axis=0)
        estimate = function(total / n)
        left_out = function((total - sums) / (n - sizes)[:, None])
    return from_left_out(float(estimate), left_out, sizes, transform=transform)


def from_left_out(estimate: float, left_out: np.ndarray, sizes: np.ndarray, *, transform: Transform | None = None) -> Interval | Refusal:
    """Interval from an estimate and the estimates without each unit in turn.

    Parameters
    ----------
    estimate
        On all rows.
    left_out
        (g,) estimates, each without one unit.
    sizes
        (g,) rows in each unit.
    transform
        Scale on which the interval is made, where it is finite.
    """
    if not (np.isfinite(estimate) and np.isfinite(left_out).all()):
        return Refusal(
            reason="the value is undefined or beyond the range of float64, on all rows or without one unit of them",
            advice="look for a constant or a huge entry",
        )
    with np.errstate(all="ignore"):
        quantile = float(stdtrit(len(sizes) - 1, 0.975))
        error = _jackknife_error(estimate, left_out, sizes)
        low, high = estimate - quantile * error, estimate + quantile * error
        if transform is not None:
            centre, around = transform.forward(np.float64(estimate)), transform.forward(left_out)
            if np.isfinite(centre) and np.isfinite(around).all():
                reach = quantile * _jackknife_error(centre, around, sizes)
                low, high = float(transform.inverse(centre - reach)), float(transform.inverse(centre + reach))
            low, high = max(low, transform.least), min(high, transform.most)
    if not (np.isfinite(low) and np.isfinite(high) and np.isfinite(error)):
        return Refusal(reason="the interval is beyond the range of float64", advice="scale the arrays")
    # a transform carries the estimate back to within rounding only
    return Interval(estimate, min(low, estimate), max(high, estimate), len(sizes), error)


def _jackknife_error(estimate: float, left_out: np.ndarray, sizes: np.ndarray) -> float:
    h: np.ndarray = np.sum(sizes) / sizes
    # pseudo-values less the estimate; with equal sizes this is the textbook (g-1)/g Σ(θ_j - mean)²
    pseudo = (h - 1) * (estimate - left_out)
    around = pseudo - pseudo.sum() / len(sizes)
    return math.sqrt(float(around @ (around / (h - 1))) / len(sizes))


def summed(parts: Sequence[Interval]) -> Interval:
    """One interval from independent sources of error of one estimate: variances add up, degrees of freedom by Welch and Satterthwaite.

    Examples
    --------
    >>> one = Interval(0.0, -1.0, 1.0, 20, 0.3)
    >>> summed([one, one]).error
    0.4242640687119285
    """
    variances = [part.error**2 for part in parts]
    total = sum(variances)
    if total == 0.0:
        return parts[0]
    freedom = total**2 / sum(v**2 / (part.n - 1) for v, part in zip(variances, parts, strict=True))
    reach = float(stdtrit(freedom, 0.975)) * math.sqrt(total)
    value = parts[0].value
    return Interval(value, value - reach, value + reach, parts[0].n, math.sqrt(total))


def proportion(hits: np.ndarray, *, blocks: np.ndarray | None = None) -> Interval | Refusal:
    """Interval of a proportion: Wilson's, with an effective number of rows where rows come in blocks (Korn and Graubard 1998).

    Parameters
    ----------
    hits
        (n,) zeros and ones.
    blocks
        (n,) labels of rows that belong together.

    Examples
    --------
    >>> interval = proportion(np.array([1, 1, 1, 0]))
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.3006, 0.9544)
    """
    hits = np.asarray(hits, dtype=np.float64)
    sums, sizes = unit_sums(hits[:, None], blocks)
    if len(sizes) < 2:
        return too_few(len(sizes), blocks)
    n, p = len(hits), float(hits.mean())
    if blocks is None:
        return wilson(p, n, quantile=Z95, units=n)
    variance = _cluster_variance(sums[:, 0] - p * sizes, n)
    # no spread between blocks says nothing of their dependence: count blocks, not rows; and never more than the rows there are
    effective = min(p * (1 - p) / variance, n) if variance > 0 else len(sizes)
    return wilson(p, effective, quantile=float(stdtrit(len(sizes) - 1, 0.975)), units=len(sizes))


def wilson(p: float, n: float, *, quantile: float, units: int) -> Interval:
    """Wilson's score interval of a proportion `p` among `n` (Wilson 1927): never leaves [0, 1], and has width at 0 and 1."""
    q = quantile**2 / n
    centre = (p + q / 2) / (1 + q)
    reach = math.sqrt(q * p * (1 - p) + q * q / 4) / (1 + q)
    return Interval(p, max(0.0, min(centre - reach, p)), min(1.0, max(centre + reach, p)), units, math.sqrt(p * (1 - p) / n))


def ratio(numerator: np.ndarray, denominator: np.ndarray, *, blocks: np.ndarray | None = None) -> Interval | Refusal:
    """Fieller's interval of mean(numerator) / mean(denominator), rows paired (Fieller 1954).

    Refuses where the denominator's own interval holds 0: Fieller's set is then unbounded.

    Parameters
    ----------
    numerator, denominator
        (n,) per row.
    blocks
        (n,) labels of rows that belong together.

    Examples
    --------
    >>> interval = ratio(np.array([1.0, 2.0, 1.5]), np.array([4.0, 5.0, 4.0]))
    >>> [round(end, 3) for end in (interval.low, interval.value, interval.high)]
    [0.083, 0.346, 0.51]
    """
    pair = np.stack([numerator, denominator], axis=1).astype(np.float64)
    sums, sizes = unit_sums(pair, blocks)
    if len(sizes) < 2:
        return too_few(len(sizes), blocks)
    n = len(pair)
    with np.errstate(all="ignore"):
        a, b = pair.mean(axis=0)
        deviation = sums - np.outer(sizes, [a, b])
        t2 = float(stdtrit(len(sizes) - 1, 0.975)) ** 2
        vaa, vbb = _cluster_variance(deviation[:, 0], n), _cluster_variance(deviation[:, 1], n)
        vab = float(deviation[:, 0] @ deviation[:, 1]) * len(sizes) / (len(sizes) - 1) / n**2
        lead = b * b - t2 * vbb
        if not np.isfinite([a, b, lead, vaa, vab]).all():
            return Refusal(reason="the ratio is beyond the range of float64", advice="scale the arrays")
        if lead <= 0:
            return Refusal(reason=f"the denominator, {b:.4g} ± {np.sqrt(t2 * vbb):.2g}, is not distinguishable from 0", advice="add rows")
        middle = (a * b - t2 * vab) / lead
        # a/b always lies inside, so the discriminant is negative by rounding only
        reach = np.sqrt(max(middle * middle - (a * a - t2 * vaa) / lead, 0.0))
        value = float(a / b)
        error = np.sqrt(max(vaa - 2 * value * vab + value**2 * vbb, 0.0)) / abs(b)
    return Interval(value, float(min(middle - reach, value)), float(max(middle + reach, value)), len(sizes), float(error))


def over_seeds(differences: np.ndarray, *, draws: np.ndarray | None = None) -> Interval | Refusal:
    """Student's t interval of the mean of paired differences, one a seed.

    Parameters
    ----------
    differences
        (s,) student minus paired twin, or any other paired difference.
    draws
        (s,) the draw of labelled rows of each seed. With more than one draw, draws are the units: seeds of one draw share their rows.

    Returns
    -------
    Interval
        A refusal with one seed: its difference says nothing of the next seed's.

    Examples
    --------
    >>> over_seeds(np.array([0.5])).reason
    'one seed gives no interval over seeds'
    """
    differences = np.asarray(differences, dtype=np.float64)
    if draws is not None and len(np.unique(draws)) > 1:
        return jackknife(differences, blocks=draws)
    if len(differences) < 2:
        count = "one seed gives" if len(differences) else "no seeds give"
        return Refusal(reason=f"{count} no interval over seeds", advice="run at least 2 seeds, 8 for a verdict")
    return jackknife(differences)


def unit_sums(contributions: np.ndarray, blocks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Sums (g, k) of the contributions (n, k) of each unit, and the (g,) rows in each."""
    if blocks is None:
        return contributions, np.ones(len(contributions))
    _, codes, sizes = np.unique(blocks, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(codes, weights=column, minlength=len(sizes)) for column in contributions.T], axis=1)
    return sums, sizes.astype(np.float64)


def too_few(units: int, blocks: np.ndarray | None) -> Refusal:
    """The refusal of an interval over fewer than two units."""
    what = "row" if blocks is None else "block"
    return Refusal(reason=f"{units} {what}{'' if units == 1 else 's'} cannot give an interval", advice=f"give at least 2 {what}s")


def _cluster_variance(deviations: np.ndarray, n: int) -> float:
    """Variance of a mean of n rows from its (g,) sums of deviations by unit."""
    g = len(deviations)
    return float(deviations @ deviations) * g / (g - 1) / n**2
