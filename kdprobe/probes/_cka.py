"""CKA of a pair, from its terms to a measurement with null, interval and what a reader must know."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.probes import _features, _gram, _single, _widths
from kdprobe.probes._arrays import as_matrix
from kdprobe.probes._hsic import Terms, deal
from kdprobe.probes._null import Shape, null_of, permutation_p, upper_tail
from kdprobe.probes._rows import blocks, check_paired
from kdprobe.stats.intervals import FISHER, Interval, from_left_out, too_few

OUTPUT = "(raw outputs)"
LEAST_SPREAD = 1e-9
"""Of Σλ²: below it the difference that HSIC₁ is has lost more digits than the value may."""
LEAST_ROWS = 8
"""An interval leaves out a group of rows and needs some to be left."""
SINGLE_PRECISION_FROM = 2e8
"""Multiplications from which float32 features keep float32 products."""
LEAST_SINGLE_SPREAD = 0.5
"""Of HSIC over Σλ²: below it rows far out hold so much of the spread that products in float32 cost more digits than 1e-7."""
LARGEST_KERNEL = 2**30
"""Entries of an n × n kernel: 8 GiB."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """All that is known of two sides before it becomes a measurement."""

    terms: Terms
    shapes: tuple[Shape, Shape]
    names: tuple[str, str] = ("x", "y")
    rows: int
    blocked: bool
    debiased: bool = True
    stretch: float = 1.0
    """By how much a correction for width stretches the value, and with it the null."""
    left_out: np.ndarray | None = None
    """(g,) values without each group, where the terms hold the value on all rows only."""
    interval: Interval | None = None
    """That of a corrected value; else it comes from the terms."""
    without_rows: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
    """() -> rows, counted group by group, and the value without each."""
    permuted: Callable[[np.ndarray], float] | None = None
    """Order of the rows of y -> the cross term."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is asked of `cka_of_arrays`: see `kdprobe.cka`."""

    kernel: str = "linear"
    debiased: bool = True
    bandwidth: float = 0.5
    correct_widths: bool = False
    permutations: int = 0
    seed: int = 0


def cka_of_traces(student: Trace, student_layer: str, teacher: Trace, teacher_layer: str) -> Result:
    """Debiased linear CKA in float64 between a layer of each trace (`OUTPUT` for the raw outputs).

    What belongs to one layer is computed once for each trace, so a pair costs the product of its two layers, O(n dx dy). The interval
    leaves out twentieths of the rows, blocks kept whole.
    """
    check_paired(student, teacher)
    days = blocks(student)
    if refusal := too_small(student.n, days):
        return refusal
    sides = (student, student_layer), (teacher, teacher_layer)
    names = f"layer {student_layer!r} of {student.name}", f"layer {teacher_layer!r} of {teacher.name}"
    rest = {"names": names, "rows": student.n, "blocked": days is not None}
    widths = [_features_of(trace, layer).shape[1] for trace, layer in sides]
    if features_are_cheaper(student.n, (widths[0],), (widths[1],)):
        x, y = (trace.derived(("CKA, features", layer), _layer(layer)) for trace, layer in sides)
        both = _features.met(x, y)
        without_rows = _far_rows(x, y, both, deal(student.n, days))
        return measured(Pair(terms=both.terms, shapes=(x.shape, y.shape), without_rows=without_rows, **rest))
    k, m = (trace.derived(("CKA, Gram", layer), _kernel(layer)) for trace, layer in sides)
    order = np.argsort(deal(student.n, days), kind="stable")
    return measured(
        Pair(terms=_gram.terms(k, m), shapes=(k.shape, m.shape), without_rows=lambda: (order, _gram.without_each_row(k, m)), **rest)
    )


def cka_of_arrays(x: np.ndarray, y: np.ndarray, choice: Choice, *, row_blocks: np.ndarray | None = None) -> Result:
    """CKA of two checked arrays (n, d) with paired rows: chooses space and precision by cost."""
    n = len(x)
    if refusal := too_small(n, row_blocks):
        return refusal
    groups = deal(n, row_blocks)
    blocked = row_blocks is not None
    cheap = choice.correct_widths or features_are_cheaper(n, x.shape[1:], y.shape[1:])
    if choice.kernel == "linear" and cheap:
        pair = _single_precision(x, y, groups, choice, blocked) or _in_features(x, y, groups, choice, blocked)
    elif n * n > LARGEST_KERNEL:
        return Refusal(reason=f"{n} rows need n × n kernels of {8e-9 * n * n:.0f} GB each", advice="give a sample of the rows")
    else:
        pair = _in_gram(x, y, groups, choice, blocked)
    if isinstance(pair, Refusal):
        return pair
    return measured(pair, permutations=choice.permutations, seed=choice.seed)


def features_are_cheaper(n: int, widths_x: tuple[int, ...], widths_y: tuple[int, ...]) -> bool:
    """Whether all pairs of linear layers cost less in feature space, n(2·Dx·Dy + Σd²), than in Gram space, n²(Dx + Dy) + n²·Lx·Ly.

    Examples
    --------
    >>> features_are_cheaper(10_000, (512,), (512,)), features_are_cheaper(500, (50_000,), (10,))
    (True, False)
    """
    dx, dy = sum(widths_x), sum(widths_y)
    in_features = n * (2 * dx * dy + sum(d * d for d in (*widths_x, *widths_y)))
    # a kernel is also centred and multiplied by itself, which is bound by memory: as much as some 16 features more
    in_gram = n * n * (dx + dy + 16 * (len(widths_x) + len(widths_y)) + len(widths_x) * len(widths_y))
    return in_features <= in_gram


def measured(pair: Pair, *, permutations: int = 0, seed: int = 0) -> Result:
    """The measurement of a pair, or the refusal where a side has no spread."""
    for shape, name in zip(pair.shapes, pair.names, strict=True):
        if shape.spread < LEAST_SPREAD:
            what = "is constant" if shape.effective_rank == 0.0 else "varies in a single row only"
            return Refusal(reason=f"{name} {what}: CKA is 0/0", advice="leave it out")
    values = pair.terms.cka
    left_out = values[1:] if pair.left_out is None else pair.left_out
    interval = pair.interval or from_left_out(float(values[0]), left_out, pair.terms.sizes.astype(float), transform=FISHER)
    if isinstance(interval, Refusal):
        return interval
    details = {"error": interval.error, "rows": pair.rows}
    details |= {f"effective_rank_{side}": shape.effective_rank for side, shape in zip("xy", pair.shapes, strict=True)}
    notes = [_null(pair, interval.value, details, permutations, seed)]
    if pair.without_rows is not None:
        notes += _influence(*pair.without_rows(), interval.value, interval.error, details)
    return Measurement(value=interval.value, low=interval.low, high=interval.high, n=interval.n, details=details, notes=tuple(notes))


def _null(pair: Pair, value: float, details: dict[str, float], permutations: int, seed: int) -> str:
    if pair.blocked:
        return "rows come in blocks: no p, as the null supposes that all rows could change places"
    null = null_of(pair.rows, *pair.shapes, debiased=pair.debiased)
    sd = pair.stretch * null.sd
    z = (value - null.mean) / sd
    if permutations and pair.permuted is not None:
        p = permutation_p(pair.permuted, float(pair.terms.cross[0]), pair.rows, permutations=permutations, seed=seed)
        name = f"{permutations} permutations"
    else:
        p, name = upper_tail(z, null.skewness, pair.rows)
    details |= {"null_sd": sd, "z": z, "p": p}
    if not pair.debiased:
        details["chance"] = null.mean
    return f"p is one-sided (more alike than unrelated rows), null: {name}"


def _influence(rows: np.ndarray, values: np.ndarray, value: float, error: float, details: dict[str, float]) -> list[str]:
    changes = np.where(np.isfinite(values), value - values, 0.0)
    worst = int(np.argmax(np.abs(changes)))
    details["largest_influence"] = abs(float(changes[worst]))
    if details["largest_influence"] <= max(0.02, error):
        return []
    return [f"row {rows[worst]} alone moves the value by {changes[worst]:+.3f}: look at it"]


def too_small(n: int, row_blocks: np.ndarray | None) -> Refusal | None:
    """The refusal of an interval over too few rows or blocks."""
    if n < LEAST_ROWS:
        return Refusal(reason=f"{n} rows are too few for CKA and its interval", advice=f"give at least {LEAST_ROWS}")
    if row_blocks is not None and len(np.unique(row_blocks)) < 2:
        return too_few(1, row_blocks)
    return None


def _single_precision(x: np.ndarray, y: np.ndarray, groups: np.ndarray, choice: Choice, blocked: bool) -> Pair | None:
    single = x.dtype == y.dtype == np.float32 and len(x) * max(x.shape[1], y.shape[1]) ** 2 >= SINGLE_PRECISION_FROM
    if not single or not choice.debiased or choice.correct_widths or choice.permutations:
        return None
    terms, shapes, alone = _single.terms_in_single_precision(x, y, groups)
    # rows too far out for float32, or for its digits, need float64; so does a value of 1 to more digits than float32 has
    if (
        not np.isfinite(np.concatenate(terms[:3])).all()
        or min(side.spread for side in shapes) < LEAST_SINGLE_SPREAD
        or terms.cka[0] > 0.999
    ):
        return None
    return Pair(terms=terms, shapes=shapes, rows=len(x), blocked=blocked, without_rows=lambda: (alone.rows, alone.values))


def _in_features(x: np.ndarray, y: np.ndarray, groups: np.ndarray, choice: Choice, blocked: bool) -> Pair | Refusal:
    a, b = (_features.layer(values, groups, debiased=choice.debiased) for values in (x, y))
    both = _features.met(a, b, debiased=choice.debiased)
    terms, stretch = both.terms, 1.0
    corrected = None
    if choice.correct_widths:
        plain, terms = terms, _widths.corrected_terms(a, b, terms)
        corrected = _widths.interval(a, b, terms) if terms.own_x[0] > 0 and terms.own_y[0] > 0 else None
        if corrected is None:
            return Refusal(
                reason="corrected for width, a side has nothing left in common with itself: too few columns or rows for the correction",
                advice="leave out correct_widths",
            )
        stretch = float(terms.ratio[0] / plain.ratio[0]) if plain.ratio[0] != 0 else 1.0
    return Pair(
        terms=terms,
        shapes=(a.shape, b.shape),
        rows=len(x),
        blocked=blocked,
        debiased=choice.debiased,
        stretch=stretch,
        interval=corrected,
        without_rows=None if choice.correct_widths else _far_rows(a, b, both, groups, debiased=choice.debiased),
        permuted=lambda order: _features.permuted(a, b, order, debiased=choice.debiased),
    )


def _far_rows(
    a: _features.Layer, b: _features.Layer, both: _features.Met, groups: np.ndarray, *, debiased: bool = True
) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    def without_rows() -> tuple[np.ndarray, np.ndarray]:
        far = _features.far_rows(a, b)
        return np.argsort(groups, kind="stable")[far], _features.without_rows(a, b, both.moments, far, debiased=debiased)

    return without_rows


def _in_gram(x: np.ndarray, y: np.ndarray, groups: np.ndarray, choice: Choice, blocked: bool) -> Pair | Refusal:
    kernels: list[_gram.Kernel] = []
    for values, name in ((x, "x"), (y, "y")):
        gram = _gram.linear_gram(values) if choice.kernel == "linear" else _gram.rbf_gram(values, choice.bandwidth)
        if gram is None:
            return Refusal(
                reason=f"the median distance between rows of {name} is 0: it sets the RBF kernel's width", advice="use the linear kernel"
            )
        kernels.append(_gram.kernel(gram, groups, debiased=choice.debiased))
    a, b = kernels
    order = np.argsort(groups, kind="stable")
    return Pair(
        terms=_gram.terms(a, b, debiased=choice.debiased),
        shapes=(a.shape, b.shape),
        rows=len(x),
        blocked=blocked,
        debiased=choice.debiased,
        without_rows=lambda: (order, _gram.without_each_row(a, b, debiased=choice.debiased)),
        permuted=lambda order: _gram.permuted(a, b, order),
    )


def _layer(name: str) -> Callable[[Trace], _features.Layer]:
    return lambda trace: _features.layer(_features_of(trace, name), deal(trace.n, blocks(trace)))


def _kernel(name: str) -> Callable[[Trace], _gram.Kernel]:
    return lambda trace: _gram.kernel(_gram.linear_gram(_features_of(trace, name)), deal(trace.n, blocks(trace)))


def _features_of(trace: Trace, layer: str) -> np.ndarray:
    values = trace.raw if layer == OUTPUT else trace.features[layer]
    return values if values.ndim == 2 and values.shape[1] else as_matrix(values, f"{trace.name}: {layer}")
