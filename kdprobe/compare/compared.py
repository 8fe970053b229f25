"""What was measured of one student and one teacher: the numbers of a `kdprobe.Comparison`, which words and tables are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kdprobe.compare.layer_map import LayerMap
from kdprobe.core.probe import Probe
from kdprobe.core.result import Result
from kdprobe.core.trace import TaskKind


class Call(NamedTuple):
    """What would be given to a comparison to ask again: more twins, more siblings, targets or other rows, or so many seeds of all."""

    twins: int = 0
    siblings: int = 0
    data: Literal["", "targets", "rows"] = ""
    seeds: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """The fields of a `kdprobe.Comparison`, where they are described."""

    kind: TaskKind
    task: str
    n: int
    twins: tuple[str, ...]
    siblings: tuple[str, ...] = ()
    seeds: int = 0
    results: Mapping[str, Mapping[str, Result]]
    probes: Mapping[str, Probe] = field(repr=False)
    scores: Mapping[str, Mapping[str, Result]] = field(default_factory=dict)
    layers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    layer_map: LayerMap | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    lead: Result | None = None
    targets: Mapping[str, "Compared"] = field(default_factory=dict, repr=False)
    spelling: Callable[["Compared", Call], str] | None = field(default=None, repr=False)
