"""The result of `kdprobe.compare`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdprobe.compare.answer.found import answer
from kdprobe.compare.compared import Compared
from kdprobe.compare.show import as_html, as_text
from kdprobe.compare.words import sentence

if TYPE_CHECKING:
    import pandas as pd

OWN_OR_SIBLING = "teacher less siblings"
SIDES = {
    "own": ("student", "teacher"),
    "baseline": ("twins", "teacher"),
    "difference": ("student", "twins"),
    "panel": ("student", "twins"),
    "siblings": ("student", "siblings"),
    "contrast": ("student", OWN_OR_SIBLING),
    "placebo": ("twins", OWN_OR_SIBLING),
    "specific": ("student less twins", OWN_OR_SIBLING),
}
"""Which model a comparison is of, and what that is read against."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison(Compared):
    """What one student has in common with one teacher, beside what untaught twins have, and with sibling teachers.

    Intervals are over rows, of *this checkpoint*: they speak of these weights on new rows, not of new training runs. Of several seeds they
    are over seeds, of *this recipe*.

    Parameters
    ----------
    kind, task
        "classification" or "regression", and the name of the task where one was given.
    n
        Rows.
    twins, siblings
        Names of the twins and of the sibling teachers, in the order given.
    seeds
        Students, each with a teacher, of one recipe; 0 where there was one pair.
    results
        Probe -> comparison -> Measurement or Refusal. Comparisons are "own" (student and teacher); with twins also each twin's name,
        "baseline" (mean over twins) and "difference" (own less baseline); for probes of whole panels "panel" (mean over twins).
        With siblings, of every likeness, also the student's to each sibling by the sibling's name, "siblings" (their mean), "contrast" (own
        less siblings), "placebo" (the same contrast of the twins, which nobody taught) and "specific": contrast less placebo. Only what is
        shown of the last one is called transferred.
    probes
        The probes by name: their titles, questions and sources.
    scores
        Model -> score -> Measurement or Refusal: accuracy, loss and loss at its own temperature, or R² and squared error; of every model
        given, over rows. Empty without a target.
    layers
        Model -> captured hidden layer -> what was done with its spatial axes.
    layer_map
        CKA of all pairs of layers, where several layers were asked for.
    notes
        What a reader of the numbers must know of how they were made.
    warnings
        What is legal and yet hardly meant: classes in another order, a student passed as its own twin, siblings of another recipe,
        dropout left on.
    unfit
        Names of sibling teachers that warnings are about: while there are any, nothing is called transferred.
    lead
        The twins' mean loss less the teacher's (at their own temperatures, where there are any), over rows or seeds: what there is to gain.
        None without twins or a target.
    targets
        Target -> a comparison of it alone, where models have several: values, or labels that do not exclude each other.
    spelling
        Writes the call that is to come next, where the comparison was asked for by something else than a Python call.

    Examples
    --------
    See `kdprobe.compare`.
    """

    @property
    def answer(self) -> str:
        """Whether teaching helped, in one sentence: the first thing that the comparison says."""
        return answer(self)

    @property
    def sentence(self) -> str:
        """What can be concluded and what cannot, in plain words."""
        return sentence(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a probe and comparison, refused ones with their reason.

        Returns
        -------
        pandas.DataFrame
            Columns probe, comparison (as in `results`), model, against, value, low, high, n, unit, status, reason, estimand, title.
        """
        import pandas as pd

        sides = SIDES | {twin: (twin, "teacher") for twin in self.twins} | {sibling: ("student", sibling) for sibling in self.siblings}
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
