"""What a worker does with a unit of measuring: trace every model of the unit once, run every probe on every pair that a reader needs."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.probe import Probe
from kdprobe.core.registry import find
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.task import SplitSizes, Task
from kdprobe.core.trace import Panel, Trace
from kdprobe.core.words import said
from kdprobe.stats.intervals import over_seeds
from kdprobe.sweep.circle import Circle
from kdprobe.tasks.own.keep import provide_kept
from kdprobe.tasks.splits import Part, split
from kdprobe.zoo.traces import Stored, load_module, trace_of

Row = tuple[str, str, str, Result]
"""(student id, probe, comparison, result)."""


class MeasuredUnit(NamedTuple):
    """Rows for the index, and tracebacks of probes that broke."""

    rows: list[Row]
    broken: list[str]


def measure_unit(
    zoo: Path,
    task_name: str,
    draw: int,
    sizes: SplitSizes,
    models: Mapping[str, Stored],
    groups: Sequence[Mapping[int, str]],
    teachers: Mapping[int, str],
    twins: Mapping[int, str],
    probes: Sequence[str],
    circle: Circle | None = None,
) -> MeasuredUnit:
    """Run probes on the students of one teacher size and one student size.

    Parameters
    ----------
    models
        Where each model lies, by id. Models that failed are left out.
    groups
        One mapping seed -> student id for each scheme × distiller.
    teachers, twins
        Seed -> model id.
    circle
        Who stands beside whom; that of the teachers' seeds where none is given.
    """
    seeds = {seed for group in groups for seed in group}
    circle = circle or Circle(tuple(sorted({*teachers, *twins, *seeds})))
    provide_kept(zoo, anew=True)
    task: Task = find("tasks", task_name)
    parts = split(task, draw=draw, sizes=sizes)
    wanted: list[Probe] = [find("probes", name) for name in probes]
    unit, untaught = _Unit(), circle.untaught(seeds)
    for rows, part in (("A", parts.probe_a), ("B", parts.probe_b)):
        selected = [probe for probe in wanted if probe.rows == rows and probe.applies_to(task.kind)]
        if not selected:
            continue

        def trace(model_id: str, part: Part = part) -> Trace:
            stored = models[model_id]
            module = load_module(zoo, stored, parts)
            name = f"{stored.job.role} seed {stored.job.seed}"
            return trace_of(module, part, task.kind, name=name, validation=parts.validation, temperature=stored.temperature)

        teacher_traces = {seed: trace(model) for seed, model in teachers.items() if model in models}
        twin_traces = {seed: trace(model) for seed, model in twins.items() if model in models}
        panel = Models(teacher_traces, twin_traces, part.y, circle)
        # what twins show toward each teacher is the same for every group of students
        baselines = {
            (probe.name, teacher, twin): unit.ask(probe, panel, twin_traces[twin], teacher, twin, itself=True)
            for probe in selected
            if probe.likeness or not probe.panel
            for teacher in teacher_traces
            for twin in twin_traces
            if (teacher, twin) in untaught
        }
        for group in groups:
            for seed, student_id in group.items():
                if student_id not in models or seed not in teacher_traces:
                    continue
                student = trace(student_id)
                beside, references = panel.beside(seed)
                for probe in selected:
                    own = unit.ask(probe, panel, student, seed, seed)
                    if probe.panel and not probe.likeness:
                        unit.rows.append((student_id, probe.name, "panel", own))
                        continue
                    siblings = [unit.ask(probe, panel, student, other, seed) for other in beside]
                    others = [baselines[probe.name, seed, other] for other in references]
                    strangers = [baselines[probe.name, other, seed] for other in beside if seed in twin_traces]
                    unit.rows.append((student_id, probe.name, "own", own))
                    unit.rows.append((student_id, probe.name, "siblings", _mean(siblings, "sibling teachers")))
                    unit.rows.append((student_id, probe.name, "baseline", _mean(others, "reference twins")))
                    if seed in twin_traces:
                        # the placebo: untaught, it owes its own teacher no more than that teacher's siblings
                        unit.rows.append((student_id, probe.name, "twin", baselines[probe.name, seed, seed]))
                        unit.rows.append((student_id, probe.name, "twin_siblings", _mean(strangers, "sibling teachers")))
    return MeasuredUnit(unit.rows, unit.broken)


class Models(NamedTuple):
    """Teachers and their students' twins by seed, and the target: what a student is read against.

    Without a circle all others stand beside each.
    """

    teachers: Mapping[int, Trace]
    twins: Mapping[int, Trace]
    target: np.ndarray
    circle: Circle | None = None

    def ask(self, probe: Probe, student: Trace, teacher: int, seed: int, *, itself: bool = False) -> Result:
        """Ask a probe of a student of one seed (or of its twin itself) toward the teacher of any seed."""
        if not probe.panel:
            return probe.measure(student, self.teachers[teacher], self.target)
        panel = self.panel(student, teacher, seed, itself=itself)
        return panel if isinstance(panel, Refusal) else probe.measure(panel, self.target)

    def panel(self, student: Trace, teacher: int, seed: int, *, itself: bool) -> Panel | Refusal:
        """A student of one seed, or the twin of that seed itself, beside the teacher of any seed."""
        # a twin that is read as a student has the next seed's for its twin
        whose = next((other for other in self._circle.following(seed) if other in self.twins), None) if itself else seed
        twin = None if whose is None else self.twins.get(whose)
        if twin is None:
            return Refusal(reason="the paired twin was not trained", advice="see the failed cells")
        return Panel(
            student=student,
            teacher=self.teachers[teacher],
            twin=twin,
            reference_twins=tuple(self.twins[other] for other in self.beside(seed)[1]),
            siblings=tuple(self.teachers[other] for other in self.beside(teacher)[0]),
        )

    def beside(self, seed: int) -> tuple[list[int], list[int]]:
        """Seeds of the sibling teachers and of the reference twins of a seed, as far as they are there, in the order of the plan."""
        siblings, references = self._circle.siblings(seed), self._circle.references(seed)
        return [other for other in self.teachers if other in siblings], [other for other in self.twins if other in references]

    @property
    def _circle(self) -> Circle:
        everybody = tuple(sorted({*self.teachers, *self.twins}))
        return self.circle or Circle(everybody, most=len(everybody))


class _Unit:
    """Collects rows; a probe that breaks is reported once, and all others go on."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.broken: list[str] = []
        self._seen: set[str] = set()

    def ask(self, probe: Probe, models: Models, student: Trace, teacher: int, seed: int, *, itself: bool = False) -> Result:
        return self._guarded(probe, lambda: models.ask(probe, student, teacher, seed, itself=itself))

    def _guarded(self, probe: Probe, measure: Callable[[], Result]) -> Result:
        try:
            return measure()
        except DataError as error:
            return Refusal(reason=str(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too
            # a plug-in's mistake costs its own values, never the sweep; the run ends with exit code 1
            if probe.name not in self._seen:
                self._seen.add(probe.name)
                lines = traceback.format_exception_only(error)
                self.broken.append(f"probe {probe.name!r} broke: {lines[-1].strip()}")
            return Refusal(
                reason=f"probe {probe.name!r} broke: {type(error).__name__}: {said(error)}", advice="mend the probe and run again"
            )


def _mean(results: Sequence[Result], of: str) -> Result:
    """Mean over models, with the interval that their spread gives; refused with the first reason if any is refused."""
    values = [result for result in results if isinstance(result, Measurement)]
    if not results:
        return Refusal(reason=f"there are no {of}", advice="give more seeds")
    if len(values) < len(results):
        return next(result for result in results if isinstance(result, Refusal))
    found = over_seeds(np.array([result.value for result in values]))
    if isinstance(found, Refusal):
        return found
    # a mean of values that are not resolved is no better than they are
    limited = next((result for result in values if result.status != "ok"), values[0])
    return Measurement(
        value=found.value,
        low=found.low,
        high=found.high,
        n=len(values),
        unit=values[0].unit,
        status=limited.status,
        estimand="this recipe",
        notes=limited.notes if limited.status != "ok" else (),
    )
