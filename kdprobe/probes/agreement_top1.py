"""How often student and teacher name the same class."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.agreement import top1


def _naming(names: list[int], classes: int = 4) -> Trace:
    return Trace.from_raw("classification", np.eye(classes)[names])


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    student, teacher = (Trace.from_raw("classification", rng.normal(size=(20_000, 5))) for _ in range(2))
    return student, teacher, None


AGREEMENT_TOP1 = Probe(
    name="agreement_top1",
    title="Agreement",
    asks="How often do the two models name the same class?",
    measure=top1,
    tasks=("classification",),
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("scale", "monotone", "row order"),
    truths=(
        KnownAnswer(name="a model agrees with itself", make=lambda rng: (t := _naming([0, 1, 2, 3] * 3), t, None), value=1.0),
        KnownAnswer(name="three rows of four", make=lambda rng: (_naming([0, 1, 2, 3]), _naming([0, 1, 2, 0]), None), value=0.75),
        KnownAnswer(name="never", make=lambda rng: (_naming([0, 1, 2, 3]), _naming([1, 2, 3, 0]), None), value=0.0),
        KnownAnswer(name="independent guesses among five", make=_independent, value=0.2, tolerance=0.015),
        KnownAnswer(
            name="one class is no choice",
            make=lambda rng: (t := Trace.from_raw("classification", np.ones((5, 1))), t, None),
            value=None,
        ),
    ),
    cites="Stanton et al. 2021, arXiv:2106.05945",
)
