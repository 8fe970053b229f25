"""Mutual information of the two last hidden layers: a bracket, or a refusal where it is infinite."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.information.mutual_information import mutual_information
from kdprobe.measures.traces import check_paired
from kdprobe.probes._cases import feature_pair


def _of_last_hidden(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    check_paired(student, teacher)
    layers = []
    for model in (student, teacher):
        if model.last_hidden is None:
            return Refusal(reason=f"{model.name} has no hidden layer", advice="give a model with one, or ask mutual_information of outputs")
        layers.append(model.features[model.last_hidden])
    return mutual_information(*layers)


def _pairs(rng: np.random.Generator, correlation: float) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(800, 5))
    return feature_pair(x, correlation * x + np.sqrt(1 - correlation**2) * rng.normal(size=x.shape))


def _squashed(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(400, 5))
    return feature_pair(x, np.tanh(x))


MUTUAL_INFORMATION_HIDDEN = Probe(
    name="mutual_information_hidden",
    title="mutual information, last hidden layer",
    asks="How much do the two last hidden layers tell of each other?",
    measure=_of_last_hidden,
    needs=("features",),
    cost="costly",
    unit="nats",
    truths=(
        KnownAnswer(
            name="five pairs of correlation .8",
            make=lambda rng: _pairs(rng, 0.8),
            value=float(-2.5 * np.log(1 - 0.64)),
            tolerance=0.35,
        ),
        KnownAnswer(name="independent layers", make=lambda rng: _pairs(rng, 0.0), value=0.0, tolerance=0.08),
        KnownAnswer(name="one fixes the other: infinite", make=_squashed, value=None),
    ),
    cites="van den Oord et al. 2018, arXiv:1807.03748; Czyż et al. 2023, arXiv:2306.11078",
)
