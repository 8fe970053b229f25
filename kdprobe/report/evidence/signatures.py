"""The survey's failure signatures (arXiv:2308.04268), read from scores and from the stored training history.

Each one compares a student with its own paired twin, which had the same start and the same number of steps: the twin says what is normal
for this net on this task, so no threshold has to be made up. The three are *student underperforms baseline*, *training instability* and
*slow convergence*.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from kdprobe.report.evidence.arms import Frame
from kdprobe.report.evidence.frames import CELL, Evidence

FALSE_DISCOVERIES = 0.1
"""Expected share of flags that chance alone raised (Benjamini and Hochberg 1995): a screening of many cells, not a verdict."""
RISE = 0.9
"""Share of the twin's improvement to be reached: its last tenth is slow and noisy for every net."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One way in which distillation fails, as a paired number per student whose positive mean says that it does."""

    name: str
    title: str
    means: str
    """What the number is, and which sign is bad."""
    may_come_from: str
    """What the survey says it may point to."""


UNDER_TWIN = Signature(
    name="under_twin",
    title="under its twin",
    means="loss of the student minus loss of its paired twin; above 0: the student is the worse one",
    may_come_from="poor teacher quality or an inappropriate knowledge representation",
)
UNSTEADY = Signature(
    name="unsteady",
    title="unsteady training",
    means="share of all movement of the training loss that goes up, student minus twin; above 0: training is less steady than its twin's",
    may_come_from="conflicting loss terms or an inappropriate temperature",
)
SLOW = Signature(
    name="slow",
    title="slow convergence",
    means=(
        "share of the steps needed for nine tenths of the twin's improvement in validation loss (all of them where it is never reached), "
        "student minus twin; above 0: slower"
    ),
    may_come_from="insufficient knowledge transfer or the need for a curriculum",
)
SIGNATURES = (UNDER_TWIN, UNSTEADY, SLOW)


def upward_share(losses: np.ndarray) -> np.ndarray:
    """Share of the total movement of curves (..., entries) that is upward: 0 for a falling curve, 1/2 for one that goes nowhere.

    Free of scale, so that a student's mixed loss can be compared with a twin's label loss.

    Examples
    --------
    >>> upward_share(np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0]])).round(3).tolist()
    [0.0, 0.333]
    """
    steps = np.diff(losses, axis=-1)
    total = np.abs(steps).sum(axis=-1)
    return np.divide(np.clip(steps, 0, None).sum(axis=-1), total, out=0.0 * total, where=total > 0)


def share_to_reach(curves: np.ndarray, levels: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Time at which each falling curve (..., entries) first reaches its level (...), interpolated linearly; the last time if it never does.

    Counting "never" as the last time is on the safe side: the true time is later.

    Examples
    --------
    >>> share_to_reach(np.array([[3.0, 2.0, 0.0], [3.0, 3.0, 3.0]]), np.array([1.0, 1.0]), np.array([0.2, 0.6, 1.0])).round(3).tolist()
    [0.8, 1.0]
    """
    below = curves <= levels[..., None]
    first = np.argmax(below, axis=-1)
    after = np.take_along_axis(curves, first[..., None], -1)[..., 0]
    before = np.take_along_axis(curves, np.maximum(first - 1, 0)[..., None], -1)[..., 0]
    drop = before - after
    part = np.divide(before - levels, drop, out=np.ones_like(drop), where=drop > 0)
    start = times[np.maximum(first - 1, 0)]
    reached = np.where(first == 0, times[0], start + part * (times[first] - start))
    return np.where(below.any(axis=-1), reached, times[-1])


def compared_with_twin(evidence: Evidence) -> Frame:
    """The two training signatures by student, as differences from its paired twin; NaN where either was not trained."""
    students = evidence.students
    history = evidence.history()
    if history.empty:
        return pd.DataFrame(np.nan, index=students["model_id"], columns=[UNSTEADY.name, SLOW.name])
    # histories hold the same number of evenly spaced entries, so that their positions are shares of the training
    history = history.sort_values(["model_id", "step"], kind="stable")
    position = history.groupby("model_id").cumcount()
    loss, validation = (
        history.assign(i=position).pivot(index="model_id", columns="i", values=name) for name in ("loss", "validation_loss")
    )
    if loss.shape[1] < 2:
        # fitted in closed form: there is no way that it took
        return pd.DataFrame(np.nan, index=students["model_id"], columns=[UNSTEADY.name, SLOW.name])
    known = students[students["model_id"].isin(loss.index) & students["twin_id"].isin(loss.index)]
    times = (np.arange(loss.shape[1]) + 1) / loss.shape[1]
    twin = validation.loc[known["twin_id"]].to_numpy()
    levels = twin[:, 0] - RISE * (twin[:, 0] - twin.min(axis=1))
    pupil = validation.loc[known["model_id"]].to_numpy()
    unsteady = upward_share(loss.loc[known["model_id"]].to_numpy()) - upward_share(loss.loc[known["twin_id"]].to_numpy())
    slow = share_to_reach(pupil, levels, times) - share_to_reach(twin, levels, times)
    return pd.DataFrame({UNSTEADY.name: unsteady, SLOW.name: slow}, index=known["model_id"]).reindex(students["model_id"])


def signatures(evidence: Evidence) -> Frame:
    """One row a cell × signature: its interval over seeds, and whether it is flagged.

    Returns
    -------
    pandas.DataFrame
        task, student, arm, teacher, signature (name), found (value, low, high), unit, flagged. Cells below two seeds are
        left out.
    """
    return evidence.derived("signatures", _signatures)


def _signatures(evidence: Evidence) -> Frame:
    values, students = compared_with_twin(evidence), evidence.students
    values[UNDER_TWIN.name] = -evidence.gain.reindex(values.index)
    # what stands beside the plan's own setting, and controls, are no results that could have failed
    own = students[(students["axis"] == "") & ~students["scheme"].isin(evidence.attached)]
    cells = evidence.over_seeds(values.loc[own["model_id"]])
    cells = cells[cells.index.isin(pd.MultiIndex.from_frame(own[CELL]))]
    rows = []
    for signature in SIGNATURES:
        found = cells[signature.name].dropna()
        flagged = false_discovery_control(found["p_above"]) < FALSE_DISCOVERIES if len(found) else []
        for (key, cell), flag in zip(found.iterrows(), flagged, strict=True):
            unit = evidence.unit(key[0], "gain") if signature is UNDER_TWIN else ""  # pyright: ignore[reportIndexIssue]
            rows.append((*key, signature.name, tuple(cell[["value", "low", "high"]].tolist()), unit, bool(flag)))  # pyright: ignore[reportGeneralTypeIssues]
    return pd.DataFrame(rows, columns=[*CELL, "signature", "found", "unit", "flagged"]).astype({"flagged": bool})
