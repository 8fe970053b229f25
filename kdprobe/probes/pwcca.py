"""Canonical correlations weighted by how much of one representation each of them accounts for."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.similarity.pwcca import ESTIMATOR, measure
from kdprobe.probes._cases import correlated_pair, feature_pair, mapped_pair, wide_pair
from kdprobe.probes._layers import of_last_hidden


def _weighted(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """A shared column of length 3 and one of length 1 that is not: (3·1 + 1·0)/4."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))
    return feature_pair(columns[:, [1, 2]] * [3.0, 1.0], columns[:, [1, 3]])


PWCCA = Probe(
    name="pwcca",
    title="PWCCA, last hidden layer",
    asks="How much of the student's last hidden layer is a linear function of the teacher's?",
    measure=of_last_hidden(measure, ESTIMATOR),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    invariant=("scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="any invertible linear map and a shift", make=mapped_pair, value=1.0),
        KnownAnswer(name="long columns count for more", make=_weighted, value=0.75, tolerance=1e-8),
        KnownAnswer(name="a correlation of .6", make=correlated_pair, value=0.6),
        KnownAnswer(name="as many columns as rows fit anything", make=wide_pair, value=None),
    ),
    cites="Morcos et al. 2018, arXiv:1806.05759",
)
