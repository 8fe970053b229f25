"""The capacity gap of every student in every arm of a zoo: curves, readings on each metric, verdicts."""

from dataclasses import dataclass, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.report.evidence.frames import LOSS, Evidence
from kdprobe.report.evidence.groups import Curve, Group
from kdprobe.report.evidence.laws import Law, law_of
from kdprobe.stats.bootstrap import simultaneous
from kdprobe.stats.paired import contrast
from kdprobe.verdicts.capacity_gap import seed_spread
from kdprobe.verdicts.gap import MARGIN_SHARE, GapReading, decide, read_gap
from kdprobe.verdicts.help import HelpReading, read_help, read_helps

SECOND = {"classification": "accuracy", "regression": "r2"}
TITLES = {"nll": "NLL", "mse": "MSE", "nll_calibrated": "NLL, calibrated", "accuracy": "accuracy", "r2": "R²"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Gap:
    """One student in one arm."""

    task: str
    kind: str
    arm: str
    control: str
    """What the student is a control of; nothing is claimed of it then."""
    student: str
    student_size: int
    headline: str
    scope: str
    """Where the page speaks of it."""
    unit: str
    metric: str
    """What the loss is called."""
    curve: Curve
    """With values "gain" and "teacher_loss"; for classification "gain_calibrated" and "teacher_loss_calibrated" too."""
    reading: GapReading
    """On the loss as it is: NLL or MSE."""
    helps: HelpReading
    """On the same loss: whether any teacher helps."""
    calibrated: GapReading | None = None
    """On the NLL after one temperature per model; None where that does not apply."""
    second: GapReading | None = None
    """On accuracy or R²; None where it was not measured."""
    inherited: Measurement | None = None
    """Part of the deficit that one temperature a model removes: over-confidence that the student took over."""
    discrimination: Measurement | None = None
    """The rest of the deficit: what the student tells apart less well."""
    gains: tuple[Measurement, ...] = ()
    """Gain over the twin by teacher size, simultaneous over the sizes."""
    fixed: tuple[str, ...] = ()
    """Settings that are the same for all teacher sizes here and could be tuned for each."""
    law: Law | None = None
    """What is expected, where the task is a world with a law."""


def gaps(evidence: Evidence) -> list[Gap]:
    """Read every student × arm of a zoo; the verdicts of one page form one family per metric."""
    return evidence.derived("gaps", _gaps)


def _gaps(evidence: Evidence) -> list[Gap]:
    found = [_gap(evidence, group) for group in (*evidence.groups, *evidence.tuned_groups)]
    judged = [i for i, gap in enumerate(found) if not gap.control]
    for name in ("reading", "calibrated", "second"):
        places = [i for i in judged if getattr(found[i], name) is not None]
        for i, reading in zip(places, decide([getattr(found[i], name) for i in places]), strict=True):
            found[i] = replace(found[i], **{name: reading})
    for i, reading in zip(judged, read_helps([found[i].helps for i in judged]), strict=True):
        found[i] = replace(found[i], helps=reading)
    return [_unjudged(gap) if gap.control else gap for gap in found]


def _unjudged(gap: Gap) -> Gap:
    """Say of a control's readings that nothing is claimed; they are in no family of claims either."""
    readings = {name: getattr(gap, name) for name in ("reading", "calibrated", "second", "helps")}
    said = {"verdict": "NOT APPLICABLE", "qualifier": "a control"}
    return replace(gap, **{name: replace(found, **said) for name, found in readings.items() if found is not None})


def _gap(evidence: Evidence, group: Group) -> Gap:
    metric, unit = LOSS[group.kind], evidence.unit(group.task, "gain")
    grids = {"gain": _gains(evidence, group, metric, "gain"), "teacher_loss": group.grid(evidence.score(metric), of="teacher_id")}
    tempered = _gains(evidence, group, f"{metric}_calibrated", "gain_calibrated")
    if np.isfinite(tempered).any():
        grids |= {"gain_calibrated": tempered}
        grids |= {"teacher_loss_calibrated": group.grid(evidence.score(f"{metric}_calibrated"), of="teacher_id")}
    found = group.curve(grids)
    reading, gain = _read(evidence, group, found, metric, unit), found.values["gain"]
    calibrated = inherited = discrimination = None
    if "gain_calibrated" in found.values:
        calibrated = _read(evidence, group, found, f"{metric}_calibrated", unit, suffix="_calibrated")
        if reading.deficit is not None:
            inherited = _part_of_deficit(gain - found.values["gain_calibrated"], reading.rival, unit)
            discrimination = _part_of_deficit(found.values["gain_calibrated"], reading.rival, unit)
    headline, scope = evidence.place(group)
    return Gap(
        task=group.task,
        headline=headline,
        scope=scope,
        kind=group.kind,
        arm=group.arm,
        control=group.control,
        student=group.student,
        student_size=group.student_size,
        unit=unit,
        metric=TITLES[metric],
        curve=found,
        reading=reading,
        helps=read_help(gain, margin=reading.margin, unit=unit, seeds=found.seeds),
        calibrated=calibrated,
        second=_second(evidence, group),
        inherited=inherited,
        discrimination=discrimination,
        gains=tuple(contrast(column).measurement(unit, tests=gain.shape[1]) for column in gain.T) if len(gain) > 1 else (),
        fixed=_fixed(evidence, group),
        law=law_of(group, found),
    )


def _fixed(evidence: Evidence, group: Group) -> tuple[str, ...]:
    """On rows without labels there is no other loss to weigh, and not every distiller has a temperature."""
    known = {"alpha": bool((group.frame["rows"] != "transfer").any()), "temperature": bool(group.frame["temperature"].notna().any())}
    names = {"alpha": "α", "temperature": "T", "learning_rate": "learning rate"}
    found = tuple(shown for name, shown in names.items() if known.get(name, True) and not (group.tuned and name in evidence.tune))
    return found or ("other settings",)


def _gains(evidence: Evidence, group: Group, metric: str, probe: str) -> np.ndarray:
    """Gain over the twin, of each seed under each teacher size; under tuned settings the twin may be another than the probe's."""
    if not group.tuned:
        return group.grid(evidence.value(probe, "panel"))
    sign = 1.0 if metric in SECOND.values() else -1.0
    score = evidence.score(metric)
    return sign * (group.grid(score) - group.grid(score, of="twin_id"))


def _read(evidence: Evidence, group: Group, found: Curve, metric: str, unit: str, *, suffix: str = "") -> GapReading:
    twins = group.grid(evidence.score(metric), of="twin_id")
    return read_gap(
        found.values["gain" + suffix],
        found.values["teacher_loss" + suffix],
        margin=MARGIN_SHARE * seed_spread(twins, np.array([draw for draw, _ in group.seeds])),
        sizes=found.sizes / group.student_size,
        unit=unit,
        seeds=found.seeds,
    )


def _second(evidence: Evidence, group: Group) -> GapReading | None:
    metric = SECOND[group.kind]
    gain = _gains(evidence, group, metric, "gain_second")
    if not np.isfinite(gain).any():
        return None
    # a score, not a loss: the larger is the better model
    found = group.curve({"gain": gain, "teacher_loss": -group.grid(evidence.score(metric), of="teacher_id")})
    return _read(evidence, group, found, metric, "")


def _part_of_deficit(part: np.ndarray, rival: int, unit: str) -> Measurement:
    """How much of the deficit against the rival lies in one part of the gain (units, sizes); simultaneous, as the deficit itself is."""
    limits = simultaneous(part[:, :-1] - part[:, -1:])
    ends = (float(limits.mean[rival]), float(limits.low[rival]), float(limits.high[rival]))
    return Measurement(value=ends[0], low=ends[1], high=ends[2], n=len(part), unit=unit, estimand="this recipe")
