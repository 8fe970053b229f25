"""Orthogonal Procrustes: how much of two representations a rotation brings to cover each other."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import Trace
from kdprobe.measures.arrays import centred
from kdprobe.measures.similarity.procrustes import ESTIMATOR, measure, with_distances
from kdprobe.probes._cases import feature_pair, rotated_pair
from kdprobe.probes._layers import of_last_hidden


def _of_traces(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Measurement | Refusal:
    return with_distances(of_last_hidden(measure, ESTIMATOR)(student, teacher, target))


def _orthogonal(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Columns that have nothing in common with one another, nor with the constant."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(40), rng.normal(size=(40, 6))]))
    return feature_pair(columns[:, 1:4], columns[:, 4:])


def _two_columns(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """One column of variance 1 shared, one of variance 3 not: 1/√(1·4)."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(40), rng.normal(size=(40, 2))]))
    return feature_pair(columns[:, 1], columns[:, 1:] * np.sqrt([1.0, 3.0]))


def _public_case(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Seed 1337, Y = noise + X: √(1 - disparity) of scipy 1.17's `scipy.spatial.procrustes(X, Y)`."""
    fixed = np.random.RandomState(1337)  # the published case belongs to this generator
    x = fixed.randn(100, 10)
    return feature_pair(x, fixed.randn(100, 10) + x)


def _constant(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(centred(np.ones((50, 3))), rng.normal(size=(50, 3)))


PROCRUSTES = Probe(
    name="procrustes",
    title="Procrustes similarity, last hidden layer",
    asks="How much of the two last hidden layers does a rotation bring to cover each other?",
    measure=_of_traces,
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="rotated, scaled and shifted", make=rotated_pair, value=1.0),
        KnownAnswer(name="nothing in common", make=_orthogonal, value=0.0),
        KnownAnswer(name="a shared column of variance 1 beside one of 3", make=_two_columns, value=0.5),
        KnownAnswer(name="the public test case, seed 1337", make=_public_case, value=0.736255, tolerance=1e-6),
        KnownAnswer(name="a constant layer has no shape", make=_constant, value=None),
    ),
    cites="Schönemann 1966, Psychometrika 31; Williams et al. 2021, arXiv:2110.14739; Harvey et al. 2023, arXiv:2311.11436",
)
