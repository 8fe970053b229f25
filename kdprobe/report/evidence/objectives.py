"""What each scheme gave against what is said of it: its gain over the twin, over each rung below it, and under each above."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kdprobe.core.registry import available
from kdprobe.core.result import Measurement
from kdprobe.core.scheme import Scheme
from kdprobe.report.evidence.arms import Frame
from kdprobe.report.evidence.frames import GAIN, Evidence
from kdprobe.stats.paired import contrast
from kdprobe.verdicts.knowledge import KindReading, read_kind, read_kinds
from kdprobe.zoo.gains import LOSS


@dataclass(frozen=True, kw_only=True, eq=False)
class Tried:
    """One scheme on one task, for one student."""

    scheme: Scheme
    task: str
    student: str
    unit: str
    reading: KindReading
    """Of the claim that it gains over its twin and over every rung below it."""
    gain: np.ndarray
    """(seeds,) over the twin, of the seeds that have every rung."""
    over: dict[str, Measurement]
    """Rung below -> gain over it."""
    under: dict[str, Measurement]
    """Rung above -> by how much that gains more."""
    lost: tuple[str, ...] = ()
    """Rungs that no seed finished."""


def tried(evidence: Evidence) -> list[Tried]:
    """Read every scheme × task × student; the verdicts form one family."""
    return evidence.derived("tried", _tried)


def _tried(evidence: Evidence) -> list[Tried]:
    known = available("schemes")
    plan = evidence.provenance().get("plan", {})
    asked = set(plan.get("schemes") or [name for name, scheme in known.items() if scheme.objective != "control"])
    found = []
    for (task, name, _), frame in evidence.students.groupby(["task", "scheme", "student"], sort=False):
        if name in asked and name in known and _own_size(known[name], frame):
            found.append(_read(evidence, known[name], str(task), frame))
    readings = read_kinds([one.reading for one in found])
    return [replace(one, reading=reading) for one, reading in zip(found, readings, strict=True)]


def _own_size(scheme: Scheme, frame: Frame) -> bool:
    """Whether students are of the size that the scheme is about: a rung of another may be of its size."""
    larger = (frame["width"] > frame["teacher_width"]).all()
    return bool(larger) is (scheme.student_size == "larger")


def _read(evidence: Evidence, scheme: Scheme, task: str, frame: Frame) -> Tried:
    first: Any = frame.iloc[0]
    kind = str(first["kind"])
    same = evidence.students[(evidence.students["task"] == task) & (evidence.students["student"] == first["student"])]
    names = (*scheme.controls, *scheme.beats, *scheme.below)
    gains = {name: _by_seed(evidence, same[same["scheme"] == name]) for name in names}
    own = _by_seed(evidence, frame)
    there = {name: values for name, values in gains.items() if values}
    seeds = sorted(set(own).intersection(*there.values()))
    table = {name: np.array([values[seed] for seed in seeds]) for name, values in there.items()}
    gain = np.array([own[seed] for seed in seeds])
    twins = evidence.score(LOSS[kind]).reindex(frame["twin_id"].unique()).dropna()
    rivals = [name for name in (*scheme.controls, *scheme.beats) if name in table]
    unit = evidence.unit(task, GAIN[kind])
    reading = read_kind(
        gain,
        np.stack([table[name] for name in rivals]) if rivals else None,
        twin_sd=float(twins.std(ddof=1)) if len(twins) > 1 else 0.0,
        unit=unit,
    )
    enough = len(gain) > 1
    return Tried(
        scheme=scheme,
        task=task,
        student=str(first["student"]),
        unit=unit,
        reading=reading,
        gain=gain,
        over={name: contrast(gain - table[name]).measurement(unit) for name in rivals if enough},
        under={name: contrast(table[name] - gain).measurement(unit) for name in scheme.below if enough and name in table},
        lost=tuple(name for name in names if name not in there),
    )


def _by_seed(evidence: Evidence, frame: Frame) -> dict[tuple[int, int], float]:
    values = evidence.gain.reindex(frame["model_id"]).to_numpy(dtype=float)
    pairs = zip(zip(frame["draw"], frame["seed"], strict=True), values, strict=True)
    return {pair: float(value) for pair, value in pairs if np.isfinite(value)}
