"""The one door that a user's arrays come through."""

from typing import Any

import numpy as np

from kdprobe.core.errors import DataError


def as_array(values: Any, name: str) -> np.ndarray:
    """Return a NumPy view or copy of an array, a torch tensor or nested lists.

    Raises
    ------
    DataError
        If they are ragged, if a mask hides some of them (NumPy would count what it hides), or if a tensor has no plain numbers in memory:
        sparse, quantised, float8, nested, on the meta device, or a view that is conjugated or negated when it is read.
    """
    if hasattr(values, "detach"):
        return _from_tensor(values, name)
    parts: list[Any] = [*values] if type(values) in (list, tuple) else [values]
    if any(np.ma.is_masked(part) for part in parts):
        raise DataError(f"{name} is a masked array: fill the masked entries, or leave their rows out")
    if hasattr(values, "toarray"):
        raise DataError(f"{name} is a sparse {type(values).__name__}: give {name}.toarray()")
    try:
        return np.asarray(values)
    except ValueError:
        raise DataError(f"{name} is ragged: give rows of one length") from None
    except (TypeError, RuntimeError) as error:
        raise DataError(f"{name} is a {type(values).__name__} that NumPy cannot read ({error}): give an array") from None


def _from_tensor(tensor: Any, name: str) -> np.ndarray:
    """A torch tensor, perhaps on a device, with a gradient, or in bfloat16, which NumPy lacks."""
    kind, step = "", ""
    if tensor.is_meta:
        kind, step = "without data, on the meta device", "a tensor with data"
    elif tensor.is_nested:
        kind, step = "of nested rows", f"{name}.to_padded_tensor(0.0), if a padded row means the same"
    elif str(tensor.layout) != "torch.strided":
        kind, step = f"of layout {tensor.layout}", f"{name}.to_dense()"
    elif tensor.is_quantized:
        kind, step = f"quantised to {tensor.dtype}", f"{name}.dequantize()"
    elif str(tensor.dtype).startswith("torch.float8"):
        kind, step = f"of dtype {tensor.dtype}, which NumPy lacks", f"{name}.float()"
    elif tensor.is_conj():
        kind, step = "that is conjugated when it is read", f"{name}.resolve_conj(), or its real part"
    elif tensor.is_neg():
        kind, step = "that is negated when it is read", f"{name}.resolve_neg()"
    if kind:
        raise DataError(f"{name} is a tensor {kind}: give {step}")
    values = tensor.detach().cpu()
    try:
        return values.float().numpy() if str(values.dtype) == "torch.bfloat16" else values.numpy()
    except (TypeError, RuntimeError) as error:
        raise DataError(f"{name} is a tensor of dtype {tensor.dtype} that NumPy cannot read ({error}): give {name}.float()") from None
