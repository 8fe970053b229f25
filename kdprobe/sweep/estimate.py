"""What a plan will cost: models, time and disk, from a few steps of training and nothing written."""

import time
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import torch

from kdprobe.core.registry import find
from kdprobe.sweep.executors.in_process import one_thread
from kdprobe.sweep.plan import Plan
from kdprobe.sweep.problems import labels_of
from kdprobe.sweep.units import measure_units, train_units
from kdprobe.tasks.splits import Split, split
from kdprobe.training.engines import choose, seconds_of_step, train
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem
from kdprobe.training.teachers import Teachers, teachers_with_features
from kdprobe.zoo.traces import network_of

PAIR_SECONDS = 0.004
"""One probe on one pair of 4,000 rows at the default widths, as measured; scaled by nothing, so an order of magnitude."""


def estimate(plan: Plan, *, jobs: int) -> dict[str, Any]:
    """Return models by role, seconds and bytes.

    A stack of each kind of network is trained for a few steps on random teachers. Costs a second or two.
    """
    grid = plan.grid(plan.data())
    all_jobs = grid.jobs
    units, by_id = train_units(all_jobs), {job.id: job for job in all_jobs}
    seconds = stored = 0.0
    rates: dict[Hashable, float] = {}
    with one_thread():
        for unit in units:
            job = unit.jobs[0]
            parts = split(find("tasks", job.task), draw=job.draw, sizes=plan.sizes(job.task))
            for group in unit.groups:
                key, count = _key(group[0], by_id), _work(group)
                if key not in rates:
                    rates[key] = _seconds(group, parts, [by_id[name] for name in group[0].taught_by]) / count
                seconds += rates[key] * count
            stored += 4 * len(unit.jobs) * sum(value.numel() for value in network_of(job, parts).state_dict().values())
            if job.teaches:
                stored += len(unit.jobs) * (parts.train.n + parts.transfer.n) * (4 * parts.outputs + 8)
    pairs = sum(unit.pairs for unit in measure_units(grid, ()))
    probes = 4
    workers = max(1, jobs)
    roles = [job.role for job in all_jobs]
    return {
        "models": len(all_jobs),
        "teachers": roles.count("teacher"),
        "twins": roles.count("twin"),
        "students": roles.count("student"),
        "seconds": round((seconds + pairs * probes * PAIR_SECONDS) / workers + 10),
        "workers": workers,
        "bytes": round(stored + 2000 * len(all_jobs)),
    }


def _key(job: Job, by_id: Mapping[str, Job]) -> Hashable:
    """What the time of a model's step depends on, as far as it can be told before training: neither seed nor draw nor setting."""
    deep = "features" in find("distillers", job.distiller).needs
    teachers = tuple(by_id[name].network for name in job.taught_by) if deep else bool(job.taught_by)
    return (
        job.task,
        job.network,
        job.rows,
        job.taught_on,
        job.labels,
        job.distiller,
        job.batch_size,
        len(job.peers),
        teachers,
        job.of_rows,
    )


def _work(jobs: Sequence[Job]) -> int:
    """Steps of all jobs together, or fits: those in closed form of one seed share what is costly."""
    fit = find("families", jobs[0].family).fit
    return len(jobs) * jobs[0].steps if fit == "steps" else len({job.seed for job in jobs}) if fit == "ridge" else len(jobs)


def _seconds(jobs: Sequence[Job], parts: Split, teachers: Sequence[Job]) -> float:
    """Wall time of a stack, from a few steps of it; what is fitted at once is, once."""
    first, kind = jobs[0], parts.kind
    part = parts.train if first.rows == "train" else parts.transfer
    # rows that it is taught on beside those of its labels stand behind them
    apart = 0 if first.taught_on is None else part.n
    x = torch.from_numpy(np.concatenate([part.x, parts.transfer.x]) if apart else part.x.copy())
    labels = torch.zeros(part.n, dtype=torch.int64) if kind == "classification" else torch.zeros(part.n, parts.outputs)
    said = torch.zeros(1, len(x), parts.outputs)
    read = "features" in find("distillers", first.distiller).needs
    problem = Problem(
        kind=kind,
        family=find("families", first.family),
        distiller=find("distillers", first.distiller),
        outputs=parts.outputs,
        x=x,
        y=None if labels_of(first, part, parts) is None else labels,
        teachers=None
        if not teachers
        else teachers_with_features(said, [network_of(teachers[0], parts)], x)
        if read
        else Teachers(outputs=said),
        teacher_of=[0] * len(jobs),
        apart=apart,
        validation_x=x[:1],
        validation_y=labels[:1],
    )
    if problem.family.fit != "steps":
        start = time.perf_counter()
        train([msgspec.structs.replace(first, steps=0)], problem, "auto")
        return (time.perf_counter() - start) * _work(jobs)
    # the batches of all steps are laid out before the first one
    short = [msgspec.structs.replace(job, steps=1) for job in jobs]
    return seconds_of_step(short, problem, choose(short, problem)) * first.steps
