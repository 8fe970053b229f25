"""What the nested law predicts for teachers of named sizes: the advisor's numbers for a curve that is about to be measured."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.theory.gains import Bounds, nested_gains
from kdprobe.theory.nested_threshold import NESTED_OLS
from kdprobe.theory.sample import read_sample
from kdprobe.theory.theorem import applies


class Predicted(NamedTuple):
    """Gains over the untaught twin, or why there are none."""

    gains: tuple[Bounds | None, ...]
    """In squared units of y, by teacher, with intervals that hold for all of them at once; None where the law has no finite answer."""
    reason: str = ""
    """Why the law does not speak of these data; "" where it does."""


def predicted_gains(
    X: Any, y: Any, *, fresh: Any, rows: float, student: int, teachers: Sequence[int], intercept: bool = True
) -> Predicted:  # fmt: skip
    """Predict what a student gains from teachers of several sizes on fresh rows that they label.

    Parameters
    ----------
    X, y
        (n, d) and (n,) labelled rows; models take columns in as they come.
    fresh
        (k, d) rows without labels, to compare with the labelled ones.
    rows
        m, how many of these the teacher labels; ``math.inf`` for endless.
    student, teachers
        p, and several q: columns that each model sees.
    intercept
        Whether models have one.

    Returns
    -------
    Predicted
        Refused in words, not by an error: a sweep goes on without it. Cost: O((n + k) d²).

    Notes
    -----
    Least squares, see `kdprobe.theory.gains`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 12))
    >>> y = x @ (3 * np.arange(1, 13) ** -0.5) + rng.normal(size=300)
    >>> found = predicted_gains(x, y, fresh=rng.normal(size=(500, 12)), rows=5000, student=3, teachers=(3, 12, 299))
    >>> [one and one.low > 0 for one in found.gains]
    [False, True, None]
    """
    nothing = (None,) * len(teachers)
    try:
        sample = replace(read_sample(X, y, unlabelled=fresh, student=student, order="columns"), transfer=rows)
        law = applies(NESTED_OLS, sample)
    except (DataError, np.linalg.LinAlgError) as error:
        return Predicted(nothing, str(error))
    if law.failed:
        return Predicted(nothing, "; ".join(law.failed))
    finite = [q for q in teachers if q <= min(sample.sizes, sample.rows - 3) and rows >= student + (3 if q > student else 1)]
    if not finite:
        fewest = f"{sample.rows} labelled and {rows:g} fresh rows" if math.isfinite(rows) else f"{sample.rows} labelled rows"
        return Predicted(nothing, f"{fewest} are too few: least squares of these sizes has no finite expected risk")
    found = dict(zip(finite, nested_gains(sample, finite, m=rows, intercept=intercept), strict=True))
    scale = sample.scale * sample.scale
    if not 0 < scale < math.inf:
        return Predicted(
            nothing, f"squares of labels about {sample.scale:.1g} apart are beyond the range of float64: divide y by {sample.scale:.1g}"
        )
    return Predicted(tuple(Bounds(*(scale * end for end in found[q].gain)) if q in found else None for q in teachers))


def same_rows_gains(*, student: int, teachers: Sequence[int]) -> Predicted:
    """Predict gains on the teacher's own rows: none at all for a teacher that sees all that the student does.

    The projection of the teacher's fit on some of its features is the fit on these. That is algebra, so it assumes nothing of the data.

    Examples
    --------
    >>> same_rows_gains(student=4, teachers=(2, 8)).gains
    (None, Bounds(value=0.0, low=0.0, high=0.0))
    """
    return Predicted(tuple(Bounds(0.0, 0.0, 0.0) if q >= student else None for q in teachers))
