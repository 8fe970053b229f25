"""Which column of somebody's table of runs is which: by what it is called, or by what its owner says."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError, PlanError, did_you_mean

LOWER = {
    "loss",
    "nll",
    "ce",
    "entropy",
    "crossentropy",
    "xent",
    "mse",
    "mae",
    "rmse",
    "error",
    "err",
    "perplexity",
    "ppl",
    "deviance",
    "brier",
}
HIGHER = {"acc", "accuracy", "r2", "auc", "auroc", "f1", "score", "bleu", "map", "ndcg", "recall", "precision"}
_FILLER = {
    *("test", "val", "valid", "validation", "eval", "final", "best", "mean", "top1", "top", "1", "top5", "5", "cross", "log", "squared"),
    *("probe", "the", "of", "on", "model", "own", "avg", "average", "dev", "heldout"),
}
_SIZE = {
    "size",
    "params",
    "param",
    "parameters",
    "parameter",
    "n",
    "num",
    "number",
    "count",
    "width",
    "hidden",
    "units",
    "layers",
    "dim",
    "of",
}
_WHO: Mapping[str, set[str]] = {
    "twin": {"twin", "baseline", "scratch", "alone", "untaught", "supervised", "nokd", "control"},
    "teacher": {"teacher", "tutor"},
    "student": {"student", "distilled", "kd"},
}
_SEED = {"seed", "run", "trial", "replicate", "repeat", "rep", "repetition"}
_DRAW = {"draw", "fold", "split"}
_GAIN = {"gain", "improvement", "benefit"}
SETTINGS = ("task", "dataset", "metric")
"""Columns by which a table is read apart unasked, where they hold several values."""
ROLES = ("student_size", "teacher_size", "seed", "draw", "gain", "student_loss", "twin_loss", "teacher_loss", "loss")


def recognised(names: Sequence[str], given: Mapping[str, str | None]) -> dict[str, str]:
    """Return which column plays which role.

    Parameters
    ----------
    names
        Of the columns.
    given
        What its owner says, by role; None where nothing.

    Raises
    ------
    DataError
        If a column that is named is not there or is named twice, or two could play one role.
    PlanError
        If there is no such role.

    Examples
    --------
    >>> recognised(["Student Params", "teacher", "run", "student_acc", "scratch_acc", "teacher_acc", "lr"], {})
    {'student_size': 'Student Params', 'teacher_size': 'teacher', 'seed': 'run', 'student_loss': 'student_acc', 'twin_loss': 'scratch_acc',
    'teacher_loss': 'teacher_acc'}
    """
    named: dict[str, str] = {}
    for role, name in given.items():
        if role not in ROLES:
            raise PlanError(f"{role}={name!r}: there is no such role of a column: {did_you_mean(role, ROLES)}")
        if name is not None and name not in names:
            raise DataError(f"{_flag(role)} {name!r}: the table has no such column: {did_you_mean(name, names)}")
        if name in named:
            raise DataError(f"{_flag(role)} {name!r}: {_flag(named[name])} names this column too: give each a column of its own")
        named |= {} if name is None else {name: role}
    said = {role: name for role, name in given.items() if name is not None}
    free = [name for name in names if name not in said.values()]
    found: dict[str, str] = {}
    for role in ROLES:
        if role in said:
            found[role] = said[role]
            continue
        exact = [name for name in free if "_".join(_words(name)) == role]
        fits = exact or [name for name in free if role in _roles(name)]
        if len(fits) > 1:
            raise DataError(f"columns {_quoted(fits)} could each be the {role.replace('_', ' ')}: name one with {_flag(role)}")
        found |= {role: fits[0]} if fits else {}
    return found


def higher_by_name(name: str) -> bool | None:
    """Whether larger values are better, as far as a column's name tells; None where it does not.

    Examples
    --------
    >>> higher_by_name("student_accuracy"), higher_by_name("student_nll"), higher_by_name("student_quality")
    (True, False, None)
    """
    words = set(_words(name))
    return False if words & LOWER else True if words & HIGHER else None


def numbers(values: Any, name: str, lines: np.ndarray, *, size: bool = False) -> np.ndarray:
    """Return a column as float64, NaN where nothing stands; numbers such as 1.2M, 300k and 7B are read, and sizes such as 1,200,000.

    Raises
    ------
    DataError
        If it holds a word, or a comma that may stand before decimals.
    """
    column = np.asarray(values)
    if column.ndim != 1:
        raise DataError(f"column {name!r} has shape {column.shape}: give one value a row")
    if column.dtype.kind in "fiub":
        return column.astype(np.float64)
    return np.array([_number(value, name, line, size=size) for value, line in zip(column, lines, strict=True)], dtype=np.float64)


_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9}
_SPELT = re.compile(r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*([kKmMbBgG]?)")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?\s*[kKmMbBgG]?")
_NOTHING = ("", "none", "no", "-", "untaught", "nan", "no teacher", "alone", "scratch", "baseline", "null", "na", "<na>")


def _number(value: Any, name: str, line: int, *, size: bool) -> float:
    text = "" if value is None else str(value).strip()
    if text.lower() in _NOTHING:
        return float("nan")
    # without its comma 0,52 would be 52: nobody groups the digits of a loss
    if "," in text and not (size and _GROUPED.fullmatch(text)):
        raise DataError(f"column {name!r} holds {text[:30]!r} in row {line}: where commas stand before decimals, give --decimal ,")
    spelt = _SPELT.fullmatch(text.replace(",", "").replace("_", ""))
    try:
        return float(text) if spelt is None else float(spelt[1]) * _SCALE[spelt[2].lower()]
    except ValueError:
        raise DataError(f"column {name!r} holds {text[:30]!r} in row {line}: give numbers (sizes may be written 1.2M or 300k)") from None


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name))
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _roles(name: str) -> set[str]:
    words = set(_words(name))
    who = next((role for role, own in _WHO.items() if words & own), "")
    # the student alone is the twin: its words may name the student too
    rest = words - _WHO.get(who, set()) - (_WHO["student"] if who == "twin" else set())
    found: set[str] = set()
    if words and words <= _SEED | {"id", "number"}:
        found.add("seed")
    if words and words <= _DRAW:
        found.add("draw")
    if words & _GAIN and words <= _GAIN | _FILLER | LOWER | HIGHER | _WHO["student"] | _WHO["twin"] | {"over"}:
        found.add("gain")
    if who in ("student", "teacher") and rest <= _SIZE:
        found.add(f"{who}_size")
    if rest & (LOWER | HIGHER) and rest <= LOWER | HIGHER | _FILLER:
        found.add(f"{who}_loss" if who else "loss")
    return found


def _flag(role: str) -> str:
    return f"--{role.replace('_', '-')}"


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(map(repr, names))
