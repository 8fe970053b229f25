"""Jaccard index of neighbourhoods: the rows near each row on both sides, over those near it on either."""

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.measures.similarity.neighbourhood_jaccard import NEIGHBOURS, estimator, measure
from kdprobe.probes._cases import grouped_pair, rotated_pair, short_pair, tied_pair
from kdprobe.probes._layers import of_last_hidden

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
        KnownAnswer(name="rotated, scaled and shifted", make=rotated_pair, value=1.0),
        KnownAnswer(name="the same groups of eleven in other places", make=grouped_pair, value=1.0),
        KnownAnswer(name="ties are shared out", make=tied_pair, value=(100 / 39) / (20 - 100 / 39)),
        KnownAnswer(name="k is half of the rows or more", make=short_pair, value=None),
    ),
    cites="Klabunde et al. 2023, arXiv:2305.06329",
)
