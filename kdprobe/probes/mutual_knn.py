"""Mutual nearest neighbours: whether each row has the same rows near it in two representations."""

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.measures.similarity.mutual_knn import NEIGHBOURS, estimator, measure
from kdprobe.probes._cases import grouped_pair, rotated_pair, short_pair, tied_pair
from kdprobe.probes._layers import of_last_hidden

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
        KnownAnswer(name="rotated, scaled and shifted", make=rotated_pair, value=1.0),
        KnownAnswer(name="the same groups of eleven in other places", make=grouped_pair, value=1.0),
        KnownAnswer(name="ties are shared out", make=tied_pair, value=10 / 39),
        KnownAnswer(name="k is half of the rows or more", make=short_pair, value=None),
    ),
    cites="Huh et al. 2024, arXiv:2405.07987",
)
