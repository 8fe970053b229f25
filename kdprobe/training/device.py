"""Where models are trained: on the CPU, or on a GPU."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from kdprobe.core.errors import PlanError


def check_device(device: str) -> None:
    """Raise PlanError unless a device is there.

    Examples
    --------
    >>> check_device("cpu")
    """
    kind, _, number = str(device).partition(":")
    # digits of other scripts are digits to Python, and none to torch
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,3})?", str(device)):
        raise PlanError(f"device={device!r} is unknown: give cpu, cuda, or one GPU of several such as cuda:1")
    if kind == "cuda" and int(number or 0) >= (torch.cuda.device_count() if torch.cuda.is_available() else 0):
        found = torch.cuda.device_count() if torch.cuda.is_available() else "no"
        raise PlanError(
            f"device={device!r} is not there (torch {torch.__version__} finds {found} GPUs): leave --device out to train on the CPU"
        )


@contextmanager
def on_device(device: str) -> Iterator[torch.device]:
    """The device, with convolutions in full float32 and the same from run to run."""
    check_device(device)
    place = torch.device(device)
    if place.type == "cpu":
        yield place
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield place
