"""What distillation bought beyond what one scalar, the temperature, could have bought."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Panel
from kdprobe.measures.traces import blocks, measured
from kdprobe.probes._cases import coin_panel
from kdprobe.probes._panel import calibrated_row_losses
from kdprobe.stats.intervals import jackknife


def _measure(panel: Panel, target: np.ndarray | None) -> Result:
    losses = calibrated_row_losses(panel, target)
    if isinstance(losses, Refusal):
        return losses
    student, twin, _ = losses
    with np.errstate(all="ignore"):
        return measured(jackknife(twin - student, blocks=blocks(panel.student)), unit="nats")


def _softened(p: float) -> float:
    """Probability of the label after its log odds are halved."""
    return float(np.sqrt(p) / (np.sqrt(p) + np.sqrt(1 - p)))


GAIN_CALIBRATED = Probe(
    name="gain_calibrated",
    title="Gain, calibrated",
    asks="How much smaller is the student's loss than its twin's once each has its own best temperature?",
    measure=_measure,
    needs=("target", "temperature"),
    tasks=("classification",),
    rows="B",
    panel=True,
    better="higher",
    unit="nats",
    invariant=("row order",),
    truths=(
        KnownAnswer(name="temperature 1 is the gain: ln 2", make=lambda rng: coin_panel(0.8, 0.4, 0.9, temperature=1.0), value=np.log(2)),
        KnownAnswer(
            name="temperature 2 halves the log odds",
            make=lambda rng: coin_panel(0.8, 0.4, 0.9, temperature=2.0),
            value=np.log(_softened(0.8) / _softened(0.4)),
        ),
        KnownAnswer(name="a hot model knows nothing", make=lambda rng: coin_panel(0.8, 0.4, 0.9, temperature=1e12), value=0.0),
        KnownAnswer(name="no temperature was fitted", make=lambda rng: coin_panel(0.8, 0.4, 0.9), value=None),
    ),
    cites="Guo et al. 2017, arXiv:1706.04599",
)
