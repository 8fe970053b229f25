"""Mutual information of two sides, with an interval, or a bracket, or a refusal."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Result
from kdprobe.core.trace import Trace
from kdprobe.measures.information.mutual_information import mutual_information
from kdprobe.measures.traces import check_paired


def _of_outputs(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    check_paired(student, teacher)
    return mutual_information(student.raw, teacher.raw)


def _traces(x: np.ndarray, y: np.ndarray) -> tuple[Trace, Trace, None]:
    return Trace.from_raw("regression", x, name="student"), Trace.from_raw("regression", y, name="teacher"), None


def _gaussian(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=2000)
    return _traces(x, 0.8 * x + 0.6 * rng.normal(size=2000))


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return _traces(rng.normal(size=(1000, 2)), rng.normal(size=1000))


def _squashed(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=500)
    return _traces(x, np.tanh(x))


MUTUAL_INFORMATION = Probe(
    name="mutual_information",
    title="mutual information of outputs",
    asks="How much do the two models' outputs tell of each other?",
    measure=_of_outputs,
    cost="costly",
    unit="nats",
    truths=(
        KnownAnswer(name="correlation .8", make=_gaussian, value=float(-0.5 * np.log(1 - 0.64)), tolerance=0.08),
        KnownAnswer(name="independent outputs", make=_independent, value=0.0, tolerance=0.05),
        KnownAnswer(name="one fixes the other: infinite", make=_squashed, value=None),
    ),
    cites="Kraskov et al. 2004, arXiv:cond-mat/0305641; Holmes and Nemenman 2019, arXiv:1903.09280",
)
