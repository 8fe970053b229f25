"""From models and data to a comparison."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kdprobe.compare.cells import Cast
from kdprobe.compare.comparison import Comparison
from kdprobe.compare.contrast import contrasts
from kdprobe.compare.data import shuffles
from kdprobe.compare.layers import LayerStream
from kdprobe.compare.models import LAST_HIDDEN, Model, Outputs, adapt
from kdprobe.compare.recipe import over_seeds
from kdprobe.compare.run import Ran, one_pass
from kdprobe.compare.scores import lead, scores
from kdprobe.compare.several import numbered, seeds_of, several
from kdprobe.compare.suspicions import check_siblings, suspicions
from kdprobe.compare.traces import paired, traced
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.probe import Probe
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Result
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind
from kdprobe.measures.arrays import as_blocks

LAST = (LAST_HIDDEN,)
LEAST_BLOCKS = 3
"""With one left out there must be two for an interval of its own."""


class Asked(NamedTuple):
    """What a caller asked for, checked."""

    kind: TaskKind
    task: str
    layers: Mapping[str, Sequence[str]]
    forward: Callable[[Any, Any], Any] | None
    spatial: Any
    data: Any
    blocks: Any
    target: Any

    def adapted(self, models: Sequence[Any], names: Sequence[str], role: str) -> list[Model | Outputs]:
        """Models of one role under their names."""
        rest = {"forward": self.forward, "layers": self.layers[role], "spatial": self.spatial}
        return [adapt(model, name, self.kind, **rest) for model, name in zip(models, names, strict=True)]

    def ran(self, models: Sequence[Model | Outputs], stream: LayerStream | None) -> tuple[list[Ran], np.ndarray | None, np.ndarray | None]:
        """What all models gave in one pass, the target, and the block of each row."""
        ran, y = one_pass(models, self.data, forward=self.forward is not None, layers=stream, target=self.target)
        row_blocks = as_blocks(self.blocks, len(ran[0].raw))
        if row_blocks is not None and row_blocks.max() + 1 < LEAST_BLOCKS:
            raise PlanError(f"blocks has {row_blocks.max() + 1} labels: intervals leave out whole blocks, give at least {LEAST_BLOCKS}")
        return ran, y, row_blocks

    @property
    def probes(self) -> dict[str, Probe]:
        """Those that apply and are cheap."""
        return {name: probe for name, probe in available("probes").items() if probe.cost == "cheap" and probe.applies_to(self.kind)}


def make(
    teacher: Any,
    student: Any,
    data: Any,
    *,
    task: str | Task,
    twins: Any,
    siblings: Any = (),
    teachers: Any = None,
    students: Any = None,
    layers: Any,
    forward: Callable[[Any, Any], Any] | None,
    spatial: Any,
    blocks: Any = None,
    target: Any = None,
) -> Comparison:
    """Do what `kdprobe.compare` says."""
    kind = _kind(task)
    if spatial not in ("gap", "flatten"):
        raise PlanError(
            f"spatial={spatial!r}: {did_you_mean(str(spatial), ('gap', 'flatten'))} (positions are rows, and rows are samples here)"
        )
    if forward is not None and not callable(forward):
        raise PlanError(f"forward is a {type(forward).__name__}: give a function forward(model, batch) -> outputs")
    if blocks is not None and shuffles(data):
        raise PlanError("blocks are in the order of the data and the loader shuffles: use shuffle=False, or leave them out")
    asked = Asked(kind, task.name if isinstance(task, Task) else kind, _layers(layers), forward, spatial, data, blocks, target)
    untaught, strangers = several(twins, "twins"), several(siblings, "siblings")
    if teachers is None and students is None:
        return _one_pair(asked, teacher, student, untaught, strangers)
    return _several_pairs(asked, *seeds_of(teacher, student, teachers, students, untaught), untaught, strangers)


def _one_pair(asked: Asked, teacher: Any, student: Any, twins: Sequence[Any], siblings: Sequence[Any]) -> Comparison:
    twin_names, sibling_names = numbered("twin", len(twins)), numbered("sibling", len(siblings))
    models = [
        *asked.adapted([teacher], ["teacher"], "teacher"),
        *asked.adapted([student], ["student"], "student"),
        *asked.adapted(twins, twin_names, "twins"),
        *asked.adapted(siblings, sibling_names, "teacher"),
    ]
    stream = LayerStream(kept=asked.blocks is not None, without=sibling_names)
    ran, y, row_blocks = asked.ran(models, stream)
    traces = traced(ran, y, asked.kind, row_blocks, siblings=len(siblings))
    students, of_teachers = (traces.student,), (traces.teacher,)
    check_siblings(traces.siblings, students, traces.twins, of_teachers)
    own = [(model, traces.teacher) for model in (*students, *traces.twins)]
    warnings, unfit = suspicions(ran, own, students, traces.twins, of_teachers, traces.siblings, traces.target)
    results = contrasts(asked.probes, traces)
    return Comparison(
        kind=asked.kind,
        task=asked.task,
        n=traces.student.n,
        twins=tuple(twin_names),
        siblings=tuple(sibling_names),
        results=results,
        probes=asked.probes,
        scores=scores((traces.teacher, traces.student, *traces.twins, *traces.siblings), traces.target),
        layers={model.name: dict(model.layers) for model in models if model.layers},
        layer_map=stream.result(row_blocks),
        notes=(*traces.notes, *_independence_notes(results, row_blocks)),
        warnings=warnings,
        unfit=unfit,
        lead=lead(of_teachers, traces.twins, traces.target),
    )


def _several_pairs(
    asked: Asked, teachers: Sequence[Any], students: Sequence[Any], twins: Sequence[Any], siblings: Sequence[Any]
) -> Comparison:
    seeds = len(students)
    twin_names, sibling_names = numbered("twin", len(twins)), numbered("sibling", len(siblings))
    models = [
        *asked.adapted(teachers, numbered("teacher", seeds), "teacher"),
        *asked.adapted(students, numbered("student", seeds), "student"),
        *asked.adapted(twins, twin_names, "twins"),
        *asked.adapted(siblings, sibling_names, "teacher"),
    ]
    ran, y, row_blocks = asked.ran(models, None)
    traces, target, notes = paired(ran, y, asked.kind, row_blocks)
    places = [slice(0, seeds), slice(seeds, 2 * seeds), slice(2 * seeds, 2 * seeds + len(twins)), slice(2 * seeds + len(twins), None)]
    of_teachers, of_students, of_twins, of_siblings = (tuple(traces[place]) for place in places)
    own = [*zip(of_students, of_teachers, strict=True), *zip(of_twins, of_teachers, strict=False)]
    check_siblings(of_siblings, of_students, of_twins, of_teachers)
    warnings, unfit = suspicions(ran, own, of_students, of_twins, of_teachers, of_siblings, target)
    mapped = any(len(names) > 1 or "auto" in names for names in asked.layers.values())
    return Comparison(
        kind=asked.kind,
        task=asked.task,
        n=traces[0].n,
        twins=tuple(twin_names),
        siblings=tuple(sibling_names),
        seeds=seeds,
        results=over_seeds(asked.probes, Cast(of_students, (*of_teachers, *of_siblings), of_twins, target)),
        probes=asked.probes,
        scores=scores(tuple(traces), target),
        layers={model.name: dict(model.layers) for model in models if model.layers},
        notes=(*notes, *(["A map of layers is of one pair: compare teacher and student of one seed to have it."] if mapped else [])),
        warnings=warnings,
        unfit=unfit,
        lead=lead(of_teachers, of_twins, target),
    )


def _independence_notes(results: Mapping[str, Mapping[str, Result]], blocks: Any) -> tuple[str, ...]:
    """Say whether rows are taken for independent, where that may be wrong."""
    if blocks is not None:
        return (f"Rows come in {blocks.max() + 1:,} blocks: intervals leave out whole blocks.",)
    own = [result for name, found in results.items() if name in ("cka", "cka_output") and (result := found.get("own"))]
    warnings = [note for result in own if isinstance(result, Measurement) for note in result.notes if note.startswith("neighbouring rows")]
    return (f"{warnings[0][0].upper()}{warnings[0][1:]}. All other intervals over rows are too narrow then as well.",) if warnings else ()


def _kind(task: Any) -> TaskKind:
    if isinstance(task, Task):
        return task.kind
    if task not in ("classification", "regression"):
        raise PlanError(f"task={task!r} is unknown: {did_you_mean(str(task), ('classification', 'regression'))}, or a Task")
    return task


def _layers(layers: Any) -> dict[str, Sequence[str]]:
    """Return the layers of each role."""
    if layers is None:
        return dict.fromkeys(("teacher", "student", "twins"), LAST)
    if not isinstance(layers, Mapping):
        return dict.fromkeys(("teacher", "student", "twins"), _names(layers))
    unknown = [role for role in layers if role not in ("teacher", "student", "twins")]
    if unknown:
        raise PlanError(f"layers has the key {unknown[0]!r}: {did_you_mean(str(unknown[0]), ('teacher', 'student', 'twins'))}")
    of = {role: _names(named) for role, named in layers.items()}
    student = of.get("student", LAST)
    return {"teacher": of.get("teacher", LAST), "student": student, "twins": of.get("twins", student)}


def _names(layers: Any) -> Sequence[str]:
    names = [layers] if isinstance(layers, str) else list(layers) if isinstance(layers, list | tuple) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise PlanError(f"layers={layers!r}: give a name, a glob, 'auto', several of them, or None for the last hidden layer")
    return names
