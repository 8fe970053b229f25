"""Canonical correlations of the directions that hold most of the variance."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.similarity.svcca import VARIANCE, estimator, measure
from kdprobe.probes._cases import feature_pair
from kdprobe.probes._layers import of_last_hidden


def _mapped(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 3 + x @ np.linalg.qr(rng.normal(size=(6, 6)))[0])


def _faint_noise(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """A shared direction beside a faint one of each side's own: cca says 1/2, what holds the variance is the same."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))
    return feature_pair(columns[:, [1, 2]] * [1.0, 0.01], columns[:, [1, 3]] * [1.0, 0.01])


def _one_of_two(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))
    return feature_pair(columns[:, [1, 2]], columns[:, [1, 3]] * [1.0, 2.0])


def _no_direction_stands_out(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(rng.normal(size=(50, 60)), rng.normal(size=(50, 60)))


SVCCA = Probe(
    name="svcca",
    title="SVCCA, last hidden layer",
    asks="How alike are the directions that hold most of the variance of the two last hidden layers, up to any linear map?",
    measure=of_last_hidden(measure, estimator(VARIANCE)),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="rotated and shifted", make=_mapped, value=1.0),
        KnownAnswer(name="faint directions of one's own do not count", make=_faint_noise, value=1.0),
        KnownAnswer(name="one of two directions shared", make=_one_of_two, value=0.5, tolerance=1e-8),
        KnownAnswer(name="too many directions are needed", make=_no_direction_stands_out, value=None),
    ),
    cites="Raghu et al. 2017, arXiv:1706.05806",
)
