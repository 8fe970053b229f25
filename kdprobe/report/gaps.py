"""The capacity gap of every student in every arm of a zoo: curves, readings, verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kdprobe.core.result import Measurement
from kdprobe.report.evidence import LOSS, Curve, Evidence, Group
from kdprobe.report.gap_verdict import MARGIN_SHARE, GapReading, read_gap, read_gaps
from kdprobe.report.help_verdict import HelpReading, read_help, read_helps
from kdprobe.stats.paired import contrast


@dataclass(frozen=True, kw_only=True, eq=False)
class Gap:
    """One student in one arm."""

    task: str
    kind: str
    arm: str
    student: str
    student_size: int
    unit: str
    curve: Curve
    """With values "gain" and "teacher_loss", and "gain_calibrated" for classification."""
    reading: GapReading
    """On the loss as it is: NLL or MSE."""
    helps: HelpReading
    """On the same loss: whether any teacher helps."""
    calibrated: GapReading | None = None
    """On the NLL after one temperature per model; None where that does not apply."""
    inherited: Measurement | None = None
    """Part of the deficit that one temperature removes: over-confidence that the student took over."""
    gains: tuple[Measurement, ...] = ()
    """Gain over the twin by teacher size, simultaneous over the sizes."""


def gaps(evidence: Evidence) -> list[Gap]:
    """Read every student × arm of a zoo; the verdicts of one page form one family per loss."""
    return evidence.derived("gaps", _gaps)


def _gaps(evidence: Evidence) -> list[Gap]:
    found = [_gap(evidence, group) for group in evidence.groups]
    readings = read_gaps([gap.reading for gap in found])
    helps = read_helps([gap.helps for gap in found])
    calibrated = iter(read_gaps([gap.calibrated for gap in found if gap.calibrated is not None]))
    return [
        replace(gap, reading=reading, helps=help_, calibrated=None if gap.calibrated is None else next(calibrated))
        for gap, reading, help_ in zip(found, readings, helps, strict=True)
    ]


def _gap(evidence: Evidence, group: Group) -> Gap:
    metric, unit = LOSS[group.kind], evidence.unit(group.task, "gain")
    grids = {"gain": group.grid(evidence.value("gain", "panel")), "teacher_loss": group.grid(evidence.score(metric), of="teacher_id")}
    tempered = group.grid(evidence.value("gain_calibrated", "panel"))
    if np.isfinite(tempered).any():
        grids |= {"gain_calibrated": tempered}
        grids |= {"teacher_loss_calibrated": group.grid(evidence.score(f"{metric}_calibrated"), of="teacher_id")}
    found = group.curve(grids)

    def margin(suffix: str) -> float:
        twins = group.grid(evidence.score(metric + suffix), of="twin_id")
        return MARGIN_SHARE * _spread(twins, [draw for draw, _ in group.seeds])

    def read(suffix: str) -> GapReading:
        values = (found.values[name + suffix] for name in ("gain", "teacher_loss"))
        return read_gap(*values, margin=margin(suffix), unit=unit, seeds=found.seeds)

    reading, gain = read(""), found.values["gain"]
    helps = read_help(gain, margin=margin(""), unit=unit, seeds=found.seeds)
    calibrated = inherited = None
    if "gain_calibrated" in found.values:
        calibrated = read("_calibrated")
        if reading.deficit is not None:
            over_confidence = found.values["gain_calibrated"] - gain
            removed = over_confidence[:, -1] - over_confidence[:, reading.rival]
            inherited = contrast(removed).measurement(unit, tests=len(found.sizes) - 1)
    gains = tuple(contrast(column).measurement(unit, tests=gain.shape[1]) for column in gain.T) if len(gain) > 1 else ()
    return Gap(
        **{"task": group.task, "kind": group.kind, "arm": group.arm, "student": group.student, "student_size": group.student_size},
        **{
            "unit": unit,
            "curve": found,
            "reading": reading,
            "helps": helps,
            "calibrated": calibrated,
            "inherited": inherited,
            "gains": gains,
        },
    )


def _spread(twins: np.ndarray, draws: Sequence[int]) -> float:
    """Standard deviation over seeds of the twins' score (seeds, sizes), within draws; 0 where it cannot be known."""
    # a seed has one twin, whatever the teacher
    score = pd.DataFrame({"score": pd.DataFrame(twins).mean(axis=1), "draw": list(draws)}).dropna()
    within = score["score"] - score.groupby("draw")["score"].transform("mean")
    freedom = len(score) - len(set(score["draw"]))
    return float(np.sqrt((within**2).sum() / freedom)) if freedom > 0 else 0.0
