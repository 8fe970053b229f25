"""Whether student and teacher put the wrong classes in one order."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.transfer.dark_knowledge import rank_agreement, rank_agreement_without


def _models(student: list[list[float]], teacher: list[list[float]], target: list[int]) -> tuple[Trace, Trace, np.ndarray]:
    own, other = (Trace.from_raw("classification", np.array(rows, dtype=float)) for rows in (student, teacher))
    return own, other, np.array(target)


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    student, teacher = (Trace.from_raw("classification", rng.normal(size=(20_000, 5))) for _ in range(2))
    return student, teacher, rng.integers(0, 5, 20_000)


ORDER = [9.0, 1.0, 2.0, 3.0]
DARK_KNOWLEDGE_RANK = Probe(
    name="dark_knowledge_rank",
    title="Order of the wrong classes",
    asks="Do the two models put the classes that are not the true one in the same order?",
    measure=rank_agreement,
    without=rank_agreement_without,
    needs=("target",),
    tasks=("classification",),
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("scale", "monotone", "row order"),
    truths=(
        KnownAnswer(
            name="one order, whatever the true class", make=lambda rng: _models([[0, 1, 2, 3]] * 3, [ORDER] * 3, [0] * 3), value=1.0
        ),
        KnownAnswer(name="turned round", make=lambda rng: _models([[9, 3, 2, 1]] * 3, [ORDER] * 3, [0] * 3), value=-1.0),
        # ranks 1, 3, 2 against 1, 2, 3: 1 - 6·2/(3·8)
        KnownAnswer(name="two neighbours changed", make=lambda rng: _models([[9, 1, 3, 2]] * 3, [ORDER] * 3, [0] * 3), value=0.5),
        KnownAnswer(name="independent", make=_independent, value=0.0, tolerance=0.015),
        KnownAnswer(name="two classes leave one", make=lambda rng: _models([[0, 1]] * 3, [[1, 0]] * 3, [0] * 3), value=None),
        KnownAnswer(name="no order at all", make=lambda rng: _models([[5, 1, 1, 1]] * 3, [ORDER] * 3, [0] * 3), value=None),
    ),
    cites="Hinton, Vinyals and Dean 2015, arXiv:1503.02531; Huang et al. 2022, arXiv:2205.10536",
)
