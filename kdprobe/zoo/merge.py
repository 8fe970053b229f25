"""One zoo of several that hold parts of one plan: files and rows as they are."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.files import read_regular, write_atomically
from kdprobe.tasks.own.keep import DATA
from kdprobe.zoo.folder import INDEX, check_folder
from kdprobe.zoo.index import Index
from kdprobe.zoo.shards import SHARDS, TARGETS, tensor_path, verified_bytes
from kdprobe.zoo.soundness import require_sound
from kdprobe.zoo.writer import SEALED, Writer


class Merged(NamedTuple):
    """What a merge did.

    Parameters
    ----------
    models
        Models that came with it.
    there
        Models that were there already, by an earlier merge or in another part.
    """

    models: int
    there: int


def merge(parts: Sequence[Path], out: Path) -> Merged:
    """Bring the trained models of several zoos together, with their scores; what failed is left out, and tried again by the next sweep.

    Nothing is trained and nothing measured: the same sweep, run with the merged folder, measures what it would have measured had it
    trained all models itself. To merge again, with parts that came later or after an interruption, adds what is not there.

    Parameters
    ----------
    parts
        Folders that the same sweep wrote, each with another ``--shard``.
    out
        Folder of the whole; made if it is not there.

    Raises
    ------
    PlanError
        If the parts, or what is in `out`, are of different plans, or there is no part.
    DataError
        If a part is no zoo, or a file of it is damaged.

    Notes
    -----
    Every file is read once, checked against its SHA-256, and written.
    """
    if not parts:
        raise PlanError("no part was given: give the folders that the sweeps with --shard wrote")
    if out.exists() and any(part.exists() and out.samefile(part) for part in parts):
        raise PlanError(f"{out} is a part itself: give the whole a new folder with --out")
    with ExitStack() as opened:
        indices = [_opened(part, opened) for part in parts]
        plans = [_plan(index) for index in indices]
        first = plans[0]
        for part, plan in zip(parts, plans, strict=True):
            if plan["plan_hash"] != first["plan_hash"]:
                raise PlanError(f"{parts[0]} and {part} hold parts of different plans: merge parts of one sweep")
        check_folder(out)
        writer = opened.enter_context(Writer(out))
        before = writer.index.meta("plan_hash")
        if before not in (None, first["plan_hash"]):
            raise PlanError(f"{out} holds results of another plan: choose another folder with --out")
        writer.reconcile()
        if before is None:
            writer.seal_plan({key: value for key, value in first.items() if value is not None})
        found = [_add(part, index, writer) for part, index in zip(parts, indices, strict=True)]
    return Merged(sum(one.models for one in found), sum(one.there for one in found))


def _opened(part: Path, opened: ExitStack) -> Index:
    index = Index(part / INDEX)
    opened.callback(index.close)
    require_sound(index)
    return index


def _plan(index: Index) -> dict[str, str | None]:
    plan = {key: index.meta(key) for key in SEALED}
    if plan["plan_hash"] is None:
        raise DataError(f"{index.path.parent} has no sealed plan: run its sweep again")
    return plan


def _add(part: Path, index: Index, writer: Writer) -> Merged:
    """The models of one part that the whole lacks: files first, then all rows at once."""
    known = {row["model_id"] for row in writer.index.rows("SELECT model_id FROM models")}
    rows = [dict(row) for row in index.rows("SELECT * FROM models WHERE status = 'done'")]
    new = [row for row in rows if row["model_id"] not in known]
    for shard in sorted({row["shard"] for row in new}):
        _copy(part, writer.path, SHARDS, shard, shard)
    for row in new:
        if row["targets"] is not None:
            _copy(part, writer.path, TARGETS, row["model_id"], row["targets"])
    for file in sorted((part / DATA).glob("*.safetensors")):
        # rows of one's own say their hash themselves, and are checked whenever they are read
        (writer.path / DATA).mkdir(exist_ok=True)
        write_atomically(writer.path / DATA / file.name, read_regular(file))
    wanted = {row["model_id"] for row in new}
    writer.record_models(new, [dict(row) for row in index.rows("SELECT * FROM scores") if row["model_id"] in wanted])
    return Merged(len(new), len(rows) - len(new))


def _copy(part: Path, out: Path, folder: str, name: str, sha256: str) -> None:
    write_atomically(tensor_path(out, folder, name), verified_bytes(tensor_path(part, folder, name), sha256))
