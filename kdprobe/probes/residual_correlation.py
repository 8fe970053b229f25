"""Whether two regressors err alike."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.probes._rows import NO_TARGET, blocks, check_paired, check_same_outputs, check_values, measured
from kdprobe.stats.intervals import FISHER, jackknife


def _measure(student: Trace, teacher: Trace, target: np.ndarray | None) -> Result:
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    y = check_values(target, student)
    with np.errstate(all="ignore"):
        residuals = [model.outputs - y for model in (student, teacher)]
        for model, residual in zip((student, teacher), residuals, strict=True):
            if len(residual) and (residual == residual[0]).all():
                return Refusal(reason=f"{model.name}'s residuals are constant: they cannot correlate", advice="give rows with noise")
        # centred first, so that a common offset cannot swamp the products
        a, b = (r - r.mean(axis=0) if len(r) else r for r in residuals)
        products = [np.sum(x * y, axis=1) for x, y in ((a, b), (a, a), (b, b))]
        contributions = np.column_stack([*products, a, b])
    return measured(jackknife(contributions, _correlation, blocks=blocks(student), transform=FISHER))


def _correlation(means: np.ndarray) -> np.ndarray:
    """Pearson correlation with covariances summed over the outputs."""
    ab, aa, bb = np.moveaxis(means[..., :3], -1, 0)
    a, b = np.split(means[..., 3:], 2, axis=-1)
    covariance = ab - np.sum(a * b, axis=-1)
    variances = (aa - np.sum(a * a, axis=-1)) * (bb - np.sum(b * b, axis=-1))
    # Cauchy-Schwarz: beyond 1 by rounding only
    return np.clip(covariance / np.sqrt(variances), -1.0, 1.0)


def _models(student: list[float], teacher: list[float]) -> tuple[Trace, Trace, np.ndarray]:
    y = np.arange(len(student), dtype=float)
    return Trace.from_raw("regression", y + student), Trace.from_raw("regression", y + teacher), y[:, None]


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    y, a, b = rng.normal(size=(3, 20_000))
    return Trace.from_raw("regression", y + a), Trace.from_raw("regression", y + b), y


def _shared_noise(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    y, shared, a, b = rng.normal(size=(4, 20_000, 2))
    return Trace.from_raw("regression", y + shared + a), Trace.from_raw("regression", y + shared + b), y


RESIDUAL_CORRELATION = Probe(
    name="residual_correlation",
    title="Residual correlation",
    asks="Do the two models err in the same direction on the same rows?",
    measure=_measure,
    needs=("target",),
    tasks=("regression",),
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("shift", "row order"),
    truths=(
        KnownAnswer(name="the same errors", make=lambda rng: _models([1, -1, 2, 0], [1, -1, 2, 0]), value=1.0),
        KnownAnswer(name="opposite errors", make=lambda rng: _models([1, -1, 2, 0], [-1, 1, -2, 0]), value=-1.0),
        KnownAnswer(name="by hand: 1/2", make=lambda rng: _models([1, -1, 0, 0], [1, 0, -1, 0]), value=0.5),
        KnownAnswer(name="independent errors", make=_independent, value=0.0, tolerance=0.03),
        KnownAnswer(name="half of the error is shared, two outputs", make=_shared_noise, value=0.5, tolerance=0.03),
        KnownAnswer(name="no errors at all", make=lambda rng: _models([0, 0, 0], [0, 0, 0]), value=None),
    ),
    cites="Gou et al. 2023, arXiv:2308.04268",
)
