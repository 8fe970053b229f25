"""What theory predicted of a curve before the sweep: the sealed numbers that a report draws beside what was found."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kdprobe.core.identity import content_id
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.groups import Curve, Group

CHANGED = "what is stored is not what was sealed"
NOT_FINITE = "the law has no finite answer for a teacher of this width on these rows"
NOT_ASKED = "theory was not asked of this teacher"
_ELSEWHERE: Any = object()


@dataclass(frozen=True, kw_only=True, eq=False)
class Predicted:
    """The advisor's word on one student in one arm."""

    read_as: str
    """What models were read as: "least squares on the first columns"."""
    reason: str
    """Why nothing is predicted of any teacher; "" where something is."""
    gains: tuple[tuple[float, float, float] | None, ...]
    """By teacher of the curve: value, low, high; None where there is none."""
    reasons: tuple[str, ...] = ()
    """By teacher of the curve: why nothing is predicted of it; "" where something is."""
    rebuilt: bool = False
    """Whether the seal was read back from a file beside the models, so that nothing says when it was written."""

    @property
    def drawn(self) -> bool:
        """Whether there is a curve."""
        return not self.reason and any(gain is not None for gain in self.gains)


def predicted_of(evidence: Evidence, group: Group, curve: Curve) -> Predicted | None:
    """Return what was predicted of a curve; None for classifications, and where a sweep of before this was made had nothing to say."""
    found: Mapping[str, Any] = evidence.provenance().get("predicted") or {}
    # what stands beside the plan's own setting, or has chosen ones, was not predicted; controls are no claims
    if not found or group.kind != "regression" or group.axis or group.control or not len(curve.sizes):
        return None
    entries = [one for one in found["entries"] if _matches(one, group)]
    if not entries:
        return None
    changed = content_id(found["entries"]) != found["hash"]
    told = [_of_teacher(entries, int(name.rpartition("-")[2])) for name in curve.teachers]
    reasons = tuple(CHANGED if changed else reason for _, reason in told)
    gains = tuple(None if reason else gain for (gain, _), reason in zip(told, reasons, strict=True))
    return Predicted(
        read_as=entries[0]["read_as"], reason="; ".join(dict.fromkeys(reasons)) if all(reasons) else "", gains=gains, reasons=reasons,
        rebuilt=bool(evidence.provenance().get("read_back")),
    )  # fmt: skip


def _of_teacher(entries: Sequence[Mapping[str, Any]], width: int) -> tuple[tuple[float, float, float] | None, str]:
    """What was sealed first of a teacher, or why there is nothing: one that came to the zoo later is in a later entry only."""
    for entry in entries:
        gain = next((one["gain"] for one in entry["teachers"] if one["width"] == width), _ELSEWHERE)
        if gain is _ELSEWHERE:
            continue
        if entry["models_there"]:
            return None, f"it was worked out after {words.counted(entry['models_there'], 'model')} had been trained, so it is no prediction"
        if gain is None:
            return None, entry["reason"] or NOT_FINITE
        value, low, high = map(float, gain)
        return (value, low, high), ""
    return None, NOT_ASKED


def _matches(entry: Mapping[str, Any], group: Group) -> bool:
    row = group.frame.iloc[0]
    rows = {name: float(row[name]) if pd.notna(row[name]) else None for name in ("labelled_rows", "unlabelled_rows")}
    own = (group.task, group.scheme, str(row["distiller"]), float(row["width"]), float(row["label_noise"]))
    same = own == (entry["task"], entry["scheme"], entry["distiller"], entry["student"], entry["label_noise"])
    return same and all(entry[name] is None or entry[name] == count for name, count in rows.items())


def bounded(predicted: Predicted, low: float, high: float) -> tuple[np.ndarray, list[int]]:
    """Return (3, sizes) value, low and high as far as a figure shows them, and the places that lie off it.

    Parameters
    ----------
    low, high
        Ends of what was found. A prediction is drawn up to that range again below and above it.
    """
    reach = max(high - low, 1e-9)
    floor, ceiling = low - reach, high + reach
    values = np.array([(math.nan,) * 3 if gain is None else gain for gain in predicted.gains]).T
    with np.errstate(invalid="ignore"):
        off = (values[0] < floor) | (values[0] > ceiling)
    values = np.clip(values, floor, ceiling)
    values[:, off] = math.nan
    return values, np.flatnonzero(off).tolist()
