"""Control of regression: every row gets the mean of the teacher's predictions. Labels are shrunk toward it, and that is all."""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._imitation import IMITATION, imitation, imitation_oracle
from kdprobe.distillers._truth_inputs import predictions


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(outputs.mean(axis=0, dtype=np.float64), outputs.shape).astype(outputs.dtype)


MEAN_IMITATION = Distiller(
    name="mean_imitation",
    title="shrunk labels",
    knowledge="control",
    tasks=("regression",),
    loss=imitation,
    closed=IMITATION,
    squared=True,
    formula="(1-α)·(f_S - y)² + α·(f_S - mean f_T)², the same as learning (1-α)·y + α·mean f_T",
    prepare=_prepare,
    truths=(LossTruth(name="squares by hand", make=predictions, oracle=imitation_oracle),),
)
