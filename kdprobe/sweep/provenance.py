"""Where results come from: the sealed plan, the command, versions, hardware, wall time. Never a user, a host or an absolute path."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import find
from kdprobe.sweep.plan import Plan
from kdprobe.sweep.plans import kinds
from kdprobe.sweep.predictions import sealed_predictions
from kdprobe.tasks.own.keep import provide_kept
from kdprobe.zoo.index import Index
from kdprobe.zoo.writer import Writer

PACKAGES = ("kdprobe", "torch", "numpy", "scipy", "scikit-learn", "pandas", "distributed")


def sealed_plan(index: Index, plan: Plan) -> Any:
    """The plan that the results of a folder were asked for, None if there is none yet.

    Raises
    ------
    PlanError
        If this plan contradicts it. One that only adds models (more seeds, sizes, tasks) does not.
    """
    sealed = index.meta("plan")
    if sealed is None:
        return None
    # a plan of somebody's own rows is read by the names that its folder keeps
    provide_kept(index.path.parent)
    asked = index.meta("asks") or "gap"
    if asked not in kinds():
        raise DataError(f"{index.path.parent} asks {asked!r:.40}, which this kdprobe does not know: use the kdprobe that wrote it")
    if asked != plan.asks:
        raise PlanError(f"{index.path.parent} holds results of another question (--{asked}): choose another folder with --out")
    try:
        before: Any = msgspec.json.decode(sealed, type=kinds()[asked])
    except (msgspec.MsgspecError, PlanError, RecursionError) as error:
        raise DataError(f"{index.path.parent} has a plan that cannot be read ({error}): run the sweep into a new folder") from error
    changed = [name for name, sha256 in before.own_data.items() if plan.own_data.get(name, sha256) != sha256]
    if changed:
        raise PlanError(
            f"{index.path.parent} holds results of other rows of {', '.join(changed)}: the data, or how it is read, has changed since. Put "
            "back what was there, or choose another folder with --out"
        )
    if before.hash != plan.hash and not plan.extends(before):
        raise PlanError(
            f"{index.path.parent} holds results of another plan ({'; '.join(before.differences(plan))}): "
            "choose another folder with --out, or repeat the plan that is there"
        )
    return before


def seal(writer: Writer, plan: Plan, data: Mapping[tuple[str, int], str]) -> None:
    """Store the plan, and what theory predicts of it, before any result; refuse one that contradicts results that are there.

    A plan that only adds models extends the zoo, and the report shows that it was extended after results were known.
    """
    index = writer.index
    before = sealed_plan(index, plan)
    deviations: list[dict[str, Any]] = index.meta_json("deviations", [])
    trained = index.rows("SELECT count(*) AS n FROM models")[0]["n"]
    if before is not None and before.hash != plan.hash and trained:
        changes = before.differences(plan)
        deviations.append({"from": before.hash, "to": plan.hash, "changes": changes, "models_there": trained})
    splits = {sha256: {"task": task, "draw": draw, "sizes": msgspec.to_builtins(plan.sizes(task))} for (task, draw), sha256 in data.items()}
    known = index.meta_json("splits", {})
    sealed = {"asks": plan.asks, "plan": msgspec.json.encode(plan).decode(), "plan_hash": plan.hash}
    predicted = sealed_predictions(plan, index.meta_json("predicted", {}), models=trained)
    writer.seal_plan(sealed | {"deviations": deviations, "splits": known | splits, "predicted": predicted})


def provenance(index: Index, plan: Plan, *, command: str, seconds: float, jobs: int) -> dict[str, Any]:
    """Collect what a reader needs to repeat a sweep."""
    before = index.meta_json("provenance", {})
    return {
        "command": command,
        "asks": plan.asks,
        "plan": msgspec.to_builtins(plan),
        "plan_hash": plan.hash,
        "not_applicable": [found._asdict() | {"knowledge": find("distillers", found.distiller).knowledge} for found in plan.refused],
        "deviations": index.meta_json("deviations", []),
        "predicted": index.meta_json("predicted", {}),
        # an index that was read back has its seal from a file that anybody can write
        "read_back": index.meta("rebuilt_models") is not None,
        "commit": _commit(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "hardware": f"{_processor()}, {os.cpu_count()} cores, {jobs or 1} worker{'s' if jobs > 1 else ''} of one thread",
        "seconds": round(before.get("seconds", 0.0) + seconds, 1),
        "runs": before.get("runs", 0) + 1,
    }


def shown_path(path: Path) -> str:
    """A path as a reader may see it: relative to the working folder, or its last part."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Commit of the checkout that kdprobe runs from; empty where it was installed from a wheel."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():
        return ""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
