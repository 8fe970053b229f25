"""The contract of a probe, as a test that anyone can run: known answers, bounds, symmetry, invariances, and hostile input."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kdprobe.core.errors import ContractError, DataError
from kdprobe.core.probe import Invariance, Probe
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.trace import Panel, TaskKind, Trace
from kdprobe.testing.requirement import require

ROUNDING = 1e-6
DRAWS = 3
LEAST_TRUTHS = 3


def check_probe(probe: Probe) -> None:
    """Raise ContractError unless a probe does all that it declares, and survives hostile input without a warning.

    Checked are: a title, a question and a citation; three truths, unless it reads a panel; each truth, within its tolerance, on three
    draws; the bounds; symmetry and invariances, on random models; that the target is not changed and the answer does not depend on the
    call before; and that constant, duplicated, huge, tiny, integer, half-precision, non-contiguous and few rows give a measurement, a
    refusal or a DataError, never a warning.

    A "rotation", "scale", "shift" or "monotone" map is applied to what the probe reads of one model: its features if the probe needs
    "features", else its raw outputs. "row order" permutes the rows of everything alike.

    Examples
    --------
    >>> from kdprobe.core.registry import available
    >>> check_probe(available("probes")["cka"])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _check_words(probe)
        _check_truths(probe)
        for kind in probe.tasks:
            _check_declared(probe, kind)
            _check_hostile(probe, kind)


def arguments_of(
    probe: Probe, kind: TaskKind, rng: np.random.Generator, *, n: int = 60, change: Callable[[np.ndarray, int], np.ndarray] | None = None
) -> tuple[Any, ...]:
    """Random models with something in common, as the arguments of a probe.

    Parameters
    ----------
    probe
        Decides between two traces and a panel.
    kind
        Of the task.
    rng
        Source of the models.
    n
        Rows.
    change
        (array, index of the model) -> array, applied to every array of each model: the student is model 0.
    """
    classes = 4 if kind == "classification" else 2
    shared = rng.normal(size=(n, classes))
    target = shared.argmax(axis=1) if kind == "classification" else shared
    change = change or (lambda array, model: array)

    def model(index: int, name: str) -> Trace:
        # a teacher errs on some rows, and knows what untaught twins have only half of
        untaught = name.startswith("twin")
        noise = 0.5 if untaught or (name, kind) == ("teacher", "classification") else 0.1 if name == "teacher" else 1.0
        known = 0.5 if untaught else 1.0
        raw = (4 if kind == "classification" else 1) * (known * shared + noise * rng.normal(size=(n, classes)))
        width = 5 if index == 0 else 7
        hidden = np.tanh(shared @ rng.normal(size=(classes, width))) + 0.1 * rng.normal(size=(n, width))
        return Trace.from_raw(
            kind,
            change(raw, index),
            features={"hidden": change(hidden, index)},
            temperature=1.5 if kind == "classification" else None,
            name=name,
        )

    student, teacher = model(0, "student"), model(1, "teacher")
    if not probe.panel:
        return student, teacher, target
    others = [model(index, f"twin {index}") for index in range(2, 6)]
    siblings = tuple(model(index, f"sibling {index}") for index in range(6, 8))
    return Panel(student=student, teacher=teacher, twin=others[0], reference_twins=tuple(others[1:]), siblings=siblings), target


def _check_words(probe: Probe) -> None:
    require(probe, bool(probe.title.strip()), "its title is empty: say what heads its column in a table")
    require(probe, probe.asks.strip().endswith("?"), f"asks={probe.asks!r} is no question: say what it answers, with a question mark")
    require(probe, bool(probe.cites.strip()), "cites nothing: name the paper or page that defines it, such as 'arXiv:1905.00414'")
    # a panel of eight models whose answer is known takes a page: one case of it is enough
    few = f"has {len(probe.truths)} truths: give at least {LEAST_TRUTHS} cases whose answers are known without it"
    require(probe, probe.panel or len(probe.truths) >= LEAST_TRUTHS, few)


def _check_truths(probe: Probe) -> None:
    for truth in probe.truths:
        for draw in range(DRAWS):
            result = _call(probe, truth.make(np.random.default_rng(draw)), truth.name)
            if truth.value is None:
                require(probe, isinstance(result, Refusal), f"truth {truth.name!r} gave {result}, a refusal was due")
            else:
                near = isinstance(result, Measurement) and abs(result.value - truth.value) <= truth.tolerance
                got = repr(result.value) if isinstance(result, Measurement) else str(result)
                require(probe, near, f"truth {truth.name!r} gave {got}, {truth.value!r} ± {truth.tolerance} was due")


def _check_declared(probe: Probe, kind: TaskKind) -> None:
    for draw in range(DRAWS):
        n = _rows(probe, kind)
        arguments = arguments_of(probe, kind, np.random.default_rng(draw), n=n)
        target = arguments[-1].copy()
        value = _value(probe, arguments, f"random {kind} models")
        require(probe, np.array_equal(target, arguments[-1]), "the target was changed")
        require(probe, _value(probe, arguments, "the same again") == value, "asked twice, it gave two values")
        if probe.symmetric:
            swapped = _value(probe, (arguments[1], arguments[0], arguments[2]), "student and teacher swapped")
            require(probe, _near(value, swapped), f"declared symmetric, but {value!r} became {swapped!r} with the two models swapped")
        for invariance in probe.invariant:
            moved = _value(probe, _transformed(probe, invariance, kind, draw, n), invariance)
            require(probe, _near(value, moved), f"declared invariant under {invariance!r}, but {value!r} became {moved!r}")


def _rows(probe: Probe, kind: TaskKind) -> int:
    """Rows that random models need for an answer: few, or more where a probe refuses these."""
    few, more = 60, 240
    draws = (arguments_of(probe, kind, np.random.default_rng(draw), n=few) for draw in range(DRAWS))
    return few if all(isinstance(probe(*arguments), Measurement) for arguments in draws) else more


def _transformed(probe: Probe, invariance: Invariance, kind: TaskKind, draw: int, n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(1000 + draw)
    if invariance == "row order":
        return _reordered(arguments_of(probe, kind, np.random.default_rng(draw), n=n), rng)

    def change(array: np.ndarray, model: int) -> np.ndarray:
        if model != draw % 2:
            return array
        if invariance == "rotation":
            return array @ np.linalg.qr(rng.normal(size=(array.shape[1],) * 2))[0]
        if invariance == "scale":
            return array * 2.5
        if invariance == "shift":
            return array + rng.normal(size=array.shape[1])
        return array + np.sinh(array)

    arguments = arguments_of(probe, kind, np.random.default_rng(draw), n=n)
    moved = arguments_of(probe, kind, np.random.default_rng(draw), n=n, change=change)
    # only what the probe reads is moved: a rotation of the features leaves the outputs alone, and the other way round
    keep = (
        (lambda old, new: replace(old, features=new.features, _memo={}))
        if "features" in probe.needs
        else (lambda old, new: replace(new, features=old.features, _memo={}))
    )
    return *(_zip_traces(old, new, keep) for old, new in zip(arguments[:-1], moved[:-1], strict=True)), arguments[-1]


def _zip_traces(old: Trace | Panel, new: Trace | Panel, keep: Callable[[Trace, Trace], Trace]) -> Trace | Panel:
    if isinstance(old, Trace) and isinstance(new, Trace):
        return keep(old, new)
    if not (isinstance(old, Panel) and isinstance(new, Panel)):
        raise TypeError("a trace met a panel")
    return Panel(
        student=keep(old.student, new.student),
        teacher=keep(old.teacher, new.teacher),
        twin=keep(old.twin, new.twin),
        reference_twins=tuple(map(keep, old.reference_twins, new.reference_twins)),
        siblings=tuple(map(keep, old.siblings, new.siblings)),
    )


def _reordered(arguments: tuple[Any, ...], rng: np.random.Generator) -> tuple[Any, ...]:
    target = arguments[-1]
    order = rng.permutation(len(target))

    def shuffled(old: Trace, _: Trace) -> Trace:
        return replace(
            old,
            outputs=old.outputs[order],
            raw=old.raw[order],
            features={name: values[order] for name, values in old.features.items()},
            ids=old.ids[order],
            _memo={},
        )

    return *(_zip_traces(argument, argument, shuffled) for argument in arguments[:-1]), target[order]


def hostile_changes() -> Iterator[tuple[str, Callable[[np.ndarray, int], np.ndarray]]]:
    """Ways to make every array of every model legal but hard: (what it shows, change of an array)."""
    yield "constant arrays", lambda a, model: np.full_like(a, 3.7)
    yield "a constant student", lambda a, model: np.full_like(a, 3.7) if model == 0 else a
    yield "zeros", lambda a, model: np.zeros_like(a)
    yield "duplicated rows", lambda a, model: a[np.arange(len(a)) // 2]
    yield "one row far out", lambda a, model: np.where(np.arange(len(a))[:, None] == 0, 1e6, a)
    yield "one row that differs", lambda a, model: np.where(np.arange(len(a))[:, None] == 0, 1.0, 0 * a)
    yield "entries near 1e300", lambda a, model: a * 1e300
    yield "entries at the end of the range", lambda a, model: np.clip(a, -1, 1) * 1.7e308
    yield "entries near 1e-300", lambda a, model: a * 1e-300
    yield "denormal entries", lambda a, model: a * 5e-323
    yield "a mean of a thousand spreads", lambda a, model: a + 1e3
    yield "float16", lambda a, model: a.astype(np.float16)
    yield "float32", lambda a, model: a.astype(np.float32)
    yield "integers", lambda a, model: np.round(3 * a).astype(np.int64)
    yield "unsigned bytes", lambda a, model: np.round(np.abs(3 * a)).astype(np.uint8)
    yield "booleans", lambda a, model: a > 0
    yield "Fortran order", lambda a, model: np.asfortranarray(a)
    yield "negative strides", lambda a, model: np.ascontiguousarray(a[::-1])[::-1]
    yield "every second column of more", lambda a, model: np.repeat(a, 2, axis=1)[:, ::2]
    yield "more columns than rows", lambda a, model: np.tile(a, (1, 20)) + np.linspace(0, 1, 20 * a.shape[1])


def _check_hostile(probe: Probe, kind: TaskKind) -> None:
    for name, change in hostile_changes():
        _answer_or_data_error(probe, name, lambda change=change: arguments_of(probe, kind, np.random.default_rng(0), change=change))
    for n in (0, 1, 2, 3, 4, 5):
        _answer_or_data_error(probe, f"{n} rows", lambda n=n: arguments_of(probe, kind, np.random.default_rng(0), n=n))
    short = arguments_of(probe, kind, np.random.default_rng(0), n=40)[0]
    arguments = arguments_of(probe, kind, np.random.default_rng(0))
    if isinstance(short, Trace):
        _data_error(probe, "a student on fewer rows", lambda: (short, *arguments[1:]))
    else:
        panel = replace(arguments[0], student=short.student)
        _data_error(probe, "a student on fewer rows", lambda: (panel, arguments[-1]))
    if "target" in probe.needs:
        _data_error(probe, "a target that is too short", lambda: (*arguments[:-1], arguments[-1][:-1]))
        result = _call(probe, (*arguments[:-1], None), "no target")
        require(probe, isinstance(result, Refusal), f"no target gave {result}, a refusal was due")
        if kind == "classification":
            _data_error(probe, "a class beyond the outputs", lambda: (*arguments[:-1], arguments[-1] + 1))
            _data_error(probe, "classes as floats", lambda: (*arguments[:-1], arguments[-1] + 0.5))
        else:
            _data_error(probe, "NaN in the target", lambda: (*arguments[:-1], np.full_like(arguments[-1], np.nan)))
    if "features" in probe.needs and not probe.panel:
        bare = tuple(replace(trace, features={}, _memo={}) for trace in arguments[:2])
        result = _call(probe, (*bare, arguments[2]), "no features")
        require(probe, isinstance(result, Refusal), f"models without features gave {result}, a refusal was due")


def _answer_or_data_error(probe: Probe, name: str, make: Callable[[], tuple[Any, ...]]) -> None:
    try:
        arguments = make()
    except DataError:
        return
    try:
        _answered(probe, arguments, name)
    except DataError as error:
        require(probe, len(str(error)) > 20, f"{name}: the text of its DataError says too little: {error}")


def _data_error(probe: Probe, name: str, make: Callable[[], tuple[Any, ...]]) -> None:
    try:
        result = probe(*make())
    except DataError:
        return
    raise ContractError(f"probe {probe.name!r}: {name} gave {result}, a DataError was due")


def _call(probe: Probe, arguments: tuple[Any, ...], case: str) -> Result:
    try:
        return _answered(probe, arguments, case)
    except DataError as error:
        raise ContractError(f"probe {probe.name!r}: {case}: an answer was due, not DataError: {error}") from error


def _answered(probe: Probe, arguments: tuple[Any, ...], case: str) -> Result:
    try:
        result = probe(*arguments)
    except DataError:
        raise
    except Exception as error:
        raise ContractError(f"probe {probe.name!r}: {case}: {type(error).__name__}: {error}") from error
    if isinstance(result, Refusal):
        require(probe, bool(result.reason), f"{case}: a refusal without a reason")
        return result
    require(probe, isinstance(result, Measurement), f"{case}: it gave a {type(result).__name__}, not a Measurement or a Refusal")
    low, high = probe.bounds
    require(probe, low - ROUNDING <= result.value <= high + ROUNDING, f"{case}: {result.value!r} lies outside its bounds {probe.bounds}")
    inside = low - ROUNDING <= result.low and result.high <= high + ROUNDING
    require(
        probe, inside, f"{case}: {result} reaches outside {probe.bounds}: cut its ends there, or make it on a scale that has these ends"
    )
    return result


def _value(probe: Probe, arguments: tuple[Any, ...], case: str) -> float:
    result = _call(probe, arguments, case)
    require(probe, isinstance(result, Measurement), f"{case}: it refused ({result})")
    return float(result)  # type: ignore[arg-type]


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= ROUNDING * max(1.0, abs(a))
