"""Canonical correlations: how alike two representations are, up to any invertible linear map."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.similarity.cca import estimator, measure
from kdprobe.probes._cases import correlated_pair, feature_pair, mapped_pair, wide_pair
from kdprobe.probes._layers import of_last_hidden


def _one_of_two(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Of two directions a side, one is shared and one has nothing in common: (1 + 0) / 2, whatever the mixing."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))
    return feature_pair(columns[:, [1, 2]] @ rng.normal(size=(2, 2)), columns[:, [1, 3]] @ rng.normal(size=(2, 2)))


CCA = Probe(
    name="cca",
    title="mean canonical correlation, last hidden layer",
    asks="How alike are the two last hidden layers, up to any linear map?",
    measure=of_last_hidden(measure, estimator(False)),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="any invertible linear map and a shift", make=mapped_pair, value=1.0),
        KnownAnswer(name="one of two directions shared", make=_one_of_two, value=0.5, tolerance=1e-8),
        KnownAnswer(name="a correlation of .6", make=correlated_pair, value=0.6),
        KnownAnswer(name="as many columns as rows fit anything", make=wide_pair, value=None),
    ),
    cites="Hotelling 1936, Biometrika 28; Kornblith et al. 2019, arXiv:1905.00414",
)
