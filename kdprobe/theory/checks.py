"""What theorems take for granted, as checks on data.

With many rows a test finds every trifle, with few it finds nothing. So an assumption fails only where a departure is both beyond chance (at
.001, or 4 standard errors) and large enough to matter. What passes is not proved: few rows show little.
"""

import math
from typing import Any

import numpy as np
from scipy import stats as scipy_stats  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.words import counted
from kdprobe.theory.sample import Sample
from kdprobe.theory.theorem import Assumption, Check

stats: Any = scipy_stats

LEVEL = 0.001
BENT = 0.02
"""Share of the residual variance that squares and cubes of the fit may explain."""
UNEVEN = 0.05
"""Share of the variance of squared residuals that the fit may explain."""
LINKED = 0.1
"""Correlation of neighbouring rows' residuals."""
FEW = 20
"""Labelled rows below which nobody looks at tails: kurtosis of so few says nothing."""
HEAVY = 3.0
"""Excess kurtosis of the residuals."""
OFF = 0.3
"""By how much the observed excess risk of least squares may differ from the law's, as a share of it."""
MOVED = 0.5
"""How far the centres of labelled and unlabelled rows may lie apart, in standard deviations of all features together."""
STRETCHED = 1.25
"""Ratio of their spreads."""
REPEATED = 0.25
"""Share of unlabelled rows that are labelled ones, above the share of labelled rows that repeat another. By about that share a gain is
told too large: a quarter, as `STRETCHED` lets pass of their spread."""
DIGITS = 9
"""Of standard units, to which rows are the same."""


def excess_factor(size: int, rows: float) -> float:
    """Expected excess risk of least squares with an intercept on Gaussian features, for residual variance 1.

    1/r + (1+1/r)·k/(r-k-2): the intercept's part, and that of k coefficients. 0 for endless rows.

    Examples
    --------
    >>> round(excess_factor(4, 80), 6), excess_factor(4, float("inf"))
    (0.06723, 0.0)
    """
    return 0.0 if math.isinf(rows) else 1 / rows + (1 + 1 / rows) * size / (rows - size - 2)


def _largest(sample: Sample) -> int:
    """Size at which residuals are looked at: all features, where there are rows enough to see anything beside them."""
    return min(sample.sizes, max(sample.student, (sample.rows - 1) // 2))


def _share(design: np.ndarray, response: np.ndarray) -> float:
    """R² of a regression with intercept."""
    design, response = design - design.mean(axis=0), response - response.mean()
    total = float(response @ response)
    left = response - design @ np.linalg.lstsq(design, response, rcond=None)[0]
    return 0.0 if total == 0 else max(1 - float(left @ left) / total, 0.0)


def _straight(sample: Sample) -> Check:
    size = _largest(sample)
    e = sample.residuals(size)
    fit = sample.target - e
    spread = float(fit.std())
    freedom = sample.rows - size - 3
    if spread < 1e-9 or freedom < 3:
        return Check(True, "too little is explained, or too few rows are left, to see a bend")
    fit = fit / spread
    extra = np.stack([fit**2, fit**3], axis=1)
    basis = sample.basis[:, :size]
    extra = extra - extra.mean(axis=0)
    share = _share(extra - basis @ (basis.T @ extra), e)
    p = float(stats.f.sf(share / max(1 - share, 1e-300) * freedom / 2, 2, freedom))
    return Check(
        not (p < LEVEL and share > BENT), f"squares and cubes of the fit explain {100 * share:.1f} % of what it leaves (p = {p:.2g})"
    )


def _even(sample: Sample) -> Check:
    e = sample.residuals(_largest(sample))
    fit = sample.target - e
    if float(fit.std()) < 1e-9 or float(e.std()) < 1e-9:
        return Check(True, "there is nothing to compare")
    share = _share(np.stack([fit, fit**2], axis=1), e**2)
    p = float(stats.chi2.sf(share * sample.rows, 2))
    return Check(not (p < LEVEL and share > UNEVEN), f"the fit explains {100 * share:.1f} % of the squared residuals (p = {p:.2g})")


def _kurtosis(e: np.ndarray) -> tuple[float, float]:
    return float(stats.kurtosis(e)), float(stats.kurtosistest(e).pvalue)


def tail_factor(sample: Sample, size: int) -> float:
    """By how much tails that the check lets through widen an interval of a residual variance: √(1+κ/2), κ the excess kurtosis.

    1 where tails are not shown to be heavier than Gaussian at .05: what chance leaves of Gaussian ones is no reason.
    """
    e = sample.residuals(size)
    if sample.rows < FEW or float(e.std()) < 1e-9:
        return 1.0
    excess, p = _kurtosis(e)
    return math.sqrt(1 + excess / 2) if excess > 0 and p < 0.1 else 1.0


def _tails(sample: Sample) -> Check:
    e = sample.residuals(_largest(sample))
    if sample.rows < FEW or float(e.std()) < 1e-9:
        return Check(True, "too few rows, or too little noise, to see tails")
    excess, p = _kurtosis(e)
    return Check(not (p < LEVEL and excess > HEAVY), f"excess kurtosis of the residuals {excess:.1f} (p = {p:.2g})")


def _unlinked(sample: Sample) -> Check:
    e = sample.residuals(_largest(sample))
    total = float(e @ e)
    link = 0.0 if total == 0 else float(e[:-1] @ e[1:]) / total
    beyond = abs(link) * np.sqrt(sample.rows)
    return Check(not (beyond > 4 and abs(link) > LINKED), f"residuals of neighbouring rows correlate by {link:.2f}")


def _law_of_risk(sample: Sample) -> Check:
    size = min(_largest(sample), sample.rows - 5)
    e, h = sample.residuals(size), sample.leverages(size)
    n = sample.rows
    law = excess_factor(size, n - 1)
    variance = float(e @ e) / (n - size - 1)
    if variance < 1e-18 or (h > 1 - 1e-9).any():
        lone = int((h > 1 - 1e-9).sum())
        return Check(lone == 0, f"{counted(lone, 'row')} fitted by a feature of {'its' if lone == 1 else 'their'} own")
    found = float((e**2 / (1 - h) ** 2).mean()) / variance - 1
    # each row's part in the difference, for its standard error
    parts = e**2 * (1 / (1 - h) ** 2 - n / (n - size - 1) * (1 + law)) / variance
    beyond = abs(found - law) / max(float(parts.std()) / np.sqrt(n), 1e-300)
    # a few rows of huge leverage have a huge standard error too: they show in the leverages, which need no label
    pull = (float((1 / (1 - h)).mean()) - 1) / law
    fine = not (beyond > 4 and abs(found / law - 1) > OFF) and pull < 1 + OFF + 6 / np.sqrt(n)
    told = f"left out in turn, rows are predicted with an excess of {found:.3g} noise variances at {counted(size, 'feature')}"
    return Check(fine, f"{told}, {law:.3g} by the law")


def _repeated(fresh: np.ndarray, features: np.ndarray) -> float:
    """Share of unlabelled rows whose features are those of a labelled row."""
    known = {row.tobytes() for row in np.round(features, DIGITS) + 0.0}
    return float(np.mean([row.tobytes() in known for row in np.round(fresh, DIGITS) + 0.0]))


def _same(sample: Sample) -> Check:
    if sample.fresh is None:
        return Check(True, "only their number is known")
    n, m, k = sample.rows, len(sample.fresh), sample.sizes
    again, usual = _repeated(sample.fresh, sample.features), 1 - len(np.unique(np.round(sample.features, DIGITS), axis=0)) / n
    if again > usual + REPEATED:
        return Check(
            False, f"{100 * again:.0f} % of them are labelled rows once more, on which this student is its twin, whatever is mixed"
        )
    if n + m <= 2 * k + 3:
        return Check(True, "too few rows to compare")
    every = np.concatenate([sample.features, sample.fresh])
    within = np.concatenate([sample.features, sample.fresh - sample.fresh.mean(axis=0)])
    cov = within.T @ within / (n + m - 2)
    apart = sample.fresh.mean(axis=0)
    solve: Any = np.linalg.solve  # whose overloads leave its type open
    solved: np.ndarray = solve(cov, apart)
    distance2 = float(np.dot(apart, solved))
    f = distance2 * n * m / (n + m) * (n + m - k - 1) / (k * (n + m - 2))
    p_moved = float(stats.f.sf(f, k, n + m - k - 1))
    norms = (every @ np.linalg.inv(np.linalg.cholesky(every.T @ every / (n + m))).T) ** 2
    norms = norms.sum(axis=1)
    ratio = float(norms[n:].mean() / norms[:n].mean())
    p_stretched = float(stats.ttest_ind(norms[:n], norms[n:], equal_var=False).pvalue) if m > 1 else 1.0
    far = p_moved < LEVEL and distance2 > MOVED**2
    wide = p_stretched < LEVEL and not 1 / STRETCHED < ratio < STRETCHED
    return Check(
        not (far or wide),
        f"their centres lie {np.sqrt(distance2):.2f} standard deviations apart, and the spread is {ratio:.2f} times as large",
    )


def _transfer(sample: Sample) -> Check:
    p, m = sample.student, sample.transfer
    if m == 0:
        return Check(False, "there are no unlabelled rows; on the teacher's own rows this student is its twin, whatever is mixed")
    return Check(True, "endless rows" if math.isinf(m) else f"{counted(int(m), 'row')} for {counted(p, 'feature')}")


def _two_classes(sample: Sample) -> Check:
    values = len(np.unique(sample.target))
    return Check(values == 2, f"the labels have {counted(values, 'value')}, and it is about two classes")


def left_over(freedom: int) -> str:
    """Say how many degrees of freedom are left."""
    return "1 degree of freedom is left" if freedom == 1 else f"{freedom} degrees of freedom are left"


def _enough(sample: Sample) -> Check:
    left = sample.rows - sample.sizes - 1
    return Check(left >= 8, f"{left_over(left)} for the noise, of {counted(sample.rows, 'row')}")


STRAIGHT = Assumption(name="straight lines", says="The labels are a linear function of the features, and noise.", check=_straight)
HOMOSCEDASTIC = Assumption(name="even noise", says="The noise has one variance, whatever the features are.", check=_even)
GAUSSIAN_ERRORS = Assumption(name="no heavy tails", says="The noise is about Gaussian.", check=_tails)
INDEPENDENT_ROWS = Assumption(name="independent rows", says="Rows are independent, neighbours among them.", check=_unlinked)
LAW_OF_RISK = Assumption(
    name="features about Gaussian", says="Least squares predicts new rows as well as it does on Gaussian features.", check=_law_of_risk
)
SAME_DISTRIBUTION = Assumption(name="alike unlabelled rows", says="Unlabelled rows come from where the labelled ones do.", check=_same)
TRANSFER_ROWS = Assumption(
    name="fresh rows", says="The teacher labels rows of its own choosing for the student, not its training rows.", check=_transfer
)
TWO_CLASSES = Assumption(name="two classes", says="The labels are two classes.", check=_two_classes)
ENOUGH_ROWS = Assumption(name="rows beyond the features", says="There are rows enough to tell noise from signal.", check=_enough)
