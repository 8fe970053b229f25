"""How much a student's probabilities lose against the teacher's."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.agreement import kl


def _bernoulli(p: float, n: int = 6) -> Trace:
    return Trace.from_raw("classification", np.log(np.tile([p, 1 - p], (n, 1))))


def _probabilities(p: list[float], n: int = 6) -> Trace:
    rows = np.tile(p, (n, 1))
    return Trace(kind="classification", outputs=rows, raw=rows, ids=np.arange(n))


KL = Probe(
    name="kl",
    title="KL(teacher‖student)",
    asks="How much do the student's probabilities lose against the teacher's?",
    measure=kl,
    tasks=("classification",),
    better="lower",
    unit="nats",
    bounds=(0.0, np.inf),
    invariant=("row order",),
    truths=(
        KnownAnswer(name="nothing to itself", make=lambda rng: (t := _bernoulli(0.3), t, None), value=0.0),
        KnownAnswer(
            name="a fair coin seen as .25: ½ ln(4/3)", make=lambda rng: (_bernoulli(0.25), _bernoulli(0.5), None), value=0.5 * np.log(4 / 3)
        ),
        KnownAnswer(
            name="a .25 coin seen as fair: ln 2 - H(.25)",
            make=lambda rng: (_bernoulli(0.5), _bernoulli(0.25), None),
            value=np.log(2) + 0.25 * np.log(0.25) + 0.75 * np.log(0.75),
        ),
        KnownAnswer(
            name="the teacher is sure", make=lambda rng: (_probabilities([0.5, 0.5]), _probabilities([1.0, 0.0]), None), value=np.log(2)
        ),
        KnownAnswer(
            name="the student rules out what the teacher does not",
            make=lambda rng: (_probabilities([1.0, 0.0]), _probabilities([0.5, 0.5]), None),
            value=None,
        ),
    ),
    cites="Stanton et al. 2021, arXiv:2106.05945",
)
