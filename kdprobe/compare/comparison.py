"""The result of `kdprobe.compare`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdprobe.compare.compared import Compared
from kdprobe.compare.show import as_html, as_text
from kdprobe.compare.words import sentence

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison(Compared):
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

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
