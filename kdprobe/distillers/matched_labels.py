"""Control of regression: the labels, shrunk toward their mean until they spread as the teacher's predictions do.

The counterpart of label smoothing: smoother targets of a teacher's size, in which nothing is that the labels do not say.
"""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._imitation import imitation, imitation_oracle
from kdprobe.distillers._truth_inputs import predictions


def _prepare(outputs: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    labels = labels.reshape(outputs.shape).astype(np.float64)
    spread = labels.std(axis=0)
    # labels without spread are their mean whatever they are multiplied by
    share = np.divide(outputs.std(axis=0, dtype=np.float64), spread, out=np.ones_like(spread), where=spread > 0)
    middle = labels.mean(axis=0)
    return (middle + share * (labels - middle)).astype(outputs.dtype)


MATCHED_LABELS = Distiller(
    name="matched_labels",
    title="labels of the teacher's spread",
    knowledge="control",
    tasks=("regression",),
    loss=imitation,
    squared=True,
    needs=("outputs", "labels"),
    formula="(1-α)·(f_S - y)² + α·(f_S - y')², y': the labels shrunk toward their mean to the standard deviation of f_T",
    prepare=_prepare,
    truths=(LossTruth(name="squares by hand", make=predictions, oracle=imitation_oracle),),
)
