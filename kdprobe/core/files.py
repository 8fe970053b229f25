"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path

from kdprobe.core.errors import DataError


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, meets the old content or the new, never a part.

    A temporary file in the same folder (a rename across file systems is a copy) is flushed to disk, renamed, and the folder flushed, so
    that the rename survives a power cut too. Costs two fsyncs.

    Raises
    ------
    DataError
        If the folder is read-only, missing or full: the text names the file and the system's reason. Nothing is left behind.
    """
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
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
    """Whether a file is what an interrupted `write_atomically` left behind."""
    return path.name.startswith(".") and path.name.endswith(".tmp")
