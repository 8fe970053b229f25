"""Files that are there whole or not at all, and what stands where one is to be written."""

import errno
import os
import re
import stat
import tempfile
from pathlib import Path

from kdprobe.core.errors import DataError

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.kdprobe-tmp", re.DOTALL)
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, meets the old content or the new, never a part.

    A temporary file in the same folder (a rename across file systems is a copy) is flushed to disk, renamed, and the folder flushed, so
    that the rename survives a power cut too. Costs two fsyncs.

    Raises
    ------
    DataError
        If the path is a link, a device, a pipe or a folder, which a rename would replace; or the folder is read-only, missing or full: the
        text names the file and the system's reason. Nothing is left behind.
    """
    refuse_special(path)
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".kdprobe-tmp", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's files are private; these are meant to be shared
        os.replace(temporary, path)
        temporary = None
        sync_folder(path.parent)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}: free some space or choose another folder") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_temporary(path: Path) -> bool:
    """Whether a file is what an interrupted `write_atomically` left behind: by a name that nobody else gives."""
    return _TEMPORARY.fullmatch(path.name) is not None


def special(path: Path) -> str:
    """What stands at a path that is no regular file, such as "a link", in words; "" for a regular file, and where nothing is."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return ""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def refuse_special(path: Path) -> None:
    """Raise DataError where something other than a regular file stands."""
    if kind := special(path):
        raise DataError(f"cannot write {path}: it is {kind}, which would be replaced: name a regular file, or one that is not there")


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file, or of one that a link leads to.

    Raises
    ------
    OSError
        If it is a pipe, which would be waited for without end, a device, which may have no end, or a folder; or holds more than there is
        memory for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(mode), 'no regular file')}", str(path))
        try:
            return file.read()
        except MemoryError:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path)) from None


def head(path: Path, size: int) -> bytes:
    """The first bytes of a file; none of what is no regular file, which could block or lead elsewhere, or cannot be read."""
    if special(path):
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""
