"""How much of their probability student and teacher give to the same classes."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.transfer.fidelity import overlap


def _says(rows: list[list[float]]) -> Trace:
    chances = np.array(rows)
    return Trace(kind="classification", outputs=chances, raw=chances, ids=np.arange(len(chances)))


def _uniform(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Two independent coins of any bias: E min(p, q) + E min(1-p, 1-q) = 2/3."""
    student, teacher = rng.random(size=(2, 20_000))
    own, other = (_says(np.stack([p, 1 - p], axis=1).tolist()) for p in (student, teacher))
    return own, other, None


FIDELITY = Probe(
    name="fidelity",
    title="Fidelity",
    asks="How much of their probability do the two models give to the same classes?",
    measure=overlap,
    tasks=("classification",),
    better="higher",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("row order",),
    truths=(
        KnownAnswer(name="a model and itself", make=lambda rng: (t := _says([[0.2, 0.8]] * 4), t, None), value=1.0),
        KnownAnswer(name="nothing in common", make=lambda rng: (_says([[1.0, 0.0]] * 3), _says([[0.0, 1.0]] * 3), None), value=0.0),
        KnownAnswer(
            name="by hand: .5 + .2 of one row, .1 + .3 of the other",
            make=lambda rng: (_says([[0.5, 0.5, 0.0], [0.1, 0.3, 0.6]]), _says([[0.8, 0.2, 0.0], [0.7, 0.3, 0.0]]), None),
            value=0.55,
        ),
        KnownAnswer(name="independent coins: 2/3", make=_uniform, value=2 / 3, tolerance=0.01),
        KnownAnswer(name="one class is no choice", make=lambda rng: (t := _says([[1.0]] * 3), t, None), value=None),
    ),
    cites="Stanton et al. 2021, arXiv:2106.05945",
)
