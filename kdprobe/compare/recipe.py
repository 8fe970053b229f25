"""Applies probes to several students of one recipe, each with its own teacher and twin, and takes differences with intervals over seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from kdprobe.compare.cells import Cast, Cell, check_different
from kdprobe.compare.contrast import NO_PLACEBO, NO_TWIN
from kdprobe.core.probe import Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.stats.paired import contrast

Ask = Callable[[int, int], Result]
"""(place of a model, place of a teacher) -> what the probe says of the two."""


def over_seeds(probes: Mapping[str, Probe], cast: Cast) -> dict[str, dict[str, Result]]:
    """Return what each probe says, as `kdprobe.Comparison` describes it: means over seeds with Student's t intervals.

    Teachers of the other seeds are the siblings of each, and so are those without a student. The baseline of a seed is of the twins of all
    other seeds, and the placebo is of its own, as in sweeps. Values seed by seed are in ``curves["seeds"]``.
    """
    for group, of in ((cast.students, "students"), (cast.teachers, "teachers"), (cast.twins, "twins")):
        check_different(group, of)
    return {name: _parts(probe, cast) for name, probe in probes.items()}


def _parts(probe: Probe, cast: Cast) -> dict[str, Result]:
    students, teachers, twins = cast.students, cast.teachers, cast.twins
    if probe.panel and not twins:
        return {"panel": NO_TWIN}
    unit = ""

    def of_student(place: int, teacher: int) -> Result:
        return cast.ask(probe, Cell(students[place].name, teachers[teacher].name, twins[place].name if probe.panel else ""))

    def of_twin(place: int, teacher: int) -> Result:
        partner = twins[(place + 1) % len(twins)].name if probe.panel else ""
        return cast.ask(probe, Cell(twins[place].name, teachers[teacher].name, partner))

    seeds = range(len(students))
    main = "panel" if probe.panel else "own"
    if not probe.likeness:
        own = _values({(i, i): of_student(i, i) for i in seeds}, [trace.name for trace in students])
        if isinstance(own, Refusal) or not twins or probe.panel:
            return {main: own if isinstance(own, Refusal) else _over(np.array(list(own[0].values())), own[1])}
    strangers = range(len(teachers)) if probe.likeness else seeds
    asked = {(i, j): of_student(i, j) for i in seeds for j in strangers if probe.likeness or i == j}
    taught = _values(asked, [trace.name for trace in students])
    if isinstance(taught, Refusal):
        return {main: taught}
    cells, unit = taught
    own = np.array([cells[i, i] for i in seeds])
    found: dict[str, Result] = {main: _over(own, unit)}
    table: dict[tuple[int, int], float] | Refusal = NO_PLACEBO
    if twins:
        read = _values({(i, j): of_twin(i, j) for i in seeds for j in strangers}, [trace.name for trace in twins])
        table = read if isinstance(read, Refusal) else read[0]
    if twins and not probe.panel:
        if isinstance(table, Refusal):
            found |= {"baseline": table, "difference": table}
        else:
            baseline = np.array([np.mean([table[other, i] for other in seeds if other != i]) for i in seeds])
            found |= {"baseline": _over(baseline, unit), "difference": _over(own - baseline, unit)}
    if not probe.likeness:
        return found
    siblings = np.array([np.mean([cells[i, j] for j in strangers if j != i]) for i in seeds])
    found |= {"siblings": _over(siblings, unit), "contrast": _over(own - siblings, unit)}
    if isinstance(table, Refusal):
        return found | {"placebo": table, "specific": table}
    alone = np.array([table[i, i] - np.mean([table[i, j] for j in strangers if j != i]) for i in seeds])
    # what all twins make of a teacher is no news of this twin: centred, it leaves the mean as it is
    toward = np.array([np.mean([table[other, i] for other in seeds if other != i]) for i in seeds])
    return found | {
        "placebo": _over(alone - (toward - toward.mean()), unit, alone),
        "specific": _over(own - siblings - alone, unit),
    }


def _over(values: np.ndarray, unit: str, each: np.ndarray | None = None) -> Result:
    """The mean over seeds with its interval, and the value of each seed."""
    found = contrast(values).measurement(unit)
    shown = values if each is None else each
    return replace(found, curves={"seeds": tuple((float(seed), float(value)) for seed, value in enumerate(shown, 1))})


def _values(asked: Mapping[tuple[int, int], Result], names: Sequence[str]) -> tuple[dict[tuple[int, int], float], str] | Refusal:
    """The values of all cells and their unit, or the first refusal among them."""
    values: dict[tuple[int, int], float] = {}
    unit = ""
    for (model, teacher), result in asked.items():
        if isinstance(result, Refusal):
            shared = all(other == result for other in asked.values())
            return result if shared else replace(result, reason=f"{names[model]}, teacher {teacher + 1}: {result.reason}")
        values[model, teacher], unit = result.value, result.unit
    return values, unit
