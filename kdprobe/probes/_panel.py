"""What the probes of a whole panel share: each model's loss per row, paired."""

import numpy as np

from kdprobe.core.result import Refusal
from kdprobe.core.trace import Panel, Trace
from kdprobe.measures.rows import label_losses
from kdprobe.measures.traces import (
    NO_TARGET,
    check_labels,
    check_paired,
    check_same_outputs,
    check_values,
)
from kdprobe.stats.scores import squared_error

LOSS_UNIT = {"classification": "nats", "regression": "target variances"}


def row_losses(panel: Panel, target: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray] | Refusal:
    """Loss of each row (n,) of student, twin and teacher: negative log-likelihood, or squared error averaged over the targets."""
    models = panel.student, panel.twin, panel.teacher
    check_paired(*models)
    check_same_outputs(*models)
    if target is None:
        return NO_TARGET
    if panel.student.kind == "regression":
        y = check_values(target, panel.student)
        with np.errstate(all="ignore"):
            student, twin, teacher = (squared_error(model.outputs, y) for model in models)
        return student, twin, teacher
    labels = check_labels(target, panel.student)
    return _log_losses(models, labels)


def calibrated_row_losses(panel: Panel, target: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray] | Refusal:
    """Negative log-likelihood of each row (n,) of student, twin and teacher, each at its own fitted temperature."""
    models = panel.student, panel.twin, panel.teacher
    check_paired(*models)
    check_same_outputs(*models)
    if target is None:
        return NO_TARGET
    for model in models:
        if model.temperature is None:
            return Refusal(reason=f"{model.name} has no fitted temperature", advice="fit one on validation rows")
    return _log_losses(models, check_labels(target, panel.student), calibrated=True)


def _log_losses(
    models: tuple[Trace, Trace, Trace], labels: np.ndarray, *, calibrated: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | Refusal:
    rows = [label_losses(model, labels, calibrated=calibrated) for model in models]
    for model, losses in zip(models, rows, strict=True):
        infinite = ~np.isfinite(losses)
        if infinite.any():
            return Refusal(
                reason=f"{model.name} gives its label probability 0 in row {int(np.argmax(infinite))}: its loss is infinite",
                advice="give logits, or smooth the probabilities",
            )
    return rows[0], rows[1], rows[2]
