"""A part of a sweep for one of several machines that share nothing: whole seeds, so that none needs a model of another."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from kdprobe.core.errors import PlanError
from kdprobe.training.job import Job

MOST = 100_000


class Shard(NamedTuple):
    """One of several parts of a plan.

    Parameters
    ----------
    number
        From 1 to `of`.
    of
        How many parts there are.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def jobs(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of the part's seeds, in their order: every part has as many seeds as any other, or one more.

        Raises
        ------
        PlanError
            If there are fewer seeds than parts.

        Notes
        -----
        A model needs others of its own seed and draw alone: see `kdprobe.sweep.jobs`.
        """
        places = {pair: place for place, pair in enumerate(sorted({(job.draw, job.seed) for job in jobs}))}
        if len(places) < self.of:
            raise PlanError(f"shard={self}: the plan has {len(places)} seeds, all draws and tuning together: give at most as many shards")
        return [job for job in jobs if places[job.draw, job.seed] % self.of == self.number - 1]


def shard_of(text: str) -> Shard:
    """Read a part such as "3/16".

    Raises
    ------
    PlanError
        If it is none.

    Examples
    --------
    >>> shard_of("3/16")
    Shard(number=3, of=16)
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]) <= MOST:
        raise PlanError(f"shard={text!r}: give a part and how many there are, such as 3/16 for the third of sixteen")
    return Shard(int(found[1]), int(found[2]))
