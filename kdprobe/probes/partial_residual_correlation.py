"""What two regressors share beyond the target."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Trace
from kdprobe.measures.transfer.partial_residuals import partial_correlation


def _models(student: np.ndarray, teacher: np.ndarray, y: np.ndarray) -> tuple[Trace, Trace, np.ndarray]:
    return Trace.from_raw("regression", student), Trace.from_raw("regression", teacher), y


def _exact(share: float, slopes: tuple[float, float]) -> KnownAnswer:
    """Predictions whose parts beside the target correlate exactly so much, whatever they have of the target."""

    def make(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
        columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 3))]))
        y, own, other = columns[:, 1:].T
        return _models(slopes[0] * y + own, 3 + slopes[1] * y + share * own + np.sqrt(1 - share**2) * other, y)

    return KnownAnswer(name=f"correlated by {share:g} beside {slopes[0]:g} and {slopes[1]:g} times the target", make=make, value=share)


def _shrunken(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    """Both halve the target: their errors correlate, as -y/2 is in both, but given the target they are independent."""
    y, a, b = rng.normal(size=(3, 20_000))
    return _models(0.5 * y + 0.5 * a, 0.5 * y + 0.5 * b, y)


PARTIAL_RESIDUAL_CORRELATION = Probe(
    name="partial_residual_correlation",
    title="Residual correlation given the target",
    asks="Do the two models' predictions go together beyond what the target explains of both?",
    measure=partial_correlation,
    needs=("target",),
    tasks=("regression",),
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("scale", "shift", "row order"),
    truths=(
        _exact(0.6, (1.0, 0.2)),
        _exact(-0.3, (0.0, 5.0)),
        KnownAnswer(name="two shrunken models of independent errors", make=_shrunken, value=0.0, tolerance=0.03),
        KnownAnswer(
            name="a linear function of the target",
            make=lambda rng: _models(2 * (y := rng.normal(size=50)) + 1, rng.normal(size=50), y),
            value=None,
        ),
    ),
    cites="Fisher 1924, Metron 3; Gou et al. 2023, arXiv:2308.04268",
)
