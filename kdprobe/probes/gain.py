"""What distillation bought: the paired twin's loss less the student's."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Panel
from kdprobe.measures.traces import blocks, measured
from kdprobe.probes._cases import coin_panel, regression_panel, untaught_panel
from kdprobe.probes._panel import LOSS_UNIT, row_losses
from kdprobe.stats.intervals import jackknife


def _measure(panel: Panel, target: np.ndarray | None) -> Result:
    losses = row_losses(panel, target)
    if isinstance(losses, Refusal):
        return losses
    student, twin, _ = losses
    with np.errstate(all="ignore"):
        return measured(jackknife(twin - student, blocks=blocks(panel.student)), unit=LOSS_UNIT[panel.student.kind])


GAIN = Probe(
    name="gain",
    title="Gain over the twin",
    asks="How much smaller is the student's loss than that of its twin, trained without a teacher?",
    measure=_measure,
    needs=("target",),
    rows="B",
    panel=True,
    better="higher",
    unit="nats or target variances",
    invariant=("row order",),
    truths=(
        KnownAnswer(name="a student that is its twin", make=lambda rng: coin_panel(0.7, 0.7, 0.9), value=0.0),
        KnownAnswer(name=".8 instead of .4 on the label: ln 2", make=lambda rng: coin_panel(0.8, 0.4, 0.9), value=np.log(2)),
        KnownAnswer(name="worse than the twin", make=lambda rng: coin_panel(0.2, 0.8, 0.9), value=-np.log(4)),
        KnownAnswer(name="misses of .5 instead of 1: .75", make=lambda rng: regression_panel(0.5, 1.0, 0.1), value=0.75),
        KnownAnswer(name="one more twin gains nothing", make=untaught_panel, value=0.0, tolerance=0.06),
    ),
    cites="Gou et al. 2023, arXiv:2308.04268",
)
