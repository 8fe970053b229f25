"""Numbers of each row of one classifier or of two: all that most measures read of outputs.

Of some rows of a trace (`Part`) they are those of the whole, computed once; of a `Streamed` one they were kept while its outputs passed.
"""

from collections.abc import Callable, Hashable

import numpy as np

from kdprobe.core.trace import Trace
from kdprobe.core.views import Part, Streamed
from kdprobe.measures.traces import calibrated_log_probabilities, log_probabilities


def of_model(trace: Trace, key: Hashable, compute: Callable[[Trace], np.ndarray]) -> np.ndarray:
    """(n, ...) what `compute` says of each row of one model, computed once."""
    if isinstance(trace, Part):
        return trace.derived(key, lambda _: of_model(trace.whole, key, compute)[trace.rows])
    if isinstance(trace, Streamed) and key in trace.numbers:
        return trace.numbers[key]
    return trace.derived(key, compute)


def of_pair(one: Trace, other: Trace, key: str, compute: Callable[[Trace, Trace], np.ndarray]) -> np.ndarray:
    """(n, ...) what `compute` says of each row of two models; computed once where parts of it are read."""
    if isinstance(one, Part) and isinstance(other, Part):
        wholes = one.whole, other.whole
        return one.whole.derived((key, other.whole), lambda _: of_pair(*wholes, key, compute))[one.rows]
    if isinstance(one, Streamed) and (key, other.name) in one.numbers:
        return one.numbers[key, other.name]
    return compute(one, other)


def top(trace: Trace) -> np.ndarray:
    """(n,) class of the largest raw output; the first of tied ones."""
    return of_model(trace, "top", lambda t: np.argmax(t.raw, axis=1))


def tied_rows(trace: Trace) -> int:
    """Rows whose largest output is shared by several classes."""

    def tied(t: Trace) -> np.ndarray:
        largest = t.raw.max(axis=1, keepdims=True) if t.n else t.raw
        return (t.raw == largest).sum(axis=1) > 1

    return int(of_model(trace, "tied", tied).sum())


def confidence(trace: Trace) -> np.ndarray:
    """(n,) probability of the class that a model names."""
    return of_model(trace, "confidence", lambda t: t.outputs[np.arange(t.n), top(t)])


def label_losses(trace: Trace, labels: np.ndarray, *, calibrated: bool = False) -> np.ndarray:
    """(n,) negative log-likelihood of each row's label, as given or at the trace's own temperature; infinite where it got probability 0."""
    if isinstance(trace, Streamed):
        return trace.number("calibrated loss" if calibrated else "loss")
    if isinstance(trace, Part) and isinstance(trace.whole, Streamed):
        return label_losses(trace.whole, labels, calibrated=calibrated)[trace.rows]
    whole, rows = (trace.whole, trace.rows) if isinstance(trace, Part) else (trace, np.arange(trace.n))
    return -(calibrated_log_probabilities if calibrated else log_probabilities)(whole)[rows, labels]


def divergence(student: Trace, teacher: Trace) -> np.ndarray:
    """(n,) KL(teacher‖student) of each row, in nats; infinite where the student rules out what the teacher does not."""
    return of_pair(student, teacher, "kl", _divergence)


def shared_mass(student: Trace, teacher: Trace) -> np.ndarray:
    """(n,) probability that both models give to the same classes: Σ min(p, q)."""
    return of_pair(student, teacher, "shared", lambda s, t: np.minimum(np.minimum(s.outputs, t.outputs).sum(axis=1), 1.0))


def inner_products(one: Trace, other: Trace) -> np.ndarray:
    """(n,) ⟨p, q⟩ of each row of both models' outputs."""
    if isinstance(one, Streamed) and ("inner", other.name) not in one.numbers:
        one, other = other, one
    return of_pair(one, other, "inner", lambda a, b: np.einsum("nc,nc->n", a.outputs, b.outputs))


def same_outputs(one: Trace, other: Trace) -> bool:
    """Whether two models give the same on every row, as far as it is known."""
    if isinstance(one, Streamed) and isinstance(other, Streamed):
        kept = ("top", "confidence", "spread")
        # a sample that only has layers knows nothing of outputs
        return all(key in one.numbers and np.array_equal(one.numbers[key], other.numbers[key]) for key in kept)
    return np.array_equal(one.raw, other.raw)


def _divergence(student: Trace, teacher: Trace) -> np.ndarray:
    p, log_p, log_q = teacher.outputs, log_probabilities(teacher), log_probabilities(student)
    with np.errstate(all="ignore"):
        # where the teacher's probability is 0 the term is 0, whatever the student's
        return np.sum(np.where(p > 0, p * (log_p - log_q), 0.0), axis=1)
