"""Fashion-MNIST: ten kinds of clothing, 28×28 grey pixels."""

import os
import struct

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.sources import debian

_FILES = debian(
    "fashion_mnist",
    package="dataset-fashion-mnist",
    folder="/usr/share/datasets/fashion-mnist",
    layouts=("FashionMNIST/raw",),
    files={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
)


def parse_idx(content: bytes) -> np.ndarray:
    """Return the array of bytes that an IDX file holds.

    The format: two zero bytes, the type (8: unsigned byte), the number of axes, each axis as a big-endian 32-bit length, then the values.

    Raises
    ------
    DataError
        If the content is not IDX of unsigned bytes, or its length is not what its header says.

    Examples
    --------
    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])).tolist()
    [7, 9]
    """
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise DataError(f"an IDX file of bytes starts with 00 00 08, this one with {content[:3].hex(' ')}: give the unpacked file")
    axes = content[3]
    header = 4 + 4 * axes
    shape = struct.unpack(f">{axes}I", content[4:header]) if len(content) >= header else ()
    if len(content) != header + int(np.prod(shape, dtype=np.int64)):
        raise DataError(f"an IDX file of shape {shape} has {len(content)} bytes: it was cut short or is not IDX")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def load(*, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return all 70,000 images, the 60,000 published for training first: x (70000, 1, 28, 28)."""
    content = {name: parse_idx(raw) for name, raw in _FILES.read(path).items()}
    return Dataset(
        x=np.concatenate([content["train-images-idx3-ubyte"], content["t10k-images-idx3-ubyte"]])[:, None],
        y=np.concatenate([content["train-labels-idx1-ubyte"], content["t10k-labels-idx1-ubyte"]]).astype(np.int64),
        sha256=_FILES.sha256,
        classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )


FASHION_MNIST = Task(
    name="fashion_mnist",
    kind="classification",
    title="Fashion-MNIST",
    load=load,
    split=SplitSizes(train=4000, transfer=16_000, validation=4000, probe_a=5000, probe_b=5000),
    source="the Debian package dataset-fashion-mnist, or torchvision's files",
    licence="MIT",
    families=("mlp", "cnn", "gru", "transformer", "random_features"),
    rows=70_000,
    files=_FILES,
    score_range=(0.62, 0.85),
    notes=(
        "Accuracy of one hidden layer of width 2 (.616, seed sd .016) and 128 (.849, sd .002): default split, draw 0, 2 seeds, Adam, epoch "
        "and learning rate chosen on validation rows, scored on probe half B.",
        "All 70,000 images are pooled and split anew: an accuracy here is not one on the published test set.",
    ),
    cites="arXiv:1708.07747",
)
