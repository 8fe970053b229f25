"""What all models gave, target by target, and of labels that do not exclude each other all of them as choices between two classes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kdprobe.compare.stream.counted import IGNORED
from kdprobe.compare.stream.passed import Passed, Ran
from kdprobe.core.errors import DataError
from kdprobe.core.words import listed

MOST = 30
"""Targets that are looked at one by one: each costs a comparison of its own."""


def pooled_labels(passed: Passed) -> Passed:
    """Each label of each row as a row of its own, with two classes; the labels of one row are a block.

    Raises
    ------
    DataError
        If outputs are no (n, labels), or the target is no (n, labels) of 0 and 1.
    """
    labels = _labels(passed)
    y, rows = _flags(passed, labels), np.repeat(np.arange(len(passed.ran[0].raw)), labels)
    keep = np.ones(len(rows), dtype=bool) if y is None else y.ravel() != IGNORED
    if not keep.any():
        raise DataError(f"nothing is left of the data: every label is {IGNORED}")
    blocks = rows if passed.blocks is None else passed.blocks[rows]
    pooled = [Ran(one.model, _two_classes(one).reshape(-1, 2)[keep], {}, one.steady) for one in passed.ran]
    chances = [one.model.name for one in passed.ran if _are_chances(one.raw)]
    read = f"those of {listed(chances)}" if chances else "none are, all are logits"
    units = "rows" if passed.blocks is None else "blocks"
    notes = (
        f"Labels do not exclude each other: each of {labels} labels of a row is read as a choice between two classes, and all together"
        f" count as {int(keep.sum()):,} rows; intervals leave out whole {units} of the data.",
        f"Outputs between 0 and 1 are read as probabilities of each label: {read}.",
    )
    named = None if y is None else y.ravel()[keep]
    return passed._replace(ran=pooled, y=named, blocks=np.unique(blocks[keep], return_inverse=True)[1], notes=(*passed.notes, *notes))


def each_label(passed: Passed) -> dict[str, Passed]:
    """Label -> the rows as a choice between having it and not."""
    labels = _labels(passed)
    y = _flags(passed, labels)
    found: dict[str, Passed] = {}
    for label in range(labels if labels <= MOST else 0):
        keep = slice(None) if y is None else np.flatnonzero(y[:, label] != IGNORED)
        ran = [
            replace(one, raw=_two_classes(one)[keep, label], features={layer: values[keep] for layer, values in one.features.items()})
            for one in passed.ran
        ]
        if not len(ran[0].raw):
            continue
        blocks = None if passed.blocks is None else np.unique(passed.blocks[keep], return_inverse=True)[1]
        found[f"label {label}"] = passed._replace(ran=ran, y=None if y is None else y[keep, label], blocks=blocks)
    return found


def each_value(passed: Passed) -> dict[str, Passed]:
    """Target -> the rows with one of several values; empty where there is one."""
    shape = passed.ran[0].raw.shape
    if len(shape) != 2 or shape[1] < 2 or shape[1] > MOST or any(one.raw.shape != shape for one in passed.ran):
        return {}
    if passed.y is not None and passed.y.shape != shape:
        # told in words when they are paired
        return {}
    return {
        f"target {column}": passed._replace(
            ran=[replace(one, raw=one.raw[:, [column]]) for one in passed.ran], y=None if passed.y is None else passed.y[:, [column]]
        )
        for column in range(shape[1])
    }


def told_of(each: Sequence[str], columns: int) -> str:
    """Say where each target by itself is."""
    if each:
        return f"Each of {len(each)} targets by itself is in .targets: {each[0]} to {each[-1]}."
    return f"With {columns} targets none is looked at by itself: give at most {MOST}."


def _labels(passed: Passed) -> int:
    first = passed.ran[0].raw
    for one in passed.ran:
        if one.raw.ndim != 2 or one.raw.shape != first.shape:
            raise DataError(
                f"{one.model.name} gives outputs of shape {one.raw.shape}: of labels that do not exclude each other give one logit or "
                "probability for each, (n, labels), the same of all models"
            )
    return first.shape[1]


def _flags(passed: Passed, labels: int) -> np.ndarray | None:
    """The target (n, labels) of 0 and 1, with `IGNORED` where a label is not known."""
    y = passed.y
    if y is None:
        return None
    if y.shape != (len(passed.ran[0].raw), labels):
        raise DataError(f"y has shape {y.shape}, the outputs have {labels} labels: give 1 and 0 for each, (n, {labels})")
    if y.dtype.kind not in "fiub" or not np.isin(y, (0, 1, IGNORED)).all():
        raise DataError(f"y holds more than 0, 1 and {IGNORED}: give 1 where a label is a row's, 0 where not, {IGNORED} where unknown")
    return y.astype(np.int64)


def _are_chances(raw: np.ndarray) -> bool:
    return bool(raw.size and raw.min() >= 0 and raw.max() <= 1)


def _two_classes(one: Ran) -> np.ndarray:
    """(n, labels, 2) probabilities of not and of having each label, or logits."""
    raw = np.asarray(one.raw, dtype=np.float64)
    return np.stack([1 - raw if _are_chances(raw) else np.zeros_like(raw), raw], axis=2)
