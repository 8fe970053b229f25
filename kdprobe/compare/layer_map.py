"""Every hidden layer of a teacher against every one of a student, beside the same of untaught twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdprobe.compare.layer_grids import LayerGrids
from kdprobe.compare.show_map import as_html, as_text
from kdprobe.core.result import Measurement, Refusal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerMap(LayerGrids):
    """Debiased linear CKA of all pairs of layers.

    High values need a baseline: networks that never met are alike, early layers most of all. So the map of the student stands beside the
    mean map of its twins and their difference, whose error comes from the spread between the twins.

    Parameters
    ----------
    teacher, student
        Layers in forward order: rows and columns of the grids.
    own
        Student and teacher. Each cell has its interval over rows and, in ``details``, ``null_sd``, ``z``, ``p`` against independent
        rows (one-sided) and ``p_adjusted`` (Benjamini and Hochberg 1995, over the map). A small p does not say that one model taught the
        other: two classifiers that never met share their classes.
    twins
        The same for each twin.
    baseline
        Mean over the twins; empty without twins. Interval: Student's t of the mean over the twins.
    difference
        ``own`` less ``baseline``. Interval: the difference less and plus the reach of one more twin, t(k-1)·sd·√(1 + 1/k) with k twins.
        With one twin there is no spread, and each cell is a refusal.
    rows
        Rows that the values come from.
    """

    def to_frame(self) -> pd.DataFrame:
        """Return one row a cell of each grid.

        Returns
        -------
        pandas.DataFrame
            Columns comparison, teacher_layer, student_layer, value, low, high, null_sd, z, t, p, p_adjusted, status, reason.
        """
        import pandas as pd

        rows = [
            {
                "comparison": name,
                "teacher_layer": teacher_layer,
                "student_layer": student_layer,
                **{key: getattr(cell, key, None) for key in ("value", "low", "high")},
                **{
                    key: cell.details.get(key) if isinstance(cell, Measurement) else None
                    for key in ("null_sd", "z", "t", "p", "p_adjusted")
                },
                "status": cell.status,
                "reason": cell.reason if isinstance(cell, Refusal) else None,
            }
            for name, grid in self.grids()
            for teacher_layer, line in zip(self.teacher, grid, strict=True)
            for student_layer, cell in zip(self.student, line, strict=True)
        ]
        numbers = ("value", "low", "high", "null_sd", "z", "t", "p", "p_adjusted")
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, "float64"))

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
