"""Applies probes to student and teacher, and to twins and teacher, and takes the difference with an interval over rows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from kdprobe.compare.traces import Traced
from kdprobe.core.errors import DataError
from kdprobe.core.probe import Probe
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.trace import Panel, Trace
from kdprobe.core.words import said
from kdprobe.stats.intervals import from_left_out

GROUPS = 20
"""Groups of rows that the jackknife leaves out in turn."""
NO_TWIN = Refusal(reason="it needs a twin: the student's network trained without the teacher", advice="pass twins=")


def contrasts(probes: Mapping[str, Probe], traced: Traced) -> dict[str, dict[str, Result]]:
    """Return what each probe says: probe -> comparison -> result.

    Of a probe of pairs, "own" (student and teacher) and, with twins, each twin and teacher under the twin's name, "baseline" (their mean)
    and "difference" (own less baseline). Of a probe of panels, "panel": the mean over the twins, each taken as the student's twin in turn
    and the others as reference twins.

    "own", single twins and a panel with one twin have the probe's own interval. Means and differences get theirs from leaving out
    each of `GROUPS` groups of rows in turn, models paired, at `GROUPS` times the cost of the probes: it speaks of new rows for these
    weights. ``details["twin_sd"]``, from two twins on, is the standard deviation between them.
    """
    _check_different(traced.twins)
    found = {name: _measure(probe, traced) for name, probe in probes.items()}
    twins = [twin.name for twin in traced.twins]
    needs_groups = [name for name in probes if len(found[name]) > 1 and not any(isinstance(found[name][twin], Refusal) for twin in twins)]
    without: dict[str, list[dict[str, Result]]] = {name: [] for name in needs_groups}
    sizes: list[int] = []
    if needs_groups:
        for smaller, size in _without_groups(traced):
            sizes.append(size)
            for name in needs_groups:
                without[name].append(_measure(probes[name], smaller))
    results: dict[str, dict[str, Result]] = {}
    for name, probe in probes.items():
        bounds = probe.bounds

        def mean(less: str | None = None, name: str = name, bounds: tuple[float, float] = bounds) -> Result:
            mean = _mean(twins, less, found[name], without.get(name, []), sizes)
            # a value within the bounds of its probe has an interval within them; a difference has no such bounds
            return (
                mean if less or isinstance(mean, Refusal) else replace(mean, low=max(mean.low, bounds[0]), high=min(mean.high, bounds[1]))
            )

        if probe.panel:
            results[name] = {"panel": mean() if twins else found[name]["panel"]}
        elif not twins:
            results[name] = {"own": found[name]["student"]}
        else:
            results[name] = {"own": found[name]["student"], **{twin: found[name][twin] for twin in twins}}
            results[name] |= {"baseline": mean(), "difference": mean(less="student")}
    return results


def _check_different(twins: Sequence[Trace]) -> None:
    """Refuse one network given as several twins: the spread between them would be taken for that of trainings."""
    for place, twin in enumerate(twins):
        for other in twins[:place]:
            if np.array_equal(twin.raw, other.raw):
                raise DataError(f"{other.name} and {twin.name} give the same outputs on every row: pass twins of different trainings")


def _measure(probe: Probe, traced: Traced) -> dict[str, Result]:
    """Return one result a model compared with the teacher, or one a twin for a probe of panels."""
    twins = traced.twins
    target = None if isinstance(traced.target, Refusal) else traced.target
    if probe.panel:
        if not twins:
            return {"panel": NO_TWIN}
        others = {twin.name: tuple(other for other in twins if other is not twin) for twin in twins}
        panels = {
            twin.name: Panel(student=traced.student, teacher=traced.teacher, twin=twin, reference_twins=others[twin.name]) for twin in twins
        }
        return {name: _asked(probe, traced, panel, target) for name, panel in panels.items()}
    pairs = {"student": traced.student} | {twin.name: twin for twin in twins}
    return {name: _asked(probe, traced, trace, traced.teacher, target) for name, trace in pairs.items()}


def _asked(probe: Probe, traced: Traced, *arguments: Panel | Trace | np.ndarray | None) -> Result:
    if "target" in probe.needs and isinstance(traced.target, Refusal):
        return traced.target
    try:
        return probe(*arguments)
    except DataError as error:
        # one probe that cannot read these models must not take the others with it
        return Refusal(reason=str(error))
    except Exception as error:
        # nor a plug-in's mistake the rest of the comparison
        return Refusal(reason=f"probe {probe.name!r} broke: {type(error).__name__}: {said(error)}", advice="mend the probe and run again")


def _mean(
    of: Sequence[str], less: str | None, found: Mapping[str, Result], without: Sequence[Mapping[str, Result]], sizes: Sequence[int]
) -> Result:
    """Return the mean over models, or `less` minus it, with its jackknife interval."""
    names = [*of, less] if less else list(of)
    refused = {name: result for name in names if isinstance(result := found[name], Refusal)}
    for name, result in refused.items():
        shared = len(set(refused.values())) == 1 and len(refused) == len(names)
        return result if shared or result.reason.startswith(name) else replace(result, reason=f"{name}: {result.reason}")
    if less is None and len(of) == 1:
        return found[of[0]]

    def value(results: Mapping[str, Result]) -> float:
        numbers = {name: math.nan if (v := results[name].value) is None else v for name in names}
        centre = math.fsum(numbers[name] for name in of) / len(of)
        return numbers[less] - centre if less else centre

    interval = from_left_out(value(found), np.array([value(results) for results in without]), np.array(sizes, dtype=np.float64))
    if isinstance(interval, Refusal):
        return interval
    measured = [result for name in of if isinstance(result := found[name], Measurement)]
    details = {"error": interval.error, "twins": float(len(of)), "rows": float(sum(sizes))}
    if len(of) > 1:
        details["twin_sd"] = float(np.std([float(result) for result in measured], ddof=1))
    return Measurement(value=interval.value, low=interval.low, high=interval.high, n=interval.n, unit=measured[0].unit, details=details)


def _without_groups(traced: Traced) -> Iterator[tuple[Traced, int]]:
    """Yield the traces without each group of rows, and the size of the group."""
    n, blocks = traced.student.n, traced.student.blocks
    # what is left out together: rows, or whole blocks of them
    units = np.arange(n) if blocks is None else np.asarray(blocks)
    count = int(units.max()) + 1
    for group in np.array_split(np.random.default_rng(0).permutation(count), min(GROUPS, count)):
        keep = ~np.isin(units, group)
        ids = traced.student.ids[keep]
        teacher, student, *twins = (_kept(trace, keep, ids) for trace in (traced.teacher, traced.student, *traced.twins))
        target = traced.target if isinstance(traced.target, Refusal) else traced.target[keep]
        yield replace(traced, teacher=teacher, student=student, twins=tuple(twins), target=target), int(n - keep.sum())


def _kept(trace: Trace, keep: np.ndarray, ids: np.ndarray) -> Trace:
    raw = trace.raw[keep]
    return Trace(
        kind=trace.kind,
        # probes tell probabilities from logits by their being one array
        outputs=raw if trace.raw is trace.outputs else trace.outputs[keep],
        raw=raw,
        features={layer: values[keep] for layer, values in trace.features.items()},
        ids=ids,
        blocks=None if trace.blocks is None else trace.blocks[keep],
        temperature=trace.temperature[keep] if isinstance(trace.temperature, np.ndarray) else trace.temperature,
        name=trace.name,
    )
