"""Tensors on disk: safetensors files whose SHA-256 is verified at every load.

About a third of all single-byte mutations of a safetensors file load without complaint, with wrong weights. So the hash is checked before
anything is parsed. A shard also says what it holds: the rows of its models and their scores, so that an index can be read back from it.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from kdprobe.core.errors import DataError
from kdprobe.core.files import read_regular, write_atomically

HASH = re.compile(r"[0-9a-f]{64}")
SHARDS, TARGETS = "shards", "targets"
CONTENTS = 1
"""Format of what a shard says of its models."""
LARGEST_HEADER = 100_000_000
"""Bytes; the format allows no more."""


def write_shard(
    zoo: Path, tensors: dict[str, torch.Tensor], models: Sequence[Mapping[str, Any]] = (), scores: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Write tensors as ``shards/<sha256>.safetensors`` and return the hash. Writing the same content again changes nothing.

    Parameters
    ----------
    models, scores
        Rows of the index for the models in it, without what differs from run to run or says where they lie.
    """
    kept = [{key: value for key, value in row.items() if key not in ("shard", "seconds", "status", "reason")} for row in models]
    said = json.dumps({"format": CONTENTS, "models": kept, "scores": list(scores)}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={"kdprobe": said})
    sha256 = hashlib.sha256(content).hexdigest()
    write_atomically(tensor_path(zoo, SHARDS, sha256), content)
    return sha256


def read_contents(content: bytes) -> dict[str, Any] | None:
    """Return what a shard says of its models, {"models": rows, "scores": rows}; None where it says nothing, as those of format 2.

    Raises
    ------
    DataError
        If the bytes are no safetensors file, or what they say cannot be read.
    """
    header = read_header(content)
    said = header.get("__metadata__", {}).get("kdprobe")
    if said is None:
        return None
    try:
        found = json.loads(said)
        if found["format"] != CONTENTS:
            raise DataError(f"it says what it holds in format {found['format']!r:.20}: use the kdprobe that wrote it")
        return {"models": [dict(row) for row in found["models"]], "scores": [dict(row) for row in found["scores"]]}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"what it says of its models cannot be read ({type(error).__name__})") from error


def read_header(content: bytes) -> dict[str, Any]:
    """Return the header of a safetensors file: names, types, shapes. Its length is checked before it is read."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(len(content) - 8, LARGEST_HEADER):
        raise DataError("it is no safetensors file")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise DataError("it is no safetensors file") from error
    if not isinstance(header, dict) or not all(isinstance(value, dict) for value in header.values()):
        raise DataError("it is no safetensors file")
    return header


def read_shard(zoo: Path, sha256: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a shard; DataError if the file is missing or is not what its name says."""
    return _read(tensor_path(zoo, SHARDS, sha256), sha256)


def write_targets(zoo: Path, teacher: str, tensors: dict[str, torch.Tensor]) -> str:
    """Write a teacher's outputs by sample id as ``targets/<teacher>.safetensors`` and return the SHA-256 of the file."""
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    write_atomically(tensor_path(zoo, TARGETS, teacher), content)
    return hashlib.sha256(content).hexdigest()


def read_targets(zoo: Path, teacher: str, sha256: str) -> dict[str, torch.Tensor]:
    """Return a teacher's outputs; DataError if the file is missing or its content has another hash."""
    return _read(tensor_path(zoo, TARGETS, teacher), sha256)


def tensor_path(zoo: Path, folder: str, name: str) -> Path:
    """Return where a tensor file lies; refuses a name that is not a hash, so that no name in an index can point out of the zoo."""
    if not HASH.fullmatch(name):
        raise DataError(f"{folder} name {name!r} is not a SHA-256: the index was changed by hand; run the sweep into a new folder")
    return zoo / folder / f"{name}.safetensors"


@lru_cache(maxsize=32)
def _read(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    try:
        return load(verified_bytes(path, sha256))
    except SafetensorError as error:
        raise DataError(
            f"{path.parent.name}/{path.name} is no safetensors file ({error}): delete it and run the same sweep again"
        ) from error


def verified_bytes(path: Path, sha256: str) -> bytes:
    """Return a file's content, or raise DataError if it cannot be read or has another SHA-256."""
    try:
        content = read_regular(path)
    except OSError as error:
        raise DataError(
            f"{path.parent.name}/{path.name} cannot be read ({error.strerror}): run the same sweep again, it trains what is missing"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path.parent.name}/{path.name} is damaged: its SHA-256 is {found[:12]}…, the index says {sha256[:12]}…: "
            "delete the file and run the same sweep again"
        )
    return content
