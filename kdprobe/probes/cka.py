"""Centred kernel alignment: how alike two representations are, up to rotation and scale."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.left_out import LeftOut
from kdprobe.probes._layers import cka_of_traces, cka_without_groups


def _last_hidden(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    for model in (student, teacher):
        if model.last_hidden is None:
            return Refusal(reason=f"{model.name} has no hidden layer", advice="trace at least one, or read cka_output")
    return cka_of_traces(student, str(student.last_hidden), teacher, str(teacher.last_hidden))


def _without(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> LeftOut:
    return cka_without_groups(student, str(student.last_hidden), teacher, str(teacher.last_hidden))


def _features(x: np.ndarray, y: np.ndarray) -> tuple[Trace, Trace, None]:
    student, teacher = (Trace.from_raw("regression", np.zeros(len(layer)), features={"hidden": layer}) for layer in (x, y))
    return student, teacher, None


def _itself(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 4))
    return _features(x, x)


def _rotated(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    rotation, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    return _features(x, 1e3 - 1e-3 * x @ rotation)


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return _features(rng.normal(size=(500, 5)), rng.normal(size=(500, 700)))


def _public_case(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """The case of several packages' own tests: seed 1337, Y = noise + X."""
    fixed = np.random.RandomState(1337)  # the published numbers belong to this generator
    x = fixed.randn(100, 10)
    return _features(x, fixed.randn(100, 10) + x)


def _constant(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return _features(np.full((50, 3), 7.0), rng.normal(size=(50, 3)))


CKA = Probe(
    name="cka",
    title="CKA, last hidden layer",
    asks="How alike are the two last hidden layers, up to rotation and scale?",
    measure=_last_hidden,
    needs=("features",),
    bounds=(-1.0, 1.0),
    without=_without,
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="a layer with itself", make=_itself, value=1.0),
        KnownAnswer(name="rotated, scaled and shifted", make=_rotated, value=1.0, tolerance=1e-8),
        KnownAnswer(name="independent, also where units outnumber rows", make=_independent, value=0.0, tolerance=0.013),
        KnownAnswer(name="the public test case, seed 1337", make=_public_case, value=0.51346, tolerance=5e-6),
        KnownAnswer(name="a constant layer has no shape", make=_constant, value=None),
    ),
    cites="Kornblith et al. 2019, arXiv:1905.00414; Song et al. 2012, JMLR 13; Székely and Rizzo 2014, arXiv:1310.2926",
)
