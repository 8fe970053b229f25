"""Representational similarity analysis: whether the same rows lie far apart in two representations."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.similarity.rsa import estimator, measure
from kdprobe.probes._cases import feature_pair
from kdprobe.probes._layers import of_last_hidden


def _scaled(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(40, 6))
    return feature_pair(x, 1e-3 * x)


def _reversed_order(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Rows on two of three directions at random: alike pairs are at distance 0, others at 1 or more, on either side."""
    kinds, columns = np.arange(60) % 3, np.eye(3)
    return feature_pair(columns[kinds], columns[rng.permutation(3)][kinds] + 5.0)


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(rng.normal(size=(300, 20)), rng.normal(size=(300, 30)))


def _flat_row(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 4))
    x[3] = 2.0
    return feature_pair(x, rng.normal(size=(50, 4)))


RSA = Probe(
    name="rsa",
    title="RSA, last hidden layer",
    asks="Do the same rows lie far apart in the two last hidden layers?",
    measure=of_last_hidden(measure, estimator("correlation", "pearson")),
    needs=("features",),
    cost="costly",
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("scale", "row order"),
    truths=(
        KnownAnswer(name="scaled", make=_scaled, value=1.0),
        KnownAnswer(name="the same classes in other places", make=_reversed_order, value=1.0),
        KnownAnswer(name="independent", make=_independent, value=0.0, tolerance=0.05),
        KnownAnswer(name="a row without spread across its columns", make=_flat_row, value=None),
    ),
    cites="Kriegeskorte et al. 2008, doi:10.3389/neuro.06.004.2008; Mantel 1967",
)
