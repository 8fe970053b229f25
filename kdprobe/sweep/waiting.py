"""Units that wait for models: each is looked at when the last model that it needs is there, and not whenever anything ends."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Sequence

from kdprobe.sweep.units import MeasureUnit, TrainUnit

Unit = TrainUnit | MeasureUnit


class Waiting:
    """Units in the order of a plan, each until all models that it needs are settled: trained, or failed for good.

    Over a whole sweep this costs O(m log u) for m needs of u units, however often it is asked.

    Parameters
    ----------
    units
        In the order in which they should be handed out.
    settled
        Ids of models that are there already.
    """

    def __init__(self, units: Sequence[Unit], settled: Collection[str]):
        self._units = units
        self._lacking: list[int] = []
        self._needed_by: dict[str, list[int]] = defaultdict(list)
        for place, unit in enumerate(units):
            lacking = [model for model in unit.needs if model not in settled]
            self._lacking.append(len(lacking))
            for model in lacking:
                self._needed_by[model].append(place)
        self._ready = [place for place, count in enumerate(self._lacking) if not count]

    def settle(self, model: str) -> None:
        """Say that a model is trained, or failed; to say it again changes nothing."""
        for place in self._needed_by.pop(model, ()):
            self._lacking[place] -= 1
            if not self._lacking[place]:
                heapq.heappush(self._ready, place)

    def ready(self) -> list[Unit]:
        """The units that lack nothing any more, each once, in their order."""
        found: list[Unit] = []
        while self._ready:
            found.append(self._units[heapq.heappop(self._ready)])
        return found
