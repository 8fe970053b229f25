"""What two regressors share beyond the target."""

import numpy as np

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.traces import NO_TARGET, beside_target, blocks, check_paired, check_same_outputs, check_values, measured
from kdprobe.stats.intervals import FISHER, jackknife

ROUNDING = 1e-10
"""What a fit leaves of predictions below this share of their spread is rounding."""


def partial_correlation(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Correlation of the two models' predictions given the target: of what a linear fit to it leaves of each.

    Notes
    -----
    The fit's own error moves the correlation to second order only, because what it leaves is uncorrelated with the target: the jackknife
    does not fit anew.
    """
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    y = check_values(target, student)
    with np.errstate(all="ignore"):
        left = [
            beside_target(model, "left by a fit to the target", y, lambda trace: _left(trace.outputs, y)) for model in (student, teacher)
        ]
        for model, (_, varies) in zip((student, teacher), left, strict=True):
            if model.n and not varies:
                return Refusal(
                    reason=f"{model.name}'s predictions are constant, or a linear function of the target: nothing is left to correlate",
                    advice="give rows on which it errs",
                )
        a, b = left[0][0], left[1][0]
        products = np.column_stack([np.einsum("nc,nc->n", *pair) for pair in ((a, b), (a, a), (b, b))])
        return measured(jackknife(products, _correlation, blocks=blocks(student), transform=FISHER))


def _left(outputs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, bool]:
    """What a linear fit to the target leaves of predictions (n, c), and whether it is more than rounding."""
    if not len(outputs):
        return outputs, False
    centred = outputs - outputs.mean(axis=0)
    known = y - y.mean(axis=0)
    fitted = known @ np.linalg.lstsq(known, centred, rcond=None)[0]
    left = centred - fitted
    spread = float(np.abs(outputs).max())
    return left, bool(np.abs(left).max() > ROUNDING * spread)


def _correlation(means: np.ndarray) -> np.ndarray:
    ab, aa, bb = np.moveaxis(means, -1, 0)
    # Cauchy-Schwarz: beyond 1 by rounding only
    return np.clip(ab / np.sqrt(aa * bb), -1.0, 1.0)
