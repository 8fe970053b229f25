"""Models of other libraries, none of them a dependency: ONNX files and sessions, boosters asked in their own way; and TorchScript."""

import importlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from kdprobe.compare.data import Batch, Keywords, to_numpy
from kdprobe.compare.models import OUTPUT_KEYS, Given, Model, fit, read_output
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.trace import TaskKind


def foreign(thing: Any, name: str, kind: TaskKind) -> Model | None:
    """A model of another library, or None.

    Raises
    ------
    PlanError
        If it is a path to anything but an ONNX file, or its library is not installed.
    """
    library = type(thing).__module__.split(".")[0]
    if isinstance(thing, str | Path):
        return Session(name, _opened(Path(thing), name))
    if library == "onnxruntime" and hasattr(thing, "get_inputs"):
        return Session(name, thing)
    if library in ("lightgbm", "xgboost") and type(thing).__name__ == "Booster":
        return Booster(name, thing, library, kind)
    return None


class Session(Model):
    """An ONNX session: one array to its one input, a mapping to inputs of these names."""

    def __init__(self, name: str, session: Any) -> None:
        super().__init__(name)
        self._session = session
        self._inputs = {put.name: _dtype(put.type) for put in session.get_inputs()}
        outputs = [put.name for put in session.get_outputs()]
        known = [output for output in outputs if output.lower() in OUTPUT_KEYS]
        if len(outputs) > 1 and len(known) != 1:
            raise PlanError(
                f"{name} is an ONNX model with the outputs {', '.join(map(repr, outputs))}: name the one with logits or probabilities in a "
                f"function, such as lambda x: session.run([{outputs[-1]!r}], {{'{next(iter(self._inputs))}': x}})[0]"
            )
        self._output = known[0] if known else outputs[0]

    def __call__(self, batch: Batch) -> Given:
        """Run the session."""
        given = batch.x if isinstance(batch.x, Mapping) else {next(iter(self._inputs)): batch.x}
        missing = [put for put in self._inputs if put not in given]
        if missing or (len(self._inputs) > 1 and not isinstance(batch.x, Mapping)):
            raise DataError(
                f"{self.name} is an ONNX model with the inputs {', '.join(map(repr, self._inputs))}: give batches with these keys"
            )
        feed = {put: np.ascontiguousarray(to_numpy(given[put], put), dtype=dtype) for put, dtype in self._inputs.items()}
        (found,) = self._session.run([self._output], feed)
        if isinstance(found, list) and found and isinstance(found[0], Mapping):
            # converters of scikit-learn give a mapping of probabilities for each row
            self.classes = np.array(list(found[0]))
            found = np.array([list(row.values()) for row in found])
        return Given(read_output(found, self.name))


class Script(Model):
    """A TorchScript module, in evaluation mode and without gradients: its layers cannot be read."""

    def __init__(self, name: str, module: Any, forward: Callable[[Any, Any], Any] | None) -> None:
        super().__init__(name)
        self._module, self._forward = module, forward

    def open(self, stack: ExitStack) -> None:
        """Set evaluation mode and stop gradients until the stack closes."""
        import torch

        stack.enter_context(torch.no_grad())
        for part in self._module.modules():
            stack.callback(setattr, part, "training", part.training)
            part.training = False

    def __call__(self, batch: Batch) -> Given:
        """Run the module."""
        if self._forward:
            return Given(read_output(self._forward(self._module, batch.given), self.name))
        x = fit(batch.x, self._module)
        return Given(read_output(self._module(**x) if isinstance(batch.x, Keywords) else self._module(x), self.name))


class Booster(Model):
    """A booster of LightGBM or XGBoost without its scikit-learn coat."""

    def __init__(self, name: str, booster: Any, library: str, kind: TaskKind) -> None:
        super().__init__(name)
        self._booster, self._kind = booster, kind
        self._matrix = importlib.import_module(library).DMatrix if library == "xgboost" else None

    def __call__(self, batch: Batch) -> Given:
        """Ask the booster; two classes are given as the probability of the second."""
        x = batch.x if hasattr(batch.x, "iloc") else to_numpy(batch.x, "x")
        found = read_output(self._booster.predict(x if self._matrix is None else self._matrix(x)), self.name)
        if self._kind == "classification" and found.ndim == 1:
            if found.min() < 0 or found.max() > 1:
                raise DataError(f"{self.name} gives one number a row that is no probability: train it with an objective that gives those")
            found = np.stack([1 - found, found], axis=1)
        return Given(found)


def _opened(path: Path, name: str) -> Any:
    if path.suffix.lower() != ".onnx":
        raise PlanError(f"{name} is the path {str(path)!r}: load the model and give it, or give an ONNX file")
    if not path.is_file():
        raise PlanError(f"{name} is the path {str(path)!r}: there is no such file")
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError:
        raise PlanError(f"{name} is an ONNX file, which onnxruntime runs: pip install onnxruntime, or give the model itself") from None
    try:
        return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise PlanError(f"{name} is the file {str(path)!r}, which onnxruntime cannot read ({error}): export it again") from None


def _dtype(kind: str) -> str:
    """The NumPy type of an ONNX one, such as "tensor(float)"."""
    inner = kind.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(inner, inner)
