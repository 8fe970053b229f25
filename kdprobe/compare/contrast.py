"""Applies probes to one student and its twins beside the teacher and its siblings, and takes differences with intervals over rows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kdprobe.compare.cells import Cast, Cell, check_different
from kdprobe.core.probe import Probe
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.core.views import Part
from kdprobe.measures.cka.hsic import deal
from kdprobe.measures.traces import blocks
from kdprobe.stats.intervals import from_left_out

GROUPS = 20
"""Groups of rows that the jackknife leaves out in turn."""
NO_TWIN = Refusal(reason="it needs a twin: the student's network trained without the teacher", advice="pass twins=")
ONE_TWIN = Refusal(reason="a twin is read as a student beside the other twins, and there is one", advice="pass four twins or more")
NO_PLACEBO = Refusal(
    reason="without twins it is not known how much nearer a student is to this teacher that nobody taught", advice="pass twins="
)
Weights = Mapping[Cell, float]


def contrasts(probes: Mapping[str, Probe], cast: Cast) -> dict[str, dict[str, Result]]:
    """Return what each probe says: probe -> comparison -> result, as `kdprobe.Comparison` describes them.

    Every comparison is a weighted sum of cells. One cell has the probe's own interval. Sums get theirs from leaving out each of `GROUPS`
    groups of rows in turn, models paired: it speaks of new rows for these weights. Probes that know what they are without some rows say so
    at once; others are asked again, at `GROUPS` times their cost, of numbers of each row where that is all they read.
    ``details["twin_sd"]``, from two twins on, is the standard deviation between them, ``["sibling_sd"]`` that between siblings.
    """
    check_different(cast.twins, "twins")
    check_different(cast.teachers, "teachers")
    wanted = {name: _wanted(probe, cast) for name, probe in probes.items()}
    cells = {name: dict.fromkeys(cell for weights in sums.values() for cell in weights) for name, sums in wanted.items()}
    homes: dict[str, Cast] = {}
    found: dict[str, dict[Cell, Result]] = {name: {} for name in probes}
    for name, asked in cells.items():
        for cell in asked:
            # who answers for one pair answers for all, so that they are of the same rows
            homes[name], found[name][cell] = homes.get(name, cast).answer(probes[name], cell)
    again = {name: [cell for cell, result in found[name].items() if isinstance(result, Measurement)] for name in probes}
    again = {name: measured for name, measured in again.items() if len(measured) > 1}
    without: dict[str, Without] = {}
    for name, measured in again.items():
        if (known := _left_out(probes[name], homes[name], measured)) is not None:
            without[name] = known
    for home in {id(homes[name]): homes[name] for name in again}.values():
        slow = {name: cells for name, cells in again.items() if homes[name] is home and name not in without}
        without |= _asked_again(probes, home, slow) if slow else {}
    results: dict[str, dict[str, Result]] = {}
    for name, probe in probes.items():
        results[name] = {
            key: _summed(weights, found[name], without.get(name, NOTHING), bounds=None if key in DIFFERENCES else probe.bounds)
            for key, weights in wanted[name].items()
        } or {"panel": NO_TWIN}
        _add_spreads(results[name], wanted[name], found[name], cast, likeness=bool(probe.likeness))
        if probe.likeness and len(cast.teachers) > 1 and "placebo" not in results[name]:
            why = ONE_TWIN if cast.twins else NO_PLACEBO
            results[name] |= {"placebo": why, "specific": why}
    return results


DIFFERENCES = ("difference", "contrast", "placebo", "specific")
"""Comparisons that the bounds of a probe do not hold for."""


def _wanted(probe: Probe, cast: Cast) -> dict[str, Weights]:
    """The cells that each comparison is made of."""
    (student,), (teacher, *siblings), twins = cast.students, cast.teachers, cast.twins
    if probe.panel and not twins:
        return {}

    def of_student(beside: Trace) -> Weights:
        if not probe.panel:
            return {Cell(student.name, beside.name): 1.0}
        return {Cell(student.name, beside.name, twin.name): 1 / len(twins) for twin in twins}

    def of_twin(place: int, beside: Trace) -> Weights:
        # a twin that is read as a student has the next one for its twin
        partner = twins[(place + 1) % len(twins)].name if probe.panel else ""
        return {Cell(twins[place].name, beside.name, partner): 1.0}

    own = of_student(teacher)
    wanted: dict[str, Weights] = {"panel" if probe.panel else "own": own}
    read = range(len(twins)) if not probe.panel or (probe.likeness and len(twins) > 1) else range(0)
    wanted |= {twins[place].name: of_twin(place, teacher) for place in read}
    if twins and not probe.panel:
        wanted["baseline"] = _mean([of_twin(place, teacher) for place in read])
        wanted["difference"] = _less(own, wanted["baseline"])
    if siblings and probe.likeness:
        wanted |= {sibling.name: of_student(sibling) for sibling in siblings}
        wanted["siblings"] = _mean([of_student(sibling) for sibling in siblings])
        wanted["contrast"] = _less(own, wanted["siblings"])
        if read:
            strangers = _mean([of_twin(place, sibling) for place in read for sibling in siblings])
            wanted["placebo"] = _less(_mean([of_twin(place, teacher) for place in read]), strangers)
            wanted["specific"] = _less(wanted["contrast"], wanted["placebo"])
    return wanted


def _mean(parts: Sequence[Weights]) -> Weights:
    return {cell: weight / len(parts) for part in parts for cell, weight in part.items()}


def _less(one: Weights, other: Weights) -> Weights:
    # what is taken off comes first: its refusal is the one that is told
    return {cell: -weight for cell, weight in other.items()} | dict(one)


def _number(result: Result) -> float:
    return math.nan if result.value is None else result.value


def _summed(
    weights: Weights,
    found: Mapping[Cell, Result],
    without: "Without",
    *,
    bounds: tuple[float, float] | None,
) -> Result:
    """Return a weighted sum of cells with its jackknife interval."""
    refused = {cell: result for cell in weights if isinstance(result := found[cell], Refusal)}
    for cell, result in refused.items():
        name = cell.beside if cell.beside and cell.model == "student" else cell.model
        name = name if cell.teacher == "teacher" else f"{name}, {cell.teacher}"
        shared = len(set(refused.values())) == 1 and len(refused) == len(weights)
        return result if shared or result.reason.startswith(name) else replace(result, reason=f"{name}: {result.reason}")
    first = next(iter(weights))
    # a probe that does not read the twin beside says the same with each: it keeps its own interval
    if bounds is not None and all(found[cell] == found[first] for cell in weights):
        return found[first]

    def value(results: Mapping[Cell, float]) -> float:
        return math.fsum(weight * results[cell] for cell, weight in weights.items())

    numbers = {cell: _number(found[cell]) for cell in weights}
    interval = from_left_out(value(numbers), np.array([value(results) for results in without.values]), without.sizes)
    if isinstance(interval, Refusal):
        return interval
    low, high = (interval.low, interval.high) if bounds is None else (max(interval.low, bounds[0]), min(interval.high, bounds[1]))
    unit = next(result.unit for cell in weights if isinstance(result := found[cell], Measurement))
    details = {"error": interval.error, "rows": float(without.sizes.sum())}
    return Measurement(value=interval.value, low=low, high=high, n=interval.n, unit=unit, details=details)


def _add_spreads(
    results: dict[str, Result], wanted: Mapping[str, Weights], found: Mapping[Cell, Result], cast: Cast, *, likeness: bool
) -> None:
    """Write into sums over twins and siblings how many these were, and how far apart."""
    (teacher, *siblings), twins = cast.teachers, cast.twins

    def of(model: str, beside: str) -> float:
        """The mean of the cells of one model and one teacher; of a panel's student those of one twin beside are meant by its name."""
        numbers = [_number(result) for cell, result in found.items() if cell.teacher == beside and model == cell.model]
        return sum(numbers) / len(numbers)

    for key, result in results.items():
        if not isinstance(result, Measurement):
            continue
        spread: dict[str, float] = {}
        if key in ("baseline", "difference"):
            spread = _spread("twin", [of(twin.name, teacher.name) for twin in twins])
        elif key == "panel" and not likeness:
            spread = _spread("twin", [_number(found[cell]) for cell in wanted[key]])
        elif key in ("siblings", "contrast"):
            spread = _spread("sibling", [of("student", sibling.name) for sibling in siblings])
        elif key in ("placebo", "specific"):
            untaught = {s.name: float(np.mean([of(twin.name, s.name) for twin in twins])) for s in siblings}
            alone = [of(twin.name, teacher.name) - float(np.mean([of(twin.name, s.name) for s in siblings])) for twin in twins]
            spread = _spread("twin", alone)
            spread |= _spread("sibling", [of("student", s.name) - untaught[s.name] for s in siblings] if key == "specific" else [])
        # the mean of one is what that one's probe said
        if spread and (key in DIFFERENCES or len(spread) > 1):
            results[key] = replace(result, details={**result.details, **spread})


def _spread(of: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"{of}s": float(len(values))} | ({f"{of}_sd": float(np.std(values, ddof=1))} if len(values) > 1 else {})


class Without(NamedTuple):
    """What a probe says of each cell without each group of rows, and the rows in each group (g,)."""

    values: Sequence[Mapping[Cell, float]]
    sizes: np.ndarray


NOTHING = Without((), np.empty(0))


def _left_out(probe: Probe, home: Cast, cells: Sequence[Cell]) -> Without | None:
    """What a probe knows at once, or None."""
    if probe.without is None:
        return None
    named = {trace.name: trace for trace in home.traces}
    target = None if isinstance(home.target, Refusal) else home.target
    try:
        found = {cell: probe.without(named[cell.model], named[cell.teacher], target) for cell in cells}
    except Exception:
        # a plug-in's mistake costs time, not the comparison: the probe itself can be asked
        return None
    sizes = np.asarray(found[cells[0]][1], dtype=np.float64)
    return Without([{cell: float(values[g]) for cell, (values, _) in found.items()} for g in range(len(sizes))], sizes)


def _asked_again(probes: Mapping[str, Probe], home: Cast, again: Mapping[str, Sequence[Cell]]) -> dict[str, Without]:
    """Ask probes of the rest of the rows."""
    values: dict[str, list[dict[Cell, float]]] = {name: [] for name in again}
    sizes: list[int] = []
    for smaller, size in _without_groups(home):
        sizes.append(size)
        for name, measured in again.items():
            values[name].append({cell: _number(smaller.ask(probes[name], cell)) for cell in measured})
    return {name: Without(found, np.array(sizes, dtype=np.float64)) for name, found in values.items()}


def _without_groups(cast: Cast) -> Iterator[tuple[Cast, int]]:
    """Yield the traces without each group of rows, and the size of the group."""
    student = cast.students[0]
    groups = deal(student.n, blocks(student), groups=GROUPS)
    for group in range(groups.max() + 1):
        rows = np.flatnonzero(groups != group)
        ids = student.ids[rows]
        students, teachers, twins = (tuple(Part(trace, rows, ids) for trace in side) for side in (cast.students, cast.teachers, cast.twins))
        target = cast.target if isinstance(cast.target, Refusal) else cast.target[rows]
        yield Cast(students, teachers, twins, target), student.n - len(rows)
