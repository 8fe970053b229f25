"""What a worker does with a unit of training: load rows and targets, train the stack, write the shard, score the models."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from kdprobe.core.errors import DataError
from kdprobe.core.recipe import Family
from kdprobe.core.registry import find
from kdprobe.core.task import SplitSizes, Task
from kdprobe.sweep.problems import Known, problem_of
from kdprobe.tasks.own.keep import provide_kept
from kdprobe.tasks.splits import Split, split
from kdprobe.training.cohort import train_together
from kdprobe.training.device import on_device
from kdprobe.training.engines import train
from kdprobe.training.job import Job
from kdprobe.training.problem import HISTORY, Trained
from kdprobe.training.shapes import network_outputs
from kdprobe.zoo.scored import score_model
from kdprobe.zoo.shards import write_shard, write_targets
from kdprobe.zoo.traces import module_of, network_of, outputs_of
from kdprobe.zoo.writer import model_row


class TrainedUnit(NamedTuple):
    """Rows for the index."""

    models: list[dict[str, Any]]
    scores: list[dict[str, Any]]


def train_unit(
    zoo: Path,
    groups: Sequence[Sequence[Job]],
    sizes: SplitSizes,
    known: Known,
    twins: Mapping[str, str],
    engine: str = "auto",
    device: str = "cpu",
) -> TrainedUnit:
    """Train the jobs of one stack, or of several whose networks learn together; write shards and, for those who teach, targets.

    Parameters
    ----------
    zoo
        Folder of the zoo.
    groups
        Jobs by stack key; those in the same place of each learn together.
    sizes
        Sizes of the task's split.
    known
        The models that they need.
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
    first = groups[0][0]
    provide_kept(zoo, anew=True)
    task: Task = find("tasks", first.task)
    parts = split(task, draw=first.draw, sizes=sizes)
    if parts.sha256 != first.data:
        raise DataError(f"task {first.task!r} gives other rows here than where the sweep was planned: use one data folder everywhere")
    with on_device(device) as place:
        problems = [problem_of(zoo, jobs, task, parts, known, place) for jobs in groups]
        found = [train(groups[0], problems[0], engine)] if len(groups) == 1 else train_together(groups, problems, engine)
    where = "" if device == "cpu" else f" on {device}"
    written = [_write(zoo, jobs, trained, task, parts, twins, where) for jobs, trained in zip(groups, found, strict=True)]
    seconds = (time.perf_counter() - start) / sum(map(len, groups))
    return TrainedUnit(
        [row | {"seconds": seconds} for unit in written for row in unit.models], [row for unit in written for row in unit.scores]
    )


def _write(zoo: Path, jobs: Sequence[Job], trained: Trained, task: Task, parts: Split, twins: Mapping[str, str], where: str) -> TrainedUnit:
    """Write the shard of a stack and the targets of those who teach; rows of its models."""
    failures = {slot: reason for slot in range(len(jobs)) if (reason := _failure(trained, slot))}
    tensors = {**trained.state, **{f"history.{name}": values for name, values in trained.history.items()}}
    network = describe_network(jobs[0], parts)
    done, failed, scored = {}, {}, []
    for slot, job in enumerate(jobs):
        shared = {**network, "engine": trained.engine + where, "twin_id": twins.get(job.id)}
        if slot in failures:
            nothing = {"shard": None, "slot": None, "targets": None}
            failed[job.id] = model_row(job, **shared, **nothing, status="failed", reason=failures[slot])
            continue
        module = module_of(job, trained.state, slot, parts)
        sha256 = write_targets(zoo, job.id, _targets_of(module, parts)) if job.teaches else None
        done[job.id] = model_row(job, **shared, slot=slot, targets=sha256, status="done", reason="")
        # a model of the source, or of some rows alone, was validated on others than it is scored on
        own = job.shift or bool(job.subset)
        said = None if own or trained.validation_outputs is None else trained.validation_outputs[slot].numpy()
        scored += [{"model_id": job.id, **score} for score in score_model(module, task, parts, said)]
    if done:
        tensors = {name: torch.nan_to_num(values) if failures else values for name, values in tensors.items()}
        shard = write_shard(zoo, tensors, list(done.values()), scored)
        done = {model: row | {"shard": shard} for model, row in done.items()}
    rows = [(done | failed)[job.id] for job in jobs]
    return TrainedUnit(rows, scored)


def describe_network(job: Job, parts: Split) -> dict[str, Any]:
    """Kind of task, size in parameters and multiply-adds of a job's network, whether or not it was trained."""
    family: Family = find("families", job.family)
    size = sum(parameter.numel() for parameter in network_of(job, parts).parameters())
    outputs = network_outputs(find("distillers", job.distiller), parts.outputs)
    return {"kind": parts.kind, "size": size, "flops": family.flops(parts.input_shape, outputs, job.width, **job.options)}


def _targets_of(module: torch.nn.Module, parts: Split) -> dict[str, torch.Tensor]:
    """Outputs of a teacher by sample id, on every row that a student may learn from."""
    ids = np.concatenate([parts.train.ids, parts.transfer.ids])
    raw = np.concatenate([outputs_of(module, part.x)[0] for part in (parts.train, parts.transfer)])
    order = np.argsort(ids)
    return {"ids": torch.from_numpy(ids[order].astype(np.int64)), "outputs": torch.from_numpy(raw[order])}


def _failure(trained: Trained, slot: int) -> str:
    """Why a model of the stack is unusable, or nothing."""
    steps = trained.history["step"]
    finite = torch.stack([trained.history[name][slot].isfinite() for name in HISTORY]).all(dim=0)
    if not finite.all():
        return f"training diverged by step {int(steps[int(finite.int().argmin())])}: lower the learning rate"
    if not all(bool(values[slot].isfinite().all()) for values in trained.state.values()):
        return f"training diverged by step {int(steps[-1])}: lower the learning rate"
    return ""
