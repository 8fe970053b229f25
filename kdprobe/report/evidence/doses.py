"""What each dose of teaching gave, and each control: how much of this teacher, and how good it was, by seed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from kdprobe.core.registry import available
from kdprobe.report.evidence.arms import Frame
from kdprobe.report.evidence.frames import GAIN, PRIMARY, Evidence
from kdprobe.report.evidence.groups import Group
from kdprobe.report.evidence.knowledge import CONTROL, SCORE, knowledge_of, title_of
from kdprobe.report.evidence.transfers import Transfer, is_likeness, lower_is_closer, measured, placebo, specific, transfers
from kdprobe.verdicts.capacity_gap import seed_spread
from kdprobe.verdicts.dose import DoseReading, read_controls, read_doses, read_trend
from kdprobe.verdicts.gap import MARGIN_SHARE
from kdprobe.verdicts.help import HelpReading, read_help, read_helps
from kdprobe.verdicts.transfer import TransferReading, read_transfers
from kdprobe.zoo.gains import LOSS

Of = Literal["weights", "rows", "control"]
TRENDS: dict[str, Of] = {"by_weight": "weights", "by_rows": "rows"}
DOSED: dict[str, Of] = {"same_rows": "weights", "transfer_rows": "rows"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Rung:
    """One dose or one control of one student. Arrays are over the seeds that all rungs of the student have."""

    name: str
    of: Of
    dose: float
    """Weight of the teacher or number of unlabelled rows; NaN of a control."""
    gain: np.ndarray
    """Over the paired twin, in the loss that verdicts are read on."""
    score: np.ndarray
    """Accuracy or R², less the twin's."""
    specific: Mapping[str, np.ndarray]
    """Probe -> teacher-specific part, larger is nearer to the own teacher."""
    moved: Mapping[str, np.ndarray]
    """Probe -> own teacher minus what reference twins reach, larger is nearer."""
    models: tuple[str, ...]
    transfer: Transfer | None
    """The task's primary likeness."""
    kin: bool = False
    """Whether what taught it is the own teacher at another time of its training: it moves the student toward this very teacher."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Doses:
    """One student at every dose, and its controls."""

    task: str
    kind: str
    student: str
    student_size: int
    unit: str
    """Of the gain."""
    primary: str
    placebo: bool
    """Whether the twin's own contrast was measured, and is subtracted."""
    rungs: tuple[Rung, ...]
    """Weights first, then rows, ascending; then controls."""
    seeds: int
    left_out: int
    arrived: TransferReading | None = None
    """Of the fullest dose, in the primary likeness: the one claim on amount of a student. None where it was not measured."""
    worth: HelpReading | None = None
    """Of the fullest dose."""
    by_weight: DoseReading | None = None
    by_rows: DoseReading | None = None
    controls: DoseReading | None = None

    def of(self, what: Of) -> list[Rung]:
        """Rungs of one kind."""
        return [rung for rung in self.rungs if rung.of == what]

    @property
    def strangers(self) -> list[Rung]:
        """Controls that were taught nothing of this teacher, which must stay at nothing."""
        return [rung for rung in self.of("control") if not rung.kin]

    @property
    def fullest(self) -> Rung | None:
        """What full teaching is, settled before any result: all unlabelled rows, or where there are none the largest weight."""
        return next(iter([*reversed(self.of("rows")), *reversed(self.of("weights"))]), None)

    @property
    def probes(self) -> list[str]:
        """Likenesses that were measured at the fullest dose, the primary one first."""
        found = self.fullest.specific if self.fullest else {}
        return sorted(found, key=lambda probe: (probe != self.primary, probe))


def doses(evidence: Evidence) -> list[Doses]:
    """Read every student; verdicts of one kind form one family of the page."""
    return evidence.derived("doses", _doses)


def _doses(evidence: Evidence) -> list[Doses]:
    groups: dict[tuple[str, str, int], list[Group]] = {}
    for group in (group for group in evidence.groups if group.primary):
        groups.setdefault((group.task, group.student, group.student_size), []).append(group)
    read = {(one.task, one.student, one.arm): one for one in transfers(evidence) if one.primary}
    found = [_student(evidence, own, read) for own in groups.values()]
    for name, judge in (
        ("arrived", read_transfers), ("worth", read_helps), ("by_weight", read_doses), ("by_rows", read_doses), ("controls", read_doses)
    ):  # fmt: skip
        given = [getattr(one, name) for one in found]
        judged = iter(judge([reading for reading in given if reading is not None]))
        found = [replace(one, **{name: next(judged)}) if reading is not None else one for one, reading in zip(found, given, strict=True)]
    return found


def _student(evidence: Evidence, groups: list[Group], read: Mapping[tuple[str, str, str], Transfer]) -> Doses:
    first, task, kind = groups[0], groups[0].task, groups[0].kind
    probes = list(filter(is_likeness, evidence.probes(task)))
    score = evidence.score(SCORE[kind])
    parts = {probe: _sign(probe) * specific(evidence, task, probe) for probe in probes}
    moved = {probe: _sign(probe) * (evidence.value(probe, "own") - evidence.value(probe, "baseline")) for probe in probes}
    gains = [_by_seed(group, evidence.value(GAIN[kind], "panel")) for group in groups]
    # one set of seeds for all: contrasts between rungs are paired
    kept = sorted(set.intersection(*({seed for seed, value in gain.items() if np.isfinite(value)} for gain in gains)))

    def over(group: Group, values: Frame) -> np.ndarray:
        found = _by_seed(group, values)
        return np.array([found[seed] for seed in kept])

    rungs = []
    for group, gain in zip(groups, gains, strict=True):
        ids = dict(zip(_seeds(group.frame), group.frame["model_id"], strict=True))
        twins = {seed: score.get(name, np.nan) for seed, name in zip(_seeds(group.frame), group.frame["twin_id"], strict=True)}
        of, dose, name = _place(group)
        rungs.append(
            Rung(
                name=name,
                of=of,
                dose=dose,
                gain=np.array([gain[seed] for seed in kept]),
                score=over(group, score) - np.array([twins[seed] for seed in kept]),
                specific=_whole({probe: over(group, values) for probe, values in parts.items()}),
                moved=_whole({probe: over(group, values) for probe, values in moved.items()}),
                models=tuple(ids[seed] for seed in kept),
                transfer=read.get((task, group.student, group.arm)),
                kin=_kin(group.scheme),
            )
        )
    order: dict[Of, int] = {"weights": 0, "rows": 1, "control": 2}
    asked = len({seed for group in groups for seed in group.seeds})
    found = Doses(
        task=task,
        kind=kind,
        student=first.student,
        student_size=first.student_size,
        unit=evidence.unit(task, GAIN[kind]),
        primary=PRIMARY[kind],
        placebo=placebo(evidence, task, PRIMARY[kind]) is not None,
        rungs=tuple(sorted(rungs, key=lambda rung: (order[rung.of], rung.dose if np.isfinite(rung.dose) else 0.0))),
        seeds=len(kept),
        left_out=asked - len(kept),
    )
    return _read(evidence, found, first)


def _read(evidence: Evidence, found: Doses, group: Group) -> Doses:
    """Measure what the verdicts are of."""
    full = found.fullest
    if full is None or full.transfer is None or found.primary not in full.specific:
        return found
    margin = MARGIN_SHARE * seed_spread(group.grid(evidence.score(LOSS[found.kind]), of="twin_id"), group.draws)
    trends: dict[str, DoseReading] = {}
    for name, of in TRENDS.items():
        rungs = [rung for rung in found.of(of) if found.primary in rung.specific]
        if rungs:
            values = np.stack([rung.specific[found.primary] for rung in rungs], axis=1)
            trends[name] = read_trend(values, rungs[-1].moved[found.primary])
    controls = {rung.name: rung.specific[found.primary] for rung in found.strangers if found.primary in rung.specific}
    return replace(
        found,
        arrived=_alone(full),
        worth=read_help(full.gain[:, None], margin=margin, unit=found.unit),
        controls=read_controls(full.specific[found.primary], controls),
        **trends,
    )


def _alone(rung: Rung) -> TransferReading | None:
    """The reading of one dose by itself: doses were settled before any result, and the others are no claims of the page."""
    one = rung.transfer
    return None if one is None else measured(one.probe, one.unit, one.curve, np.ones(len(one.curve.sizes), dtype=bool))


def _place(group: Group) -> tuple[Of, float, str]:
    """Kind, dose and name of a rung."""
    first = group.frame.iloc[0]
    distiller = str(first["distiller"])
    if knowledge_of(distiller) == CONTROL and group.scheme in DOSED:
        return "control", np.nan, title_of(distiller)
    if group.scheme not in DOSED:
        scheme: Any = available("schemes").get(group.scheme)
        return "control", np.nan, group.scheme if scheme is None else scheme.title.removeprefix("control: ")
    of = DOSED[group.scheme]
    if of == "weights":
        return of, float(first["alpha"]), f"α {first['alpha']:g}, labelled rows"
    return of, float(first["unlabelled_rows"]), f"{int(first['unlabelled_rows']):,} unlabelled rows"


def _kin(scheme: str) -> bool:
    known: Any = available("schemes").get(scheme)
    return known is not None and any(known.stage(role).stream == "teacher" for role in known.student.taught_by)


def _sign(probe: str) -> float:
    return -1.0 if lower_is_closer(probe) else 1.0


def _seeds(frame: Frame) -> list[tuple[int, int]]:
    return list(zip(frame["draw"], frame["seed"], strict=True))


def _by_seed(group: Group, values: Frame) -> dict[tuple[int, int], float]:
    found = values.reindex(group.frame["model_id"]).to_numpy(dtype=float)
    return dict(zip(_seeds(group.frame), found.tolist(), strict=True))


def _whole(parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of probes that answered for every seed."""
    return {probe: values for probe, values in parts.items() if len(values) and np.isfinite(values).all()}
