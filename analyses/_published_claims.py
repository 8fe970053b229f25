"""What papers claim of distillation, and the rules by which `published_claims.py` judges it: written down before any result.

A setting is one data set with one temperature (or one amount). In each, the difference of students' scores is paired by seed. It *speaks
for* the claim where the one-sided t test of a mean above 0 has p < .05, and *against* it where that of a mean below the margin has; both
are Holm-adjusted over the settings of the claim. The margin is a fifth of the untaught twins' standard deviation over seeds. A claim is
SUPPORTED where more than half of its settings speak for it, CONTRADICTED where more than half speak against it (a harm is against it too),
and INCONCLUSIVE otherwise. The score is what the papers speak of, accuracy (R² of a regression); calibrated NLL is shown beside it, with
the verdict that it would give, and decides nothing.

The capacity-gap law is judged by sets of best sizes in place of differences: a setting is one data set and one student size, at T 1;
`kdprobe.capacity_gap` gives the teacher sizes that may be best. It speaks for the law where that set holds a size within a factor √2 of 2.5
times the student's and does not hold the largest teacher (a set of everything says nothing of a ratio), and against it where it holds none
within that factor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kdprobe.stats.multiplicity import holm
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT, contrast

CONSTANT, FACTOR = 2.5, 2**0.5
MARGIN = 0.2
"""Of the standard deviation of the untaught twins' scores over seeds."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """One claim of a paper.

    Parameters
    ----------
    against
        What stands on the other side of the difference.
    """

    name: str
    says: str
    source: str
    expected: str
    difference: str


CLAIMS = (
    Published(
        name="assistant", says="under a much larger teacher, an assistant of middle size makes a better student than the direct way",
        source="Mirzadeh et al. 2020, arXiv:1902.03393", expected="yes by the paper: +0.94 points of accuracy on CIFAR-10",
        difference="student through the assistant less student taught directly",
    ),
    Published(
        name="law", says="the best teacher is a constant 2.5 times as large as its student", source="Zhang et al. 2023, arXiv:2311.07052",
        expected="a constant ratio by the paper, of language models; not by the nested least-squares law, which has none",
        difference="teacher sizes that may be best, over the student's",
    ),
    Published(
        name="stopped", says="a large teacher that is stopped early makes a better student than the same teacher trained to its end",
        source="Cho and Hariharan 2019, arXiv:1910.01348", expected="yes by the paper, of ResNets on CIFAR-10 and ImageNet",
        difference="student of the stopped teacher less student of the whole one",
    ),
    Published(
        name="asymmetric", says="a temperature for the right class and a lower one for the wrong classes make large teachers teach better",
        source="Li et al. 2022, arXiv:2210.04427", expected="yes by the paper, of ResNets on CIFAR-100",
        difference="student under two temperatures less student under the higher one alone",
    ),
    Published(
        name="smoothing", says="a teacher trained with label smoothing makes worse students than one trained without",
        source="Müller et al. 2019, arXiv:1906.02629", expected="yes by the paper, on MNIST and CIFAR-10; later work disputes it",
        difference="student of the plain teacher less student of the smoothed one",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One comparison: differences of each seed, and the margin below which one is negligible."""

    claim: str
    where: str
    differences: np.ndarray
    margin: float
    note: str = ""


def judged(settings: Sequence[Setting]) -> tuple[str, list[str]]:
    """The verdict of a claim of differences, and what each setting says: "for", "against" or "neither".

    Examples
    --------
    >>> better = Setting(claim="a", where="b", differences=np.array([1.0, 1.1, 0.9, 1.0, 1.2, 0.8, 1.0, 1.0]), margin=0.1)
    >>> judged([better])
    ('SUPPORTED', ['for'])
    """
    if min(len(one.differences) for one in settings) < SEEDS_FOR_A_VERDICT:
        return "INCONCLUSIVE", ["too few seeds" for _ in settings]
    above = holm([float(contrast(-one.differences).below()) for one in settings])
    below = holm([float(contrast(one.differences).below(one.margin)) for one in settings])
    # where less than the margin is shown and more than nothing is too, the effect is there and too small to matter: against
    told = ["against" if low < LEVEL else "for" if high < LEVEL else "neither" for high, low in zip(above, below, strict=True)]
    return majority(told), told


def majority(told: Sequence[str]) -> str:
    """A verdict of more than half of what settings say."""
    for word, verdict in (("for", "SUPPORTED"), ("against", "CONTRADICTED")):
        if 2 * sum(one == word for one in told) > len(told):
            return verdict
    return "INCONCLUSIVE"


def of_the_law(best: Sequence[float], student: float, largest: float) -> str:
    """What a set of best teacher sizes says of a constant ratio.

    Examples
    --------
    >>> of_the_law([250.0, 300.0], 100.0, 1600.0), of_the_law([800.0, 1600.0], 100.0, 1600.0), of_the_law([250.0, 1600.0], 100.0, 1600.0)
    ('for', 'against', 'neither')
    """
    near = any(1 / FACTOR <= size / student / CONSTANT <= FACTOR for size in best)
    if not near:
        return "against"
    return "neither" if largest in best else "for"
