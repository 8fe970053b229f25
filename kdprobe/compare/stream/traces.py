"""Traces of classifiers whose outputs passed by: numbers of all rows, and whole outputs and layers of a sample of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kdprobe.compare.models import Outputs
from kdprobe.compare.stream.intake import Streams
from kdprobe.compare.stream.passed import Passed, Ran
from kdprobe.compare.traces import NO_TARGET, paired, reading
from kdprobe.core.result import Refusal
from kdprobe.core.trace import TaskKind, Trace
from kdprobe.core.views import Streamed

LEAST = 50
"""A sample of fewer rows says little."""


class Told(NamedTuple):
    """All models on some rows, in one order, with the target."""

    traces: tuple[Trace, ...]
    target: np.ndarray | Refusal


class Paired(NamedTuple):
    """All models on all rows, samples of whom more is known, and how it was read."""

    told: Told
    samples: tuple[Told, ...]
    notes: tuple[str, ...]


def traces_of(passed: Passed, kind: TaskKind) -> Paired:
    """Pair the traces of all models.

    Raises
    ------
    DataError
        As `paired` does.
    """
    if passed.streams is None:
        traces, target, notes = paired(passed.ran, passed.y, kind, passed.blocks)
        return Paired(Told(tuple(traces), target), (), (*passed.notes, *notes))
    streams, ids = passed.streams, np.arange(_rows(passed.streams))
    target = NO_TARGET if streams.labels is None else streams.labels
    whole = tuple(_streamed(one, streams, ids, passed.blocks) for one in passed.ran)
    notes = [*passed.notes, reading(whole)]
    if streams.fitted_on:
        notes.append(
            f"Temperatures are of the first {streams.fitted_on:,} {_what(passed)}: each half is read at the one that fits the other best."
        )
    samples: list[Told] = []
    # a sample of outputs has no layers, and would say that there are none: that of layers is asked first
    if len(streams.features.rows) >= LEAST:
        samples.append(_of_features(passed, streams))
        if len(streams.features.rows) < len(ids):
            notes.append(_sampled("hidden layers", len(streams.features.rows), len(ids), passed, "similarities of these"))
    if len(streams.outputs.rows) >= LEAST:
        samples.append(_of_outputs(passed, streams))
        notes.append(_sampled("whole outputs", len(streams.outputs.rows), len(ids), passed, "measures that read all of a row's outputs"))
    else:
        notes.append(f"Of {streams.columns:,} outputs a {_what(passed)[:-1]} a few numbers were kept, as all would not fit into memory.")
    return Paired(Told(whole, target), tuple(samples), tuple(notes))


def _what(passed: Passed) -> str:
    return "tokens" if passed.tokens else "rows"


def _sampled(of: str, kept: int, n: int, passed: Passed, read: str) -> str:
    drawn = "whole sequences" if passed.tokens else "rows"
    return f"Of {of} {kept:,} of {n:,} {_what(passed)} were kept, {drawn} drawn at random: {read} are of these."


def _rows(streams: Streams) -> int:
    return len(next(iter(next(iter(streams.numbers.values())).values())))


def _streamed(one: Ran, streams: Streams, ids: np.ndarray, blocks: np.ndarray | None) -> Streamed:
    name = one.model.name
    return Streamed(
        numbers=streams.numbers[name],
        columns=streams.columns,
        probabilities=name in streams.probabilities,
        ids=ids,
        blocks=blocks,
        temperature=streams.temperatures.get(name),
        name=name,
    )


def _blocks(passed: Passed, rows: np.ndarray) -> np.ndarray | None:
    return None if passed.blocks is None else np.unique(passed.blocks[rows], return_inverse=True)[1]


def _of_outputs(passed: Passed, streams: Streams) -> Told:
    rows = streams.outputs.rows
    # under the model's name alone: its classes were read when they came
    ran = [Ran(Outputs(name := one.model.name, streams.outputs.values[name]), streams.outputs.values[name]) for one in passed.ran]
    traces, target, _ = paired(ran, None if streams.labels is None else streams.labels[rows], "classification", _blocks(passed, rows))
    return Told(tuple(traces), target)


def _of_features(passed: Passed, streams: Streams) -> Told:
    rows = streams.features.rows
    ids, blocks = np.arange(len(rows)), _blocks(passed, rows)
    traces: Sequence[Trace] = [
        Streamed(
            numbers={},
            columns=streams.columns,
            probabilities=False,
            ids=ids,
            blocks=blocks,
            temperature=None,
            name=one.model.name,
            features={layer: streams.features.values[one.model.name, layer] for layer in streams.layers.get(one.model.name, ())},
        )
        for one in passed.ran
    ]
    return Told(tuple(traces), NO_TARGET if streams.labels is None else streams.labels[rows])
