"""Control of regression: the teacher's predictions change places over all rows."""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._imitation import IMITATION, imitation, imitation_oracle
from kdprobe.distillers._truth_inputs import predictions


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(outputs)


SHUFFLED_IMITATION = Distiller(
    name="shuffled_imitation",
    title="shuffled targets",
    knowledge="control",
    tasks=("regression",),
    loss=imitation,
    closed=IMITATION,
    squared=True,
    formula="(1-α)·(f_S - y)² + α·(f_S - f_T of another row)²",
    prepare=_prepare,
    truths=(LossTruth(name="squares by hand", make=predictions, oracle=imitation_oracle),),
)
