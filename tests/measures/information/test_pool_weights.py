"""Weights of a log-linear pool: Newton's method against a quasi-Newton search of the same loss."""

import numpy as np
import pytest
from scipy.optimize import minimize

from kdprobe.core.trace import log_softmax
from kdprobe.measures.information.pool_weights import fitted

RNG = np.random.default_rng(0)
LOGITS = 2 * RNG.normal(size=(1000, 4))
LABELS = (LOGITS + RNG.gumbel(size=LOGITS.shape)).argmax(axis=1)
PRIOR = np.broadcast_to(np.log(np.bincount(LABELS) / 1000), LOGITS.shape)
WORLDS = {
    "over-confident": [log_softmax(3 * LOGITS), PRIOR],
    "two experts": [log_softmax(LOGITS), log_softmax(LOGITS + RNG.normal(size=LOGITS.shape)), PRIOR],
    "the same expert twice": [log_softmax(LOGITS), log_softmax(LOGITS), PRIOR],
    "saturated": [np.maximum(log_softmax(300 * LOGITS), -700.0), PRIOR],
    "an expert that says nothing": [np.full(LOGITS.shape, -np.log(4)), PRIOR],
}


@pytest.mark.parametrize("name", WORLDS)
def test_newton_finds_what_a_search_finds(name):
    experts, penalty = WORLDS[name], np.full(len(WORLDS[name]), 1e-3)
    answers = np.eye(4)[LABELS]

    def loss(weights):
        log_p = log_softmax(sum(weight * expert for weight, expert in zip(weights, experts, strict=True)))
        return -float((answers * log_p).sum()) + 0.5 * float(penalty @ weights**2)

    scores = [expert[np.arange(1000), LABELS] for expert in experts]
    columns = [np.ascontiguousarray(expert.T) for expert in experts]
    weights, losses, slopes, curvature = fitted(columns, scores, np.full(len(experts), 0.5), penalty, settled=1e-12)
    searched = minimize(loss, np.full(len(experts), 0.5), method="BFGS").fun
    assert loss(weights) <= searched + 1e-6
    assert losses.sum() + 0.5 * penalty @ weights**2 == pytest.approx(loss(weights), rel=1e-9)
    units = np.maximum([expert.std() for expert in experts], 1.0)
    assert (np.sum(slopes, axis=1) + penalty * weights) / units == pytest.approx(0.0, abs=1e-4)
    assert np.linalg.eigvalsh(curvature).min() > -1e-9
