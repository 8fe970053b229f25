"""What a metric reads of students beside all that they are read against, as one number a seed."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.probe import Probe
from kdprobe.core.trace import Trace
from kdprobe.sweep.measuring import Models

Reading = Literal["specific", "moved"]


class Reader:
    """Reads students of some seeds; what twins show toward each teacher is asked once.

    Parameters
    ----------
    reading
        "specific": own teacher minus siblings, less the same of the paired twin, which is what may be called transferred. "moved": own
        teacher minus what reference twins show toward it, as where nobody has siblings.
    """

    def __init__(self, probe: Probe, teachers: Sequence[Trace], twins: Sequence[Trace], target: np.ndarray, reading: Reading):
        self.probe, self.reading = probe, reading
        self._sign = -1.0 if probe.better == "lower" else 1.0
        self._twins = twins
        self._models = Models(dict(enumerate(teachers)), dict(enumerate(twins)), target)
        self.seeds = range(len(teachers))
        self.reasons: list[str] = []
        # twin by teacher
        self._untaught = np.array([[self._ask(twins[w], t, w, itself=True) for t in self.seeds] for w in self.seeds])

    def __call__(self, students: Sequence[Trace]) -> np.ndarray:
        """(seeds,) larger is nearer to the own teacher; NaN where the metric has no answer, its reasons in `reasons`."""
        if self.reading == "moved":
            own = np.array([self._ask(students[s], s, s) for s in self.seeds])
            return self._sign * (own - np.array([np.delete(self._untaught[:, s], s).mean() for s in self.seeds]))
        toward = np.array([[self._ask(students[s], t, s) for t in self.seeds] for s in self.seeds])
        return self._sign * (_own_minus_others(toward) - _own_minus_others(self._untaught))

    def _ask(self, student: Trace, teacher: int, seed: int, *, itself: bool = False) -> float:
        try:
            found = self._models.ask(self.probe, student, teacher, seed, itself=itself)
        except DataError as error:
            self.reasons.append(str(error))
            return np.nan
        if found.value is None:
            self.reasons.append(str(found))
            return np.nan
        return found.value


def _own_minus_others(values: np.ndarray) -> np.ndarray:
    """Diagonal of (seeds, seeds) less the mean of the rest of its row."""
    own = np.diagonal(values)
    return own - (values.sum(axis=1) - own) / (len(values) - 1)
