"""Hidden layers that are drawn and never trained: computed once for all networks that have them in common."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

CHUNK = 8192
"""Rows in one pass: bounds memory, changes no value."""


class FixedFeatures:
    """Features of the rows last asked for: all students of a seed have the same, whatever they learn.

    Parameters
    ----------
    most_bytes
        What is kept, at most; the last ones always are.
    """

    def __init__(self, most_bytes: int):
        self._most, self._bytes, self._kept = most_bytes, 0, OrderedDict[object, tuple[torch.Tensor, torch.Tensor]]()

    def of(self, module: Any, x: torch.Tensor) -> torch.Tensor:
        """Features (n, width) of rows x (n, ...), which must not change, of a network with `fixed` and `hidden`."""
        # the rows are kept too, so that no others can lie where they lie
        key = (module.fixed, x.data_ptr(), x.shape, x.device)
        if key not in self._kept:
            features = _by_chunks(lambda rows: module.hidden(rows.flatten(1)), x)
            self._kept[key], self._bytes = (x, features), self._bytes + features.nbytes
            while len(self._kept) > 1 and self._bytes > self._most:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._bytes -= dropped.nbytes
        self._kept.move_to_end(key)
        return self._kept[key][1]


_FIXED = FixedFeatures(128 << 20)


def last_hidden_layer(module: Any, x: torch.Tensor) -> torch.Tensor:
    """Last hidden layer (n, width) of a network on rows x (n, ...), which must not change."""
    if getattr(module, "fixed", None) is not None:
        return _FIXED.of(module, x)
    return _by_chunks(lambda rows: list(module(rows)[1].values())[-1], x)


def _by_chunks(function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        pieces = [function(x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)
