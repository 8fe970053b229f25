"""Which layers of a network are meant: names, globs, the stages, the output layer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from torch import nn

from kdprobe.core.errors import PlanError, did_you_mean


@dataclass(frozen=True, eq=False)
class Slot:
    """One tensor to be read off a module each time it is called.

    `loose` slots come from a glob or a rule: a module that is not called is skipped, and of several tensors the first is taken.
    """

    name: str
    module: nn.Module
    where: str = "output"
    path: tuple[str, ...] = ()
    call: int | None = None
    loose: bool = False

    def label(self, *, path: tuple[str, ...] = (), call: int | None = None) -> str:
        """Name in the result: the module, which of its calls where there are several, and the path to the tensor."""
        steps = (("input",) if self.where == "input" else ()) + path
        return self.name + (f"#{call}" if call is not None else "") + (f":{'.'.join(steps)}" if steps else "")


def slots(model: nn.Module, spec: str) -> list[Slot]:
    """Return what ``module[#call][:path]`` means in `model`; the module may be a glob (``*`` within a level, ``**`` across levels)."""
    everything = dict(model.named_modules(remove_duplicate=False))
    if spec in everything and spec:  # a key of a ModuleDict may hold any sign
        return [Slot(spec, everything[spec])]
    name, call, path = re.fullmatch(r"(?s)(.*?)(?:#(\d+))?(?::(.*))?", spec).groups()  # pyright: ignore[reportOptionalMemberAccess]
    steps = tuple(path.split(".")) if path else ()
    where = "input" if steps[:1] == ("input",) else "output"
    rest = {"where": where, "path": steps[1:] if where == "input" else steps, "call": int(call) if call else None}
    if re.search(r"[*?\[]", name):
        pattern = _glob(name)
        found = [Slot(each, module, loose=True, **rest) for each, module in model.named_modules() if each and pattern.fullmatch(each)]
    else:
        found = [Slot(name, everything[name], **rest)] if name and name in everything else []
    if not found:
        # large networks have hundreds of names: the top level and what is near will do
        shown = {key for key, _ in model.named_children()} | set(get_close_matches(name, everything, n=5, cutoff=0.5))
        raise PlanError(f"layer {spec!r} is not in {type(model).__name__}: {did_you_mean(name, shown)}")
    return found


def _glob(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?|\[[^\]]*\])", pattern)
    wild = {"**": ".*", "*": r"[^.]*", "?": r"[^.]"}
    return re.compile("".join(wild.get(part, part if part.startswith("[") else re.escape(part)) for part in parts))


def matrices(module: nn.Module) -> int:
    """Number of weight matrices: norms and biases, which only scale and shift, do not count."""
    return sum(parameter.ndim >= 2 for parameter in module.parameters())


def heads(model: nn.Module) -> list[Slot]:
    """Return the inputs of all modules without children that hold a weight matrix: one of them is the output layer."""
    return [
        Slot(name, module, where="input", loose=True)
        for name, module in model.named_modules()
        if name and not list(module.children()) and matrices(module)
    ]


def stages(model: nn.Module) -> list[Slot]:
    """Return the outputs of the parts that `model` is made of, each with less than half of the weight matrices.

    A part that holds more than half of them is not a stage but the body of the network: it is opened, and so is a list of modules,
    which is never called. The blocks in such a list are stages, be there only one. ResNets give their four stages and the modules of the
    stem, transformers their blocks.
    """
    total = matrices(model)

    def parts(prefix: str, module: nn.Module) -> Iterator[Slot]:
        for key, child in module.named_children():
            name = f"{prefix}.{key}" if prefix else key
            block = isinstance(module, nn.ModuleList | nn.ModuleDict) and not isinstance(child, nn.Sequential)
            body = isinstance(child, nn.ModuleList | nn.ModuleDict) or (2 * matrices(child) > total and not block)
            if body and list(child.children()):
                yield from parts(name, child)
            else:
                yield Slot(name, child, loose=True)

    return list(parts("", model))
