"""Whether the student is over-confident where its teacher is."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.transfer.calibration import LEAST, MOST, calibration_distance


def _sure(confidence: float, right: np.ndarray) -> Trace:
    """A model of two classes that is equally sure everywhere; the true class is 0."""
    chances = np.where(right, confidence, 1 - confidence)
    outputs = np.stack([chances, 1 - chances], axis=1)
    return Trace(kind="classification", outputs=outputs, raw=outputs, ids=np.arange(len(right)))


def _apart(student: float, teacher: float, accuracy: float, *, n: int = 20_000) -> KnownAnswer:
    """Both are right on the same share of the rows: what is apart is what they say of it."""

    def make(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
        right = np.arange(n) < accuracy * n
        return _sure(student, rng.permutation(right)), _sure(teacher, rng.permutation(right)), np.zeros(n, dtype=int)

    name = f"equally good, {student:g} and {teacher:g} sure"
    return KnownAnswer(name=name, make=make, value=abs(student - teacher), tolerance=1e-6 if student != teacher else 0.01)


def _one_apart(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    right = rng.random(500) < 0.8
    return _sure(0.9, right), _sure(0.9, right), np.zeros(500, dtype=int)


CALIBRATION_TRANSFER = Probe(
    name="calibration_transfer",
    title="Calibration apart",
    asks="How far is the student's over-confidence from its teacher's, among rows on which the teacher is equally sure?",
    measure=calibration_distance,
    needs=("target",),
    tasks=("classification",),
    better="lower",
    bounds=(LEAST, MOST),
    invariant=("row order",),
    truths=(
        KnownAnswer(name="a model and itself", make=_one_apart, value=0.0),
        _apart(0.95, 0.7, 0.7),
        _apart(0.6, 0.9, 0.8),
        _apart(0.8, 0.8, 0.8),
        KnownAnswer(name="19 rows are too few", make=lambda rng: _apart(0.8, 0.8, 0.8, n=19).make(rng), value=None),
    ),
    cites="Kumar, Liang and Ma 2019, arXiv:1909.10155; Hebbalaguppe et al. 2024, doi:10.1007/978-981-96-0966-6_18",
)
