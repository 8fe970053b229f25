"""How good each model is by itself, beside the numbers of how alike they are."""

from collections.abc import Mapping

import numpy as np

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.traces import blocks, calibrated_log_probabilities, log_probabilities, measured, top
from kdprobe.stats.intervals import BELOW_ONE, jackknife, proportion
from kdprobe.stats.scores import nll, squared_error

INFINITE = Refusal(reason="it gives a label the probability 0: its loss is infinite", advice="give logits, or smooth the probabilities")


def scores(traces: tuple[Trace, ...], target: np.ndarray | Refusal) -> dict[str, dict[str, Result]]:
    """Return model -> score -> result: accuracy, loss and loss at its own temperature, or R² and squared error; {} without a target."""
    if isinstance(target, Refusal):
        return {}
    of = _of_classifier if traces[0].kind == "classification" else _of_regressor
    return {trace.name: dict(of(trace, target)) for trace in traces}


def _of_classifier(trace: Trace, labels: np.ndarray) -> Mapping[str, Result]:
    found = {
        "accuracy": measured(proportion(top(trace) == labels, blocks=blocks(trace))),
        "loss": _mean(trace, nll(log_probabilities(trace), labels)),
    }
    if trace.temperature is not None:
        found["loss at its own temperature"] = _mean(trace, nll(calibrated_log_probabilities(trace), labels))
    return found


def _mean(trace: Trace, losses: np.ndarray) -> Result:
    return measured(jackknife(losses, blocks=blocks(trace)), unit="nats") if np.isfinite(losses).all() else INFINITE


def _of_regressor(trace: Trace, y: np.ndarray) -> Mapping[str, Result]:
    losses = squared_error(trace.outputs, y)
    # targets are scaled to mean 0 and variance 1 on these rows: what a row adds to the variance is its square
    spread = np.column_stack([losses, np.mean(y**2, axis=1)])
    explained = jackknife(spread, lambda means: 1 - means[..., 0] / means[..., 1], blocks=blocks(trace), transform=BELOW_ONE)
    return {"R²": measured(explained), "squared error": measured(jackknife(losses, blocks=blocks(trace)), unit="target variances")}
