"""The share of variance that random features explain: an exact interval, where all is Gaussian."""

from typing import Any

import numpy as np
from scipy import optimize as scipy_optimize  # pyright: ignore[reportMissingTypeStubs]
from scipy.special import betainc, gammaln  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.errors import DataError


def explained_share_cdf(share: float, truth: float, *, features: int, freedom: int) -> float:
    """Chance that a sample's R² is at most `share` where the population's is `truth`, for jointly Gaussian features and target.

    A mixture of beta distributions with negative binomial weights (Fisher 1928; Anderson 2003, section 4.4).

    Parameters
    ----------
    share
        R² of the sample, 0 to 1.
    truth
        R² of the population, 0 to below 1.
    features
        How many explain.
    freedom
        Degrees of freedom before them: rows less 1 for the mean, less those of features that were taken out of both sides before.

    Examples
    --------
    >>> round(explained_share_cdf(0.1, 0.0, features=1, freedom=2), 6)
    0.204833
    """
    half = freedom / 2
    if truth <= 0:
        return float(betainc(features / 2, half - features / 2, share))
    # the counts of the mixture that have any weight: twelve standard deviations round the mean
    mean, sd = half * truth / (1 - truth), np.sqrt(half * truth) / (1 - truth)
    low, high = max(0, int(mean - 12 * sd - 20)), int(mean + 12 * sd + 60)
    # beyond some thousand counts both factors are smooth in them: a part stands for all
    counts = np.arange(low, high, max(1, (high - low) // 2000))
    log_weight = gammaln(half + counts) - gammaln(half) - gammaln(counts + 1) + counts * np.log(truth) + half * np.log1p(-truth)
    weight = np.exp(log_weight - log_weight.max())
    return float(weight @ betainc(features / 2 + counts, half - features / 2, share)) / float(weight.sum())


def explained_share(share: float, *, features: int, freedom: int, level: float = 0.05) -> tuple[float, float]:
    """Equal-tailed interval of the population's R² from a sample's: exact for jointly Gaussian features and target.

    Parameters
    ----------
    share
        R² of the sample.
    features, freedom
        As in `explained_share_cdf`.
    level
        1 less the coverage.

    Returns
    -------
    tuple of float
        Ends; both are 0 where the sample explains less than chance would. Cost: some 80 sums of some 2,000 terms.

    Raises
    ------
    DataError
        If there are no degrees of freedom beyond the features.

    Examples
    --------
    >>> low, high = explained_share(0.5, features=3, freedom=40)
    >>> round(low, 3), round(high, 3)
    (0.217, 0.672)
    """
    if features < 1 or freedom <= features:
        raise DataError(f"features={features} and {freedom} degrees of freedom: give at least 1 feature and more rows")
    share = min(max(share, 0.0), 1.0)
    optimize: Any = scipy_optimize
    top = 1 - 1e-12

    def end(tail: float, beyond: float) -> float:
        def over(truth: float) -> float:
            return explained_share_cdf(share, truth, features=features, freedom=freedom) - tail

        # the chance of so small a sample value falls as the truth grows; the search goes upwards from the sample's own value
        if over(0.0) <= 0:
            return 0.0
        high = min(share, top)
        while over(high) > 0:
            if high >= top:
                return beyond
            high = min((1 + high) / 2, top)
        return float(optimize.brentq(over, 0.0, high, xtol=1e-12))

    return end(1 - level / 2, top), end(level / 2, 1.0)
