"""What a trainer of the benchmark is given, and how it is asked: one line of JSON in, one out. Needs numpy alone, so that every peer's
environment can import it.
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Predict = Callable[[], np.ndarray]
Trainer = Callable[[Sequence[int]], Predict]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Students of one architecture on one task; student i has teacher i modulo the number of teachers.

    Parameters
    ----------
    epochs
        Passes over the rows; after each of them a student's mean cross-entropy on the validation rows is taken.
    rate
        Peak of a cosine that ends at zero, by step.
    arrays
        "x", "y", "validation_x", "validation_y", "test_x", "test_y", and "logits" (teachers, n, classes) by rows of x; of teacher t
        "teacher{t}.{i}", its parameters in order.
    """

    family: str
    width: int
    teacher_width: int
    epochs: int
    batch: int
    rate: float
    decay: float
    alpha: float
    temperature: float
    arrays: dict[str, np.ndarray]

    @property
    def classes(self) -> int:
        return self.arrays["logits"].shape[2]

    @property
    def teachers(self) -> int:
        return len(self.arrays["logits"])

    @property
    def steps(self) -> int:
        return self.epochs * len(self.arrays["x"]) // self.batch

    def teacher(self, place: int) -> list[np.ndarray]:
        """Parameters of a teacher."""
        found = [name for name in self.arrays if name.startswith(f"teacher{place}.")]
        return [self.arrays[name] for name in sorted(found, key=lambda name: int(name.rpartition(".")[2]))]

    def rate_at(self, step: int) -> float:
        return self.rate * 0.5 * (1 + np.cos(np.pi * step / self.steps))

    def save(self, folder: Path) -> None:
        numbers = {name: value for name, value in vars(self).items() if name != "arrays"}
        (folder / "work.json").write_text(json.dumps(numbers))
        np.savez(folder / "work.npz", **self.arrays)  # pyright: ignore[reportArgumentType]


def load(folder: Path) -> Work:
    with np.load(folder / "work.npz") as arrays:
        return Work(**json.loads((folder / "work.json").read_text()), arrays=dict(arrays))


def serve(prepare: Callable[[Work], Trainer], packages: Sequence[str]) -> None:
    """Answer requests for students until the benchmark closes the door.

    Parameters
    ----------
    prepare
        Work -> trainer: seeds -> students, which predict logits (students, n, classes) of the test rows. What it makes of the work before
        is not timed: a user pays for it once.
    packages
        Whose versions the table names.
    """
    work = load(Path(sys.argv[1]))
    out, sys.stdout = sys.stdout, sys.stderr  # what a peer prints is no answer
    train = prepare(work)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    for line in sys.stdin:
        start = time.process_time()
        predict = train(json.loads(line))
        seconds = time.process_time() - start
        right = predict().argmax(axis=-1) == work.arrays["test_y"]
        answer: dict[str, Any] = {"cpu": seconds, "accuracy": right.mean(axis=-1).tolist(), "versions": versions, "memory": peak_mb()}
        print(json.dumps(answer | getattr(predict, "more", {})), file=out, flush=True)


def peak_mb() -> float | None:
    """Megabytes that this process held at its peak (Linux only)."""
    try:
        with open("/proc/self/status") as file:
            return next(float(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        return None
