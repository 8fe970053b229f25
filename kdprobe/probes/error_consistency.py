"""Whether two models err on the same rows more often than their accuracies make them."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.probes._rows import NO_TARGET, blocks, check_labels, check_paired, check_same_outputs, measured, top, two_classes
from kdprobe.stats.intervals import FISHER, jackknife


def _measure(student: Trace, teacher: Trace, target: np.ndarray | None) -> Result:
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    if refusal := two_classes(student):
        return refusal
    labels = check_labels(target, student)
    right = top(student) == labels, top(teacher) == labels
    accuracies = [float(r.mean()) if len(r) else 0.0 for r in right]
    if student.n and accuracies[0] == accuracies[1] and accuracies[0] in (0.0, 1.0):
        return Refusal(
            reason=f"both models are {'right' if accuracies[0] else 'wrong'} on every row: chance alone explains it",
            advice="give harder rows",
        )
    for name, accuracy in zip(("student", "teacher"), accuracies, strict=True):
        if student.n and accuracy in (0.0, 1.0):
            return Refusal(
                reason=f"the {name} is {'right' if accuracy else 'wrong'} on every row: κ is 0 whatever the other does",
                advice="give harder rows" if accuracy else "give easier rows",
            )
    interval = jackknife(np.stack([*right, right[0] == right[1]], axis=1), _kappa, blocks=blocks(student), transform=FISHER)
    return measured(interval, details={"accuracy_student": accuracies[0], "accuracy_teacher": accuracies[1]})


def _kappa(means: np.ndarray) -> np.ndarray:
    a, b, same = np.moveaxis(means, -1, 0)
    by_chance = a * b + (1 - a) * (1 - b)
    return (same - by_chance) / (1 - by_chance)


def _models(a: list[int], b: list[int]) -> tuple[Trace, Trace, np.ndarray]:
    """Two binary models that are right where the list says 1."""
    make = lambda right: Trace.from_raw("classification", np.eye(2)[1 - np.array(right)])  # noqa: E731
    return make(a), make(b), np.zeros(len(a), dtype=int)


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    return _models(list(rng.random(20_000) < 0.8), list(rng.random(20_000) < 0.6))


ERROR_CONSISTENCY = Probe(
    name="error_consistency",
    title="Error consistency κ",
    asks="Do the two models err on the same rows, beyond what their accuracies make them?",
    measure=_measure,
    needs=("target",),
    tasks=("classification",),
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("scale", "monotone", "row order"),
    truths=(
        KnownAnswer(name="the same errors", make=lambda rng: _models([1, 1, 0, 0], [1, 1, 0, 0]), value=1.0),
        KnownAnswer(name="opposite errors", make=lambda rng: _models([1, 1, 0, 0], [0, 0, 1, 1]), value=-1.0),
        KnownAnswer(name="two of four shared, by hand", make=lambda rng: _models([1, 1, 1, 0], [1, 1, 0, 1]), value=-1 / 3),
        KnownAnswer(name="independent errors", make=_independent, value=0.0, tolerance=0.03),
        KnownAnswer(name="both always right", make=lambda rng: _models([1, 1, 1], [1, 1, 1]), value=None),
    ),
    cites="Geirhos, Meding and Wichmann 2020, arXiv:2006.16736",
)
