"""What probes read of two models: their last hidden layers, or any pair of layers."""

from collections.abc import Callable

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.arrays import as_matrix, with_notes
from kdprobe.measures.cka import alignment, feature_space, gram_space
from kdprobe.measures.cka.hsic import Terms, deal
from kdprobe.measures.cka.neighbours import Likeness, likeness
from kdprobe.measures.left_out import LeftOut
from kdprobe.measures.similarity import chance
from kdprobe.measures.traces import blocks, check_paired, log_probabilities

OUTPUT = "(outputs)"
"""Of classifiers the log probabilities, centred by row: the same numbers whether a model gave logits, shifted ones, or probabilities."""
LEAST = 1e-6
"""What is less probable counts as this much: float16 and a softmax in float32 still tell it from 0, and a 0 gets a logarithm."""


def of_last_hidden(measure: chance.Measure, estimator: str) -> Callable[..., Result]:
    """Return the ``measure`` of a probe that reads the last hidden layer of both models."""

    def last_hidden(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
        check_paired(student, teacher)
        for model in (student, teacher):
            if model.last_hidden is None:
                return Refusal(reason=f"{model.name} has no hidden layer", advice="trace at least one")
        if student.n < 4:
            raise DataError(f"{student.name} and {teacher.name} have {student.n} rows: give at least 4")
        layers = [(model, str(model.last_hidden)) for model in (student, teacher)]
        x, y = (as_matrix(model.features[layer], f"{model.name}: {layer}") for model, layer in layers)
        names = tuple(f"layer {layer!r} of {model.name}" for model, layer in layers)
        result = chance.measured(x, y, (names[0], names[1]), blocks(student), measure, chance.PERMUTATIONS, 0)
        return with_notes(result, estimator, x=student.features[layers[0][1]], y=teacher.features[layers[1][1]])

    return last_hidden


def cka_of_traces(student: Trace, student_layer: str, teacher: Trace, teacher_layer: str) -> Result:
    """Debiased linear CKA in float64 between a layer of each trace (`OUTPUT` for the outputs).

    What belongs to one layer is computed once for each trace, so a pair costs the product of its two layers, O(n dx dy). The interval
    leaves out twentieths of the rows, blocks kept whole.
    """
    check_paired(student, teacher)
    days = blocks(student)
    if refusal := alignment.too_small(student.n, days):
        return refusal
    sides = (student, student_layer), (teacher, teacher_layer)
    names = f"layer {student_layer!r} of {student.name}", f"layer {teacher_layer!r} of {teacher.name}"
    alike = None if days is not None else tuple(trace.derived(("CKA, neighbours", layer), _alike(layer)) for trace, layer in sides)
    rest = {"names": names, "rows": student.n, "blocked": days is not None, "neighbours": alike}
    widths = [_features_of(trace, layer).shape[1] for trace, layer in sides]
    if alignment.features_are_cheaper(student.n, (widths[0],), (widths[1],)):
        x, y = (trace.derived(("CKA, features", layer), _layer(layer)) for trace, layer in sides)
        both = feature_space.met(x, y)
        _keep(student, student_layer, teacher, teacher_layer, both.terms)
        without_rows = feature_space.influence_of_far_rows(x, y, both, deal(student.n, days))
        return alignment.measured(alignment.Alignment(terms=both.terms, shapes=(x.shape, y.shape), without_rows=without_rows, **rest))
    k, m = (trace.derived(("CKA, Gram", layer), _kernel(layer)) for trace, layer in sides)
    order = np.argsort(deal(student.n, days), kind="stable")
    terms = gram_space.terms(k, m)
    _keep(student, student_layer, teacher, teacher_layer, terms)
    return alignment.measured(
        alignment.Alignment(terms=terms, shapes=(k.shape, m.shape), without_rows=lambda: (order, gram_space.without_each_row(k, m)), **rest)
    )


def cka_without_groups(student: Trace, student_layer: str, teacher: Trace, teacher_layer: str) -> LeftOut:
    """What `cka_of_traces` is without each group of rows; known once that was asked."""

    def asked(_: Trace) -> LeftOut:
        raise DataError(f"CKA of {student.name} and {teacher.name} was not measured: ask for it first")

    return student.derived(("CKA, left out", student_layer, teacher, teacher_layer), asked)


def _keep(student: Trace, student_layer: str, teacher: Trace, teacher_layer: str, terms: Terms) -> None:
    left_out = LeftOut(terms.cka[1:], terms.sizes)
    student.derived(("CKA, left out", student_layer, teacher, teacher_layer), lambda _: left_out)


def _layer(name: str) -> Callable[[Trace], feature_space.Layer]:
    return lambda trace: feature_space.layer(_features_of(trace, name), deal(trace.n, blocks(trace)))


def _kernel(name: str) -> Callable[[Trace], gram_space.Kernel]:
    return lambda trace: gram_space.kernel(gram_space.linear_gram(_features_of(trace, name)), deal(trace.n, blocks(trace)))


def _alike(name: str) -> Callable[[Trace], Likeness]:
    return lambda trace: likeness(_features_of(trace, name))


def _features_of(trace: Trace, layer: str) -> np.ndarray:
    values = _outputs(trace) if layer == OUTPUT else trace.features[layer]
    return values if values.ndim == 2 and values.shape[1] else as_matrix(values, f"{trace.name}: {layer}")


def _outputs(trace: Trace) -> np.ndarray:
    if trace.kind == "regression":
        return trace.raw
    return trace.derived("centred log probabilities", _centred)


def _centred(trace: Trace) -> np.ndarray:
    floored = np.maximum(log_probabilities(trace), np.log(LEAST))
    return floored - floored.mean(axis=1, keepdims=True)
