"""Whether the student repeats its teacher's errors."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.transfer.teacher_errors import agreement_where_wrong
from kdprobe.probes._cases import naming


def _guessing(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    """Independent guesses among five: on the teacher's errors too, a fifth agree."""
    student, teacher = (Trace.from_raw("classification", rng.normal(size=(20_000, 5))) for _ in range(2))
    return student, teacher, rng.integers(0, 5, 20_000)


AGREEMENT_TEACHER_WRONG = Probe(
    name="agreement_teacher_wrong",
    title="Agreement where teacher is wrong",
    asks="Where the teacher is wrong, how often does the student name the same wrong class?",
    measure=agreement_where_wrong,
    needs=("target",),
    tasks=("classification",),
    bounds=(0.0, 1.0),
    invariant=("scale", "monotone", "row order"),
    truths=(
        KnownAnswer(name="every error repeated", make=lambda rng: naming([1, 2, 0, 0], [1, 2, 0, 1], [0, 0, 0, 0]), value=2 / 3),
        KnownAnswer(name="a student that is right", make=lambda rng: naming([0, 0, 0], [1, 2, 0], [0, 0, 0]), value=0.0),
        KnownAnswer(name="wrong in another way", make=lambda rng: naming([2, 2, 0], [1, 2, 0], [0, 0, 0]), value=0.5),
        KnownAnswer(name="independent guesses among five", make=_guessing, value=0.2, tolerance=0.015),
        KnownAnswer(name="a teacher that never errs", make=lambda rng: naming([1, 0, 0], [0, 0, 0], [0, 0, 0]), value=None),
    ),
    cites="Geirhos, Meding and Wichmann 2020, arXiv:2006.16736; Ojha et al. 2023, arXiv:2205.16004",
)
