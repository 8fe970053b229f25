"""What distillation bought on the second score: accuracy, or R²."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Panel
from kdprobe.measures.rows import top
from kdprobe.measures.traces import NO_TARGET, blocks, check_labels, check_paired, check_same_outputs, check_values, measured
from kdprobe.probes._cases import coin_panel, regression_panel, untaught_panel
from kdprobe.probes._panel import row_losses
from kdprobe.stats.intervals import jackknife


def _measure(panel: Panel, target: np.ndarray | None) -> Result:
    if target is None:
        return NO_TARGET
    return _accuracy(panel, target) if panel.student.kind == "classification" else _r2(panel, target)


def _accuracy(panel: Panel, target: np.ndarray) -> Result:
    check_paired(panel.student, panel.twin)
    check_same_outputs(panel.student, panel.twin)
    labels = check_labels(target, panel.student)
    right = [(top(model) == labels).astype(np.float64) for model in (panel.student, panel.twin)]
    return measured(jackknife(right[0] - right[1], blocks=blocks(panel.student)))


def _r2(panel: Panel, target: np.ndarray) -> Result:
    losses = row_losses(panel, target)
    if isinstance(losses, Refusal):
        return losses
    y = check_values(target, panel.student)
    if len(y) and (y == y[0]).all():
        return Refusal(reason="the target is constant: R² is undefined", advice="give rows on which it varies")
    student, twin, _ = losses
    with np.errstate(all="ignore"):
        centred = y - y.mean(axis=0) if len(y) else y
        # a loss is averaged over the targets, and so must be what it is divided by
        contributions = np.column_stack([twin - student, np.mean(centred**2, axis=1), centred])
    return measured(jackknife(contributions, _per_variance, blocks=blocks(panel.student)))


def _per_variance(means: np.ndarray) -> np.ndarray:
    return means[..., 0] / (means[..., 1] - np.mean(means[..., 2:] ** 2, axis=-1))


GAIN_SECOND = Probe(
    name="gain_second",
    title="Gain in accuracy or R²",
    asks="How much better is the student than its twin in accuracy, or in R²?",
    measure=_measure,
    needs=("target",),
    rows="B",
    panel=True,
    better="higher",
    invariant=("row order",),
    truths=(
        KnownAnswer(name="right instead of wrong", make=lambda rng: coin_panel(0.8, 0.4, 0.9), value=1.0),
        KnownAnswer(name="both right", make=lambda rng: coin_panel(0.8, 0.7, 0.9), value=0.0),
        KnownAnswer(name="misses of .5 instead of 1 on a variance of 1", make=lambda rng: regression_panel(0.5, 1.0, 0.1), value=0.75),
        KnownAnswer(name="one more twin gains nothing", make=untaught_panel, value=0.0, tolerance=0.06),
    ),
    cites="Gou et al. 2023, arXiv:2308.04268",
)
