"""The rows of a comparison, one batch after the other, from arrays, a data set, or any iterable of batches."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kdprobe.core.arrays import as_array
from kdprobe.core.errors import DataError

ROWS = 1024
"""Rows in a batch that is cut from arrays: bounds memory, changes no value."""
ATTENTION = "attention_mask"
"""Under this name networks of Hugging Face take what is padding and what is not."""
TARGETS = ("y", "label", "labels", "target", "targets")
INPUTS = ("x", "input", "inputs", "image", "images", "pixel_values", "features", "data")
WHOLE = "an array x, a tuple (x, y), a mapping of arrays, or an iterable of such batches"


@dataclass(frozen=True, eq=False)
class Batch:
    """Some rows: the model's input, the target or None, the batch as the data gave it, for ``forward``, and what of it counts."""

    x: Any
    y: np.ndarray | None
    given: Any
    mask: np.ndarray | None = None
    """True, or 1, at what counts: (rows,), or (rows, positions) of sequences; None where all does."""


class Keywords(dict[str, Any]):
    """Inputs that a network takes by name, as those of Hugging Face do."""


def batches(data: Any, *, forward: bool, target: Any = None, mask: Any = None) -> Iterator[Batch]:
    """Yield the batches of `data`, which is iterated once.

    Parameters
    ----------
    data
        An array x (n, ...), a tuple (x, y), a mapping of arrays, a torch Dataset, or an iterable of batches in one of the first three
        forms.
    forward
        Whether the caller takes batches as they are: then a mapping may have any keys beside the target.
    target
        Where the target is: the place of a part, a key, or a function of the batch; None: in its usual place.
    mask
        Where the mask is, likewise; None: "attention_mask" of a mapping, where there is one. A part that is a mask is no input.

    Raises
    ------
    DataError
        If it is not clear what the input or the target is.
    """
    for given in _given(data, target, mask):
        rest, found = _masked(given, mask)
        batch = _parse(rest, forward=forward) if target is None else _parse_with(rest, target, forward=forward)
        yield replace(batch, given=given, mask=found)


def is_array(value: Any) -> bool:
    """Whether `value` is an array, a tensor or a data frame."""
    return (hasattr(value, "shape") and hasattr(value, "dtype")) or hasattr(value, "iloc")


def to_numpy(value: Any, name: str) -> np.ndarray:
    """Return an array, tensor, data frame or list as a numpy array on the CPU; half precision becomes float32."""
    array = as_array(value, name)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def shuffles(data: Any) -> bool:
    """Whether `data` is a torch DataLoader that gives its rows in another order each time."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(data, torch.utils.data.DataLoader):
        return False
    samplers = torch.utils.data
    return isinstance(data.sampler, samplers.RandomSampler | samplers.WeightedRandomSampler | samplers.SubsetRandomSampler)


def _given(data: Any, target: Any = None, mask: Any = None) -> Iterator[Any]:
    torch = sys.modules.get("torch")
    if data is None:
        return
    if torch is not None and isinstance(data, torch.utils.data.Dataset):
        yield from torch.utils.data.DataLoader(data, batch_size=ROWS)
    elif isinstance(data, tuple) and 1 <= len(data) <= 2 and not any(isinstance(part, tuple) for part in data):
        yield from _cut(tuple(np.asarray(part) if isinstance(part, list) else part for part in data))
    elif (
        is_array(data)
        or isinstance(data, Mapping)
        or ((target is not None or mask is not None) and isinstance(data, tuple) and all(map(is_array, data)))
    ):
        yield from _cut(data)
    elif isinstance(data, tuple) and all(is_array(part) for part in data):
        raise DataError(f"data is a tuple of {len(data)} arrays: give (x, y), or say which part is the target, such as target=-1")
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        for batch in data:
            if not isinstance(batch, Mapping | tuple | list) and not is_array(batch):
                raise DataError(f"data yields a {type(batch).__name__}, which is no batch: give {WHOLE}")
            yield batch
    else:
        raise DataError(f"data is a {type(data).__name__}: give {WHOLE}")


def _cut(data: Any) -> Iterator[Any]:
    """Yield `data` in pieces of `ROWS` rows."""
    lengths = {name: len(part) for name, part in _parts(data)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"data has unequal rows ({', '.join(f'{name} {n}' for name, n in lengths.items())}): rows must be paired")
    for start in range(0, max(lengths.values(), default=0), ROWS):
        yield _slice(data, slice(start, start + ROWS))


def _parts(data: Any, name: str = "x") -> Iterator[tuple[str, Any]]:
    if isinstance(data, Mapping):
        for key, part in data.items():
            yield from _parts(part, str(key))
    elif isinstance(data, tuple):
        names = ("x", "y") if len(data) <= 2 else [f"part {place}" for place in range(len(data))]
        for part, key in zip(data, names, strict=False):
            yield from _parts(part, key)
    elif data is not None:
        if not hasattr(data, "__len__"):
            raise DataError(f"{name} is a {type(data).__name__}: give {WHOLE}")
        yield name, data


def _slice(data: Any, rows: slice) -> Any:
    if data is None:
        return None
    if isinstance(data, Mapping):
        return {key: _slice(part, rows) for key, part in data.items()}
    if isinstance(data, tuple):
        return tuple(_slice(part, rows) for part in data)
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]


def _parse(given: Any, *, forward: bool) -> Batch:
    if isinstance(given, Mapping):
        return _parse_mapping(given, forward=forward)
    if not isinstance(given, tuple | list):
        return Batch(given, None, given)
    if len(given) == 1:
        return Batch(given[0], None, given)
    if len(given) != 2:
        raise DataError(
            f"a batch has {len(given)} parts: which is the target? Let the data yield (x, y), or mappings with a key 'y', or say which "
            "part it is, such as target=-1"
        )
    return Batch(given[0], _target(given[1]), given)


def _parse_mapping(given: Mapping[Any, Any], *, forward: bool) -> Batch:
    keys = ", ".join(map(repr, given))
    targets = [key for key in given if str(key).lower() in TARGETS]
    if len(targets) > 1:
        raise DataError(f"a batch has the keys {keys}: {' and '.join(map(repr, targets))} could both be the target, leave one out")
    y = _target(given[targets[0]]) if targets else None
    if forward:
        return Batch(None, y, given)
    others = [key for key in given if key not in targets]
    inputs = [key for key in others if str(key).lower() in INPUTS]
    if "input_ids" in given and len(others) > 1 and all(isinstance(key, str) for key in others):
        return Batch(Keywords({key: given[key] for key in others}), y, given)
    inputs = inputs or (others if len(others) == 1 else [])
    if len(inputs) != 1:
        raise DataError(
            f"a batch has the keys {keys}: which is the model's input? Say it with forward=, such as "
            "forward=lambda model, batch: model(batch['x'])"
        )
    return Batch(given[inputs[0]], y, given)


def _masked(given: Any, mask: Any) -> tuple[Any, np.ndarray | None]:
    """The batch without a part that is its mask, and that mask."""
    if mask is None:
        found = given.get(ATTENTION) if isinstance(given, Mapping) else None
        return given, None if found is None else to_numpy(found, ATTENTION)
    if callable(mask):
        return given, to_numpy(mask(given), "the mask")
    held = given.keys() if isinstance(given, Mapping) else range(-len(given), len(given)) if isinstance(given, tuple | list) else ()
    # True would be the second part
    if isinstance(mask, bool) or mask not in held:
        what = f"the keys {', '.join(map(repr, held))}" if isinstance(given, Mapping) else f"{len(given) if held else 'no'} parts"
        raise DataError(f"mask={mask!r}: a batch has {what}: name one of them, or give a function of the batch")
    # a network takes its attention mask itself
    place: Any = mask
    rest = given if place == ATTENTION else _without(given, mask)
    return tuple(rest) if isinstance(rest, list) else rest, to_numpy(given[mask], "the mask")


def _parse_with(given: Any, target: Any, *, forward: bool) -> Batch:
    """A batch whose target the caller points at."""
    if callable(target):
        return Batch(None if forward else _input(_without(given, None)), _target(target(given)), given)
    held = given.keys() if isinstance(given, Mapping) else range(-len(given), len(given)) if isinstance(given, tuple | list) else ()
    if isinstance(target, bool) or target not in held:
        what = f"the keys {', '.join(map(repr, held))}" if isinstance(given, Mapping) else f"{len(given) if held else 'no'} parts"
        raise DataError(f"target={target!r}: a batch has {what}: name one of them, or give a function of the batch")
    # a language model's target may be its own input
    place: Any = target
    rest = given if place == "input_ids" else _without(given, target)
    return Batch(None if forward else _input(rest), _target(given[target]), given)


def _without(given: Any, target: Any) -> Any:
    if isinstance(given, Mapping):
        return {key: part for key, part in given.items() if key != target}
    if isinstance(given, tuple | list):
        return [part for place, part in enumerate(given) if target is None or place != target % len(given)]
    return given


def _input(rest: Any) -> Any:
    """The one input that is left, or several by name."""
    if isinstance(rest, Mapping) and "input_ids" in rest:
        return Keywords({str(key): part for key, part in rest.items()})
    if not isinstance(rest, Mapping | list):
        return rest
    if len(rest) != 1:
        raise DataError(
            f"a batch has {len(rest)} parts beside its target: say how models take them with forward=, such as "
            "forward=lambda model, batch: model(batch[0], batch[1])"
        )
    return next(iter(rest.values())) if isinstance(rest, Mapping) else rest[0]


def _target(value: Any) -> np.ndarray | None:
    return None if value is None else to_numpy(value, "the target")
