"""Tensors on disk: safetensors files whose SHA-256 is verified at every load.

About a third of all single-byte mutations of a safetensors file load without complaint, with wrong weights. So the hash is checked before
anything is parsed.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load, save

from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically

HASH = re.compile(r"[0-9a-f]{64}")
SHARDS, TARGETS = "shards", "targets"


def write_shard(zoo: Path, tensors: dict[str, torch.Tensor]) -> str:
    """Write tensors as ``shards/<sha256>.safetensors`` and return the hash. Writing the same content again changes nothing."""
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    sha256 = hashlib.sha256(content).hexdigest()
    write_atomically(tensor_path(zoo, SHARDS, sha256), content)
    return sha256


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
    return load(verified_bytes(path, sha256))


def verified_bytes(path: Path, sha256: str) -> bytes:
    """Return a file's content, or raise DataError if it cannot be read or has another SHA-256."""
    try:
        content = path.read_bytes()
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
