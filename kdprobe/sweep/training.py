"""What a worker does with a unit of training: load rows and targets, train the stack, write the shard, score the models."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from kdprobe.core.errors import ContractError, DataError
from kdprobe.core.identity import derived_seed
from kdprobe.core.recipe import Distiller, Family
from kdprobe.core.registry import find
from kdprobe.core.task import SplitSizes, Task
from kdprobe.core.trace import log_softmax
from kdprobe.stats import scores
from kdprobe.tasks.splits import Part, Split, split
from kdprobe.training.device import on_device
from kdprobe.training.engines import train
from kdprobe.training.job import Job
from kdprobe.training.problem import HISTORY, Problem, Trained
from kdprobe.training.shapes import network_outputs
from kdprobe.training.teachers import Teachers, teachers_with_features
from kdprobe.zoo.shards import read_targets, write_shard, write_targets
from kdprobe.zoo.traces import Stored, load_module, module_of, network_of, outputs_of
from kdprobe.zoo.writer import model_row


class TrainedUnit(NamedTuple):
    """Rows for the index."""

    models: list[dict[str, Any]]
    scores: list[dict[str, Any]]


def train_unit(
    zoo: Path,
    jobs: Sequence[Job],
    sizes: SplitSizes,
    teachers: Mapping[str, tuple[Stored, str]],
    twins: Mapping[str, str],
    engine: str = "auto",
    device: str = "cpu",
) -> TrainedUnit:
    """Train the jobs of one stack, write their shard and, for teachers, their targets.

    Parameters
    ----------
    zoo
        Folder of the zoo.
    jobs
        Jobs of one stack key.
    sizes
        Sizes of the task's split.
    teachers
        Teacher id -> where its weights lie, and the SHA-256 of its file of outputs.
    twins
        Student id -> id of its paired twin.
    engine
        "auto", "stack", "loop", or a choice that was recorded for other models of these stacks.
    device
        Where to train, as torch names it. Everything that is stored lies on the CPU.

    Raises
    ------
    DataError
        If the rows are not those the jobs were planned for, or a file of targets is missing or damaged.
    """
    start = time.perf_counter()
    first = jobs[0]
    task: Task = find("tasks", first.task)
    parts = split(task, draw=first.draw, sizes=sizes)
    if parts.sha256 != first.data:
        raise DataError(f"task {first.task!r} gives other rows here than where the sweep was planned: use one data folder everywhere")
    with on_device(device) as place:
        trained = train(jobs, _problem(zoo, jobs, task, parts, teachers, place), engine)
    failures = {slot: reason for slot in range(len(jobs)) if (reason := _failure(trained, slot))}
    tensors = {**trained.state, **{f"history.{name}": values for name, values in trained.history.items()}}
    shard = write_shard(zoo, {name: torch.nan_to_num(values) if failures else values for name, values in tensors.items()})
    seconds = (time.perf_counter() - start) / len(jobs)
    network = describe_network(first, parts)
    rows, scored = [], []
    for slot, job in enumerate(jobs):
        shared = {
            **network,
            "seconds": seconds,
            "engine": trained.engine if device == "cpu" else f"{trained.engine} on {device}",
            "twin_id": twins.get(job.id),
        }
        if slot in failures:
            nothing = {"shard": None, "slot": None, "targets": None}
            rows.append(model_row(job, **shared, **nothing, status="failed", reason=failures[slot]))
            continue
        module = module_of(job, trained.state, slot, parts)
        sha256 = write_targets(zoo, job.id, _targets_of(module, parts)) if job.role == "teacher" else None
        rows.append(model_row(job, **shared, shard=shard, slot=slot, targets=sha256, status="done", reason=""))
        scored += [{"model_id": job.id, **score} for score in score_model(module, task, parts)]
    return TrainedUnit(rows, scored)


def describe_network(job: Job, parts: Split) -> dict[str, Any]:
    """Kind of task, size in parameters and multiply-adds of a job's network, whether or not it was trained."""
    family: Family = find("families", job.family)
    size = sum(parameter.numel() for parameter in network_of(job, parts).parameters())
    outputs = network_outputs(find("distillers", job.distiller), parts.outputs)
    return {"kind": parts.kind, "size": size, "flops": family.flops(parts.input_shape, outputs, job.width, **job.options)}


def score_model(module: torch.nn.Module, task: Task, parts: Split) -> list[dict[str, Any]]:
    """Scores on both halves of the probe rows; a classifier's temperature is fitted on validation rows."""
    found: list[dict[str, Any]] = []

    def add(metric: str, rows: str, value: float) -> None:
        found.append({"metric": metric, "rows": rows, "value": float(value)})

    temperature = 1.0
    if task.kind == "classification":
        temperature = scores.fit_temperature(outputs_of(module, parts.validation.x)[0], parts.validation.y)
        add("temperature", "validation", temperature)
    for rows, part in (("A", parts.probe_a), ("B", parts.probe_b)):
        raw, _ = outputs_of(module, part.x)
        if task.kind == "classification":
            add("nll", rows, scores.nll(log_softmax(raw), part.y).mean())
            add("nll_calibrated", rows, scores.nll(log_softmax(raw / temperature), part.y).mean())
            add("accuracy", rows, scores.accuracy(raw, part.y))
        else:
            predictions = raw.astype(np.float64)
            add("mse", rows, scores.squared_error(predictions, part.y).mean())
            add("r2", rows, scores.r2(predictions, part.y))
    return found


def _problem(
    zoo: Path, jobs: Sequence[Job], task: Task, parts: Split, teachers: Mapping[str, tuple[Stored, str]], device: torch.device
) -> Problem:
    first = jobs[0]
    family: Family = find("families", first.family)
    distiller: Distiller = find("distillers", first.distiller)
    part = parts.train if first.rows == "train" else parts.transfer
    names = list(dict.fromkeys(job.teacher for job in jobs if job.teacher is not None))
    x, y = _tensor(part.x).to(device), _labels(part, task).to(device) if first.rows == "train" else None
    return Problem(
        kind=task.kind,
        family=family,
        distiller=distiller,
        outputs=parts.outputs,
        x=x,
        y=y,
        teachers=_teachers(zoo, {name: teachers[name] for name in names}, distiller, part, parts, x, y) if names else None,
        teacher_of=[names.index(job.teacher) if job.teacher is not None else 0 for job in jobs],
        validation_x=_tensor(parts.validation.x).to(device),
        validation_y=_labels(parts.validation, task).to(device),
    )


def _teachers(
    zoo: Path,
    named: Mapping[str, tuple[Stored, str]],
    distiller: Distiller,
    part: Part,
    parts: Split,
    x: torch.Tensor,
    y: torch.Tensor | None,
) -> Teachers:
    """Outputs of teachers on the rows of a part and, where the distiller reads them, their hidden layers."""
    outputs = []
    for name, (_, sha256) in named.items():
        said = _rows_of(read_targets(zoo, name, sha256), part, name)
        outputs.append(said if distiller.prepare is None else prepared(distiller, name, said, y))
    stacked = torch.stack(outputs).to(x.device)
    if "features" not in distiller.needs:
        return Teachers(outputs=stacked)
    return teachers_with_features(stacked, [load_module(zoo, stored, parts) for stored, _ in named.values()], x)


def prepared(distiller: Distiller, teacher: str, outputs: torch.Tensor, y: torch.Tensor | None) -> torch.Tensor:
    """A teacher's outputs (n, c) as a distiller changes them. The same whatever else is trained beside the student.

    Raises
    ------
    ContractError
        If what the distiller gives has another shape, or is not finite.
    """
    assert distiller.prepare is not None
    classes = y.cpu().numpy() if y is not None and not y.is_floating_point() else None
    rng = np.random.default_rng(derived_seed(teacher, distiller.name, "prepare"))
    changed = np.asarray(distiller.prepare(outputs.numpy().copy(), classes, rng), dtype=np.float32)
    if changed.shape != tuple(outputs.shape) or not np.isfinite(changed).all():
        raise ContractError(f"distiller {distiller.name!r}: prepare gives {changed.shape} or numbers that are not finite")
    return torch.from_numpy(changed)


def _targets_of(module: torch.nn.Module, parts: Split) -> dict[str, torch.Tensor]:
    """Outputs of a teacher by sample id, on every row that a student may learn from."""
    ids = np.concatenate([parts.train.ids, parts.transfer.ids])
    raw = np.concatenate([outputs_of(module, part.x)[0] for part in (parts.train, parts.transfer)])
    order = np.argsort(ids)
    return {"ids": torch.from_numpy(ids[order].astype(np.int64)), "outputs": torch.from_numpy(raw[order])}


def _rows_of(targets: Mapping[str, torch.Tensor], part: Part, teacher: str) -> torch.Tensor:
    """Pick a part's rows by sample id, never by position: (n, c)."""
    wanted = torch.from_numpy(part.ids.astype(np.int64))
    places = torch.searchsorted(targets["ids"], wanted).clamp(max=len(targets["ids"]) - 1)
    if not torch.equal(targets["ids"][places], wanted):
        raise DataError(f"targets of teacher {teacher[:12]}… lack some rows of this split: run the sweep into a new folder")
    return targets["outputs"][places]


def _tensor(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(x, dtype=np.float32))


def _labels(part: Part, task: Task) -> torch.Tensor:
    return torch.from_numpy(np.array(part.y, dtype=np.int64 if task.kind == "classification" else np.float32))


def _failure(trained: Trained, slot: int) -> str:
    """Why a model of the stack is unusable, or nothing."""
    steps = trained.history["step"]
    finite = torch.stack([trained.history[name][slot].isfinite() for name in HISTORY]).all(dim=0)
    if not finite.all():
        return f"training diverged by step {int(steps[int(finite.int().argmin())])}: lower the learning rate"
    if not all(bool(values[slot].isfinite().all()) for values in trained.state.values()):
        return f"training diverged by step {int(steps[-1])}: lower the learning rate"
    return ""
