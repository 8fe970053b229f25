"""The capacity gap of every student in every arm of a zoo: curves, readings on each metric, verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.report.evidence.around import Control, controls_of, setting_of, temperatures_of
from kdprobe.report.evidence.frames import GAIN, Evidence
from kdprobe.report.evidence.frames import LOSS as RAW
from kdprobe.report.evidence.groups import Curve, Group
from kdprobe.report.evidence.laws import Law, law_of
from kdprobe.report.evidence.predicted import Predicted, predicted_of
from kdprobe.stats.paired import contrast
from kdprobe.stats.pairing import copies
from kdprobe.verdicts.capacity_gap import seed_spread
from kdprobe.verdicts.gap import MARGIN_SHARE, GapReading, decide, read_gap
from kdprobe.verdicts.help import HelpReading, read_help, read_helps
from kdprobe.zoo.gains import LOSS

COPIED = "seeds are copies"
AS_TRAINED = "as trained"
"""In the place of a regime, of runs that were trained elsewhere."""
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
    beside: str
    """What it changes of the plan's own setting, as a sentence says it ("at T 2"); "" where it changes nothing."""
    own_arm: str
    """The arm at the plan's own setting that it stands beside; its own where it changes nothing."""
    setting: str
    """The α and T that it speaks of, as a sentence says them; "" where it has neither."""
    student: str
    student_size: int
    headline: str
    scope: str
    """Where the page speaks of it."""
    unit: str
    metric: str
    """What the loss is called."""
    curve: Curve
    """With values "gain" and "teacher_loss", in the loss that the verdicts are read on; "gain_raw" where it is not the loss as it is."""
    reading: GapReading
    """On that loss: MSE, or NLL after one temperature a model."""
    asked_seeds: int = 0
    """Seeds that were asked for, whether or not their runs finished."""
    copied: tuple[int, ...] = ()
    """Two seeds of which one is a copy of the other; nothing is claimed then."""
    helps: HelpReading
    """On the same loss: whether any teacher helps."""
    raw: GapReading | None = None
    """On the NLL as it is, which rewards calibration too; None for regression."""
    second: GapReading | None = None
    """On accuracy or R²; None where it was not measured."""
    controls: tuple[Control, ...] = ()
    """What the controls of its regime gain without the teacher."""
    temperatures: Mapping[str, Measurement] = field(default_factory=dict[str, Measurement])
    """Fitted temperature of "teacher", "twin" and "student", means over all teacher sizes; above 1 is over-confidence."""
    gains: tuple[Measurement, ...] = ()
    """Gain over the twin by teacher size, simultaneous over the sizes; each over the seeds that have it."""
    fixed: tuple[str, ...] = ()
    """Settings that are the same for all teacher sizes here and could be tuned for each."""
    law: Law | None = None
    """What is expected, where the task is a world with a law."""
    predicted: Predicted | None = None
    """What the advisor said of it before the sweep; None where it was not asked."""


def gaps(evidence: Evidence) -> list[Gap]:
    """Read every student × arm of a zoo at the plan's own setting; the verdicts of one page form one family per metric."""
    return [gap for gap in _read_all(evidence) if not gap.beside]


def beside(evidence: Evidence) -> list[Gap]:
    """Read what stands beside the plan's own setting: a family of its own, and no claim of the first screen."""
    return [gap for gap in _read_all(evidence) if gap.beside]


def near(gap: Gap, around: list[Gap]) -> list[Gap]:
    """What of `beside` stands beside an arm."""
    own = (gap.task, gap.student, gap.student_size, gap.arm)
    return [other for other in around if (other.task, other.student, other.student_size, other.own_arm) == own]


def _read_all(evidence: Evidence) -> list[Gap]:
    return evidence.derived("gaps", _gaps)


def _gaps(evidence: Evidence) -> list[Gap]:
    groups = (group for group in (*evidence.groups, *evidence.tuned_groups) if group.scheme not in evidence.attached)
    found = [_gap(evidence, group) for group in groups]
    for own in (True, False):
        judged = [i for i, gap in enumerate(found) if not (gap.control or gap.copied) and bool(gap.beside) is not own]
        for name in ("reading", "raw", "second"):
            places = [i for i in judged if getattr(found[i], name) is not None]
            for i, reading in zip(places, decide([getattr(found[i], name) for i in places]), strict=True):
                found[i] = replace(found[i], **{name: reading})
        for i, reading in zip(judged, read_helps([found[i].helps for i in judged]), strict=True):
            found[i] = replace(found[i], helps=reading)
    return [_unjudged(gap, "a control" if gap.control else COPIED) if gap.control or gap.copied else gap for gap in found]


def _unjudged(gap: Gap, why: str) -> Gap:
    """Say of a control's readings, or of copied seeds', that nothing is claimed; they are in no family of claims either."""
    readings = {name: getattr(gap, name) for name in ("reading", "raw", "second", "helps")}
    said = {"verdict": "NOT APPLICABLE", "qualifier": why}
    return replace(gap, **{name: replace(found, **said) for name, found in readings.items() if found is not None})


def _gap(evidence: Evidence, group: Group) -> Gap:
    unit = evidence.unit(group.task, "gain")
    metric, raw = LOSS[group.kind], RAW[group.kind]
    gain = _gains(evidence, group, metric, GAIN[group.kind])
    if not np.isfinite(gain).any():
        # frames of before calibrated losses were measured
        metric, gain = raw, _gains(evidence, group, raw, "gain")
    grids = {"gain": gain, "teacher_loss": group.grid(evidence.score(metric), of="teacher_id")}
    if metric != raw:
        grids |= {"gain_raw": _gains(evidence, group, raw, "gain")}
        grids |= {"teacher_loss_raw": group.grid(evidence.score(raw), of="teacher_id")}
    found = group.shared(grids)
    reading, gain = _read(evidence, group, found, metric, unit), found.values["gain"]
    headline, scope = evidence.place(group)
    probe = GAIN[group.kind] if metric != raw else "gain"
    helps = read_help(gain, margin=_margin(evidence, group, metric), unit=unit, seeds=found.seeds, asked=len(group.teachers))
    return Gap(
        task=group.task,
        headline=headline,
        scope=scope,
        kind=group.kind,
        arm=group.arm,
        control=group.control,
        beside=group.beside,
        own_arm=group.own_arm,
        setting=setting_of(evidence, group),
        student=group.student,
        student_size=group.student_size,
        unit=unit,
        asked_seeds=len(group.seeds),
        copied=_copied(group, grids),
        metric=TITLES[metric],
        curve=found,
        reading=reading,
        helps=helps,
        raw=_read(evidence, group, found, raw, unit, suffix="_raw") if metric != raw else None,
        second=_second(evidence, group),
        controls=() if group.control else controls_of(evidence, group, probe, found, helps.best, unit),
        temperatures=temperatures_of(evidence, group) if metric != raw else {},
        gains=tuple(contrast(column).measurement(unit, tests=gain.shape[1]) for column in gain.T) if len(gain) > 1 else (),
        fixed=_fixed(evidence, group),
        law=law_of(group, found),
        predicted=predicted_of(evidence, group, found),
    )


def _copied(group: Group, grids: dict[str, np.ndarray]) -> tuple[int, ...]:
    """Two seeds with the same gains under every teacher: there is no chance in such training, or runs were copied into the zoo."""
    twice = copies(grids["gain"], grids["teacher_loss"])
    return tuple(int(group.seeds[place][1]) for place in twice or ())


def _fixed(evidence: Evidence, group: Group) -> tuple[str, ...]:
    """On rows without labels there is no other loss to weigh, not every distiller has a temperature, and closed forms take no steps."""
    known = {"alpha": bool((group.frame["rows"] != "transfer").any()), "temperature": bool(group.frame["temperature"].notna().any())}
    known |= {"learning_rate": bool((group.frame["learning_rate"] > 0).any())}
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
    return read_gap(
        found.values["gain" + suffix],
        found.values["teacher_loss" + suffix],
        margin=_margin(evidence, group, metric),
        sizes=found.sizes / group.student_size,
        unit=unit,
        seeds=found.seeds,
        lost="" if not found.missing else "smaller" if found.largest else "largest",
    )


def _margin(evidence: Evidence, group: Group, metric: str) -> float:
    """What is called negligible: a fifth of the seed sd of the twins' score."""
    return MARGIN_SHARE * seed_spread(group.grid(evidence.score(metric), of="twin_id"), group.draws)


def _second(evidence: Evidence, group: Group) -> GapReading | None:
    metric = SECOND[group.kind]
    gain = _gains(evidence, group, metric, "gain_second")
    if not np.isfinite(gain).any():
        return None
    # a score, not a loss: the larger is the better model
    found = group.shared({"gain": gain, "teacher_loss": -group.grid(evidence.score(metric), of="teacher_id")})
    return _read(evidence, group, found, metric, "")
