"""Whether two regressors err alike."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.agreement import residual_correlation


def _models(student: list[float], teacher: list[float]) -> tuple[Trace, Trace, np.ndarray]:
    y = np.arange(len(student), dtype=float)
    return Trace.from_raw("regression", y + student), Trace.from_raw("regression", y + teacher), y[:, None]


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    y, a, b = rng.normal(size=(3, 20_000))
    return Trace.from_raw("regression", y + a), Trace.from_raw("regression", y + b), y


def _shared_noise(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    y, shared, a, b = rng.normal(size=(4, 20_000, 2))
    return Trace.from_raw("regression", y + shared + a), Trace.from_raw("regression", y + shared + b), y


RESIDUAL_CORRELATION = Probe(
    name="residual_correlation",
    title="Residual correlation",
    asks="Do the two models err in the same direction on the same rows?",
    measure=residual_correlation,
    needs=("target",),
    tasks=("regression",),
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("shift", "row order"),
    truths=(
        KnownAnswer(name="the same errors", make=lambda rng: _models([1, -1, 2, 0], [1, -1, 2, 0]), value=1.0),
        KnownAnswer(name="opposite errors", make=lambda rng: _models([1, -1, 2, 0], [-1, 1, -2, 0]), value=-1.0),
        KnownAnswer(name="by hand: 1/2", make=lambda rng: _models([1, -1, 0, 0], [1, 0, -1, 0]), value=0.5),
        KnownAnswer(name="independent errors", make=_independent, value=0.0, tolerance=0.03),
        KnownAnswer(name="half of the error is shared, two outputs", make=_shared_noise, value=0.5, tolerance=0.03),
        KnownAnswer(name="no errors at all", make=lambda rng: _models([0, 0, 0], [0, 0, 0]), value=None),
    ),
    cites="Gou et al. 2023, arXiv:2308.04268",
)
