"""Control: in each row the outputs of all classes but the teacher's first change places (Furlanello et al. 2018, DKPP).

How sure the teacher is of each row stays; which other classes it finds likely is gone.
"""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._soft_targets import SOFT_TARGETS, soft_targets, soft_targets_oracle
from kdprobe.distillers._truth_inputs import logits


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    rows, first = np.arange(len(outputs)), outputs.argmax(axis=1)
    others = np.ones(outputs.shape, dtype=bool)
    others[rows, first] = False
    changed = outputs.copy()
    changed[others] = rng.permuted(outputs[others].reshape(len(outputs), -1), axis=1).ravel()
    return changed


PERMUTED_OTHERS = Distiller(
    name="permuted_others",
    title="permuted classes",
    knowledge="control",
    tasks=("classification",),
    loss=soft_targets,
    closed=SOFT_TARGETS,
    formula="soft targets with the classes below the teacher's first one permuted, in each row anew",
    parameters={"temperature": 1.0},
    prepare=_prepare,
    truths=(LossTruth(name="KL by hand", make=logits, oracle=soft_targets_oracle, parameters={"temperature": 4.0}),),
    cites="arXiv:1805.04770",
)
