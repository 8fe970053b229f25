"""Six novels of Jane Austen: the next character, from the sixteen before it."""

import os
import re
import struct

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.sources import debian
from kdprobe.tasks.unpacking import objects_of

_FILES = debian(
    "austen",
    package="r-cran-janeaustenr",
    folder="/usr/lib/R/site-library/janeaustenr/data",
    files={"Rdata.rdb": "8fb5198960d0da724b1562f96e4221e5c1b41ff455000280b02c55980c3d8f21"},
)
ALPHABET = " abcdefghijklmnopqrstuvwxyz"
WINDOW = 16
"""Characters that a network sees before the one it foretells."""
_APART = 160
"""Characters from the beginning of one window to that of the next: windows share none."""
_PASSAGE = 20
"""Windows of one passage, which stay in one part: names and scenes go on for a while."""


def strings_of(content: bytes) -> list[str]:
    """Return a character vector of R from its serialised form, version 3: it is of type 16, its elements of type 9.

    Raises
    ------
    DataError
        If it was cut short, or is no vector of strings.
    """
    if len(content) < 30 or content[:2] != b"X\n":
        raise DataError(f"R data begins with X and a line's end, this with {content[:2]!r}: it was cut short or is something else")
    version, _, _, named = struct.unpack_from(">iiii", content, 2)
    place = 18 + named
    kind, length = struct.unpack_from(">ii", content, place)
    if version != 3 or kind & 0xFF != 16:
        raise DataError(f"the R data is of type {kind & 0xFF} in version {version} of its form: expected strings (16) in version 3")
    place, found = place + 8, []
    for _ in range(length):
        flags, size = struct.unpack_from(">ii", content, place)
        if flags & 0xFF != 9 or place + 8 + size > len(content):
            raise DataError(f"string {len(found)} of the R data is none or goes on after its end: it was cut short or is something else")
        # a missing string has length -1
        found.append(content[place + 8 : place + 8 + max(0, size)].decode("utf-8", errors="replace"))
        place += 8 + max(0, size)
    return found


def plain(lines: list[str]) -> str:
    """Return a text as the 26 letters with single spaces between words: all else is a space.

    Examples
    --------
    >>> plain(["Mr. Knightley,", "  in fact,"])
    'mr knightley in fact'
    """
    return re.sub("[^a-z]+", " ", " ".join(lines).lower()).strip()


def load(*, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return a window of sixteen characters, one-hot, in every 160 of the six novels: x (n, 16, 27), class the next character."""
    texts = [plain(strings_of(novel)) for novel in objects_of(_FILES.read(path)["Rdata.rdb"])]
    number = np.full(256, -1)
    number[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(len(ALPHABET))
    windows, passages = [], []
    for text in texts:
        codes = number[np.frombuffer(text.encode(), dtype=np.uint8)]
        starts = np.arange(0, len(codes) - WINDOW, _APART)
        windows.append(codes[starts[:, None] + np.arange(WINDOW + 1)])
        passages.append(np.arange(len(starts)) // _PASSAGE)
    codes = np.concatenate(windows)
    # a passage of one novel is none of another
    ends = np.cumsum([0, *(int(passage[-1]) + 1 for passage in passages[:-1])])
    return Dataset(
        x=np.eye(len(ALPHABET), dtype=np.uint8)[codes[:, :WINDOW]],
        y=codes[:, WINDOW],
        sha256=_FILES.sha256,
        blocks=np.concatenate([passage + end for passage, end in zip(passages, ends, strict=True)]),
        classes=("space", *ALPHABET[1:]),
        indicators=True,
    )


AUSTEN = Task(
    name="austen",
    kind="classification",
    title="Jane Austen: the next character",
    load=load,
    split=SplitSizes(train=6000, transfer=8000, validation=2000, probe_a=3000, probe_b=3000),
    source="the Debian package r-cran-janeaustenr: six novels from Project Gutenberg",
    licence="public domain",
    families=("gru", "transformer", "mlp", "random_features"),
    rows=24_199,
    files=_FILES,
    notes=(
        "26 letters and the space. The loss is in nats a character, of a network that sees sixteen characters before it; a window in every "
        "160 characters, so that no two share one, and passages of 3,200 characters stay in one part.",
    ),
    cites="Project Gutenberg; janeaustenr 1.0.0",
)
