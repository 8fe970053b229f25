"""From models and data to a comparison."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kdprobe.compare.comparison import Comparison
from kdprobe.compare.contrast import contrasts
from kdprobe.compare.data import is_array, shuffles
from kdprobe.compare.layers import LayerStream
from kdprobe.compare.models import LAST_HIDDEN, adapt
from kdprobe.compare.run import one_pass
from kdprobe.compare.traces import traced
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Result
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind
from kdprobe.measures.arrays import as_blocks

LAST = (LAST_HIDDEN,)
LEAST_BLOCKS = 3
"""With one left out there must be two for an interval of its own."""


def make(
    teacher: Any,
    student: Any,
    data: Any,
    *,
    task: str | Task,
    twins: Any,
    layers: Any,
    forward: Callable[[Any, Any], Any] | None,
    spatial: Any,
    blocks: Any = None,
) -> Comparison:
    """Do what `kdprobe.compare` says."""
    kind = _kind(task)
    if spatial not in ("gap", "flatten"):
        raise PlanError(
            f"spatial={spatial!r}: {did_you_mean(str(spatial), ('gap', 'flatten'))} (positions are rows, and rows are samples here)"
        )
    if forward is not None and not callable(forward):
        raise PlanError(f"forward is a {type(forward).__name__}: give a function forward(model, batch) -> outputs")
    wanted = _layers(layers)
    others = _twins(twins)
    names = ["twin"] if len(others) == 1 else [f"twin {i}" for i in range(1, len(others) + 1)]
    models = [
        adapt(model, name, kind, forward=forward, layers=wanted[role], spatial=spatial)
        for model, name, role in [
            (teacher, "teacher", "teacher"),
            (student, "student", "student"),
            *((twin, name, "twins") for twin, name in zip(others, names, strict=True)),
        ]
    ]
    if blocks is not None and shuffles(data):
        raise PlanError("blocks are in the order of the data and the loader shuffles: use shuffle=False, or leave them out")
    layer_stream = LayerStream(kept=blocks is not None)
    ran, y = one_pass(models, data, forward=forward is not None, layers=layer_stream)
    row_blocks = as_blocks(blocks, len(ran[0].raw))
    if row_blocks is not None and row_blocks.max() + 1 < LEAST_BLOCKS:
        raise PlanError(f"blocks has {row_blocks.max() + 1} labels: intervals leave out whole blocks, give at least {LEAST_BLOCKS}")
    traces = traced(ran, y, kind, row_blocks)
    probes = {name: probe for name, probe in available("probes").items() if probe.cost == "cheap" and probe.applies_to(kind)}
    results = contrasts(probes, traces)
    return Comparison(
        kind=kind,
        task=task.name if isinstance(task, Task) else kind,
        n=traces.student.n,
        twins=tuple(names),
        results=results,
        probes=probes,
        layers={model.name: dict(model.layers) for model in models if model.layers},
        layer_map=layer_stream.result(row_blocks),
        notes=(*traces.notes, *_independence_notes(results, row_blocks)),
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


def _twins(twins: Any) -> list[Any]:
    """Return twins as a list; a lone model counts as one, also where it can be iterated (as a torch Sequential)."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(twins, torch.nn.ModuleList):
        return list(twins)
    if (torch is not None and isinstance(twins, torch.nn.Module)) or hasattr(twins, "predict") or callable(twins):
        return [twins]
    if is_array(twins):
        return list(twins) if getattr(twins, "ndim", 2) == 3 else [twins]
    if twins is None:
        return []
    if isinstance(twins, Sequence) and not isinstance(twins, str):
        return list(twins)
    raise PlanError(f"twins is a {type(twins).__name__}: give a list of models")
