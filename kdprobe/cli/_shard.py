"""One part of a sweep, trained on a machine of its own."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdprobe.sweep.plan import Plan

if TYPE_CHECKING:
    from kdprobe.sweep.shard import Shard


def train_part(plan: Plan, where: Any, out: Path, shard: "Shard", command: str) -> int:
    """Train a part of a plan into a folder beside that of the whole, and say what comes next.

    Parameters
    ----------
    where
        How the sweep is run.
    out
        Folder of the whole.
    command
        The command of the sweep, without its settings.
    """
    from kdprobe.sweep.command import command_of
    from kdprobe.sweep.provenance import shown_path
    from kdprobe.sweep.run import default_jobs, run

    folder = out.with_name(f"{out.name}-{shard.number}-of-{shard.of}")
    jobs = 0 if where.scheduler else default_jobs(where.device) if where.jobs is None else where.jobs
    whole = command_of(command, plan, shown_path(out))
    with run(
        plan, folder, jobs=jobs, scheduler=where.scheduler, progress=True, engine=where.engine, device=where.device, shard=shard,
        unit_timeout=where.unit_timeout,
        command=f"{whole} --shard {shard}",
    ) as zoo:  # fmt: skip
        models, failed = len(zoo.models()), zoo.provenance()["failed_cells"]
    if where.json:
        print(json.dumps({"zoo": str(folder), "shard": str(shard), "models": models, "failed_cells": failed}))
    else:
        print(f"{shown_path(folder)}: {models} models, part {shard}. When all parts are there:")
        print(f"  kdprobe zoo merge {shown_path(out)}-*-of-{shard.of} --out {shown_path(out)}\n  {whole}")
    if failed:
        print(f"{len(failed)} cells failed; the same command tries them again", file=sys.stderr)
    return 1 if failed else 0
