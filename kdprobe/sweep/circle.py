"""Which seeds stand beside a student: so many for each, and each of them for as many others."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

OTHERS = 9
"""Most sibling teachers of a student, and most reference twins.

With 9 in place of 29 the interval of the teacher-specific part over 30 seeds is 0 to 6 % wider, with 3 it is 7 to 23 %, and a quarter of
the seeds have too few twins for a transfer coefficient (`benchmarks/siblings.py`). Nine are all that ten seeds, the default, have.
"""


@dataclass(frozen=True)
class Circle:
    """Seeds in order around a circle. The siblings of a seed are the next ones, its references those whose sibling it is.

    Every teacher is then the sibling of as many students as any other, so that what a teacher has in common with everybody is off the mean
    over seeds, as it is where each student is read against all. Who stands beside whom is told by the seeds alone: neither by what failed
    nor by what was measured before.

    Parameters
    ----------
    seeds
        All seeds of a plan that may stand beside each other, sorted.
    most
        Most siblings of a seed.

    Examples
    --------
    >>> few = Circle((0, 1, 2, 3, 4, 5), most=2)
    >>> sorted(few.siblings(4)), sorted(few.references(4)), list(few.following(4))
    ([0, 5], [2, 3], [5, 0, 1, 2, 3])
    >>> sorted(Circle((0, 1, 2)).siblings(1))
    [0, 2]
    """

    seeds: tuple[int, ...]
    most: int = OTHERS

    @property
    def whole(self) -> bool:
        """Whether every other seed stands beside a seed."""
        return len(self.seeds) - 1 <= self.most

    def following(self, seed: int, step: int = 1) -> Iterator[int]:
        """All other seeds, the next one first; with -1 the one before first."""
        place, n = self._place[seed], len(self.seeds)
        return (self.seeds[(place + step * i) % n] for i in range(1, n))

    def siblings(self, seed: int) -> frozenset[int]:
        """Seeds of the sibling teachers of a seed's student."""
        return frozenset(islice(self.following(seed), self.most))

    def references(self, seed: int) -> frozenset[int]:
        """Seeds of the reference twins of a seed's student: those whose sibling teacher is the seed's."""
        return frozenset(islice(self.following(seed, -1), self.most))

    def untaught(self, students: Collection[int]) -> frozenset[tuple[int, int]]:
        """(teacher, twin) of all pairs that students of these seeds are read against: placebos and baselines."""
        placebos = {(teacher, seed) for seed in students for teacher in (seed, *self.siblings(seed))}
        return frozenset(placebos | {(seed, twin) for seed in students for twin in self.references(seed)})

    def teachers(self, students: Collection[int]) -> frozenset[int]:
        """Seeds of all teachers that students of these seeds need: those they meet, and the siblings of these."""
        met = {teacher for teacher, _ in self.untaught(students)}
        return frozenset(met).union(*map(self.siblings, met))

    def twins(self, students: Collection[int]) -> frozenset[int]:
        """Seeds of all twins that students of these seeds need: those they meet, and those that these are read against."""
        met = {twin for _, twin in self.untaught(students)}
        # a twin that is read as a student has the next seed's for its twin
        return frozenset(met).union(*(self.references(twin) | {*islice(self.following(twin), 1)} for twin in met))

    @cached_property
    def _place(self) -> dict[int, int]:
        return {seed: place for place, seed in enumerate(self.seeds)}
