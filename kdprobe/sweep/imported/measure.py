"""Measuring models that were trained elsewhere, as a sweep measures its own."""

import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from kdprobe.core.errors import PlanError
from kdprobe.core.identity import content_id
from kdprobe.core.registry import available, find
from kdprobe.core.task import SplitSizes
from kdprobe.sweep.measuring import measure_unit
from kdprobe.tasks.own.keep import kept
from kdprobe.training.job import Job
from kdprobe.zoo import Zoo
from kdprobe.zoo.imported.add import plan_of
from kdprobe.zoo.traces import Stored
from kdprobe.zoo.writer import Writer

Cell = tuple[str, int, str, int]
"""Family and width of the teachers, of the students."""


def measure(zoo: Zoo | str | Path, *, probes: tuple[str, ...] | list[str] = (), command: str = "kdprobe.measure(zoo)") -> Zoo:
    """Run the probes on a zoo of models that were trained elsewhere, as a sweep does on its own; what is measured already is not repeated.

    Parameters
    ----------
    zoo
        What `kdprobe.Zoo.create` made and `kdprobe.Zoo.add` filled, or its folder.
    probes
        Costly probes beside the cheap ones.
    command
        What the page names as the way to have it again.

    Returns
    -------
    Zoo
        Ready for ``kdprobe.report`` and ``kdprobe.capacity_gap(zoo.gains())``.

    Raises
    ------
    PlanError
        If a sweep wrote the zoo, it has no student, or a probe is unknown.

    Examples
    --------
    >>> import kdprobe
    >>> zoo = kdprobe.measure("mine")  # doctest: +SKIP
    >>> kdprobe.report(zoo, "mine.html")  # doctest: +SKIP
    """
    start = time.perf_counter()
    path = zoo.path if isinstance(zoo, Zoo) else Path(zoo)
    for name in probes:
        find("probes", name)
    with Zoo(path) as opened:
        plan_of(path, opened._index)  # pyright: ignore[reportPrivateUsage]
    task = kept(path)[0]
    wanted = tuple(
        name for name, probe in available("probes").items() if task.kind in probe.tasks and (name in probes or probe.cost == "cheap")
    )
    with Writer(path) as writer:
        rows = writer.index.rows("SELECT * FROM models WHERE status = 'done'")
        fitted = writer.index.rows("SELECT model_id, value FROM scores WHERE metric = 'temperature'")
        temperatures = {row["model_id"]: row["value"] for row in fitted}
        jobs = {row["model_id"]: msgspec.json.decode(row["job"], type=Job) for row in rows}
        stored = {
            row["model_id"]: Stored(jobs[row["model_id"]], row["shard"], row["slot"], temperatures.get(row["model_id"])) for row in rows
        }
        cells = _cells(jobs, {row["model_id"]: row["twin_id"] for row in rows})
        if not cells:
            raise PlanError(f"{path} holds no student: add one with its teacher and its twin")
        for cell, (groups, _, _) in cells.items():
            if min(map(len, groups)) < 2:
                raise PlanError(
                    f"students {cell[2]}-{cell[3]} under teachers {cell[0]}-{cell[1]} have one seed: an interval over seeds needs 2, a "
                    "verdict 8; one pair is what kdprobe.compare reads"
                )
        done = {row["unit_id"] for row in writer.index.rows("SELECT unit_id FROM units WHERE status = 'done'")}
        sizes: SplitSizes = task.split
        for cell, (groups, teachers, twins) in cells.items():
            key = content_id([cell, sorted(map(sorted, (group.values() for group in groups))), sorted(teachers.values()), wanted])
            if key in done:
                continue
            found = measure_unit(path, task.name, 0, sizes, stored, groups, teachers, twins, wanted)
            unit: dict[str, Any] = {"unit_id": key, "title": f"probes of {cell[2]}-{cell[3]} under {cell[0]}-{cell[1]}", "reason": ""}
            status = {"status": "failed" if found.broken else "done", "reason": "; ".join(found.broken), "seconds": 0.0}
            writer.record_unit(unit | status, found.rows)
        before = writer.index.meta_json("provenance", {})
        told = {"command": command, "seconds": round(before.get("seconds", 0.0) + time.perf_counter() - start, 1)}
        with writer.index.transaction():
            writer.index.set_meta("provenance", before | told)
    return Zoo(path)


def _cells(jobs: dict[str, Job], twin_of: dict[str, str | None]) -> dict[Cell, tuple[list[dict[int, str]], dict[int, str], dict[int, str]]]:
    """Students by how they were taught and seed, with the teachers and the twins of all seeds that there are, by sizes."""
    students: dict[Cell, dict[tuple[Any, ...], dict[int, str]]] = defaultdict(lambda: defaultdict(dict))
    twins: dict[Cell, dict[int, str]] = defaultdict(dict)
    for model, job in jobs.items():
        if job.role != "student" or job.teacher is None:
            continue
        teacher = jobs[job.teacher]
        cell = teacher.family, teacher.width, job.family, job.width
        students[cell][job.scheme, job.distiller, job.alpha, tuple(sorted(job.parameters.items()))][job.seed] = model
        if twin := twin_of[model]:
            twins[cell][job.seed] = twin
    siblings: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
    for model, job in jobs.items():
        if job.role == "teacher":
            siblings[job.family, job.width][job.seed] = model
    for cell in students:
        # twins without a student stand beside the others too
        others = {job.seed: model for model, job in jobs.items() if job.role == "twin" and (job.family, job.width) == cell[2:]}
        twins[cell] = others | twins[cell]
    return {cell: (list(groups.values()), siblings[cell[:2]], twins[cell]) for cell, groups in students.items()}
