"""Random models for the known answers of losses, and what their oracles share."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import softmax
from scipy.stats import entropy

from kdprobe.core.recipe import View


def logits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Student and teacher, 32 rows of 7 classes."""
    return rng.normal(size=(32, 7)), 3 * rng.normal(size=(32, 7))


def labelled_logits(rng: np.random.Generator) -> tuple[View, View]:
    """Student and teacher, 32 rows of 7 classes, with labels."""
    student, teacher = logits(rng)
    return View(student, {}, rng.integers(0, 7, 32)), View(teacher, {})


def predictions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Student and teacher, 32 rows of 2 targets."""
    return rng.normal(size=(32, 2)), 3 * rng.normal(size=(32, 2))


def labelled_predictions(rng: np.random.Generator) -> tuple[View, View]:
    """Student and teacher, 32 rows of 2 targets, with the targets."""
    student, teacher = predictions(rng)
    return View(student, {}, 2 * rng.normal(size=(32, 2))), View(teacher, {})


def hidden(
    student: Mapping[str, tuple[int, ...]], teacher: Mapping[str, tuple[int, ...]], *, outputs: int = 3, rows: int = 10
) -> Callable[[np.random.Generator], tuple[View, View]]:
    """Return a maker of students and teachers with hidden layers of these shapes, as after a ReLU."""

    def make(rng: np.random.Generator) -> tuple[View, View]:
        def view(layers: Mapping[str, tuple[int, ...]]) -> View:
            features = {name: np.maximum(rng.normal(size=(rows, *shape)) + 0.5, 0) for name, shape in layers.items()}
            return View(rng.normal(size=(rows, outputs)), features)

        return view(student), view(teacher)

    return make


def mixed(own: np.ndarray, student: View, teacher: View, weight: float, response: float) -> np.ndarray:
    """What `_layers.mixed` says, in NumPy."""
    if student.kind == "classification":
        apart = [float(entropy(softmax(t), softmax(s))) for s, t in zip(student.outputs, teacher.outputs, strict=True)]
    else:
        apart = [float(np.dot(s - t, s - t)) / len(s) for s, t in zip(student.outputs, teacher.outputs, strict=True)]
    return weight * np.asarray(own) + response * np.array(apart)


def mapped(layer: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a linear map makes of a vector (c,), or of the channels at each place of a map (c, ...)."""
    return np.einsum("tc,c...->t...", weight, layer) + bias.reshape(-1, *[1] * (layer.ndim - 1))


VECTORS: tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]] = ({"hidden": (4,)}, {"hidden": (6,)})
MAPS: tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]] = (
    {"block1": (2, 6, 6), "block2": (3, 3, 3), "pooled": (3,)},
    {"block1": (4, 6, 6), "block2": (5, 3, 3), "pooled": (5,)},
)
