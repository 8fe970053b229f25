"""The result of `kdprobe.compare`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from kdprobe.compare.layer_map import LayerMap
from kdprobe.compare.show import as_html, as_text
from kdprobe.compare.words import sentence
from kdprobe.core.probe import Probe
from kdprobe.core.result import Result
from kdprobe.core.trace import TaskKind

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What one student has in common with one teacher, beside what untaught twins have.

    Intervals are over rows, of *this checkpoint*: they speak of these weights on new rows, not of new training runs.

    Parameters
    ----------
    kind, task
        "classification" or "regression", and the name of the task where one was given.
    n
        Rows.
    twins
        Names of the twins, in the order given.
    results
        Probe -> comparison -> Measurement or Refusal. Comparisons are "own" (student and teacher); with twins also each twin's name,
        "baseline" (mean over twins) and "difference" (own less baseline); for probes of whole panels "panel" (mean over twins).
    probes
        The probes by name: their titles, questions and sources.
    layers
        Model -> captured hidden layer -> what was done with its spatial axes.
    layer_map
        CKA of all pairs of layers, where several layers were asked for.
    notes
        What a reader of the numbers must know of how they were made.

    Examples
    --------
    See `kdprobe.compare`.
    """

    kind: TaskKind
    task: str
    n: int
    twins: tuple[str, ...]
    results: Mapping[str, Mapping[str, Result]]
    probes: Mapping[str, Probe] = field(repr=False)
    layers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    layer_map: LayerMap | None = None
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What can be concluded and what cannot, in plain words."""
        return sentence(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a probe and comparison, refused ones with their reason.

        Returns
        -------
        pandas.DataFrame
            Columns probe, comparison ("own", a twin's name, "baseline", "difference", "panel"), model, against, value, low, high, n, unit,
            status, reason, estimand, title.
        """
        import pandas as pd

        sides = {
            "own": ("student", "teacher"),
            "baseline": ("twins", "teacher"),
            "difference": ("student", "twins"),
            "panel": ("student", "twins"),
        } | {twin: (twin, "teacher") for twin in self.twins}
        rows = [
            {
                "probe": name,
                "comparison": comparison,
                "model": sides[comparison][0],
                "against": sides[comparison][1],
                **{key: getattr(result, key, None) for key in ("value", "low", "high", "n", "unit", "status", "reason", "estimand")},
                "title": self.probes[name].title,
            }
            for name, results in self.results.items()
            for comparison, result in results.items()
        ]
        frame = pd.DataFrame(rows)
        numbers = dict.fromkeys(("value", "low", "high"), "float64")
        return frame.astype(numbers | {"n": "Int64"})

    def report(self, path: str | PathLike[str]) -> Path:
        """Write the comparison as one HTML file that needs nothing else, and return its path.

        Raises
        ------
        PlanError
            If `path` is a folder or its folder is missing.
        DataError
            If the file cannot be written.
        """
        from kdprobe.report import report_comparison

        return report_comparison(self, Path(path))

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
