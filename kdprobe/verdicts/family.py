"""Claims that are read together: those with enough seeds, their p values adjusted once for all of them (Holm 1979)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

from kdprobe.stats.multiplicity import holm
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT


class Claim(Protocol):
    """A reading that a family gives its word: a frozen dataclass with a p value and a qualifier."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def p(self) -> float:
        """Of the claim, before it is adjusted."""
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
    judge: Callable[[Reading, float, int], Reading],
    unjudged: Callable[[Reading, str], Reading] = direction,
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
        From a member, its adjusted p and the number of members to the reading with its word.
    unjudged
        From a reading without verdict and what it lacks to the reading that says so.
    """
    lacks = [missing(reading) for reading in readings]
    p = adjusted([reading.p if lack == "" else None for reading, lack in zip(readings, lacks, strict=True)])
    claims = lacks.count("")
    found: list[Reading] = []
    for reading, lack, value in zip(readings, lacks, p, strict=True):
        if value is not None:
            found.append(judge(reading, value, claims))
        else:
            found.append(unjudged(reading, lack) if lack else reading)
    return found
