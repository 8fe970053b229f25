"""Mutual nearest neighbours: whether each row has the same rows near it in two representations."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.similarity.mutual_knn import NEIGHBOURS, estimator, measure
from kdprobe.probes._cases import feature_pair
from kdprobe.probes._layers import of_last_hidden


def _moved(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 1e3 - 1e-3 * x @ np.linalg.qr(rng.normal(size=(6, 6)))[0])


def _alternating(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Twelve far places, eleven rows at each on one side: the ten nearest are those at one's own place, on both."""
    places = rng.permutation(np.repeat(np.arange(12), 11))
    return feature_pair(places + 1e-3 * rng.normal(size=132), 5.0 * rng.permutation(12)[places] + 1e-3 * rng.normal(size=132))


def _half_of_them(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """One side at two places of 40 rows each, all at one point: every row of a place is as near as any, so 10 are 10/39 of each."""
    side = np.repeat([0.0, 1.0], 40)
    return feature_pair(side, side)


def _too_few(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(rng.normal(size=(15, 3)), rng.normal(size=(15, 3)))


MUTUAL_KNN = Probe(
    name="mutual_knn",
    title="shared nearest neighbours, last hidden layer",
    asks="Does each row have the same rows near it in the two last hidden layers?",
    measure=of_last_hidden(measure, estimator(NEIGHBOURS)),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="rotated, scaled and shifted", make=_moved, value=1.0),
        KnownAnswer(name="the same groups of eleven in other places", make=_alternating, value=1.0),
        KnownAnswer(name="ties are shared out", make=_half_of_them, value=10 / 39),
        KnownAnswer(name="k is half of the rows or more", make=_too_few, value=None),
    ),
    cites="Huh et al. 2024, arXiv:2405.07987",
)
