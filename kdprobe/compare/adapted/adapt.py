"""Which kind of model a user gave."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from kdprobe.compare.adapted.foreign import Script, foreign
from kdprobe.compare.data import is_array
from kdprobe.compare.models import LAST_HIDDEN, Function, Model, Module, Outputs, Predictor
from kdprobe.core.errors import PlanError
from kdprobe.core.trace import TaskKind


def adapt(
    thing: Any, name: str, kind: TaskKind, *, forward: Callable[[Any, Any], Any] | None, layers: Sequence[str], spatial: Any
) -> Model | Outputs:
    """Return `thing` as a `Model` or as `Outputs`, or raise PlanError that says what it may be."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.jit.ScriptModule):
        if list(layers) != [LAST_HIDDEN]:
            raise PlanError(f"{name} is a TorchScript module, whose layers are closed: leave out layers=, or give the network itself")
        return Script(name, thing, forward)
    if torch is not None and isinstance(thing, torch.nn.Module):
        return Module(name, thing, forward, layers, spatial)
    if (of_another := foreign(thing, name, kind)) is not None:
        return of_another
    if is_array(thing) or isinstance(thing, list):
        return Outputs(name, thing)
    if forward is not None:
        return Function(name, lambda batch: forward(thing, batch), whole_batch=True)
    if hasattr(thing, "predict_proba") or hasattr(thing, "predict"):
        return Predictor(name, thing, kind)
    if callable(thing):
        return Function(name, thing, whole_batch=False)
    raise PlanError(
        f"{name} is a {type(thing).__name__}: give a torch module, a predictor, a function of x, an ONNX file, or an array of outputs"
    )
