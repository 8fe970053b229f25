"""How much of the teacher's predictions the student reproduces."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.agreement import r2


def _predictions(values: list[float]) -> Trace:
    return Trace.from_raw("regression", np.array(values))


R2 = Probe(
    name="r2",
    title="R² to the teacher",
    asks="How much of the variance of the teacher's predictions does the student reproduce?",
    measure=r2,
    tasks=("regression",),
    better="higher",
    bounds=(-np.inf, 1.0),
    invariant=("row order",),
    truths=(
        KnownAnswer(name="a model reproduces itself", make=lambda rng: (t := _predictions([0, 1, 2, 5]), t, None), value=1.0),
        KnownAnswer(
            name="the teacher's mean explains nothing",
            make=lambda rng: (_predictions([2, 2, 2, 2]), _predictions([0, 1, 2, 5]), None),
            value=0.0,
        ),
        KnownAnswer(
            name="by hand: 1 - 4/14", make=lambda rng: (_predictions([1, 2, 3, 4]), _predictions([0, 1, 2, 5]), None), value=1 - 4 / 14
        ),
        KnownAnswer(
            name="mirrored about the mean", make=lambda rng: (_predictions([4, 3, 2, -1]), _predictions([0, 1, 2, 5]), None), value=-3.0
        ),
        KnownAnswer(name="a constant teacher", make=lambda rng: (_predictions([0, 1, 2]), _predictions([3, 3, 3]), None), value=None),
    ),
    cites="Gou et al. 2023, arXiv:2308.04268",
)
