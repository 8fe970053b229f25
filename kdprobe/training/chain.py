"""Networks that are chains of linear layers, rectifiers and dropout, run for a whole stack by hand: no graph, no copies of gradients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import fx, nn

from kdprobe.training.dropout import MaskedDropout

Tensors = Mapping[str, torch.Tensor]


class Link(NamedTuple):
    """One operation; `name` is the module's."""

    kind: Literal["linear", "relu", "mask"]
    name: str


@dataclass(frozen=True)
class Chain:
    """A network from flat inputs to outputs.

    Parameters
    ----------
    links
        In forward order.
    features
        Hidden layer -> number of links before it.
    """

    links: tuple[Link, ...]
    features: dict[str, int]

    def forward(self, x: torch.Tensor, values: Tensors) -> list[torch.Tensor]:
        """What lies before and after each link, for a stack: x (models, n, d), `values` the parameters and masks, each (models, ...)."""
        found = [x]
        for kind, name in self.links:
            before = found[-1]
            if kind == "linear":
                weight = values[f"{name}.weight"].mT
                bias = values.get(f"{name}.bias")
                found.append(torch.bmm(before, weight) if bias is None else torch.baddbmm(bias[:, None], before, weight))
            elif kind == "relu":
                found.append(torch.relu(before))
            else:
                mask = values.get(f"{name}.mask")
                found.append(before if mask is None else before * mask)
        return found

    def backward(self, gradient: torch.Tensor, of_features: Tensors, found: list[torch.Tensor], values: Tensors, into: Tensors) -> None:
        """Write the gradients of all parameters.

        Parameters
        ----------
        gradient
            By the outputs, (models, n, c).
        of_features
            By hidden layers, where a loss reads them.
        found, values
            What `forward` gave and was given.
        into
            Where the parameters' gradients go, each (models, ...).
        """
        first = next(place for place, link in enumerate(self.links) if link.kind == "linear")
        at: dict[int, list[torch.Tensor]] = {}
        for name, values_ in of_features.items():
            at.setdefault(self.features[name], []).append(values_)
        for place in reversed(range(first, len(self.links))):
            kind, name = self.links[place]
            for more in at.get(place + 1, ()):
                gradient = gradient + more
            before = found[place]
            if kind == "linear":
                into[f"{name}.weight"].copy_(torch.bmm(gradient.mT, before))
                if f"{name}.bias" in into:
                    torch.sum(gradient, 1, out=into[f"{name}.bias"])
                if place > first:
                    gradient = torch.bmm(gradient, values[f"{name}.weight"])
            elif kind == "relu":
                gradient = torch.ops.aten.threshold_backward(gradient, found[place + 1], 0)
            elif (mask := values.get(f"{name}.mask")) is not None:
                gradient = gradient * mask


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def chain_of(module: nn.Module) -> Chain | None:
    """The chain that a network is, or None: found by tracing its forward pass, so that any family's network may be one."""
    try:
        graph = _Tracer().trace(module)
    except Exception:
        # whatever a forward pass does that cannot be traced, the network is trained by the general engine
        return None
    nodes = [node for node in graph.nodes if node.op not in ("placeholder", "output")]
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    (output,) = (node for node in graph.nodes if node.op == "output")
    if len(inputs) != 1:
        return None
    links: list[Link] = []
    reached: dict[Any, int] = {inputs[0]: 0}
    last = inputs[0]
    for node in nodes:
        if not node.args or node.args[0] is not last or node.kwargs:
            return None
        link = _link(node, module)
        if link is None:
            return None
        links += [] if link == "same" else [link]
        reached[node], last = len(links), node
    outputs, features = output.args[0]  # pyright: ignore[reportGeneralTypeIssues]
    if outputs is not last or not isinstance(features, dict) or not all(node in reached for node in features.values()):
        return None
    if not any(link.kind == "linear" for link in links):
        return None
    return Chain(tuple(links), {name: reached[node] for name, node in features.items()})


def _link(node: fx.Node, module: nn.Module) -> Link | Literal["same"] | None:
    if node.op == "call_module":
        part = module.get_submodule(str(node.target))
        if type(part) is nn.Linear:
            return Link("linear", str(node.target))
        if type(part) is nn.ReLU and not part.inplace:
            return Link("relu", str(node.target))
        if type(part) is MaskedDropout and not part.channels:
            return Link("mask", str(node.target))
        return "same" if type(part) is nn.Identity else None
    if node.target in (torch.relu, nn.functional.relu, "relu") and len(node.args) == 1:
        return Link("relu", "")
    # inputs of a chain are rows of numbers: the stack hands them over flat
    return "same" if node.target in ("flatten", torch.flatten) and node.args[1:] == (1,) else None
