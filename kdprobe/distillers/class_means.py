"""Control: every row of a class gets the class's mean output. What the classes have in common stays, what single rows say is gone."""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._soft_targets import SOFT_TARGETS, classes_of, soft_targets, soft_targets_oracle
from kdprobe.distillers._truth_inputs import logits


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    places = classes_of(outputs, classes)
    sums = np.zeros((places.max() + 1, outputs.shape[1]))
    np.add.at(sums, places, outputs)
    counts = np.maximum(np.bincount(places), 1)
    return (sums / counts[:, None])[places].astype(outputs.dtype)


CLASS_MEANS = Distiller(
    name="class_means",
    title="class means",
    knowledge="control",
    tasks=("classification",),
    loss=soft_targets,
    closed=SOFT_TARGETS,
    formula="soft targets from the mean logits of the row's class (the teacher's class where there are no labels)",
    parameters={"temperature": 1.0},
    prepare=_prepare,
    truths=(LossTruth(name="KL by hand", make=logits, oracle=soft_targets_oracle, parameters={"temperature": 4.0}),),
)
