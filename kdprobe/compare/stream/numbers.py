"""What is kept of each row of classifiers whose outputs pass by: numbers that measures read in place of the outputs."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kdprobe.compare.stream.counted import Counted

CHUNK = 2**18
"""Outputs of one model that are worked on at once: they stay in the cache."""
Numbers = dict[Hashable, np.ndarray]


class Wanted(NamedTuple):
    """Which numbers are asked for.

    Parameters
    ----------
    pairs
        (model, teacher) that are compared.
    inner
        Whether products of all pairs are needed, as by τ.
    probabilities
        The models that give those.
    """

    pairs: Sequence[tuple[str, str]]
    inner: bool
    probabilities: frozenset[str]


class _Seen(NamedTuple):
    """One model on a few rows."""

    logs: Any
    """(m, c) log probabilities up to a constant of the row: the largest is 0."""
    constant: Any
    """(m,) what to take off them, in float64."""
    chances: Any
    """(m, c) probabilities."""


def numbers_of(
    outputs: Mapping[str, np.ndarray],
    counted: Counted,
    labels: np.ndarray | None,
    temperatures: Mapping[str, np.ndarray],
    wanted: Wanted,
) -> dict[str, Numbers]:
    """Numbers of each row that counts, of each model.

    Parameters
    ----------
    outputs
        Model -> logits or probabilities, finite, as the model gave them.
    counted
        What counts of them.
    labels
        (m,) classes 0..c-1, or None.
    temperatures
        Model -> (m,); empty where there are none.

    Notes
    -----
    "top", "tied", "confidence", "spread" (log of the sum of exponentials, less the largest logit), "loss", "calibrated loss"; of pairs "kl"
    and "shared"; "inner" of any two. Arithmetic is in the type of the outputs, sums over rows and logarithms in float64. O(m c) a number.
    """
    import torch

    flat = {name: torch.from_numpy(_readable(counted.flat(values))) for name, values in outputs.items()}
    count = counted.kept
    places = None if counted.places is None else torch.from_numpy(counted.places)
    found: dict[str, Numbers] = {name: {} for name in outputs}
    columns = next(iter(flat.values())).shape[1]
    step = max(1, CHUNK // columns)
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        seen: dict[str, _Seen] = {}
        for name, values in flat.items():
            part = values[rows] if places is None else values[places[rows]]
            y = None if labels is None else torch.from_numpy(np.ascontiguousarray(labels[rows]))
            beta = torch.from_numpy(1 / temperatures[name][rows]) if name in temperatures else None
            numbers, seen[name] = _alone(part, y, beta, chances=name in wanted.probabilities)
            _put(found[name], numbers, rows, count)
        for model, teacher in wanted.pairs:
            _put(found[model], _together(seen[model], seen[teacher], teacher, exact=bool(wanted.probabilities)), rows, count)
        if wanted.inner:
            names = list(seen)
            for place, one in enumerate(names):
                for other in names[place:]:
                    product = (seen[one].chances * seen[other].chances).sum(dim=1).double()
                    _put(found[one], {("inner", other): product.numpy()}, rows, count)
    return found


def _readable(values: np.ndarray) -> np.ndarray:
    values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    # torch takes no array that is read-only or runs backwards
    return values if values.flags.writeable and all(step >= 0 for step in values.strides) else np.array(values, order="C")


def _put(into: Numbers, numbers: Mapping[Hashable, np.ndarray], rows: slice, count: int) -> None:
    for key, values in numbers.items():
        if key not in into:
            into[key] = np.empty(count, dtype=values.dtype)
        into[key][rows] = values


def _alone(part: Any, y: Any, beta: Any, *, chances: bool) -> tuple[dict[Hashable, np.ndarray], _Seen]:
    import torch

    largest, top = part.max(dim=1, keepdim=True)
    tied = (part == largest).sum(dim=1) > 1
    if chances:
        part = part.double()
        p = part / part.sum(dim=1, keepdim=True)
        logs = p.log()
        high = logs.max(dim=1, keepdim=True).values
        logs = logs - high
        constant = -high.squeeze(1)
        spread = (p * p).sum(dim=1)
    else:
        logs = part - largest
        p = logs.exp()
        total = p.sum(dim=1, keepdim=True)
        p /= total
        constant = spread = total.squeeze(1).double().log()
    found: dict[Hashable, Any] = {"top": top.squeeze(1).int(), "tied": tied, "spread": spread}
    found["confidence"] = torch.exp(-constant)
    if y is not None:
        of_label = logs.gather(1, y[:, None]).squeeze(1).double()
        found["loss"] = constant - of_label
        if beta is not None:
            found["calibrated loss"] = (logs * beta[:, None].to(logs.dtype)).exp_().sum(dim=1).double().log() - beta * of_label
    return {key: value.numpy() for key, value in found.items()}, _Seen(logs, constant, p)


def _together(model: _Seen, teacher: _Seen, name: str, *, exact: bool) -> dict[Hashable, np.ndarray]:
    import torch

    p = teacher.chances
    apart = teacher.logs - model.logs
    # where the teacher's probability is 0 the term is 0, whatever the student's; only what gives probabilities itself has such
    terms = torch.where(p > 0, p * apart, 0.0) if exact else apart.mul_(p)
    divergence = terms.sum(dim=1).double() - teacher.constant + model.constant
    shared = torch.minimum(model.chances, p).sum(dim=1).double().clamp(max=1.0)
    return {("kl", name): divergence.numpy(), ("shared", name): shared.numpy()}
