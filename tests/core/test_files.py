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


def test_a_really_full_disk():
    """/dev/full is a device that has no space: the real error of a real write."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left on device"):
        file.write(b"x" * 100_000)


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
