"""Reading packed files of which a few bytes may say gigabytes."""

import gzip
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from kdprobe.core.errors import DataError

LARGEST = 1 << 28
"""Bytes of one file, unpacked: five times the largest that a task needs."""


def read_limited(file: Path, *, unpack: bool) -> bytes:
    """Return the content of a file, unpacked if it is a gzip, and never more than `LARGEST` bytes of it.

    Raises
    ------
    DataError
        If there is more: it is seen after that many bytes, whatever the file says of itself.
    OSError, EOFError, zlib.error
        If it cannot be read or unpacked.
    """
    if not unpack:
        refuse_large(file.name, file.stat().st_size)
        return file.read_bytes()
    with gzip.open(file) as packed:
        content = packed.read(LARGEST + 1)
    refuse_large(file.name, len(content))
    return content


def refuse_large(name: str, size: int) -> None:
    """Raise DataError for a file of more than `LARGEST` bytes."""
    if size > LARGEST:
        raise DataError(f"{name} holds more than {LARGEST >> 20} MB, and no task has so large a file: take it from its source again")


def unzip(archive: Path, folder: str, names: Iterable[str]) -> None:
    """Unpack files of one folder of a zip archive beside it, and nothing else: each may be there as it is or as a gzip."""
    wanted = {f"{folder}/{name}{suffix}" for name in names for suffix in ("", ".gz")}
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            if member.filename in wanted:
                refuse_large(member.filename, member.file_size)
                packed.extract(member, archive.parent)


def objects_of(content: bytes) -> Iterator[bytes]:
    """Yield each object in the `.rdb` file of an R package, in R's serialised form.

    One after the other lies an object's length (4 bytes, the highest first), and then the object, packed by zlib.

    Raises
    ------
    DataError
        If the file was cut short, or is something else.
    """
    start = 0
    while start < len(content):
        packed = zlib.decompressobj()
        try:
            found = packed.decompress(content[start + 4 :], LARGEST)
        except zlib.error as error:
            raise DataError(f"the R data at byte {start} cannot be read: {error}: it was cut short or is something else") from error
        if not packed.eof:
            raise DataError(f"the R data at byte {start} has no end: it was cut short or is something else")
        yield found
        start = len(content) - len(packed.unused_data)
