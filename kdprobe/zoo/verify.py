"""Whether a zoo is what was written: every row, every file, and what each says of the other."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kdprobe.core.errors import DataError
from kdprobe.core.files import read_regular
from kdprobe.core.pages import page_problems
from kdprobe.zoo.folder import PLAN
from kdprobe.zoo.index import Index
from kdprobe.zoo.shards import SHARDS, TARGETS, read_contents, read_header, tensor_path, verified_bytes
from kdprobe.zoo.soundness import problems_of

_TOLD = ("job", "kind", "size", "flops", "engine", "slot", "targets", "twin_id")


def verify(index: Index, path: Path) -> list[str]:
    """See `kdprobe.zoo.Zoo.verify`."""
    problems = problems_of(index)
    try:
        checked = index.rows("PRAGMA integrity_check")
        problems += [f"index: {row['integrity_check']}" for row in checked if row["integrity_check"] != "ok"]
        problems += _file_problems(index, path)
        problems += _plan_problems(index, path)
        problems += [problem for page in sorted(path.glob("*.html")) for problem in page_problems(page)]
    except DataError as error:
        if str(error) not in problems:
            problems.append(str(error))
    return problems


def _file_problems(index: Index, path: Path) -> Iterator[str]:
    models: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    scores: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for row in index.rows("SELECT * FROM models WHERE status = 'done' ORDER BY model_id"):
        if isinstance(row["shard"], str) and isinstance(row["slot"], int):  # what else there is, the rows' own check has told
            models[row["shard"]][row["model_id"]] = row
    for row in index.rows("SELECT * FROM scores"):
        scores[row["model_id"]][row["metric"], row["rows"]] = row["value"]
    for shard, rows in sorted(models.items()):
        try:
            content = verified_bytes(tensor_path(path, SHARDS, shard), shard)
            yield from (f"{SHARDS}/{shard[:12]}…: {problem}" for problem in _shard_problems(content, rows, scores))
        except DataError as error:
            yield str(error)
    for row in (row for rows in models.values() for row in rows.values() if row["targets"] is not None):
        try:
            verified_bytes(tensor_path(path, TARGETS, row["model_id"]), row["targets"])
        except DataError as error:
            yield str(error)


def _shard_problems(content: bytes, rows: dict[str, dict[str, Any]], scores: dict[str, dict[tuple[str, str], float]]) -> Iterator[str]:
    """Where a shard says something else of its models than the index does. Shards of format 2 say only how many there are."""
    shape = read_header(content).get("history.entries", {}).get("shape", [0])
    yield from (
        f"model {model[:12]} is said to lie in slot {row['slot']}, of {shape[0]}" for model, row in rows.items() if row["slot"] >= shape[0]
    )
    told = read_contents(content)
    if told is None:
        return
    said = {row["model_id"]: row for row in told["models"]}
    for model, row in rows.items():
        if model not in said or any(said[model].get(key) != row[key] for key in _TOLD):
            yield f"the index says something else of model {model[:12]}"
        elif scores[model] != {(score["metric"], score["rows"]): score["value"] for score in told["scores"] if score["model_id"] == model}:
            yield f"the index has other scores of model {model[:12]}"


def _plan_problems(index: Index, path: Path) -> Iterator[str]:
    """Where the plan in the folder is another than that in the index; a zoo of format 2 has none."""
    file = path / PLAN
    if not file.exists():
        if index.meta("plan") is not None and index.meta("unproven_models") is None and index.seals():
            yield f"{PLAN} is missing: run the same sweep again, which writes it"
        return
    try:
        found = json.loads(read_regular(file))
        same = isinstance(found, dict) and all(index.meta(key) == value for key, value in found.items())
    except (OSError, ValueError, RecursionError):
        same = False
    if not same:
        yield f"{PLAN} is not what was written: run the same sweep again, which writes it anew"
