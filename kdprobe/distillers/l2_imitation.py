"""L2 imitation of a regression teacher."""

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._imitation import IMITATION, imitation, imitation_oracle
from kdprobe.distillers._truth_inputs import predictions

L2_IMITATION = Distiller(
    name="l2_imitation",
    title="L2 imitation",
    knowledge="response",
    tasks=("regression",),
    loss=imitation,
    closed=IMITATION,
    squared=True,
    formula="(1-α)·(f_S - y)² + α·(f_S - f_T)², the same as learning (1-α)·y + α·f_T",
    truths=(LossTruth(name="squares by hand", make=predictions, oracle=imitation_oracle),),
    cites="arXiv:1312.6184",
)
