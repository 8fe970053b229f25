"""Centred kernel alignment of what the output layers gave."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Result
from kdprobe.core.trace import Trace, softmax
from kdprobe.measures.left_out import LeftOut
from kdprobe.probes._layers import OUTPUT, cka_of_traces, cka_without_groups


def _outputs(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    return cka_of_traces(student, OUTPUT, teacher, OUTPUT)


def _without(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> LeftOut:
    return cka_without_groups(student, OUTPUT, teacher, OUTPUT)


def _logits(x: np.ndarray, y: np.ndarray) -> tuple[Trace, Trace, None]:
    return Trace.from_raw("classification", x), Trace.from_raw("classification", y), None


def _itself(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 4))
    return _logits(x, x)


def _mirrored(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 4))
    return _logits(x, 10 - 1.2 * x)


def _written_otherwise(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """One model's predictions as logits that each row shifts, and as probabilities in float32."""
    x = rng.normal(size=(50, 4))
    chances = softmax(x).astype(np.float32)
    as_given = Trace(kind="classification", outputs=chances, raw=chances, ids=np.arange(50))
    return Trace.from_raw("classification", x + rng.normal(scale=9, size=(50, 1))), as_given, None


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return _logits(rng.normal(size=(500, 5)), rng.normal(size=(500, 10)))


def _constant(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return _logits(np.tile(rng.normal(size=3), (50, 1)), rng.normal(size=(50, 3)))


CKA_OUTPUT = Probe(
    name="cka_output",
    title="CKA, outputs",
    asks="How alike are the two models' predictions (of classifiers: log probabilities, centred by row), up to rotation and scale?",
    measure=_outputs,
    bounds=(-1.0, 1.0),
    without=_without,
    symmetric=True,
    invariant=("row order",),
    truths=(
        KnownAnswer(name="outputs with themselves", make=_itself, value=1.0),
        KnownAnswer(name="mirrored, scaled and shifted", make=_mirrored, value=1.0),
        KnownAnswer(name="one model's predictions, written otherwise", make=_written_otherwise, value=1.0, tolerance=1e-6),
        KnownAnswer(name="independent", make=_independent, value=0.0, tolerance=0.013),
        KnownAnswer(name="constant outputs have no shape", make=_constant, value=None),
    ),
    cites="Kornblith et al. 2019, arXiv:1905.00414; Song et al. 2012, JMLR 13; Székely and Rizzo 2014, arXiv:1310.2926",
)
