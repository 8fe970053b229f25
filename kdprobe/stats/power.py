"""How many seeds a question needs, and what so many seeds can see."""

import math

from scipy.special import nctdtr, stdtrit  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.stats.paired import LEVEL

MOST_SEEDS = 1000
POWER = 0.8


def power(effect: float, seeds: int, *, tests: float = 1, two_sided: bool = True) -> float:
    """Chance that a paired t test shows a true effect, at level .05 over `tests` of them (Bonferroni).

    Parameters
    ----------
    effect
        True mean of the paired differences in their standard deviations; its sign does not matter.
    seeds
        Paired seeds, at least 2.

    Returns
    -------
    float
        Of showing it in its own direction.

    Examples
    --------
    >>> round(power(1.0, 20), 3), round(power(1.0, 20, tests=8), 3)
    (0.989, 0.901)
    """
    level = LEVEL / tests / (2 if two_sided else 1)
    critical = float(stdtrit(seeds - 1, 1 - level))
    below = float(nctdtr(seeds - 1, abs(effect) * math.sqrt(seeds), critical))
    # nctdtr overflows to NaN far out in the tail, where the power is 1
    return 1.0 if math.isnan(below) else 1.0 - below


def seeds_needed(mean: float, sd: float, *, tests: float = 1, two_sided: bool = True) -> int | None:
    """Seeds that would show a paired difference with power .8 if its mean and spread are what they seem; None beyond 1,000.

    Examples
    --------
    >>> seeds_needed(1.0, 1.0), seeds_needed(0.5, 1.0), seeds_needed(0.01, 1.0)
    (10, 34, None)
    """
    if sd <= 0:
        return 2 if mean else None
    effect = abs(mean) / sd
    if power(effect, MOST_SEEDS, tests=tests, two_sided=two_sided) < POWER:
        return None
    low, high = 1, MOST_SEEDS
    # power grows with the seeds, so halving finds the first number that suffices
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, middle, tests=tests, two_sided=two_sided) >= POWER else (middle, high)
    return high
