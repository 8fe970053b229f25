"""Similarities of all pairs of layers: the numbers of a `LayerMap`, which words and colours are made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kdprobe.core.result import Result

Grid = tuple[tuple[Result, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerGrids:
    """The fields of a `kdprobe.compare.layer_map.LayerMap`, where they are described."""

    teacher: tuple[str, ...]
    student: tuple[str, ...]
    own: Grid
    twins: Mapping[str, Grid]
    baseline: Grid
    difference: Grid
    rows: int

    def grids(self) -> Iterator[tuple[str, Grid]]:
        """Yield each grid under its name: "own", each twin's, "baseline", "difference"."""
        yield "own", self.own
        yield from self.twins.items()
        if self.twins:
            yield "baseline", self.baseline
            yield "difference", self.difference
