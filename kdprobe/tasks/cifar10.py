"""CIFAR-10: ten kinds of things and animals, 32×32 colour pixels, from the binary version (no pickle)."""

import os

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.sources import archive

_FILES = archive(
    "cifar10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    folder="cifar-10-batches-bin",
    files={
        "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    },
)
_RECORD = 1 + 3 * 32 * 32


def parse_records(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (n, 3, 32, 32) and the classes (n,) of one batch file.

    A record is one byte for the class, then the red, the green and the blue plane, each 32 rows of 32 bytes.

    Raises
    ------
    DataError
        If the content is not a whole number of records, or a class is not 0 to 9.
    """
    if not content or len(content) % _RECORD:
        raise DataError(f"a CIFAR-10 batch of {len(content)} bytes is not a whole number of records of {_RECORD} bytes: it was cut short")
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)
    classes = records[:, 0].astype(np.int64)
    if classes.max() > 9:
        first = int(np.argmax(classes > 9))
        raise DataError(f"record {first} of a CIFAR-10 batch has class {classes[first]}, not 0 to 9: give the files of the binary version")
    return records[:, 1:].reshape(-1, 3, 32, 32), classes


def load(*, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return all 60,000 images, the 50,000 published for training first: x (60000, 3, 32, 32)."""
    batches = [parse_records(content) for content in _FILES.read(path).values()]
    return Dataset(
        x=np.concatenate([images for images, _ in batches]),
        y=np.concatenate([classes for _, classes in batches]),
        sha256=_FILES.sha256,
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    )


CIFAR10 = Task(
    name="cifar10",
    kind="classification",
    title="CIFAR-10",
    load=load,
    split=SplitSizes(train=10_000, transfer=25_000, validation=5000, probe_a=5000, probe_b=5000),
    source="cifar-10-binary.tar.gz from its authors' page, or a folder that holds it unpacked",
    licence="no licence stated by its authors; cite Krizhevsky 2009",
    families=("mlp", "cnn", "gru", "transformer", "random_features"),
    rows=60_000,
    files=_FILES,
    notes=("All 60,000 images are pooled and split anew: an accuracy here is not one on the published test set.",),
    cites="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
)
