"""Networks that are chains of linear layers, convolutions, rectifiers and dropout, run for a whole stack by hand: no graph to build.

Vectors of a stack are (models, n, d). Maps are (n, models·channels, height, width) with channels last in memory, so that convolutions of a
stack are one grouped convolution (see `kdprobe.training.stack.per_model`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import fx, nn

from kdprobe.training.dropout import MaskedDropout

Tensors = Mapping[str, torch.Tensor]


class Link(NamedTuple):
    """One operation; `name` is the module's, `how` the stride, padding, dilation and groups of a convolution."""

    kind: Literal["linear", "convolution", "relu", "mask", "mean"]
    name: str = ""
    how: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A network from inputs to outputs.

    Parameters
    ----------
    links
        In forward order.
    features
        Hidden layer -> number of links before it.
    """

    links: tuple[Link, ...]
    features: dict[str, int]

    @property
    def of_maps(self) -> bool:
        """Whether its inputs are images."""
        return any(link.kind == "convolution" for link in self.links)

    @property
    def shares_maps(self) -> bool:
        """Whether images that are the same for all models need not be handed over once a model."""
        return self.of_maps and self.links[0].kind == "convolution" and self.links[0].how[-1] == 1

    def kernels(self, values: Tensors) -> dict[str, torch.Tensor]:
        """Weights of the convolutions as one grouped convolution takes them, channels last: one copy, good until the next step."""
        found: dict[str, torch.Tensor] = {}
        for link in self.links:
            if link.kind == "convolution":
                weight = values[f"{link.name}.weight"]
                shape = (weight.shape[0] * weight.shape[1], *weight.shape[2:])
                joined = torch.empty(shape, dtype=weight.dtype, device=weight.device, memory_format=torch.channels_last)
                joined.unflatten(0, weight.shape[:2]).copy_(weight)
                found[f"{link.name}.kernels"] = joined
        return found

    def forward(self, x: torch.Tensor, values: Tensors, models: int) -> list[torch.Tensor]:
        """What lies before and after each link. `values` are the parameters and masks, each (models, ...), and the `kernels`.

        Maps may also be given once for all models, (n, channels, height, width), if `shares_maps`.
        """
        found = [x]
        for place, link in enumerate(self.links):
            before, bias = found[-1], values.get(f"{link.name}.bias")
            if link.kind == "linear":
                weight = values[f"{link.name}.weight"].mT
                found.append(torch.bmm(before, weight) if bias is None else torch.baddbmm(bias[:, None], before, weight))
            elif link.kind == "convolution":
                stride, padding, dilation, groups = link.how
                kernels, bias = values[f"{link.name}.kernels"], None if bias is None else bias.flatten()
                # images that all models share are read once, where that is one convolution
                shared = groups == 1 and before.shape[1] == kernels.shape[1]
                found.append(torch.conv2d(before, kernels, bias, stride, padding, dilation, 1 if shared else models * groups))
            elif link.kind == "relu":
                # what was before is read by nobody, unless it is a hidden layer
                found.append(torch.relu(before) if place in self.features.values() or place == 0 else before.relu_())
            elif link.kind == "mean":
                found.append(before.mean(dim=(2, 3)).unflatten(1, (models, -1)).transpose(0, 1).contiguous())
            else:
                mask = values.get(f"{link.name}.mask")
                found.append(before if mask is None else before * mask)
        return found

    def backward(self, gradient: torch.Tensor, of_features: Tensors, found: Sequence[torch.Tensor], values: Tensors, into: Tensors) -> None:
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
        first = next(place for place, link in enumerate(self.links) if link.kind in ("linear", "convolution"))
        at: dict[int, list[torch.Tensor]] = {}
        for name, own in of_features.items():
            at.setdefault(self.features[name], []).append(own)
        for place in reversed(range(first, len(self.links))):
            link, before, after = self.links[place], found[place], found[place + 1]
            for more in at.get(place + 1, ()):
                gradient = gradient + more
            if link.kind == "linear":
                into[f"{link.name}.weight"].copy_(torch.bmm(gradient.mT, before))
                if f"{link.name}.bias" in into:
                    torch.sum(gradient, 1, out=into[f"{link.name}.bias"])
                if place > first:
                    gradient = torch.bmm(gradient, values[f"{link.name}.weight"])
            elif link.kind == "convolution":
                gradient = self._through(link, gradient, before, values, into, place > first)
            elif link.kind == "relu":
                # in place where it can be, and in the memory format of the activations: a convolution would copy any other
                own = place + 1 < len(self.links) and gradient.stride() == after.stride()
                gradient = torch.ops.aten.threshold_backward.grad_input(
                    gradient, after, 0, grad_input=gradient if own else torch.empty_like(after)
                )
            elif link.kind == "mean":
                area = before.shape[2] * before.shape[3]
                gradient = (gradient / area).transpose(0, 1).flatten(1)[:, :, None, None].expand(before.shape)
            elif (mask := values.get(f"{link.name}.mask")) is not None:
                gradient = gradient * mask

    def _through(
        self, link: Link, gradient: torch.Tensor, before: torch.Tensor, values: Tensors, into: Tensors, further: bool
    ) -> torch.Tensor:
        """Write the gradients of a convolution's parameters; the gradient by its input, if it is needed."""
        weight, bias = into[f"{link.name}.weight"], into.get(f"{link.name}.bias")
        stride, padding, dilation, groups = link.how
        back, of_weight, _ = torch.ops.aten.convolution_backward(
            gradient,
            before,
            values[f"{link.name}.kernels"],
            [weight.shape[0] * weight.shape[1]],
            stride,
            padding,
            dilation,
            False,
            [0, 0],
            len(weight) * groups,
            (further, True, False),
        )
        weight.copy_(of_weight.unflatten(0, weight.shape[:2]))
        if bias is not None:
            # half of what the convolution would take for it; as products, since a sum over rows would depend on how many columns there are
            rows = gradient.permute(0, 2, 3, 1).reshape(-1, *bias.shape).transpose(0, 1)
            bias.copy_(torch.bmm(rows.new_ones(len(rows), 1, rows.shape[1]), rows)[:, 0])
        return back


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
        if not node.args or node.args[0] is not last or (node.kwargs and node.target != "mean"):
            return None
        link = _link(node, module)
        if link is None:
            return None
        links += [] if link == "same" else [link]
        reached[node], last = len(links), node
    outputs, features = output.args[0]  # pyright: ignore[reportGeneralTypeIssues]
    if outputs is not last or not isinstance(features, dict) or not all(node in reached for node in features.values()):
        return None
    kinds = [link.kind for link in links]
    maps = [kind for kind in kinds if kind not in ("relu", "mask")]
    # vectors all the way, or maps, their mean, vectors: with dropout of vectors only
    middle = maps.index("mean") if "mean" in maps else 0
    shaped = set(maps[:middle]) <= {"convolution"} and set(maps[middle:]) - {"mean"} == {"linear"} and maps.count("mean") == bool(middle)
    if not shaped or "mask" in kinds[: kinds.index("mean") if middle else 0]:
        return None
    return Chain(tuple(links), {name: reached[node] for name, node in features.items()})


def _link(node: fx.Node, module: nn.Module) -> Link | Literal["same"] | None:
    if node.op == "call_module":
        name = str(node.target)
        part = module.get_submodule(name)
        if type(part) is nn.Linear:
            return Link("linear", name)
        if type(part) is nn.Conv2d and part.padding_mode == "zeros" and not isinstance(part.padding, str):
            return Link("convolution", name, (part.stride, part.padding, part.dilation, part.groups))
        if type(part) is nn.ReLU:
            return Link("relu")
        if type(part) is MaskedDropout and not part.channels:
            return Link("mask", name)
        return "same" if type(part) is nn.Identity else None
    if node.target in (torch.relu, nn.functional.relu, "relu") and len(node.args) == 1:
        return Link("relu")
    if node.target == "mean" and len(node.args) == 1 and node.kwargs in ({"dim": (-2, -1)}, {"dim": (2, 3)}):
        return Link("mean")
    # rows of numbers are handed over flat
    return "same" if node.target in ("flatten", torch.flatten) and node.args[1:] == (1,) else None
