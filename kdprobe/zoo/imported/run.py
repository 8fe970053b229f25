"""What a model says of rows: a torch module, a function, or its outputs themselves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.trace import check_finite

CHUNK = 1024
LOGITS = ("logits", "outputs", "output")


def answers(model: Any, x: Any, layers: Any, *, rows: int) -> tuple[np.ndarray, dict[str, np.ndarray], int | None]:
    """Outputs (n, ...), hidden layers by name, and the number of parameters where it is known.

    Parameters
    ----------
    model
        A torch module or a function of a batch of x, which give outputs, (outputs, {layer: features}) or something with ``logits``; or an
        array of outputs.
    x
        (rows, ...), for models that are to be run; in place of it a list of batches.
    layers
        Of a module, names of submodules to record; of outputs, {name: (n, ...)}.
    """
    if isinstance(model, nn.Module):
        if x is None:
            raise PlanError("a model that is to be run needs the rows it is run on: give x, or the outputs in place of the model")
        names = [] if layers is None else list(layers)
        said, hidden = _run(model, x, names)
        return _checked(said, rows), _paired(hidden, rows), sum(parameter.numel() for parameter in model.parameters())
    if callable(model):
        if x is None:
            raise PlanError("a function that is to be called needs the rows it is called on: give x, or the outputs in its place")
        if layers:
            raise PlanError("layers are recorded of torch modules: let the function return (outputs, {layer: features})")
        said, hidden = _gather(model, x)
        return _checked(said, rows), _paired(hidden, rows), None
    if layers is not None and not isinstance(layers, Mapping):
        raise PlanError(f"layers={layers!r}: beside outputs give the layers themselves, {{name: (n, ...)}}")
    given = {str(name): _array(values, f"layer {name!r}") for name, values in dict(layers or {}).items()}
    return _checked(_array(model, "model"), rows), _paired(given, rows), None


def _run(module: nn.Module, x: Any, names: Sequence[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    known = dict(module.named_modules())
    for name in names:
        if name not in known:
            raise PlanError(f"layers holds {name!r}, which the model has not: it has {', '.join([*known][1:8])}, ...")
    caught: dict[str, Any] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            caught[name] = output[0] if isinstance(output, tuple) else output

        return hook

    hooks = [known[name].register_forward_hook(keep(name)) for name in names]
    modes = {each: each.training for each in module.modules()}

    def call(batch: Any) -> Any:
        found = module(batch)
        return (found[0] if isinstance(found, tuple) else found, dict(caught)) if names else found

    try:
        module.eval()
        return _gather(call, x)
    finally:
        for hook in hooks:
            hook.remove()
        for each, mode in modes.items():
            each.training = mode


def _gather(call: Callable[[Any], Any], x: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    outputs: list[np.ndarray] = []
    hidden: dict[str, list[np.ndarray]] = {}
    with torch.inference_mode():
        for batch in _batches(x):
            found = call(batch)
            features: Any = {}
            if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], Mapping):
                found, features = found
            outputs.append(_array(_logits(found), "model"))
            for name, values in features.items():
                hidden.setdefault(str(name), []).append(_array(values, f"layer {name!r}"))
    return np.concatenate(outputs), {name: np.concatenate(values) for name, values in hidden.items()}


def _batches(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return x
    rows = torch.from_numpy(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x
    if isinstance(rows, torch.Tensor) and rows.dtype == torch.float64:
        rows = rows.float()
    return (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))


def _logits(found: Any) -> Any:
    for name in LOGITS:
        if isinstance(found, Mapping) and name in found:
            return found[name]
        if not isinstance(found, Mapping | torch.Tensor | np.ndarray) and hasattr(found, name):
            return getattr(found, name)
    return found


def _array(values: Any, name: str) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().float().cpu().numpy()
    try:
        found = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{name} gives a {type(values).__name__}: give numbers, one row a row of target") from error
    if found.dtype.kind not in "fiub" or not found.ndim:
        raise DataError(f"{name} gives a {type(values).__name__} ({found.dtype} {found.shape}): give numbers, one row a row of target")
    return found


def _checked(said: np.ndarray, rows: int) -> np.ndarray:
    if len(said) != rows:
        raise DataError(f"model gives {len(said)} rows, target has {rows}: give one row a row of target, in its order")
    return said


def _paired(hidden: Mapping[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
    for name, values in hidden.items():
        if values.ndim < 2 or len(values) != rows:
            raise DataError(f"layer {name!r} has shape {values.shape}: give ({rows}, ...), one row a row of target")
        check_finite(values, f"layer {name!r}")
    return dict(hidden)
