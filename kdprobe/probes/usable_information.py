"""Usable information: what a family of probes can read from features or outputs about a target."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Result
from kdprobe.core.trace import Trace
from kdprobe.measures.information.usable_information import usable_information
from kdprobe.measures.traces import NO_TARGET, check_labels, check_paired, check_values, two_classes
from kdprobe.probes._cases import one_class


def _of_student(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """The student's alone: beside its teacher's and its twins' it says what distillation added."""
    check_paired(student, teacher)
    if target is None:
        return NO_TARGET
    if student.kind == "regression":
        return usable_information(student.outputs, check_values(target, student), task="regression", blocks=student.blocks)
    labels = check_labels(target, student)
    refused = two_classes(student)
    return refused or usable_information(student.outputs, labels, task="classification", inputs="probabilities", blocks=student.blocks)


def _classifier(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    """Two classes, logit difference normal with variance 8: log 2 less the mean entropy is .3178 nats by integration."""
    logits = 2 * rng.normal(size=(4000, 2))
    labels = (logits[:, 1] - logits[:, 0] + rng.logistic(size=4000) > 0).astype(np.int64)
    trace = Trace.from_raw("classification", 3 * logits, name="student")  # over-confident on purpose
    return trace, trace, labels


def _regressor(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    x = rng.normal(size=(4000, 1))
    trace = Trace.from_raw("regression", x, name="student")
    return trace, trace, 0.8 * x + 0.6 * rng.normal(size=(4000, 1))


USABLE_INFORMATION = Probe(
    name="usable_information",
    title="usable information",
    asks="How much does the student's output tell of the target, once calibrated?",
    measure=_of_student,
    needs=("target",),
    cost="costly",
    better="higher",
    unit="nats",
    likeness=False,
    truths=(
        KnownAnswer(name="an over-confident classifier of known information", make=_classifier, value=0.3178, tolerance=0.04),
        KnownAnswer(name="correlation .8", make=_regressor, value=float(-0.5 * np.log(1 - 0.64)), tolerance=0.05),
        KnownAnswer(name="one class only", make=one_class, value=None),
    ),
    cites="Xu et al. 2020, arXiv:2002.10689; Guo et al. 2017, arXiv:1706.04599",
)
