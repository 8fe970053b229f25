"""Japanese vowels: which of nine men speaks, from a short recording of two vowels."""

import os

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.sources import wheel

_FILES = wheel(
    "japanese_vowels",
    requirement="aeon==1.6.0",
    folder="aeon/datasets/data/JapaneseVowels",
    files={
        "JapaneseVowels_TRAIN.ts": "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        "JapaneseVowels_TEST.ts": "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    },
)
_CHANNELS, _LONGEST = 12, 29


def parse_ts(content: bytes) -> tuple[list[np.ndarray], list[str]]:
    """Return the series, each (time, channels), and the label of each, of a file in the `.ts` form.

    After ``@data`` a line is a row: its channels and then its label, divided by colons, and the numbers of a channel by commas.

    Raises
    ------
    DataError
        If there is no data, or a row's channels are of unequal length or hold something else than numbers.

    Examples
    --------
    >>> series, labels = parse_ts(b"@data\\n1,2,3:4,5,6:b\\n")
    >>> series[0].tolist(), labels
    ([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], ['b'])
    """
    lines = content.decode("utf-8", errors="replace").splitlines()
    head = next((number for number, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    rows = [line for line in lines[head + 1 :] if line.strip()] if head is not None else []
    if not rows:
        raise DataError("a .ts file has a line @data and rows after it, this one has none: it was cut short or is something else")
    series, labels = [], []
    for number, row in enumerate(rows):
        *channels, label = row.split(":")
        try:
            series.append(np.array([[float(value) for value in channel.split(",")] for channel in channels], dtype=np.float64).T)
        except ValueError as error:
            raise DataError(f"row {number} of a .ts file is no series of numbers of equal length: {error}") from error
        labels.append(label.strip())
    return series, labels


def load(*, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return all 640 utterances, the 270 published for training first: x (640, 29, 12).

    A shorter utterance begins later: its first frame stands in the places before it, so that a network which reads in time ends where the
    speaker does.
    """
    rows, speakers = [], []
    for content in _FILES.read(path).values():
        series, labels = parse_ts(content)
        rows += [np.pad(one, ((_LONGEST - len(one), 0), (0, 0)), mode="edge") for one in series]
        speakers += [int(label) - 1 for label in labels]
    return Dataset(
        x=np.stack(rows).astype(np.float32),
        y=np.array(speakers, dtype=np.int64),
        sha256=_FILES.sha256,
        classes=tuple(f"speaker {number}" for number in range(1, 10)),
    )


JAPANESE_VOWELS = Task(
    name="japanese_vowels",
    kind="classification",
    title="Japanese vowels: who speaks",
    load=load,
    split=SplitSizes(train=200, transfer=160, validation=60, probe_a=110, probe_b=110),
    source="the wheel aeon 1.6.0, folder aeon/datasets/data/JapaneseVowels",
    licence="CC BY 4.0",
    families=("gru", "mlp", "transformer", "random_features"),
    rows=640,
    files=_FILES,
    steps=600,
    notes=(
        "The 270 and 370 utterances that were published apart are pooled and split anew: an accuracy here is not one on the published test "
        "set.",
        "With 110 rows a probe half resolves differences of about 4 points of accuracy.",
    ),
    cites="doi:10.24432/C5NS47; Kudo, Toyama & Shimbo 1999",
)
