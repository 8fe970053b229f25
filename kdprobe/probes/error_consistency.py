"""Whether two models err on the same rows more often than their accuracies make them."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.agreement import error_consistency


def _models(a: list[int], b: list[int]) -> tuple[Trace, Trace, np.ndarray]:
    """Two binary models that are right where the list says 1."""
    make = lambda right: Trace.from_raw("classification", np.eye(2)[1 - np.array(right)])  # noqa: E731
    return make(a), make(b), np.zeros(len(a), dtype=int)


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    return _models(list(rng.random(20_000) < 0.8), list(rng.random(20_000) < 0.6))


ERROR_CONSISTENCY = Probe(
    name="error_consistency",
    title="Error consistency κ",
    asks="Do the two models err on the same rows, beyond what their accuracies make them?",
    measure=error_consistency,
    needs=("target",),
    tasks=("classification",),
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("scale", "monotone", "row order"),
    truths=(
        KnownAnswer(name="the same errors", make=lambda rng: _models([1, 1, 0, 0], [1, 1, 0, 0]), value=1.0),
        KnownAnswer(name="opposite errors", make=lambda rng: _models([1, 1, 0, 0], [0, 0, 1, 1]), value=-1.0),
        KnownAnswer(name="two of four shared, by hand", make=lambda rng: _models([1, 1, 1, 0], [1, 1, 0, 1]), value=-1 / 3),
        KnownAnswer(name="independent errors", make=_independent, value=0.0, tolerance=0.03),
        KnownAnswer(name="both always right", make=lambda rng: _models([1, 1, 1], [1, 1, 1]), value=None),
    ),
    cites="Geirhos, Meding and Wichmann 2020, arXiv:2006.16736",
)
