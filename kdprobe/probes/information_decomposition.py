"""What of the teacher's information about the target the student has, what it left behind, and what it knows by itself."""

from dataclasses import fields, replace

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.information.decomposition import information_decomposition
from kdprobe.measures.traces import NO_TARGET, check_labels, check_paired, check_same_outputs, check_values, two_classes
from kdprobe.probes._cases import one_class


def _transferred(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    check_paired(student, teacher)
    if target is None:
        return NO_TARGET
    if student.kind == "regression":
        y = check_values(target, student)
        parts = information_decomposition(teacher.outputs, student.outputs, y, task="regression", blocks=student.blocks)
    else:
        check_same_outputs(student, teacher)
        labels = check_labels(target, student)
        refused = two_classes(student)
        if refused:
            return refused
        models = teacher.outputs, student.outputs
        parts = information_decomposition(*models, labels, task="classification", inputs="probabilities", blocks=student.blocks)
    if isinstance(parts, Refusal) or isinstance(parts.redundancy, Refusal):
        return parts if isinstance(parts, Refusal) else parts.redundancy
    named = {field.name: getattr(parts, field.name) for field in fields(parts) if field.name not in ("status", "redundancy")}
    known = {name: part for name, part in named.items() if isinstance(part, Measurement)}
    # the limits too, so that a bar can be drawn from what a store keeps
    ends = {f"{name}_{end}": getattr(part, end) for name, part in known.items() for end in ("low", "high")}
    missing = tuple(f"{name}: {part}" for name, part in named.items() if isinstance(part, Refusal))
    return replace(parts.redundancy, details={name: part.value for name, part in known.items()} | ends, notes=missing)


def _gaussians(rng: np.random.Generator, degraded: bool) -> tuple[Trace, Trace, np.ndarray]:
    y = rng.normal(size=(4000, 1))
    teacher = 0.8 * y + 0.6 * rng.normal(size=y.shape)
    noise = rng.normal(size=y.shape)
    student = 0.7 * teacher + np.sqrt(1 - 0.49) * noise if degraded else noise
    return Trace.from_raw("regression", student, name="student"), Trace.from_raw("regression", teacher, name="teacher"), y


def _degraded(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    return _gaussians(rng, degraded=True)


def _unrelated(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    return _gaussians(rng, degraded=False)


TRANSFERRED_INFORMATION = Probe(
    name="transferred_information",
    title="information transferred",
    asks="How much of what the teacher knows of the target does the student know too?",
    measure=_transferred,
    needs=("target",),
    cost="costly",
    better="higher",
    unit="nats",
    truths=(
        KnownAnswer(name="a degraded teacher knows what it kept", make=_degraded, value=float(-0.5 * np.log(1 - 0.56**2)), tolerance=0.05),
        KnownAnswer(name="noise knows nothing", make=_unrelated, value=0.0, tolerance=0.005),
        KnownAnswer(name="one class only", make=one_class, value=None),
    ),
    cites="Dissanayake et al. 2025, arXiv:2411.07483; Williams and Beer 2010, arXiv:1004.2515",
)
