"""Files of which a few bytes say gigabytes are refused before they fill the memory."""

import gzip
import resource
import zipfile

import pytest

from kdprobe.core.errors import DataError
from kdprobe.tasks import sources, unpacking


@pytest.fixture
def bomb(tmp_path):
    """A gzip of 2 GB of zeros, in 2 MB."""
    path = tmp_path / "toy.csv.gz"
    zeros = bytes(1 << 24)
    with gzip.open(path, "wb", compresslevel=6) as packed:
        for _ in range(128):
            packed.write(zeros)
    assert path.stat().st_size < 1 << 22
    return path


def test_a_gzip_that_says_gigabytes(bomb):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    source = sources.Source(task="toy", files={"toy.csv": "0" * 64}, origin="here")
    with pytest.raises(DataError, match=r"toy\.csv\.gz holds more than 256 MB, and no task has so large a file: take it from its"):
        source.read(bomb.parent)
    # kB: what is kept, and its copy while it grows
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3 * unpacking.LARGEST / 1024


def test_what_is_small_is_read_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"plain")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"packed"))
    assert unpacking.read_limited(tmp_path / "a", unpack=False) == b"plain"
    assert unpacking.read_limited(tmp_path / "a.gz", unpack=True) == b"packed"


def test_a_large_file_is_not_read(tmp_path):
    with open(tmp_path / "a", "wb") as file:
        file.truncate(unpacking.LARGEST + 1)
    with pytest.raises(DataError, match="a holds more than 256 MB"):
        unpacking.read_limited(tmp_path / "a", unpack=False)


def test_a_zip_gives_the_named_files_and_no_others(tmp_path):
    archive = tmp_path / "toy.whl"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("toy/a.csv", "a")
        packed.writestr("toy/b.csv.gz", gzip.compress(b"b"))
        packed.writestr("toy/../../out.csv", "out")
        packed.writestr("toy/huge.csv", bytes(unpacking.LARGEST + 1))
    unpacking.unzip(archive, "toy", ["a.csv", "b.csv"])
    assert sorted(path.name for path in (tmp_path / "toy").iterdir()) == ["a.csv", "b.csv.gz"]
    assert not (tmp_path.parent / "out.csv").exists()
    with pytest.raises(DataError, match=r"toy/huge\.csv holds more than 256 MB"):
        unpacking.unzip(archive, "toy", ["huge.csv"])
