"""Scores of a model on probe rows."""

from typing import Any

import numpy as np
import torch

from kdprobe.core.task import Task
from kdprobe.core.trace import log_softmax
from kdprobe.measures.transfer.calibration import calibration_error
from kdprobe.stats import scores
from kdprobe.tasks.splits import Split
from kdprobe.zoo.traces import outputs_of


def score_model(module: torch.nn.Module, task: Task, parts: Split, validation: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Scores on the probe rows for performance, B; a classifier's temperature is fitted on its outputs on the validation rows."""
    found: list[dict[str, Any]] = []

    def add(metric: str, rows: str, value: float) -> None:
        found.append({"metric": metric, "rows": rows, "value": float(value)})

    raw, y = outputs_of(module, parts.probe_b.x)[0], parts.probe_b.y
    if task.kind == "classification":
        said = outputs_of(module, parts.validation.x)[0] if validation is None else validation
        temperature = scores.fit_temperature(said, parts.validation.y)
        add("temperature", "validation", temperature)
        add("nll", "B", scores.nll(log_softmax(raw), y).mean())
        add("nll_calibrated", "B", scores.nll(log_softmax(raw / temperature), y).mean())
        add("accuracy", "B", scores.accuracy(raw, y))
        add("calibration_error", "B", calibration_error(np.exp(log_softmax(raw)), y))
    else:
        predictions = raw.astype(np.float64)
        add("mse", "B", scores.squared_error(predictions, y).mean())
        add("r2", "B", scores.r2(predictions, y))
    return found
