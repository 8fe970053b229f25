"""Nothing that a training can notice: random generators as they were, and how to see that a network has moved."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

Weights = tuple[float, ...]


@contextmanager
def as_found() -> Iterator[None]:
    """Leave the random generators of Python, NumPy and torch, on all devices, as they were."""
    torch = sys.modules.get("torch")
    here, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - what users call may draw from it
    tensors = None if torch is None else torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch is not None and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(here)
        np.random.set_state(arrays)  # noqa: NPY002
        if torch is not None and tensors is not None:
            torch.set_rng_state(tensors)
            if devices is not None:
                torch.cuda.set_rng_state_all(devices)


def settle() -> None:
    """Wait for what a training left running on a GPU, so that its time is not taken for the watcher's."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def weights_of(model: Any) -> Weights | None:
    """Two numbers of each tensor of a torch module, which training moves; None of anything else.

    The sum alone will not do: a softmax keeps that of its last layer. PyTorch counts changes in place itself, but not those through
    ``.data``, as many moving averages are written.
    """
    if not is_module(model):
        return None
    import torch

    with torch.no_grad():
        # one tensor at a time in double precision: a teacher may be large
        tensors = (tensor.detach().double() for tensor in (*model.parameters(), *model.buffers()))
        return tuple(float(number) for tensor in tensors for number in (tensor.sum(), torch.linalg.vector_norm(tensor)))


def is_module(model: Any) -> bool:
    """Whether it is a torch module."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def is_one_model(one: Any, other: Any) -> bool:
    """Whether two are one object, or modules made of the very same weights, as a network and a wrapper around it."""
    if one is other:
        return True
    if not (is_module(one) and is_module(other)):
        return False
    mine, others = ({id(weight) for weight in model.parameters()} for model in (one, other))
    return bool(mine) and mine == others
