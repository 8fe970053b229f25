"""Running a plan: hand out units of work, record what comes back, never repeat what is there."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kdprobe.core.arguments import whole
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.probe import Probe
from kdprobe.core.registry import available, find
from kdprobe.core.task import SplitSizes
from kdprobe.sweep.executors.choice import executor
from kdprobe.sweep.executors.guard import check_guard
from kdprobe.sweep.executors.outcome import Executor, Outcome
from kdprobe.sweep.grid import Grid
from kdprobe.sweep.limits import checked_limit, measuring_limit, training_limit
from kdprobe.sweep.measuring import MeasuredUnit, measure_unit
from kdprobe.sweep.plan import Plan
from kdprobe.sweep.plans import kinds
from kdprobe.sweep.progress import NoProgress, Progress, RichProgress
from kdprobe.sweep.provenance import provenance, seal
from kdprobe.sweep.shard import Shard
from kdprobe.sweep.training import TrainedUnit, describe_network, train_unit
from kdprobe.sweep.units import MeasureUnit, TrainUnit, measure_units, train_units
from kdprobe.sweep.waiting import Unit, Waiting
from kdprobe.tasks.own.keep import keep
from kdprobe.tasks.splits import split
from kdprobe.training.device import check_device
from kdprobe.training.engines import ENGINES
from kdprobe.training.job import Job
from kdprobe.zoo import Zoo
from kdprobe.zoo.folder import check_folder
from kdprobe.zoo.traces import Stored
from kdprobe.zoo.writer import Writer, model_row

MOST_JOBS = 1_024
SCHEDULERS = ("tcp", "tls", "ws", "wss", "inproc")
"""How a user's own scheduler may be reached. Dask ends a try by any other way in errors of its own, long after."""


def run(
    plan: Plan,
    out: str | Path,
    *,
    jobs: int = 0,
    scheduler: str | None = None,
    probes: Sequence[str] = (),
    progress: bool = False,
    engine: str = "auto",
    device: str = "cpu",
    similarity: bool = True,
    measure: bool = True,
    unit_timeout: float | None = None,
    shard: Shard | None = None,
    command: str = "kdprobe.sweep(plan, out)",
) -> Zoo:
    """Do what `kdprobe.sweep` says; `command` is what the provenance names. Without `measure` no probe is run.

    Of a plan in shards one is trained and nothing measured: students are read against models of other seeds.
    """
    if not isinstance(plan, Plan):
        asked = " or ".join(f"kdprobe.{kind.__name__}(...)" for kind in kinds().values())
        raise PlanError(f"plan={plan!r} is no plan: give {asked}")
    if not isinstance(out, str | os.PathLike):
        raise PlanError(f"out={out!r}: give the path of a folder")
    if not os.fspath(out):
        raise PlanError("out='' would be the folder you are in: give the path of a new folder")
    check_folder(Path(out))
    jobs, unit_timeout = checked_way(jobs=jobs, scheduler=scheduler, engine=engine, device=device, unit_timeout=unit_timeout)
    if scheduler is None and jobs:
        check_guard(jobs)
    names = probes_of(plan, probes, similarity=similarity) if measure and shard is None else ()
    grid = plan.grid(plan.data())  # before anything is created: a task whose data is missing leaves no folder behind
    asked = grid.jobs if shard is None else shard.jobs(grid.jobs)
    start = time.perf_counter()
    with Writer(Path(out)) as writer:
        seal(writer, plan, grid.data)
        for name in plan.own_data:
            keep(writer.path, find("tasks", name))
        writer.reconcile()
        shown: Progress = RichProgress() if progress else NoProgress()
        with shown, executor(jobs, scheduler, Path(out), device) as runner:
            _Run(plan, grid, asked, names, writer, runner, shown, engine, device, unit_timeout).complete()
        record = provenance(writer.index, plan, command=command, seconds=time.perf_counter() - start, jobs=jobs)
        with writer.index.transaction():
            writer.index.set_meta("provenance", record)
    return Zoo(out)


def checked_way(*, jobs: int, scheduler: str | None, engine: str, device: str, unit_timeout: float | None) -> tuple[int, float | None]:
    """Return jobs and the limit of time as they are taken, or raise PlanError where a sweep cannot be run in this way."""
    if not isinstance(engine, str) or engine not in ENGINES:
        raise PlanError(f"engine={engine!r} is unknown: {did_you_mean(str(engine), ENGINES)}")
    jobs = whole("jobs", jobs, least=0, advice="give 0 to run in this process, or the number of worker processes")
    if jobs > MOST_JOBS:
        raise PlanError(f"jobs={jobs}: give at most {MOST_JOBS:,}; for more, start a Dask scheduler and give its address as scheduler")
    unit_timeout = checked_limit(unit_timeout, in_process=scheduler is None and not jobs)
    if scheduler is None:
        check_device(device)
    elif "://" in scheduler and scheduler.partition("://")[0] not in SCHEDULERS:
        raise PlanError(f"scheduler={scheduler!r} is no address that can be reached: give one such as tcp://host:8786 or tls://host:8786")
    return jobs, unit_timeout


def probes_of(plan: Plan, extra: Sequence[str], *, similarity: bool = True) -> tuple[str, ...]:
    """Names of the probes a sweep runs: every cheap one that fits a task of the plan, and those asked for; without similarity, only those
    that read a student beside its twin.
    """
    known: Mapping[str, Probe] = available("probes")
    similarity = similarity and not plan.gains_alone
    for name in extra:
        if name not in known:
            raise PlanError(f"probe {name!r} is unknown: {did_you_mean(name, known)}")
    kinds = {find("tasks", task).kind for task in plan.tasks}
    return tuple(
        name
        for name, probe in known.items()
        if kinds & set(probe.tasks) and (name in extra or (probe.cost == "cheap" and (similarity or (probe.panel and not probe.likeness))))
    )


@dataclass
class _Run:
    """One pass over the units of a plan."""

    plan: Plan
    grid: Grid
    jobs: Sequence[Job]
    probes: tuple[str, ...]
    writer: Writer
    runner: Executor
    progress: Progress
    engine: str = "auto"
    device: str = "cpu"
    unit_timeout: float | None = None
    choices: dict[tuple[object, ...], str] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: Waiting = field(default_factory=lambda: Waiting((), ()))
    running: dict[str, Unit] = field(default_factory=dict)

    def complete(self) -> None:
        """Run everything that is not there yet."""
        jobs = self.jobs
        self.twins = {self.grid.student(cell).id: self.grid.twin_id(cell) for cell in self.grid.cells}
        fitted = _temperatures(self.writer.index.rows("SELECT model_id, metric, value FROM scores WHERE metric = 'temperature'"))
        for row in self.writer.index.rows("SELECT model_id, job, shard, slot, targets, engine FROM models WHERE status = 'done'"):
            self._add(row["model_id"], msgspec.json.decode(row["job"], type=Job), row, fitted.get(row["model_id"]))
        done = {row["unit_id"] for row in self.writer.index.rows("SELECT unit_id FROM units WHERE status = 'done'")}
        units: list[Unit] = [*train_units([job for job in jobs if job.id not in self.stored], jobs)]
        measured = measure_units(self.grid, self.probes) if self.probes else []
        units += [unit for unit in measured if unit.id not in done]
        self.waiting = Waiting([*{unit.id: unit for unit in units}.values()], self.stored.keys())
        self.progress.begin(
            models=len(jobs),
            trained=sum(job.id in self.stored for job in jobs),
            cells=len(measured),
            measured=sum(unit.id in done for unit in measured),
        )
        self._hand_out()
        while self.running:
            outcome = self.runner.next()
            unit = self.running.pop(outcome.key)
            if isinstance(unit, TrainUnit):
                self._trained(unit, outcome)
            else:
                self._measured(unit, outcome)
            self._hand_out()

    def _add(self, model_id: str, job: Job, row: Mapping[str, Any], temperature: float | None) -> None:
        self.stored[model_id] = Stored(job, row["shard"], row["slot"], temperature)
        self.choices.setdefault(job.stack_key, row["engine"].partition(" on ")[0])
        if row["targets"] is not None:
            self.targets[model_id] = row["targets"]

    def _hand_out(self) -> None:
        """Submit every unit whose models are there; a unit of training loses the jobs whose teacher failed."""
        while units := self.waiting.ready():
            for unit in units:
                if isinstance(unit, TrainUnit):
                    reasons = {job.id: self._orphaned(job) for job in unit.jobs if job.needs & self.failed.keys()}
                    if reasons:
                        # those who learn together need no model that was trained before
                        self._fail_jobs([job for job in unit.jobs if job.id in reasons], reasons)
                        unit = TrainUnit(jobs=tuple(job for job in unit.jobs if job.id not in reasons))
                    if unit.jobs:
                        self._submit(unit, *self._training(unit))
                else:
                    self._submit(unit, *self._measuring(unit))

    def _orphaned(self, job: Job) -> str:
        """Why a job cannot be trained: the first of the models it needs that failed."""
        model = next(model for model in (*job.taught_by, job.matches) if model in self.failed)
        who = "its teacher" if model in job.taught_by else "the model whose loss it matches"
        return f"{who} failed: {self.failed[model]}"

    def _submit(self, unit: Unit, function: Callable[..., Any], *arguments: Any) -> None:
        self.running[unit.id] = unit
        limit = self.unit_timeout
        if limit is None:
            limit = training_limit(unit, self._sizes(unit.jobs[0].task)) if isinstance(unit, TrainUnit) else measuring_limit(unit)
        self.runner.submit(unit.id, function, *arguments, limit=limit)

    def _training(self, unit: TrainUnit) -> tuple[Any, ...]:
        teachers = {model: (self.stored[model], self.targets.get(model)) for model in unit.needs}
        twins = {job.id: self.twins[job.id] for job in unit.jobs if job.id in self.twins}
        return train_unit, self._folder, unit.groups, self._sizes(unit.jobs[0].task), teachers, twins, self._engine(unit), self.device

    def _engine(self, unit: TrainUnit) -> str:
        """What trained other models of the same stack, so that a sweep that was interrupted goes on as it would have gone."""
        before = self.choices.get(unit.jobs[0].stack_key, self.engine)
        fits = self.engine == "auto" or (before == "loop") == (self.engine == "loop")
        return before if fits else self.engine

    def _measuring(self, unit: MeasureUnit) -> tuple[Any, ...]:
        models = {model: self.stored[model] for model in unit.needs if model in self.stored}
        groups = list(unit.students.values())
        sizes = self._sizes(unit.task)
        return measure_unit, self._folder, unit.task, unit.draw, sizes, models, groups, unit.teachers, unit.twins, unit.probes, unit.circle

    @property
    def _folder(self) -> Path:
        return self.writer.path.absolute()

    def _sizes(self, task: str) -> SplitSizes:
        return self.plan.sizes(task)

    def _trained(self, unit: TrainUnit, outcome: Outcome) -> None:
        if outcome.error is not None:
            if len(unit.jobs) > unit.stages:
                # one bad job must not cost the others of its stack: halve until it is alone
                for half in unit.halves():
                    self._submit(half, *self._training(half))
                return
            self._fail_jobs(unit.jobs, {job.id: outcome.reason for job in unit.jobs})
            return
        trained: TrainedUnit = outcome.result
        self.writer.record_models(trained.models, trained.scores)
        fitted = _temperatures(trained.scores)
        for job, row in zip(unit.jobs, trained.models, strict=True):
            if row["status"] == "done":
                self._add(job.id, job, row, fitted.get(job.id))
                self.waiting.settle(job.id)
            else:
                self.failed[job.id] = row["reason"]
                self.waiting.settle(job.id)
                title = TrainUnit(jobs=(job,)).title
                self.writer.record_unit({"unit_id": job.id, "title": title, "status": "failed", "reason": row["reason"], "seconds": 0.0})
        failures = sum(row["status"] == "failed" for row in trained.models)
        self.progress.trained(len(unit.jobs) - failures, failures)

    def _fail_jobs(self, jobs: Sequence[Job], reasons: Mapping[str, str]) -> None:
        shared = {"seconds": 0.0, "engine": "", "shard": None, "slot": None, "targets": None, "status": "failed"}
        rows = []
        for job in jobs:
            network = describe_network(job, split(find("tasks", job.task), draw=job.draw, sizes=self._sizes(job.task)))
            rows.append(model_row(job, **shared, **network, twin_id=self.twins.get(job.id), reason=reasons[job.id]))
        self.writer.record_models(rows, [])
        for job in jobs:
            self.failed[job.id] = reasons[job.id]
            self.waiting.settle(job.id)
            title = TrainUnit(jobs=(job,)).title
            self.writer.record_unit({"unit_id": job.id, "title": title, "status": "failed", "reason": reasons[job.id], "seconds": 0.0})
        self.progress.trained(0, len(jobs))

    def _measured(self, unit: MeasureUnit, outcome: Outcome) -> None:
        row: dict[str, Any] = {"unit_id": unit.id, "title": unit.title, "status": "done", "reason": "", "seconds": 0.0}
        if outcome.error is not None:
            self.writer.record_unit(row | {"status": "failed", "reason": outcome.reason})
            self.progress.measured(failed=True)
            return
        measured: MeasuredUnit = outcome.result
        if measured.broken:
            row |= {"status": "failed", "reason": "; ".join(measured.broken)}
        if not measured.broken and any(model in self.failed for model in unit.needs):
            # the values are right for the models there are, but a later run may train the missing ones: it must measure again
            self.writer.record_measurements(measured.rows)
        else:
            self.writer.record_unit(row, measured.rows)
        self.progress.measured(failed=bool(measured.broken))


def _temperatures(scores: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Model id -> the temperature that was fitted when it was scored."""
    return {row["model_id"]: row["value"] for row in scores if row["metric"] == "temperature"}


def default_jobs(device: str = "cpu") -> int:
    """Worker processes of the command line: one a core that this process may use; on a GPU, which they share, four at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if device == "cpu" else min(cores, 4)
