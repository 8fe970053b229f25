"""What the student gets wrong that its teacher has right."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.transfer.teacher_errors import churn
from kdprobe.probes._cases import naming


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    """A student that is right on .6 of the rows, a teacher on .8, independently: .8 · .4."""
    right = rng.random(size=(2, 20_000)) < np.array([[0.6], [0.8]])
    student, teacher = (1 - right).tolist()
    return naming(student, teacher, [0] * 20_000)


CHURN = Probe(
    name="churn",
    title="Churn, right to wrong",
    asks="On which share of the rows is the student wrong where its teacher is right?",
    measure=churn,
    needs=("target",),
    tasks=("classification",),
    better="lower",
    bounds=(0.0, 1.0),
    invariant=("scale", "monotone", "row order"),
    truths=(
        KnownAnswer(name="a model and itself", make=lambda rng: naming([0, 1, 2], [0, 1, 2], [0, 0, 0]), value=0.0),
        KnownAnswer(name="two of four", make=lambda rng: naming([1, 2, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]), value=0.5),
        KnownAnswer(name="what both get wrong is none", make=lambda rng: naming([1, 2], [2, 1], [0, 0]), value=0.0),
        KnownAnswer(name="independent: .8 · .4", make=_independent, value=0.32, tolerance=0.015),
    ),
    cites="Milani Fard et al. 2016, NeurIPS; Yan et al. 2021, arXiv:2011.09161",
)
