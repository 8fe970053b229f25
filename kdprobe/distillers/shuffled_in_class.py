"""Control: targets change places within their class. Each row gets a true target of its class, but of another row."""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._soft_targets import SOFT_TARGETS, classes_of, soft_targets, soft_targets_oracle
from kdprobe.distillers._truth_inputs import logits


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    places = classes_of(outputs, classes)
    changed = outputs.copy()
    for label in np.unique(places):
        rows = np.flatnonzero(places == label)
        changed[rows] = outputs[rng.permutation(rows)]
    return changed


SHUFFLED_IN_CLASS = Distiller(
    name="shuffled_in_class",
    title="shuffled in class",
    knowledge="control",
    tasks=("classification",),
    loss=soft_targets,
    closed=SOFT_TARGETS,
    formula="soft targets of another row of the same class (the teacher's class where there are no labels)",
    parameters={"temperature": 1.0},
    prepare=_prepare,
    truths=(LossTruth(name="KL by hand", make=logits, oracle=soft_targets_oracle, parameters={"temperature": 4.0}),),
)
