"""How good each model is by itself, beside the numbers of how alike they are."""

from collections.abc import Mapping, Sequence

import numpy as np

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.rows import label_losses, top
from kdprobe.measures.traces import blocks, measured
from kdprobe.stats.intervals import BELOW_ONE, jackknife, proportion
from kdprobe.stats.paired import contrast
from kdprobe.stats.scores import squared_error

INFINITE = Refusal(reason="it gives a label the probability 0: its loss is infinite", advice="give logits, or smooth the probabilities")


def scores(traces: tuple[Trace, ...], target: np.ndarray | Refusal) -> dict[str, dict[str, Result]]:
    """Return model -> score -> result: accuracy, loss and loss at its own temperature, or R² and squared error; {} without a target."""
    if isinstance(target, Refusal):
        return {}
    of = _of_classifier if traces[0].kind == "classification" else _of_regressor
    return {trace.name: dict(of(trace, target)) for trace in traces}


def lead(teachers: Sequence[Trace], twins: Sequence[Trace], target: np.ndarray | Refusal) -> Result | None:
    """How far the teacher's loss is below the twins' mean: over rows, or of several teachers over seeds, each beside its own twin.

    Classifiers are read at their own temperatures where they have some, as a raw loss is one of temperature too. None without twins or a
    target; a refusal where a loss is infinite.
    """
    if not twins or isinstance(target, Refusal):
        return None
    taught, untaught = (np.array([_losses(trace, target) for trace in group]) for group in (teachers, twins))
    if not (np.isfinite(taught).all() and np.isfinite(untaught).all()):
        return INFINITE
    unit = "nats" if teachers[0].kind == "classification" else "target variances"
    if len(teachers) > 1:
        return contrast((untaught - taught).mean(axis=1)).measurement(unit)
    return measured(jackknife(untaught.mean(axis=0) - taught[0], blocks=blocks(teachers[0])), unit=unit)


def _losses(trace: Trace, target: np.ndarray) -> np.ndarray:
    """(n,) loss of each row."""
    if trace.kind == "regression":
        return squared_error(trace.outputs, target)
    return label_losses(trace, target, calibrated=trace.temperature is not None)


def _of_classifier(trace: Trace, labels: np.ndarray) -> Mapping[str, Result]:
    found = {
        "accuracy": measured(proportion(top(trace) == labels, blocks=blocks(trace))),
        "loss": _mean(trace, label_losses(trace, labels)),
    }
    if trace.temperature is not None:
        found["loss at its own temperature"] = _mean(trace, label_losses(trace, labels, calibrated=True))
    return found


def _mean(trace: Trace, losses: np.ndarray) -> Result:
    return measured(jackknife(losses, blocks=blocks(trace)), unit="nats") if np.isfinite(losses).all() else INFINITE


def _of_regressor(trace: Trace, y: np.ndarray) -> Mapping[str, Result]:
    losses = squared_error(trace.outputs, y)
    # targets are scaled to mean 0 and variance 1 on these rows: what a row adds to the variance is its square
    spread = np.column_stack([losses, np.mean(y**2, axis=1)])
    explained = jackknife(spread, lambda means: 1 - means[..., 0] / means[..., 1], blocks=blocks(trace), transform=BELOW_ONE)
    return {"R²": measured(explained), "squared error": measured(jackknife(losses, blocks=blocks(trace)), unit="target variances")}
