"""A noisy sine of one input."""

import hashlib

import numpy as np

from kdprobe import Dataset, SplitSizes, Task


def _load() -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, size=(800, 1))
    y = np.sin(x) + 0.1 * rng.normal(size=x.shape)
    sha256 = hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()
    return Dataset(x=x.astype(np.float32), y=y, sha256=sha256, targets=("sine",), columns=("x",))


SINE = Task(
    name="sine",
    kind="regression",
    title="a noisy sine",
    load=_load,
    split=SplitSizes(train=200, transfer=100, validation=100, probe_a=100, probe_b=100),
    source="drawn by this file",
    licence="CC0",
    families=("mlp", "bottleneck"),
    embedded=True,
)
