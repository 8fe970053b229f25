"""Reads hidden layers of any torch module while it runs, and leaves the module as it was found."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import get_args

import torch
from torch import nn

from kdprobe.compare.capture.hooks import Capture
from kdprobe.compare.capture.reading import Channels, Spatial
from kdprobe.core.errors import PlanError, did_you_mean


@contextmanager
def capture(
    model: nn.Module,
    layers: str | Sequence[str] = "auto",
    *,
    spatial: Spatial = "gap",
    channels: Channels | None = None,
) -> Iterator[Capture]:
    """Read hidden layers of `model` while it runs, in evaluation mode and without gradients.

    Whatever happens inside, the model is left as it was found: the training flag of each of its modules, its gradients, its hooks, and
    the state of torch's random generators.

    Parameters
    ----------
    model
        Any torch module. It is called by you, in any way.
    layers
        One or several of

        * a name out of ``model.named_modules()``, such as "encoder.layers.0";
        * a glob of names: ``*`` stays within a level, ``**`` crosses levels; in the order of the forward pass;
        * "last hidden": the input of the output layer;
        * "auto": the output of each stage, and the last hidden layer at the end. A stage that is called several times, such as the cell
          of a recurrent network, is read at its last call; name it to read all of them.

        A name may end in ``#2`` for the second call of a module that is used several times (without it, each call is a layer:
        "relu#1", "relu#2"), in a path into a tuple or mapping ("gru:0", "encoder:hidden.0"), or in ":input" for what the
        module was called with.
    spatial
        What becomes of axes beyond (n, channels): "gap" averages over them, "flatten" makes them features, "positions" makes them rows.
        These are different measures; `Capture.handling` names what was done.
    channels
        Which axis of images and sequences holds the channels; without it, the kinds of the modules decide, and ``handling`` says so.

    Yields
    ------
    Capture
        Call the model on a batch, then ``take()`` its features, for as many batches as there are.

    Raises
    ------
    PlanError
        If a layer or a choice is unknown (the text lists near names), is never called, or gives several tensors.

    Notes
    -----
    Features are copied inside the hook. Each batch costs one copy of what is kept of it, O(rows · d); nothing is kept after `take`.
    Only for the first batch do "last hidden" and "auto" look at every layer with weights.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))
    >>> with capture(net, ["0", "last hidden"]) as captured:
    ...     output = net(torch.ones(5, 4))
    ...     features = captured.take(output)
    >>> {name: values.shape for name, values in features.items()}
    {'0': (5, 8), '2:input': (5, 8)}
    >>> net.training
    True
    """
    if not isinstance(model, nn.Module):
        raise PlanError(f"model is a {type(model).__name__}: hidden layers can be captured of a torch.nn.Module only")
    for argument, value, options in (("spatial", spatial, get_args(Spatial)), ("channels", channels or "first", get_args(Channels))):
        if value not in options:
            raise PlanError(f"{argument}={value!r} is unknown: {did_you_mean(str(value), options)}")
    captured = Capture(model, [layers] if isinstance(layers, str) else list(layers), spatial, channels)
    flags = [(module, module.training) for module in model.modules()]
    devices = sorted({tensor.device.index or 0 for tensor in model.parameters() if tensor.device.type == "cuda"})
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=devices))
        stack.enter_context(torch.no_grad())
        if "torch._dynamo" in sys.modules:
            # compiled code bypasses hooks; where nothing has been compiled, importing the compiler would cost seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        for module, flag in flags:
            stack.callback(setattr, module, "training", flag)
            # the flag and not eval(): an overridden eval() may do more than can be undone
            module.training = False
        captured.attach(stack)
        yield captured
