"""Claims that are read together: those with enough seeds, their p values adjusted once for all of them (Holm 1979).

Each word of a page is a family of its own: of all pages whose claims are all untrue at most 5 % say SUPPORTED of any, and of all pages
whose claims are all true by the margin or more at most 5 % say CONTRADICTED of any.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

from kdprobe.stats.multiplicity import holm
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT
from kdprobe.stats.resampling import EXACT_UNITS

TOO_SMALL = "too small to matter"


class Claim(Protocol):
    """A reading that a family gives its word: a frozen dataclass with p values and a qualifier."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def p(self) -> float:
        """Of the claim being untrue: small where it is shown. Before it is adjusted, and after."""
        ...

    @property
    def against(self) -> float:
        """Of the claim being true by a margin or more (an equivalence test): small where it is contradicted. Before, and after."""
        ...


Reading = TypeVar("Reading", bound=Claim)


def too_few(seeds: int) -> str:
    """Why so many seeds allow no verdict; "" where they do.

    Examples
    --------
    >>> too_few(5), too_few(8)
    ('direction only: below 8 seeds', '')
    """
    return "" if seeds >= SEEDS_FOR_A_VERDICT else f"direction only: below {SEEDS_FOR_A_VERDICT} seeds"


def too_small(value: float, margin: float, against: float) -> str:
    """What is said of an effect that is shown and yet smaller than what is called negligible; "" where it is not.

    Parameters
    ----------
    value, margin
        The effect as it was found, and the size below which it is negligible.
    against
        Adjusted p of its being the margin or more.

    Examples
    --------
    >>> too_small(0.0002, 0.196, 0.001), too_small(0.15, 0.196, 0.2), too_small(0.3, 0.196, 0.9)
    ('too small to matter', 'perhaps too small to matter', '')
    """
    if value >= margin:
        return ""
    return TOO_SMALL if against < LEVEL else f"perhaps {TOO_SMALL}"


def fewest_units(claims: int) -> int | None:
    """Seeds, or draws, below which sign flips can support none of so many claims, whatever is found.

    The smallest p of n units is 2^-n, and Holm multiplies the smallest of m by m; where no number will do None is returned, because above
    14 units flips are drawn, and not counted out.

    Examples
    --------
    >>> fewest_units(1), fewest_units(12), fewest_units(13), fewest_units(1000)
    (5, 8, 9, None)
    """
    return next((units for units in range(1, EXACT_UNITS + 1) if claims * 0.5**units < LEVEL), None)


def adjusted(p: Sequence[float | None]) -> list[float | None]:
    """p values Holm-adjusted over those that are there; None stays None and counts for nothing.

    Examples
    --------
    >>> adjusted([0.01, None, 0.03])
    [0.02, None, 0.03]
    """
    found = iter(holm([value for value in p if value is not None]).tolist())
    return [None if value is None else next(found) for value in p]


def direction(reading: Reading, missing: str) -> Reading:
    """Say why a reading has no verdict."""
    return replace(reading, qualifier=missing)


def judged(
    readings: Sequence[Reading],
    *,
    missing: Callable[[Reading], str | None],
    judge: Callable[[Reading, int], Reading],
    unjudged: Callable[[Reading, str], Reading] = direction,
    tests: Sequence[str] = ("p", "against"),
) -> list[Reading]:
    """Give each reading of a family its verdict.

    Parameters
    ----------
    readings
        All that one page claims of one kind.
    missing
        What a reading lacks for a verdict: "" if nothing, so that it is a member of the family; None where nothing was measured, and the
        reading says so itself.
    judge
        From a member, its p values adjusted, and the number of members to the reading with its word.
    unjudged
        From a reading without verdict and what it lacks to the reading that says so.
    tests
        Fields that hold p values, each adjusted over the members by itself.
    """
    lacks = [missing(reading) for reading in readings]
    p = {name: adjusted([getattr(r, name) if lack == "" else None for r, lack in zip(readings, lacks, strict=True)]) for name in tests}
    claims = lacks.count("")
    found: list[Reading] = []
    for place, (reading, lack) in enumerate(zip(readings, lacks, strict=True)):
        if lack == "":
            found.append(judge(replace(reading, **{name: p[name][place] for name in tests}), claims))
        else:
            found.append(unjudged(reading, lack) if lack else reading)
    return found
