"""How much of the difference between teacher and twin the student makes up."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Panel
from kdprobe.measures.traces import blocks, measured
from kdprobe.probes._cases import coin_panel, regression_panel, untaught_panel
from kdprobe.probes._panel import LOSS_UNIT, row_losses
from kdprobe.stats.intervals import jackknife, ratio


def _measure(panel: Panel, target: np.ndarray | None) -> Result:
    losses = row_losses(panel, target)
    if isinstance(losses, Refusal):
        return losses
    student, twin, teacher = losses
    units = blocks(panel.student)
    with np.errstate(all="ignore"):
        room = jackknife(twin - teacher, blocks=units)
        if isinstance(room, Refusal):
            return room
        share = ratio(twin - student, twin - teacher, blocks=units)
    # Fieller's set is bounded where the teacher's lead is distinguishable from 0; a teacher that is worse leaves nothing to recover
    if room.value <= 0 or isinstance(share, Refusal):
        return Refusal(
            reason=f"the teacher is not better than the twin beyond its interval: the twin's loss less the teacher's is {room.value:.4g} "
            f"[{room.low:.4g}, {room.high:.4g}] {LOSS_UNIT[panel.student.kind]}, so there is nothing to recover a share of",
            advice="read the gain instead",
        )
    return measured(
        share, details={"teacher_over_twin": room.value, "teacher_over_twin_low": room.low, "teacher_over_twin_high": room.high}
    )


RECOVERED = Probe(
    name="recovered",
    title="Share of the gap recovered",
    asks="Which share of the teacher's lead over the twin does the student make up?",
    measure=_measure,
    needs=("target",),
    rows="B",
    panel=True,
    better="higher",
    invariant=("row order",),
    truths=(
        KnownAnswer(name="a student that is its teacher", make=lambda rng: coin_panel(0.9, 0.5, 0.9), value=1.0),
        KnownAnswer(name="a student that is its twin", make=lambda rng: coin_panel(0.5, 0.5, 0.9), value=0.0),
        KnownAnswer(name="half the way in log probability", make=lambda rng: coin_panel(0.4, 0.2, 0.8), value=0.5),
        KnownAnswer(name="(1 - .25)/(1 - 0)", make=lambda rng: regression_panel(0.5, 1.0, 0.0), value=0.75),
        KnownAnswer(name="one more twin recovers nothing", make=untaught_panel, value=0.0, tolerance=0.06),
        KnownAnswer(name="no better teacher, nothing to recover", make=lambda rng: coin_panel(0.6, 0.5, 0.5), value=None),
        KnownAnswer(name="a worse teacher", make=lambda rng: coin_panel(0.6, 0.5, 0.4), value=None),
    ),
    cites="Gou et al. 2023, arXiv:2308.04268",
)
