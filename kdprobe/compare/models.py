"""What may stand for a model: a torch module, a predictor, a function, or its outputs themselves."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

import numpy as np

from kdprobe.compare.data import Batch, Keywords, is_array, to_numpy
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.trace import TaskKind

OUTPUT_KEYS = ("logits", "output", "outputs", "prediction", "predictions", "probabilities", "probs")
LAST_HIDDEN = "last hidden"
HINT = "say what to read with forward=, such as forward=lambda model, batch: model(batch[0])['logits']"

UNSTEADY = 1e-3
"""Outputs of the same rows that differ by more than this share are no matter of rounding."""


class Given(NamedTuple):
    """What a model gave on a batch."""

    outputs: np.ndarray
    """(rows,) or (rows, c); of tokens (rows, length, c)."""
    layers: Mapping[str, np.ndarray] = {}
    """The captured layers that were asked for, each (rows, d); of tokens (rows · length, d)."""
    last: Mapping[str, np.ndarray] = {}
    """The one layer that probes of the last hidden layer read, under its name; empty where there is none."""


class Model(ABC):
    """A model under its name in texts: "teacher", "student", "twin 1"."""

    probabilities: bool | None = None
    """Whether outputs are known to be probabilities; None: to be seen from the numbers."""
    classes: np.ndarray | None = None
    """Labels of the columns, where the model names them."""
    layers: Mapping[str, str] = {}
    """Captured layers, and what was done with their spatial axes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, stack: ExitStack) -> None:
        """Get ready for the pass over the data; what must be undone goes on the stack."""
        return None

    @abstractmethod
    def __call__(self, batch: Batch) -> Given:
        """Run the model on a batch."""

    def repeats(self, batch: Batch, given: np.ndarray) -> bool:
        """Whether it gives the same for a batch that it has met; what cannot be otherwise is not asked."""
        return True


class Function(Model):
    """A callable, or a model behind the caller's own ``forward``."""

    def __init__(self, name: str, call: Callable[[Any], Any], *, whole_batch: bool) -> None:
        super().__init__(name)
        self._call, self._whole_batch = call, whole_batch

    def __call__(self, batch: Batch) -> Given:
        """Call the function on x, or on the batch as it came."""
        return Given(read_output(self._call(batch.given if self._whole_batch else batch.x), self.name))

    def repeats(self, batch: Batch, given: np.ndarray) -> bool:
        """Ask again: a network inside a function may be in training mode."""
        try:
            again = self(batch).outputs
        except Exception:
            # a function may give its batches once only
            return True
        return again.shape != given.shape or np.allclose(again, given, rtol=UNSTEADY, atol=UNSTEADY * float(np.abs(given).max(initial=0.0)))


class Predictor(Model):
    """Something with ``predict_proba`` or ``predict``, as in scikit-learn."""

    def __init__(self, name: str, predictor: Any, kind: TaskKind) -> None:
        super().__init__(name)
        if kind == "classification" and not hasattr(predictor, "predict_proba"):
            raise PlanError(
                f"{name} is a {type(predictor).__name__} without predict_proba: labels alone say little, give a function that returns "
                "(n, c) logits or probabilities"
            )
        if kind == "classification":
            self._predict, self.probabilities = predictor.predict_proba, True
            classes = getattr(predictor, "classes_", None)
            self.classes = None if classes is None else np.asarray(classes)
        else:
            self._predict = predictor.predict

    def __call__(self, batch: Batch) -> Given:
        """Ask the predictor; a tensor reaches it as an array."""
        x = to_numpy(batch.x, "x") if _is_tensor(batch.x) else batch.x
        return Given(read_output(self._predict(x), self.name))


class Outputs:
    """Outputs that were computed elsewhere, row by row in the order of the data."""

    probabilities: bool | None = None
    classes: np.ndarray | None = None
    layers: Mapping[str, str] = {}

    def __init__(self, name: str, values: Any) -> None:
        self.name = name
        self.values = read_output(values, name)


class Module(Model):
    """A torch module, run in evaluation mode with its hidden layers captured."""

    def __init__(self, name: str, module: Any, forward: Callable[[Any, Any], Any] | None, layers: Sequence[str], spatial: Any) -> None:
        super().__init__(name)
        self._module, self._forward, self._wanted = module, forward, list(layers)
        self._spatial: Any = spatial

    def open(self, stack: ExitStack) -> None:
        """Attach the hooks, set evaluation mode and stop gradients until the stack closes."""
        from kdprobe.compare.capture import capture
        from kdprobe.compare.capture.hooks import Capture

        self._opened = stack.enter_context(ExitStack())
        opened: AbstractContextManager[Capture] = capture(self._module, [*self._wanted, LAST_HIDDEN], spatial=self._spatial)
        self._captured = self._opened.enter_context(opened)

    def __call__(self, batch: Batch) -> Given:
        """Run the module, on its device and in its precision unless ``forward`` calls it."""
        given, output = self._run(batch)
        if output.ndim == 3 and self._spatial != "positions":
            # a model of tokens, which its first batch has shown: layers too are read token by token
            self._spatial = "positions"
            del given, output
            self._opened.close()
            self.open(self._opened)
            given, output = self._run(batch)
        features = self._captured.take(given, rows=len(output))
        if output.ndim == 3:
            check_positions(features, output, self.name)
        wanted = dict.fromkeys(name for spec in self._wanted for name in self._captured.found[spec])
        # one layer was asked for: it is what probes are to read; several are for a map
        last = next(iter(wanted)) if len(wanted) == 1 else self._captured.last_hidden
        self.layers = {name: self._captured.handling[name] for name in [*wanted, *([last] if last else [])]}
        return Given(output, {name: features[name] for name in wanted}, {last: features[last]} if last else {})

    def _run(self, batch: Batch) -> tuple[Any, np.ndarray]:
        """What the module gave, and its outputs."""
        # another model may share modules with this one, and its calls ran into our hooks
        self._captured.clear()
        self._captured.mask = batch.mask
        if self._forward:
            given = self._forward(self._module, batch.given)
        else:
            x = fit(batch.x, self._module)
            given = self._module(**x) if isinstance(batch.x, Keywords) else self._module(x)
        return given, read_output(given, self.name)


def check_positions(features: Mapping[str, np.ndarray], output: np.ndarray, name: str) -> None:
    """Refuse layers that have other positions than the outputs (rows, length, c)."""
    rows, length = output.shape[:2]
    for layer, values in features.items():
        if len(values) != rows * length:
            raise DataError(
                f"{name}: layer {layer!r} has {len(values) / rows:g} positions a sample where the outputs have {length}: name a layer that "
                "has one a token"
            )


def read_output(value: Any, name: str) -> np.ndarray:
    """Return what a model gave as an array (rows,) or (rows, c), or of tokens (rows, length, c).

    Raises
    ------
    DataError
        If it holds several arrays, or one of another shape.
    """
    if not isinstance(value, Mapping | tuple) and not is_array(value) and hasattr(value, "logits"):
        # an object that names its parts as attributes, as those of Hugging Face do where they are no mapping
        value = value.logits
    if isinstance(value, Mapping):
        keys = [key for key in value if str(key).lower() in OUTPUT_KEYS] or (list(value) if len(value) == 1 else [])
        if len(keys) != 1:
            raise DataError(f"{name} gives a mapping with the keys {', '.join(map(repr, value))}: {HINT}")
        value = value[keys[0]]
    elif isinstance(value, tuple):
        # (outputs, {layer: features}) is what the networks of kdprobe's own families give
        if len(value) != 1 and not (len(value) == 2 and isinstance(value[1], Mapping)):
            raise DataError(f"{name} gives a tuple of {len(value)}: {HINT}")
        value = value[0]
    array = to_numpy(value, f"{name}: its output")
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} gives outputs of dtype {array.dtype}: give real numbers, (n,) or (n, c)")
    if array.ndim not in (1, 2, 3):
        raise DataError(
            f"{name} gives outputs of shape {array.shape}: one row of outputs a sample is needed, (n,) or (n, c), or one a token, "
            f"(n, length, c); {HINT}"
        )
    return array


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def fit(x: Any, module: Any) -> Any:
    """Return x as tensors on the module's device, real numbers in its precision."""
    import torch

    if isinstance(x, Mapping):
        return {key: fit(part, module) for key, part in x.items()}
    if isinstance(x, tuple | list):
        return [fit(part, module) for part in x]
    if is_array(x) and not isinstance(x, torch.Tensor):
        # copied: a read-only or reversed array has no tensor
        x = torch.from_numpy(np.array(x, order="C"))
    if not isinstance(x, torch.Tensor):
        return x
    weights = next((p for p in module.parameters() if p.is_floating_point()), None)
    if weights is None:
        return x
    return x.to(weights.device, weights.dtype) if x.is_floating_point() else x.to(weights.device)
