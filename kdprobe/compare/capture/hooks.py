"""Hooks on the modules of a network while it runs: which calls are layers is decided after the first batch."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple
from weakref import ReferenceType, ref

import numpy as np
import torch
from torch import nn

from kdprobe.compare.capture.layer_names import Slot, heads, matrices, slots, stages
from kdprobe.compare.capture.reading import Call, Channels, Spatial, read, tensors
from kdprobe.core.errors import DataError, PlanError

RULES = ("auto", "last hidden")


class _Batch(NamedTuple):
    """What the hooks saw of one batch."""

    calls: list[Call]
    by_slot: Mapping[Slot, list[Call]]
    """Calls of each slot in their order."""
    made: list[tuple[Slot, ReferenceType[torch.Tensor]]]
    """Modules with weights and what they gave, in the order of their calls: in the first batch only."""


class _Layer(NamedTuple):
    """One layer of the result: the call it is read from."""

    name: str
    slot: Slot
    at: int
    total: int
    """How often the module is called in a batch."""


class Capture:
    """What `capture` gives: call the model, then `take` the features of that batch.

    Attributes
    ----------
    names
        Layers by name, in the order asked for; known after the first `take`.
    found
        What each request turned out to mean: a name, glob or rule -> names of layers.
    handling
        For each layer what was done with its spatial axes: "none", "gap over axes 2, 3", "flatten", "positions".
    skipped
        Modules that a glob named and the forward pass did not call.
    mask
        (rows, length) of the next batch, 0 at padding: averages over the axis of a sequence leave it out. None: there is none.
    last_hidden
        The last hidden layer, where "auto" or "last hidden" asked for it and the network has one.
    """

    def __init__(self, model: nn.Module, layers: Sequence[str], spatial: Spatial, channels: Channels | None) -> None:
        self.names: tuple[str, ...] = ()
        self.found: dict[str, tuple[str, ...]] = {}
        self.handling: dict[str, str] = {}
        self.skipped: tuple[str, ...] = ()
        self.last_hidden: str | None = None
        self._model = model
        self._spatial: Spatial = spatial
        self._channels: Channels | None = channels
        self._requests = [(spec, [] if spec in RULES else slots(model, spec)) for spec in layers]
        self._heads = heads(model) if set(layers) & set(RULES) else []
        self._stages = stages(model) if "auto" in layers else []
        self._layers: tuple[_Layer, ...] | None = None
        self._calls: list[Call] = []
        self._made: list[tuple[Slot, ReferenceType[torch.Tensor]]] = []
        self.mask: np.ndarray | None = None
        self._hooks: dict[Slot, torch.utils.hooks.RemovableHandle] = {}
        self._first_batch_hooks: list[torch.utils.hooks.RemovableHandle] = []

    def __repr__(self) -> str:
        return f"Capture({', '.join(self.names) or 'nothing taken yet'})"

    def clear(self) -> None:
        """Forget what was captured since the last `take`, such as calls made through another model that shares modules."""
        self._calls.clear()
        self._made.clear()

    def take(self, output: Any = None, *, rows: int | None = None) -> dict[str, np.ndarray]:
        """Return the features of the batch that the model was just called on, and forget them.

        Parameters
        ----------
        output
            What the model gave. In the first batch it tells the output layer from auxiliary heads.
        rows
            Rows of the batch; checked where given.

        Returns
        -------
        dict
            Layer name -> (rows, d) array, float32 (float64 where the layer is). Empty where a rule found no hidden layer.

        Raises
        ------
        DataError
            If the calls differ from those of the first batch, or a layer has another number of rows.
        PlanError
            In the first batch, if a layer that was asked for by name is not called.
        """
        calls = list(self._calls)
        batch = _Batch(calls, {slot: [call for call in calls if call.slot is slot] for slot in self._hooks}, list(self._made))
        self.clear()
        if self._layers is None:
            self._layers = self._choose(batch, output, rows)
        features: dict[str, np.ndarray] = {}
        for layer in self._layers:
            found = batch.by_slot[layer.slot]
            if len(found) != layer.total:
                raise DataError(
                    f"layer {layer.slot.name!r} was called {len(found)} times in this batch and {layer.total} times in the first: take()"
                    " after each batch, and leave out layers whose use depends on the data"
                )
            call = found[layer.at]
            if rows is not None and not call.fits(rows):
                raise DataError(
                    f"layer {layer.name!r} has {len(call.values)} rows where the batch has {rows}: its first axis must be the sample"
                    " (batch_first=True in recurrent and attention modules)"
                )
            self.handling[layer.name] = call.handling
            features[layer.name] = call.values.cpu().numpy()
        return features

    def _choose(self, batch: _Batch, output: Any, rows: int | None) -> tuple[_Layer, ...]:
        """After the first batch: turn the requests into layers, and unhook what only the choice needed."""
        head = self._output_layer(batch, output)
        # an output layer that is called first reads the data themselves
        hidden = batch.by_slot[head][-1:] if head is not None and head is not batch.made[0][0] else []
        chosen: dict[str, _Layer] = {}
        skipped: list[str] = []
        for spec, options in self._requests:
            if spec in RULES:
                wanted = (self._stage_outputs(batch, head, rows) if spec == "auto" else []) + hidden
            else:
                wanted = self._named(batch, spec, options)
                skipped += [slot.name for slot in options if not batch.by_slot[slot]]
            names: list[str] = []
            for call in wanted:
                same = batch.by_slot[call.slot]
                index = same.index(call)
                name = call.slot.label(path=call.path, call=index + 1 if len(same) > 1 else None)
                names.append(name)
                chosen.setdefault(name, _Layer(name, call.slot, index, len(same)))
                if hidden and call is hidden[0]:
                    self.last_hidden = name
            self.found[spec] = tuple(names)
        self.names, self.skipped = tuple(chosen), tuple(skipped)
        for slot in set(self._hooks) - {layer.slot for layer in chosen.values()}:
            self._hooks.pop(slot).remove()
        for handle in self._first_batch_hooks:
            handle.remove()
        return tuple(chosen.values())

    def _named(self, batch: _Batch, spec: str, options: list[Slot]) -> list[Call]:
        """Return the calls that a name or a glob means, in forward order."""
        found = [call for call in batch.calls if call.slot in options]
        wanted = [call for call in found if call.slot.call in (None, batch.by_slot[call.slot].index(call) + 1)]
        if not found:
            raise PlanError(
                f"layer {spec!r} is never called in the forward pass: leave it out (compiled and fused modules bypass their parts)"
            )
        if not wanted:
            raise PlanError(f"layer {spec!r} was called {len(found)} times in the forward pass: name a call that is made")
        return wanted

    def _output_layer(self, batch: _Batch, output: Any) -> Slot | None:
        """Return the module with weights that made the output: by identity where that tells, else the last one called."""
        given = [tensor for _, tensor in tensors(output)]
        own = (slot for slot, tensor in reversed(batch.made) if any(tensor() is each for each in given))
        return next(own, batch.made[-1][0] if batch.made else None)

    def _stage_outputs(self, batch: _Batch, head: Slot | None, rows: int | None) -> list[Call]:
        """Return the last tensor of each stage that precedes the output layer; of a stage that is called at each time step, of the last."""
        groups: list[list[Call]] = []
        for call in [call for call in batch.calls if call.slot in self._stages]:
            if head is not None and call.slot.module is head.module:
                # what the last stage hands to the output layer is the last hidden layer itself
                groups = groups[:-1]
                break
            if head is not None and any(module is head.module for module in call.slot.module.modules()):
                break
            if matrices(call.slot.module):
                groups = [group for group in groups if not group or group[0].slot is not call.slot]
                groups.append([])
            if groups and (rows is None or call.fits(rows)):
                groups[-1].append(call)
        return [group[-1] for group in groups if group]

    def attach(self, stack: ExitStack) -> None:
        """Hook all modules that may be asked for, until the stack closes."""
        for slot in [slot for _, options in self._requests for slot in options] + self._heads + self._stages:
            if slot.where == "input":
                handle = slot.module.register_forward_pre_hook(self._reader(slot), with_kwargs=True)
            else:
                handle = slot.module.register_forward_hook(self._reader(slot))
            self._hooks[slot] = handle
            stack.callback(handle.remove)
        for slot in self._heads:
            handle = slot.module.register_forward_hook(self._noter(slot))
            self._first_batch_hooks.append(handle)
            stack.callback(handle.remove)

    def _reader(self, slot: Slot) -> Any:
        def hook(module: nn.Module, arguments: tuple[Any, ...], other: Any) -> None:
            # what follows the arguments is the keyword arguments in a pre-hook, and the output in a hook
            value = {**{str(i): each for i, each in enumerate(arguments)}, **other} if slot.where == "input" else other
            call = read(self._model, slot, value, self._spatial, self._channels, self.mask)
            if call is not None:
                self._calls.append(call)

        return hook

    def _noter(self, slot: Slot) -> Any:
        def hook(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            # recurrent modules give tuples
            self._made.extend((slot, ref(tensor)) for _, tensor in tensors(output))

        return hook
