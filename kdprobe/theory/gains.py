"""What distillation would gain on somebody's data: shares of the twin's excess risk, with intervals.

In the nested law, with an intercept in every model, the gain depends on two residual variances only: of the student's features and of the
teacher's. Both are estimated by least squares on the labelled rows, and the share of the twin's excess risk that is gained depends
on their ratio alone: one less the squared partial correlation of the features that only the larger model sees, whose interval is exact for
jointly Gaussian rows. So is the sign of the gain. Tails that are shown to be heavier widen it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import chdtri, stdtrit  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.errors import DataError
from kdprobe.stats.multiple_correlation import explained_share
from kdprobe.theory.checks import excess_factor, tail_factor
from kdprobe.theory.sample import Sample

LEVEL = 0.05


class Bounds(NamedTuple):
    """An estimate with the ends of its interval."""

    value: float
    low: float
    high: float


class Gain(NamedTuple):
    """Predicted gain over the untaught twin."""

    teacher: int
    """q, features of the teacher."""
    share: Bounds
    """Of the twin's excess risk; 1 would be all of it, below 0 distilling costs."""
    gain: Bounds
    """In target variances."""
    ratio: Bounds
    """Residual variance of the larger model over that of the smaller: what the share depends on."""


def nested_share(ratio: float, *, n: float, p: int, q: int, m: float, intercept: bool = True) -> float:
    """Share of the twin's excess risk that distillation gains, every model with an intercept or none.

    Parameters
    ----------
    ratio
        Residual variance of the larger model over that of the smaller, above 0 to 1.
    n, p, q, m
        Labelled rows, features of student and teacher, rows that the teacher labels; n >= max(p, q)+3, and m >= p+3 where q > p.

    Examples
    --------
    >>> round(nested_share(0.5, n=80, p=4, q=20, m=float("inf")), 4)
    0.3621
    >>> nested_share(1.0, n=80, p=4, q=4, m=100)
    0.0

    Without intercepts it is the share of `kdprobe.theory.nested_ols`:

    >>> from kdprobe.theory import nested_ols
    >>> beta = np.arange(1, 21) ** -0.75
    >>> law = nested_ols(beta, 0.25, n=80, p=4, q=14, m=160)
    >>> ratio = (0.25 + beta[14:] @ beta[14:]) / (0.25 + beta[4:] @ beta[4:])
    >>> bool(abs(nested_share(ratio, n=80, p=4, q=14, m=160, intercept=False) - (1 - law.student / law.twin)) < 1e-12)
    True
    """
    if p == q:
        return 0.0
    twin = _excess(p, n, intercept)
    if q < p:
        # the student is its teacher: their absolute risks are compared
        return 1 - ((_excess(q, n, intercept) + 1) / ratio - 1) / twin
    each = ratio / (n - q - 1 - intercept)
    seen = p * each + intercept * (ratio / n + q * each / n)
    unseen = 1 - ratio + (q - p) * each
    return 1 - (seen + _excess(p, m, intercept) * unseen) / twin


def _excess(size: int, rows: float, intercept: bool) -> float:
    """Expected excess risk of least squares for residual variance 1."""
    if intercept or math.isinf(rows):
        return excess_factor(size, rows)
    return size / (rows - size - 1)


def nested_gains(
    sample: Sample, sizes: Sequence[int], *, m: float, level: float = LEVEL, intercept: bool = True
) -> tuple[Gain, ...]:  # fmt: skip
    """Gains of teachers of several sizes, with intervals that hold for all of them at once (Bonferroni)."""
    return tuple(_nested_gain(sample, size, m, level / len(sizes), intercept) for size in sizes)


def all_hurt(sample: Sample, sizes: Sequence[int], *, m: float, level: float = LEVEL) -> float | None:
    """Upper limit of the largest share that any of these teachers gains, where it lies below 0; None where it does not.

    "Every size hurts" is wrong only where some size helps, and then the limit of that very size must fail: limits of one size each,
    one-sided at the level, are enough, however many sizes there are (intersection-union test, Berger 1982). Intervals for all at once ask
    for more.
    """
    most = max(_nested_gain(sample, size, m, 2 * level, True).share.high for size in sizes)
    return most if most < 0 else None


def _nested_gain(sample: Sample, q: int, m: float, level: float, intercept: bool) -> Gain:
    n, p = sample.rows, sample.student
    small, large = sorted((p, q))
    twin = sample.variance(p) * _excess(p, n, intercept)
    if small == large:
        return Gain(q, Bounds(0.0, 0.0, 0.0), Bounds(0.0, 0.0, 0.0), Bounds(1.0, 1.0, 1.0))
    left = [float((sample.residuals(size) ** 2).sum()) for size in (small, large)]
    found = 1 - left[1] / left[0] if left[0] > 0 else 0.0
    ends = explained_share(found, features=large - small, freedom=n - 1 - small, level=level)
    ends = (
        _widened(max(1 - left[1] / left[0] * (n - small - 1) / (n - large - 1), 0.0), ends, tail_factor(sample, large))
        if left[0] > 0
        else ends
    )
    unbiased = sample.variance(large) / sample.variance(small) if left[0] > 0 else 1.0
    least = 1e-12
    ratios = [min(max(ratio, least), 1.0) for ratio in (unbiased, 1 - ends[0], 1 - ends[1])]
    value, *others = (nested_share(ratio, n=n, p=p, q=q, m=m, intercept=intercept) for ratio in ratios)
    # a straight or bent line in the ratio, but monotone: the ends of the one are the ends of the other
    share = Bounds(value, min(value, *others), max(value, *others))
    spread = [twin * (n - p - 1) / float(chdtri(n - p - 1, tail)) for tail in (level / 2, 1 - level / 2)]
    gain = product(share, Bounds(twin, min(spread[0], twin), max(spread[1], twin)))
    return Gain(q, share, gain, Bounds(ratios[0], min(ratios), max(ratios)))


def _widened(share: float, ends: tuple[float, float], factor: float) -> tuple[float, float]:
    """Ends of an interval of an explained share, moved away from it on Fisher's scale, where its variance is about the same everywhere."""
    if factor == 1:
        return ends
    centre, *limits = (math.atanh(math.sqrt(min(one, 1 - 1e-12))) for one in (share, *ends))
    low, high = (math.tanh(max(centre + factor * (one - centre), 0.0)) ** 2 for one in limits)
    return min(low, ends[0]), max(high, ends[1])


def product(share: Bounds, scale: Bounds) -> Bounds:
    """Interval of a product from those of a share and of a positive scale, to first order; its sign is shown where that of the share is."""
    value = share.value * scale.value
    down = scale.low if share.value > 0 else scale.high
    up = scale.high if share.value > 0 else scale.low
    low = value - math.hypot(scale.value * (share.value - share.low), share.value * (scale.value - down))
    high = value + math.hypot(scale.value * (share.high - share.value), share.value * (up - scale.value))
    if share.low > 0:
        low = max(low, 0.5 * share.low * scale.low)
    if share.high < 0:
        high = min(high, 0.5 * share.high * scale.low)
    return Bounds(value, min(low, value), max(high, value))


def teacher_sizes(sample: Sample, *, larger: bool, most: int = 6) -> tuple[int, ...]:
    """Some sizes of teachers above, or below, the student's, evenly spaced on a logarithmic scale."""
    p = sample.student
    first, last = (p + 1, sample.sizes) if larger else (1, p - 1)
    if last < first:
        return ()
    return tuple(sorted({round(float(size)) for size in np.geomspace(first, last, most)}))


class RidgeGain(NamedTuple):
    """One round of ridge self-distillation, estimated."""

    ridge: float
    """λ, on standardised columns and sums of squares."""
    tuned: bool
    """Whether λ was chosen on these rows, by generalised cross-validation."""
    mixing: float
    """Estimate of ξ*."""
    pull: Bounds
    """What the sign of ξ* is that of, in units of its bend: ξ* with its interval."""
    share: Bounds
    """Gain at ξ* as a share of the ridge risk; never negative."""
    gain: Bounds
    """In target variances, a row."""


def ridge_gain(sample: Sample, ridge: float | None, *, level: float = LEVEL) -> RidgeGain:
    """Estimate the best weight of one round of ridge self-distillation on these rows, and its gain.

    (u_j'y)² - σ̂² stands for the signal of a direction, without bias; σ̂² is of the residual degrees of freedom.
    """
    left, roots, _ = np.linalg.svd(sample.features, full_matrices=False)
    d, z2 = roots**2, (left.T @ sample.target) ** 2
    noise, freedom = sample.variance(sample.sizes), sample.rows - sample.sizes - 1
    rest = noise * freedom
    tuned = ridge is None
    if ridge is None:
        grid: np.ndarray = 10 ** (np.linspace(-6, 3, 400) + np.log10(float(d[0])))
        shrunk: np.ndarray = d / (d + grid[:, None])
        errors: np.ndarray = ((1 - shrunk) ** 2 @ z2 + rest) / (sample.rows - 1 - shrunk.sum(axis=1)) ** 2
        ridge = float(grid[int(errors.argmin())])
    s = d / (d + ridge)
    h = s * (1 - s)
    bend = float(h * h @ z2)
    if bend <= 0:
        ends = f"{d[-1]:.3g} to {d[0]:.3g}"
        raise DataError(f"ridge={ridge:g} shrinks all or nothing: give a number nearer to the eigenvalues, which are {ends}")
    pull = float(h @ (noise - (1 - s) * z2))
    signal = np.maximum(z2 - noise, 0)
    error2 = float((h * (1 - s)) ** 2 @ (2 * noise**2 + 4 * noise * signal)) + float(h.sum()) ** 2 * 2 * noise**2 / freedom
    reach = float(stdtrit(freedom, 1 - level / 2)) * math.sqrt(error2)
    risk = max(float((1 - s) ** 2 @ (z2 - noise) + noise * (s @ s)), 1e-300)
    low, high = pull - reach, pull + reach
    ends = (low * low / bend, high * high / bend)
    gain = Bounds(pull * pull / bend, 0.0 if low <= 0 <= high else min(ends), max(ends))
    share = Bounds(*(min(end / risk, 1.0) for end in gain))
    return RidgeGain(
        ridge, tuned, pull / bend, Bounds(pull / bend, low / bend, high / bend), share, Bounds(*(end / sample.rows for end in gain))
    )  # fmt: skip
