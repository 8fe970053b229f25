"""Control: targets change places over all rows. Nothing of the teacher's knowledge of any row is left."""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._soft_targets import SOFT_TARGETS, soft_targets, soft_targets_oracle
from kdprobe.distillers._truth_inputs import logits


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(outputs)


SHUFFLED = Distiller(
    name="shuffled",
    title="shuffled targets",
    knowledge="control",
    tasks=("classification",),
    loss=soft_targets,
    closed=SOFT_TARGETS,
    formula="soft targets of another row",
    parameters={"temperature": 1.0},
    prepare=_prepare,
    truths=(LossTruth(name="KL by hand", make=logits, oracle=soft_targets_oracle, parameters={"temperature": 4.0}),),
)
