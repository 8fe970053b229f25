"""Where files are looked for, what is said when they are missing or changed, and that a fetch leaves all or nothing."""

import gzip
import hashlib
import importlib
import io
import os
import re
import tarfile
import zipfile

import pytest

from kdprobe.core.errors import DataError
from kdprobe.tasks import sources

CONTENT = {"a.csv": b"1,2\n", "b.csv": b"3,4\n"}
FILES = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


@pytest.fixture(autouse=True)
def no_data_here(monkeypatch, tmp_path):
    """Neither a named folder nor a cache of the person who runs the tests plays a part."""
    monkeypatch.delenv("KDPROBE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def put(folder, contents=CONTENT, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / (name + suffix)).write_bytes(gzip.compress(content) if suffix else content)
    return folder


def source(**changes):
    return sources.Source(**{"task": "toy", "files": FILES, "origin": "from nowhere", **changes})


def module(name):
    return importlib.import_module(f"kdprobe.tasks.{name}")


@pytest.mark.parametrize(
    "lay", [lambda root: root, lambda root: root / "toy", lambda root: root / "Toy/raw"], ids=["itself", "by task", "another tool's layout"]
)
def test_named_folder(monkeypatch, tmp_path, lay):
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path / "named"))
    put(lay(tmp_path / "named"))
    assert source(layouts=("Toy/raw",)).read() == CONTENT


def test_cache_serves_although_another_folder_is_named(monkeypatch, tmp_path):
    put(tmp_path / "cache/kdprobe/toy")
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path / "named"))
    assert source().read() == CONTENT


def test_home_is_understood(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KDPROBE_DATA", "~/named")
    assert sources.cache_folder() == tmp_path / "named"
    monkeypatch.delenv("KDPROBE_DATA")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert sources.cache_folder() == tmp_path / ".cache/kdprobe"


def test_packed_files_have_the_hash_of_their_content(tmp_path):
    assert source().read(put(tmp_path / "packed", suffix=".gz")) == CONTENT


def test_a_single_file_may_be_named_itself(tmp_path):
    file = tmp_path / "under another name"
    file.write_bytes(CONTENT["a.csv"])
    one = source(files={"a.csv": FILES["a.csv"]})
    assert one.read(file) == {"a.csv": CONTENT["a.csv"]}
    assert one.sha256 == FILES["a.csv"]


def test_hash_of_several_files_depends_on_each():
    changed = source(files={**FILES, "b.csv": "0" * 64})
    assert len({source().sha256, changed.sha256, *FILES.values()}) == 4


def test_missing_below_a_path(tmp_path):
    put(tmp_path, {"a.csv": CONTENT["a.csv"]})
    text = f"toy: path={str(tmp_path)!r} holds no b.csv: name the folder that holds a.csv, b.csv"
    with pytest.raises(DataError, match=re.escape(text)):
        source().read(tmp_path)


def test_a_part_of_the_files_is_as_good_as_none(monkeypatch, tmp_path):
    monkeypatch.setenv("KDPROBE_DATA", str(put(tmp_path / "named", {"a.csv": CONTENT["a.csv"]})))
    with pytest.raises(DataError, match=r"toy: a\.csv is not on this machine \(looked in .*named/toy, .*named, .*cache/kdprobe/toy\)"):
        source().read()


MISSING = {
    "letters": ("reinstall kdprobe", "KDPROBE_DATA", "kdprobe.available('tasks')['letters'].load(path=...)"),
    "digits": ("run `pip install --force-reinstall scikit-learn`", "KDPROBE_DATA", "kdprobe.available('tasks')['digits'].load(path=...)"),
    "diamonds": (
        "online, run `kdprobe data fetch diamonds` (from the wheel plotnine==0.15.9)",
        "elsewhere, run `pip download --no-deps plotnine==0.15.9`, unzip the wheel and take plotnine/data/ from it",
        "copy diamonds.csv into a folder and name that folder in the environment variable KDPROBE_DATA",
    ),
    "fashion_mnist": (
        "online, run `kdprobe data fetch fashion_mnist` (from the Debian package dataset-fashion-mnist)",
        "on Debian or Ubuntu, run `apt-get install dataset-fashion-mnist`",
        "into a folder (or into FashionMNIST/raw below it) and name that folder in the environment variable KDPROBE_DATA",
    ),
    "cifar10": (
        "online, run `kdprobe data fetch cifar10` (from https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz)",
        "elsewhere, download https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, unpack it and take cifar-10-batches-bin/ from it",
        "into a folder (or into cifar-10-batches-bin below it) and name that folder in the environment variable KDPROBE_DATA",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_names_three_ways(monkeypatch, tmp_path, name):
    files = module(name)._FILES
    monkeypatch.setattr(sources.Source, "_places", lambda self: (tmp_path / "nothing",))
    with pytest.raises(DataError) as caught:
        module(name).load()
    text = str(caught.value)
    assert text.startswith(f"{name}: {next(iter(files.files))} is not on this machine (looked in {tmp_path / 'nothing'}). Three ways")
    assert all(f"({number}) " in text for number in (1, 2, 3))
    assert "(4)" not in text
    for way in MISSING[name]:
        assert way in text


@pytest.mark.parametrize("name", MISSING)
def test_changed_file_is_refused(monkeypatch, tmp_path, name):
    files = module(name)._FILES
    put(tmp_path / "named", dict.fromkeys(files.files, b"other"))
    monkeypatch.setattr(sources.Source, "_places", lambda self: (tmp_path / "named",))
    first, expected = next(iter(files.files.items()))
    with pytest.raises(DataError) as caught:
        module(name).load()
    text = str(caught.value)
    found = hashlib.sha256(b"other").hexdigest()
    place = tmp_path / "named" / first
    said = f"{name}: {place} has other content than {first} should: SHA-256 expected {expected}, found {found}: delete it, then"
    assert text.startswith(said)
    assert MISSING[name][0] in text


def test_one_flipped_bit_is_seen(tmp_path):
    put(tmp_path, {**CONTENT, "b.csv": b"3,5\n"})
    with pytest.raises(DataError, match=r"b\.csv has other content .*: name a file with the expected content"):
        source().read(tmp_path)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: b"no gzip", lambda packed: packed[:12] + b"\xff" * 8])
def test_broken_packing(tmp_path, damage):
    put(tmp_path, suffix=".gz")
    (tmp_path / "a.csv.gz").write_bytes(damage((tmp_path / "a.csv.gz").read_bytes()))
    with pytest.raises(DataError, match=r"toy: .*a\.csv\.gz cannot be read: "):
        source().read(tmp_path)


def wheel_in(folder, contents=CONTENT):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "toyset-1.0-py3-none-any.whl", "w") as packed:
        for name, content in contents.items():
            packed.writestr(f"toyset/data/{name}", content)
        packed.writestr("toyset/__init__.py", "raise SystemExit('the wheel was imported')")
        packed.writestr("toyset-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toyset\nVersion: 1.0\n")
        packed.writestr("toyset-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr("toyset-1.0.dist-info/RECORD", "")


def toy_wheel():
    return sources.wheel("toy", requirement="toyset==1.0", folder="toyset/data", files=FILES)


@pytest.fixture
def offline_pip(monkeypatch, tmp_path):
    """pip knows one folder and no index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    (tmp_path / "links").mkdir()
    return tmp_path / "links"


@pytest.mark.slow
def test_fetch_a_wheel(offline_pip, tmp_path):
    wheel_in(offline_pip)
    folder = toy_wheel().fetch()
    assert folder == tmp_path / "cache/kdprobe/toy"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENT
    assert os.listdir(folder.parent) == ["toy"]
    for file in offline_pip.iterdir():
        file.unlink()
    assert toy_wheel().fetch() == folder, "what is here is not downloaded again"


@pytest.mark.slow
def test_fetch_offline(offline_pip, tmp_path):
    with pytest.raises(DataError) as caught:
        toy_wheel().fetch()
    text = str(caught.value)
    assert text.startswith("toy: the download failed: `pip download --quiet --no-deps --only-binary=:all: --dest . toyset==1.0` failed: ")
    assert "No matching distribution found for toyset==1.0" in text
    assert "Three ways to get it" in text
    assert os.listdir(tmp_path / "cache/kdprobe") == []


@pytest.mark.slow
def test_fetch_of_something_else_leaves_nothing(offline_pip, tmp_path):
    wheel_in(offline_pip, {**CONTENT, "b.csv": b"3,5\n"})
    with pytest.raises(DataError, match=r"the download failed: .*b\.csv has other content .*: the source has changed, take another way"):
        toy_wheel().fetch()
    assert os.listdir(tmp_path / "cache/kdprobe") == []


def test_fetch_refuses_a_changed_file_that_is_here(tmp_path):
    put(tmp_path / "cache/kdprobe/toy", {**CONTENT, "a.csv": b"mine"})
    with pytest.raises(DataError, match=r"a\.csv has other content .*: delete it, then online, run `kdprobe data fetch toy`"):
        toy_wheel().fetch()
    assert (tmp_path / "cache/kdprobe/toy/a.csv").read_bytes() == b"mine"


def test_fetch_where_nothing_can_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot write .*file/toy: .*: name another folder in KDPROBE_DATA"):
        toy_wheel().fetch()


def test_fetch_of_what_nothing_downloads():
    with pytest.raises(DataError, match=r"toy: a\.csv is not on this machine"):
        source().fetch()


def test_fetch_without_the_tool(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    package = sources.debian("toy", package="toyset", folder=str(tmp_path / "system"), files=FILES)
    with pytest.raises(DataError, match="`apt-get download toyset` cannot run: there is no apt-get on this machine"):
        package.fetch()


def test_a_download_may_not_take_for_ever(monkeypatch, tmp_path):
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sources, "_PATIENCE", 0.2)
    with pytest.raises(DataError, match=r"`apt-get download toyset` did not end within 0\.2 s"):
        sources.debian("toy", package="toyset", folder=str(tmp_path / "system"), files=FILES).fetch()


def test_an_installed_debian_package_needs_no_download(tmp_path):
    put(tmp_path / "system", suffix=".gz")
    package = sources.debian("toy", package="toyset", folder=str(tmp_path / "system"), files=FILES)
    assert package.fetch() == tmp_path / "system"
    assert package.read() == CONTENT


def tar_of(tmp_path, contents):
    with tarfile.open(tmp_path / "toy.tar.gz", "w:gz") as tar:
        for name, content in {**contents, "../outside": b"never written"}.items():
            member = tarfile.TarInfo(f"batches/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return sources.archive("toy", url=(tmp_path / "toy.tar.gz").as_uri(), folder="batches", files=FILES)


def test_fetch_an_archive(tmp_path):
    folder = tar_of(tmp_path, CONTENT).fetch()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENT
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda file: file.unlink(), r"toy\.tar\.gz: .*No such file"),
        (lambda file: file.write_bytes(b"no archive"), r"toy\.tar\.gz: "),
        (lambda file: file.write_bytes(file.read_bytes()[:80]), r"toy\.tar\.gz: |a\.csv"),
    ],
)
def test_broken_archive(tmp_path, spoil, text):
    source = tar_of(tmp_path, {"b.csv": os.urandom(5000), **CONTENT})
    spoil(tmp_path / "toy.tar.gz")
    with pytest.raises(DataError, match=f"toy: the download failed: .*{text}"):
        source.fetch()
    assert os.listdir(tmp_path / "cache/kdprobe") == []
