"""Reading an index back from the shards: what each says of its models, and the plan beside it."""

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.files import read_regular, sync_folder
from kdprobe.zoo.folder import BEFORE, INDEX, PLAN, check_folder
from kdprobe.zoo.index import Index
from kdprobe.zoo.shards import SHARDS, TARGETS, read_contents, tensor_path, verified_bytes
from kdprobe.zoo.soundness import job_of, problems_of, require_sound
from kdprobe.zoo.writer import SEALED, open_lock

_COLUMNS = {"model_id", "job", "kind", "size", "flops", "engine", "slot", "targets", "twin_id"}
_SCORE = {"model_id", "metric", "rows", "value"}


class Rebuilt(NamedTuple):
    """What a rebuild found.

    Parameters
    ----------
    models
        Models that are in the new index.
    lost
        What could not be read back, in words.
    before
        Name that the index of before now has, where there was one.
    planned
        Whether the plan was there too.
    predicted
        Whether predictions of theory came with it. The index that was sealed with them is lost, and whoever changes the file beside it can
        write its hash too: nothing vouches any more that they stood before the first model.
    """

    models: int
    lost: list[str]
    before: str
    planned: bool
    predicted: bool = False


def rebuild(path: Path) -> Rebuilt:
    """Read the index of a zoo back from its shards.

    The models, their scores and the plan are as they were. What is measured of students is not in the shards: the same sweep, run again,
    measures it anew and trains nothing. How long a model took is not known any more: its seconds are 0.

    Raises
    ------
    PlanError
        If the index is there and sound, or the folder holds what kdprobe did not write.
    DataError
        If no shard says what it holds: those of zoo format 2 do not.
    """
    check_folder(path, rebuilds=True)
    if not (path / SHARDS).is_dir():
        raise DataError(f"{path} is no zoo: it has no {SHARDS}: give the folder that a sweep wrote")
    with open_lock(path):
        _refuse_sound(path)
        plan, lost = _plan(path)
        models, scores = [], []
        for file in sorted((path / SHARDS).glob("*.safetensors")):
            try:
                found = _contents(path, file)
            except DataError as error:
                lost.append(f"{SHARDS}/{file.name}: {error}")
            else:
                models += found["models"]
                scores += found["scores"]
        models, scores, incomplete = _complete(path, models, scores)
        lost += incomplete
        if not models:
            why = f": {lost[0]}" if lost else ""
            raise DataError(f"{path} cannot be rebuilt, no file says which models it holds{why}: run the sweep into a new folder")
        before = BEFORE if (path / INDEX).exists() else ""
        _write(path, plan, models, scores)
    return Rebuilt(len(models), lost, before, bool(plan), _predicts(plan))


def _refuse_sound(path: Path) -> None:
    try:
        index = Index(path / INDEX)
    except DataError:
        return
    try:
        problems = problems_of(index)
    finally:
        index.close()
    if not problems:
        raise PlanError(f"{path} has an index, and it is what was written: there is nothing to rebuild")


def _plan(path: Path) -> tuple[dict[str, str], list[str]]:
    """Entries of the sealed plan, as text, and what is wrong with them."""
    file = path / PLAN
    if not file.exists():
        return {}, [f"{PLAN} is missing: the plan that is run next becomes that of the zoo"]
    try:
        found = json.loads(read_regular(file))
        # zoos of before there were predictions have none
        entries = {key: found[key] for key in SEALED if (found.get(key) if key == "predicted" else found[key]) is not None}
        if not all(isinstance(value, str) for value in entries.values()):
            raise TypeError
        _predicts(entries)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError):
        return {}, [f"{PLAN} cannot be read: the plan that is run next becomes that of the zoo"]
    return entries, []


def _predicts(plan: dict[str, str]) -> bool:
    return bool(json.loads(plan.get("predicted", "{}")).get("entries"))


def _contents(path: Path, file: Path) -> dict[str, Any]:
    """Rows of the models and scores in a shard, checked."""
    found = read_contents(verified_bytes(tensor_path(path, SHARDS, file.stem), file.stem))
    if found is None:
        raise DataError("it does not say which models it holds, as those of zoo format 2 do not")
    for row in found["models"]:
        job = job_of(str(row.get("job")))
        if row.keys() != _COLUMNS or job is None or job.id != row["model_id"]:
            raise DataError("what it says of its models is not what kdprobe writes")
    known = {row["model_id"] for row in found["models"]}
    if not all(row.keys() == _SCORE and row["model_id"] in known for row in found["scores"]):
        raise DataError("what it says of its scores is not what kdprobe writes")
    rows = [row | {"shard": file.stem, "seconds": 0.0, "status": "done", "reason": ""} for row in found["models"]]
    return {"models": rows, "scores": found["scores"]}


def _complete(path: Path, models: list[dict[str, Any]], scores: list[dict[str, Any]]) -> tuple[list[Any], list[Any], list[str]]:
    """Leave out models whose targets are not what they were, and all that learned from a model that is not there."""
    kept, lost = {row["model_id"]: row for row in models}, []
    for row in models:
        if row["targets"] is not None:
            try:
                verified_bytes(tensor_path(path, TARGETS, row["model_id"]), row["targets"])
            except DataError as error:
                kept.pop(row["model_id"], None)
                lost.append(str(error))
    needs = {}
    for model, row in kept.items():
        job = job_of(row["job"])
        needs[model] = set[str]() if job is None else {*job.needs, *([] if job.teacher is None or job.peers else [job.teacher])}
    while orphans := {model for model in kept if needs[model] - kept.keys()}:
        lost += [f"model {model[:12]} learned from a model that is lost" for model in sorted(orphans)]
        kept = {model: row for model, row in kept.items() if model not in orphans}
    return list(kept.values()), [row for row in scores if row["model_id"] in kept], lost


def _write(path: Path, plan: dict[str, str], models: list[dict[str, Any]], scores: list[dict[str, Any]]) -> None:
    """Write the new index beside the old one, check it, and put it in its place; the old one stays under another name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{INDEX}.", suffix=".kdprobe-tmp", dir=path)
    os.close(descriptor)
    temporary = Path(name)
    try:
        index = Index(temporary, create=True)
        try:
            with index.transaction():
                for key, value in plan.items():
                    index.set_meta(key, value)
                index.set_meta("rebuilt_models", str(len(models)))
                index.insert("models", models)
                index.insert("scores", scores)
            require_sound(index)
        finally:
            index.close()
        temporary.chmod(0o644)
        for beside in path.glob(f"{INDEX}-*"):
            if re.fullmatch(rf"{re.escape(INDEX)}-(journal|wal|shm)", beside.name):
                beside.unlink()
        if (path / INDEX).exists():
            os.replace(path / INDEX, path / BEFORE)
        os.replace(temporary, path / INDEX)
        sync_folder(path)
    except OSError as error:
        raise DataError(f"cannot write to {path}: {error.strerror}: free some space") from error
    finally:
        temporary.unlink(missing_ok=True)
