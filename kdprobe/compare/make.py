"""From models and data to a comparison."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kdprobe.compare.asked import Asked, kind_of, layers_by_role, layers_of
from kdprobe.compare.cells import Cast
from kdprobe.compare.comparison import Comparison
from kdprobe.compare.contrast import contrasts
from kdprobe.compare.data import shuffles
from kdprobe.compare.layers import LayerStream
from kdprobe.compare.recipe import over_seeds
from kdprobe.compare.run import Passed
from kdprobe.compare.scores import lead, scores
from kdprobe.compare.several import numbered, seeds_of, several
from kdprobe.compare.stream.traces import Told, traces_of
from kdprobe.compare.suspicions import check_siblings, suspicions
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.result import Measurement, Result
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind


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
    mask: Any = None,
) -> Comparison:
    """Do what `kdprobe.compare` says."""
    kind = kind_of(task)
    if spatial not in ("gap", "flatten"):
        raise PlanError(
            f"spatial={spatial!r}: {did_you_mean(str(spatial), ('gap', 'flatten'))} (positions are rows, and rows are samples here)"
        )
    if forward is not None and not callable(forward):
        raise PlanError(f"forward is a {type(forward).__name__}: give a function forward(model, batch) -> outputs")
    if blocks is not None and shuffles(data):
        raise PlanError("blocks are in the order of the data and the loader shuffles: use shuffle=False, or leave them out")
    name = task.name if isinstance(task, Task) else str(task)
    asked = Asked(kind, name, layers_by_role(layers), forward, spatial, data, blocks, target, mask)
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
    pairs = [(model.name, beside) for model in models[1 : 2 + len(twins)] for beside in ("teacher", *sibling_names)]
    passed = asked.passed(models, stream, pairs, len(twins))
    names = {"twins": tuple(twin_names), "siblings": tuple(sibling_names)}
    return asked.of_targets(passed, lambda part, kind: _of_pair(asked, part, kind, stream, names))


def _of_pair(asked: Asked, passed: Passed, kind: TaskKind, stream: LayerStream, names: Mapping[str, tuple[str, ...]]) -> Comparison:
    siblings = len(names["siblings"])
    found = traces_of(passed, kind)
    whole, *samples = (_one_cast(told, siblings) for told in (found.told, *found.samples))
    cast = whole._replace(samples=tuple(samples))
    _check_siblings((whole, *samples), siblings)
    own = [(model, cast.teachers[0]) for model in (*cast.students, *cast.twins)]
    warnings, unfit = suspicions(passed.ran, own, cast.students, cast.twins, cast.teachers[:1], cast.teachers[1:], cast.target)
    results = contrasts(asked.probes, cast)
    return Comparison(
        kind=kind,
        task=asked.task,
        n=cast.students[0].n,
        twins=names["twins"],
        siblings=names["siblings"],
        results=results,
        probes=asked.probes,
        scores=scores((cast.teachers[0], *cast.students, *cast.twins, *cast.teachers[1:]), cast.target),
        layers=layers_of(passed),
        layer_map=stream.result(passed.map_blocks),
        notes=(*found.notes, *_independence_notes(results, passed.blocks, tokens=passed.tokens)),
        warnings=warnings,
        unfit=unfit,
        lead=lead(cast.teachers[:1], cast.twins, cast.target),
    )


def _one_cast(told: Told, siblings: int) -> Cast:
    """Teacher, student, twins and so many siblings, in this order."""
    teacher, student, *others = told.traces
    twins = len(others) - siblings
    return Cast((student,), (teacher, *others[twins:]), tuple(others[:twins]), told.target)


def _check_siblings(casts: Sequence[Cast], siblings: int) -> None:
    """Of all rows, and of a sample of whose outputs more is known."""
    for cast in casts:
        taught = len(cast.teachers) - siblings
        check_siblings(cast.teachers[taught:], cast.students, cast.twins, cast.teachers[:taught])


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
    names = [model.name for model in models]
    untaught = names[2 * seeds : 2 * seeds + len(twins)]
    pairs = [(one, beside) for one in (*names[seeds : 2 * seeds], *untaught) for beside in (*names[:seeds], *sibling_names)]
    passed = asked.passed(models, None, pairs, len(twins))
    counts = {"seeds": seeds, "twins": len(twins), "siblings": len(siblings)}
    return asked.of_targets(passed, lambda part, kind: _of_seeds(asked, part, kind, counts))


def _of_seeds(asked: Asked, passed: Passed, kind: TaskKind, counts: Mapping[str, int]) -> Comparison:
    seeds, twins, siblings = counts["seeds"], counts["twins"], counts["siblings"]
    found = traces_of(passed, kind)
    whole, *samples = (_cast_of_seeds(told, seeds, twins) for told in (found.told, *found.samples))
    cast = whole._replace(samples=tuple(samples))
    of_students, of_twins, of_teachers, of_siblings = cast.students, cast.twins, cast.teachers[:seeds], cast.teachers[seeds:]
    own = [*zip(of_students, of_teachers, strict=True), *zip(of_twins, of_teachers, strict=False)]
    _check_siblings((whole, *samples), siblings)
    warnings, unfit = suspicions(passed.ran, own, of_students, of_twins, of_teachers, of_siblings, cast.target)
    mapped = any(len(names) > 1 or "auto" in names for names in asked.layers.values())
    return Comparison(
        kind=kind,
        task=asked.task,
        n=of_students[0].n,
        twins=tuple(numbered("twin", twins)),
        siblings=tuple(numbered("sibling", siblings)),
        seeds=seeds,
        results=over_seeds(asked.probes, cast),
        probes=asked.probes,
        scores=scores((*of_teachers, *of_students, *of_twins, *of_siblings), cast.target),
        layers=layers_of(passed),
        notes=(*found.notes, *(["A map of layers is of one pair: compare teacher and student of one seed to have it."] if mapped else [])),
        warnings=warnings,
        unfit=unfit,
        lead=lead(of_teachers, of_twins, cast.target),
    )


def _cast_of_seeds(told: Told, seeds: int, twins: int) -> Cast:
    """Teachers, students, twins and siblings, in this order."""
    of_teachers, of_students, others = told.traces[:seeds], told.traces[seeds : 2 * seeds], told.traces[2 * seeds :]
    return Cast(of_students, (*of_teachers, *others[twins:]), others[:twins], told.target)


def _independence_notes(results: Mapping[str, Mapping[str, Result]], blocks: Any, *, tokens: bool = False) -> tuple[str, ...]:
    """Say whether rows are taken for independent, where that may be wrong."""
    if tokens:
        return ()
    if blocks is not None:
        return (f"Rows come in {blocks.max() + 1:,} blocks: intervals leave out whole blocks.",)
    own = [result for name, found in results.items() if name in ("cka", "cka_output") and (result := found.get("own"))]
    warnings = [note for result in own if isinstance(result, Measurement) for note in result.notes if note.startswith("neighbouring rows")]
    return (f"{warnings[0][0].upper()}{warnings[0][1:]}. All other intervals over rows are too narrow then as well.",) if warnings else ()
