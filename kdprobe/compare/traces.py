"""Checks what models and data gave, and makes paired traces of it."""

from collections.abc import Sequence

import numpy as np

from kdprobe.compare.stream.passed import Ran
from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.core.trace import TaskKind, Trace, are_probabilities, check_finite, check_range
from kdprobe.core.views import Streamed
from kdprobe.core.words import listed
from kdprobe.stats.scores import fit_temperature

NO_TARGET = Refusal(reason="it needs the true target, and the data hold none", advice="give data=(x, y), or batches with a target")


def paired(
    ran: Sequence[Ran], y: np.ndarray | None, kind: TaskKind, blocks: np.ndarray | None = None
) -> tuple[list[Trace], np.ndarray | Refusal, tuple[str, ...]]:
    """Pair the traces of models, and give them with the target and notes of how they were read; blocks (n,) are labelled 0..b-1.

    Raises
    ------
    DataError
        If outputs or target hold NaN or an infinity, have a wrong shape, or do not fit each other; the text names the model and the row.
    """
    notes: list[str] = []
    raw = [_columns(one, kind) for one in ran]
    for one, values in zip(ran, raw, strict=True):
        check_finite(values, f"{one.model.name}: outputs")
        if kind == "regression":
            check_range(values, f"{one.model.name}: predictions")
        if values.shape[1] != raw[0].shape[1]:
            what = "classes" if kind == "classification" else "targets"
            raise DataError(
                f"{ran[0].model.name} gives {raw[0].shape[1]} {what}, {one.model.name} {values.shape[1]}: compare models of the same {what}"
            )
    target = NO_TARGET if y is None else classes_of(y, ran, raw[0].shape[1]) if kind == "classification" else _values(y, raw[0].shape[1])
    if kind == "regression" and isinstance(target, np.ndarray):
        # losses are told in target variances, as in sweeps
        centre, scale = target.mean(axis=0), target.std(axis=0)
        if (scale > 0).all():
            raw = [(values.astype(np.float64) - centre) / scale for values in raw]
            target = (target - centre) / scale
        else:
            column = int(np.argmin(scale > 0))
            target = Refusal(reason=f"target {column} is constant on these rows", advice="give rows on which it varies")
    half, ids = _halves(len(raw[0]), blocks), np.arange(len(raw[0]))
    traces: list[Trace] = []
    for one, values in zip(ran, raw, strict=True):
        rest = {"features": one.features, "ids": ids, "name": one.model.name, "blocks": blocks}
        given = values
        if chances := kind == "classification" and _are_probabilities(values, one):
            # rows that sum to one up to the precision of the model are made to do so in float64
            values = values / values.sum(axis=1, keepdims=True, dtype=np.float64)
            given = np.log(np.maximum(values, np.finfo(np.float64).tiny))
        if kind == "classification" and isinstance(target, np.ndarray):
            rest["temperature"] = _cross_fitted(given, target, half)
        traces.append(Trace(kind=kind, outputs=values, raw=values, **rest) if chances else Trace.from_raw(kind, values, **rest))
    if kind == "classification":
        notes.append(reading(traces))
    if kind == "classification" and isinstance(target, np.ndarray):
        notes.append("Temperatures are cross-fitted: each half of the rows is read at the temperature that fits the other half best.")
    if kind == "regression" and isinstance(target, np.ndarray):
        notes.append("Target and predictions are scaled by the target's mean and standard deviation on these rows.")
    return traces, target, tuple(notes)


def _columns(one: Ran, kind: TaskKind) -> np.ndarray:
    """Return outputs as (n, c)."""
    values, name = one.raw, one.model.name
    if kind == "regression":
        return values[:, None] if values.ndim == 1 else values
    if values.ndim == 1 or values.shape[1] < 2:
        what = "hard labels say little" if values.dtype.kind in "iub" else "two classes need two columns"
        raise DataError(
            f"{name} gives outputs of shape {values.shape}: {what}, give logits or probabilities of each class, (n, c). A single logit z"
            " becomes two by stacking 0 and z, a single probability p by stacking 1 - p and p"
        )
    return values


def _are_probabilities(values: np.ndarray, one: Ran) -> bool:
    found = are_probabilities(values)
    if one.model.probabilities and not found:
        sums = values.sum(axis=1, dtype=np.float64)
        row = int(np.argmax(np.abs(sums - 1)))
        raise DataError(f"{one.model.name}: predict_proba gives row {row} the sum {sums[row]:.4g}: give probabilities that sum to one")
    return found


def reading(traces: Sequence[Trace]) -> str:
    """Say which outputs were taken for probabilities and which for logits."""
    groups: dict[str, list[str]] = {"probabilities": [], "logits": []}
    for trace in traces:
        given = trace.probabilities if isinstance(trace, Streamed) else trace.raw is trace.outputs
        groups["probabilities" if given else "logits"].append(trace.name)
    told = [f"{'all' if len(names) == len(traces) else f'those of {listed(names)}'} as {what}" for what, names in groups.items() if names]
    return f"Outputs are read by their numbers: {' and '.join(told)}."


def classes_of(y: np.ndarray, ran: Sequence[Ran], c: int) -> np.ndarray:
    """Return the target as (n,) classes 0..c-1."""
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim == 2 and np.isin(y, (0, 1)).all() and not (y.sum(axis=1) == 1).all():
        raise DataError(
            f"y has shape {y.shape} and other than one 1 in a row: labels that do not exclude each other are task='multilabel', as a "
            "softmax over them would be of something else"
        )
    if y.ndim != 1:
        raise DataError(f"y has shape {y.shape}: give one class a row, (n,); y.argmax(axis=1) makes classes of one-hot rows")
    named = {one.model.name: one.model.classes for one in ran if one.model.classes is not None}
    if named:
        (first, known), *others = named.items()
        for name, classes in others:
            if not np.array_equal(classes, known):
                raise DataError(f"{first} has the classes {known}, {name} {classes}: fit both on the same classes")
        if not np.array_equal(known, np.arange(c)):
            y = _positions(y, known, first)
    if y.dtype.kind not in "fiub":
        raise DataError(f"y has dtype {y.dtype}: give classes as integers 0..{c - 1}, the columns of the outputs")
    check_finite(y, "y")
    labels = y.astype(np.int64)
    wrong = labels != y
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"y holds {y[row]:.4g} in row {row}, which is no class: give integers 0..{c - 1}, or task='regression'")
    outside = (labels < 0) | (labels >= c)
    if outside.any():
        row = int(np.argmax(outside))
        raise DataError(f"y holds class {labels[row]} in row {row}, the outputs have {c} columns: give classes 0..{c - 1}")
    return labels


def _positions(y: np.ndarray, classes: np.ndarray, name: str) -> np.ndarray:
    """Return for each label its place among the classes of a predictor."""
    order = np.argsort(classes)
    places = order[np.minimum(np.searchsorted(classes, y, sorter=order), len(classes) - 1)]
    unknown = classes[places] != y
    if unknown.any():
        row = int(np.argmax(unknown))
        raise DataError(f"y holds {y[row]!r} in row {row}, which is not among the classes of {name}: {', '.join(map(str, classes))}")
    return places


def _values(y: np.ndarray, c: int) -> np.ndarray:
    """Return the target as (n, c) float64."""
    if y.dtype.kind not in "fiub":
        raise DataError(f"y has dtype {y.dtype}: give real numbers, or task='classification'")
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2 or y.shape[1] != c:
        raise DataError(f"y has shape {y.shape}, the models give {c} {'value' if c == 1 else 'values'} a row: give one target for each")
    check_finite(y, "y")
    check_range(y, "y: targets")
    return y.astype(np.float64)


def _halves(n: int, blocks: np.ndarray | None = None) -> np.ndarray:
    """Return which half each row belongs to, drawn once for all models; blocks stay whole."""
    if blocks is not None:
        return _halves(int(blocks.max()) + 1)[blocks]
    half = np.zeros(n, dtype=bool)
    half[np.random.default_rng(0).permutation(n)[: n // 2]] = True
    return half


def _cross_fitted(logits: np.ndarray, labels: np.ndarray, half: np.ndarray) -> np.ndarray | None:
    """Return for each row (n,) the temperature that fits the other half best; None with fewer than two rows."""
    if len(labels) < 2:
        return None
    temperatures = np.empty(len(labels))
    for fitted, read in ((half, ~half), (~half, half)):
        temperatures[read] = fit_temperature(logits[fitted], labels[fitted])
    return temperatures
