"""Files are there whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.files import is_temporary, write_atomically


def test_content_and_permissions(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o044 == 0o044 & ~os.umask(os.umask(0o022) or 0o022)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DataError, match=r"cannot write .*file: No space left on device: free some space or choose another folder"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_atomically(Path(sys.argv[1]), b"x" * 100_000)
except DataError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system limits no process's files")
def test_a_write_that_really_finds_no_room_leaves_the_old_file_and_nothing_else(tmp_path):
    """The system itself refuses to write on after 50,000 bytes: the real error of a real write, half of which is done."""
    path = tmp_path / "file"
    write_atomically(path, b"old")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write {path}: File too large: free some space or choose another folder\n"
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*gone/file: No such file or directory"):
        write_atomically(tmp_path / "gone" / "file", b"x")


WRITER = """
import sys
from pathlib import Path
from kdprobe.core.files import write_atomically
path = Path(sys.argv[1])
print("started", flush=True)
number = 0
while True:
    write_atomically(path, bytes([number % 256]) * 200_000)
    number += 1
"""


def test_killed_at_random_moments_a_file_is_never_torn(tmp_path):
    path = tmp_path / "file"
    for attempt in range(12):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.003 + 0.007 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 200_000
            assert len(set(content)) == 1
    assert all(p == path or is_temporary(p) for p in tmp_path.iterdir())
