"""How much of the teacher's predictions the student reproduces."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.probes._rows import blocks, check_paired, check_same_outputs, measured
from kdprobe.stats.intervals import BELOW_ONE, jackknife


def _measure(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if teacher.n and (teacher.outputs == teacher.outputs[0]).all():
        return Refusal(reason=f"{teacher.name}'s predictions are constant: no variance to explain", advice="give rows on which they vary")
    with np.errstate(all="ignore"):
        centred = teacher.derived("centred outputs", lambda t: t.outputs - t.outputs.mean(axis=0) if t.n else t.outputs)
        missed = np.sum((teacher.outputs - student.outputs) ** 2, axis=1)
        contributions = np.column_stack([missed, np.sum(centred**2, axis=1), centred])
    return measured(jackknife(contributions, _explained, blocks=blocks(student), transform=BELOW_ONE))


def _explained(means: np.ndarray) -> np.ndarray:
    return 1 - means[..., 0] / (means[..., 1] - np.sum(means[..., 2:] ** 2, axis=-1))


def _predictions(values: list[float]) -> Trace:
    return Trace.from_raw("regression", np.array(values))


R2 = Probe(
    name="r2",
    title="R² to the teacher",
    asks="How much of the variance of the teacher's predictions does the student reproduce?",
    measure=_measure,
    tasks=("regression",),
    better="higher",
    bounds=(-np.inf, 1.0),
    invariant=("row order",),
    truths=(
        KnownAnswer(name="a model reproduces itself", make=lambda rng: (t := _predictions([0, 1, 2, 5]), t, None), value=1.0),
        KnownAnswer(
            name="the teacher's mean explains nothing",
            make=lambda rng: (_predictions([2, 2, 2, 2]), _predictions([0, 1, 2, 5]), None),
            value=0.0,
        ),
        KnownAnswer(
            name="by hand: 1 - 4/14", make=lambda rng: (_predictions([1, 2, 3, 4]), _predictions([0, 1, 2, 5]), None), value=1 - 4 / 14
        ),
        KnownAnswer(
            name="mirrored about the mean", make=lambda rng: (_predictions([4, 3, 2, -1]), _predictions([0, 1, 2, 5]), None), value=-3.0
        ),
        KnownAnswer(name="a constant teacher", make=lambda rng: (_predictions([0, 1, 2]), _predictions([3, 3, 3]), None), value=None),
    ),
    cites="Gou et al. 2023, arXiv:2308.04268",
)
