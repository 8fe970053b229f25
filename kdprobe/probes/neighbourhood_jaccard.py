"""Jaccard index of neighbourhoods: the rows near each row on both sides, over those near it on either."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.similarity.neighbourhood_jaccard import NEIGHBOURS, estimator, measure
from kdprobe.probes._cases import feature_pair
from kdprobe.probes._layers import of_last_hidden


def _moved(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 1e3 - 1e-3 * x @ np.linalg.qr(rng.normal(size=(6, 6)))[0])


def _same_groups(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Twelve far places, eleven rows at each: the ten nearest are those at one's own place, on both sides."""
    places = rng.permutation(np.repeat(np.arange(12), 11))
    return feature_pair(places + 1e-3 * rng.normal(size=132), 5.0 * rng.permutation(12)[places] + 1e-3 * rng.normal(size=132))


def _ties(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Two places of 40 rows each, all at one point: a row shares 10·10/39 of its 10 with itself."""
    side = np.repeat([0.0, 1.0], 40)
    return feature_pair(side, side)


def _too_few(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return feature_pair(rng.normal(size=(15, 3)), rng.normal(size=(15, 3)))


NEIGHBOURHOOD_JACCARD = Probe(
    name="neighbourhood_jaccard",
    title="Jaccard index of neighbourhoods, last hidden layer",
    asks="How much do the rows near each row overlap in the two last hidden layers?",
    measure=of_last_hidden(measure, estimator(NEIGHBOURS)),
    needs=("features",),
    cost="costly",
    bounds=(0.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="rotated, scaled and shifted", make=_moved, value=1.0),
        KnownAnswer(name="the same groups of eleven in other places", make=_same_groups, value=1.0),
        KnownAnswer(name="ties are shared out", make=_ties, value=(100 / 39) / (20 - 100 / 39)),
        KnownAnswer(name="k is half of the rows or more", make=_too_few, value=None),
    ),
    cites="Klabunde et al. 2023, arXiv:2305.06329",
)
