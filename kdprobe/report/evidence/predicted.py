"""What theory predicted of a curve before the sweep: the sealed numbers that a report draws beside what was found."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kdprobe.core.identity import content_id
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.groups import Curve, Group

CHANGED = "what is stored is not what was sealed"


@dataclass(frozen=True, kw_only=True, eq=False)
class Predicted:
    """The advisor's word on one student in one arm."""

    read_as: str
    """What models were read as: "least squares on the first columns"."""
    reason: str
    """Why nothing is predicted; "" where something is."""
    gains: tuple[tuple[float, float, float] | None, ...]
    """By teacher of the curve: value, low, high; None where the law has no finite answer."""

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
    entry = next((one for one in found["entries"] if _matches(one, group)), None)
    if entry is None:
        return None
    by_width = {one["width"]: one["gain"] for one in entry["teachers"]}
    gains = [by_width.get(int(name.rpartition("-")[2])) for name in curve.teachers]
    reason = entry["reason"]
    if content_id(found["entries"]) != found["hash"]:
        reason = CHANGED
    elif entry["models_there"]:
        reason = f"it was worked out after {words.counted(entry['models_there'], 'model')} had been trained, so it is no prediction"
    told = tuple(None if gain is None or reason else tuple(map(float, gain)) for gain in gains)
    return Predicted(read_as=entry["read_as"], reason=reason, gains=told)  # pyright: ignore[reportArgumentType]


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
