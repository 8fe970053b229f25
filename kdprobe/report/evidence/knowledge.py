"""What each distiller and each kind of knowledge gave: every student of a zoo, at the strength that validation rows choose."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kdprobe.core.registry import available
from kdprobe.report.evidence.arms import Frame
from kdprobe.report.evidence.frames import GAIN, PRIMARY, Evidence
from kdprobe.report.evidence.transfers import specific
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast
from kdprobe.verdicts.family import adjusted
from kdprobe.verdicts.knowledge import KindReading, crossfitted, read_kind, read_kinds
from kdprobe.zoo.gains import LOSS

KINDS = ("response", "intermediate", "relation", "information")
CONTROL = "control"
SCORE = {"classification": "accuracy", "regression": "r2"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """One distiller, or the best of one kind, of one student in one regime. Arrays are over seeds, at each seed's chosen weight."""

    name: str
    knowledge: str
    gain: np.ndarray
    """Over the paired twin: NLL in nats after one temperature a model, or MSE in target variances."""
    raw: np.ndarray | None
    """The gain in NLL as it is; None for regression."""
    score: np.ndarray
    """Accuracy or R², less the twin's."""
    specific: np.ndarray
    """Similarity to the own teacher less that to siblings (agreement, or R² between predictions), less the same of the paired twin where
    that was measured. NaN where there are too few siblings."""
    chosen: tuple[str, ...]
    """Distiller that each seed's choice fell on."""
    models: tuple[str, ...] = ()
    """The student of each seed at that choice."""
    alphas: np.ndarray
    """Weight that each seed's choice fell on, beside the label loss or, on rows without labels, beside a response loss."""

    @property
    def usual(self) -> tuple[str, float]:
        """Distiller and weight that most seeds chose."""
        pairs = list(zip(self.chosen, self.alphas.tolist(), strict=True))
        return max(sorted(set(pairs)), key=pairs.count)


@dataclass(frozen=True, kw_only=True, eq=False)
class Kinds:
    """One student in one regime."""

    task: str
    kind: str
    scheme: str
    student: str
    student_size: int
    unit: str
    arms: tuple[Arm, ...]
    """Distillers, in the order of `KINDS`, controls last."""
    best: dict[str, Arm]
    """Kind of knowledge -> its best distiller by seed, controls included."""
    readings: dict[str, KindReading]
    """Kind of knowledge -> verdict."""
    p: dict[str, float]
    """Distiller -> p of its gain, Holm-adjusted over all distillers of the page."""
    own: dict[str, float]
    """Kind of knowledge -> p of its teacher-specific part, Holm-adjusted over all kinds of the page with enough seeds."""
    seeds: int
    left_out: int
    temperature: float | None = None
    """T of the losses that have one; None where none has."""
    response_beside: bool = False
    """Whether a response loss stood beside some losses, in place of the labels' loss; its T is 1, whatever that of others."""


def knowledge_of(distiller: str) -> str:
    """Kind of knowledge of a distiller, "unknown" where it is not installed any more; a scheme's name is that of a control."""
    known: Any = available("distillers").get(distiller)
    return CONTROL if distiller in available("schemes") else "unknown" if known is None else known.knowledge


def title_of(distiller: str) -> str:
    """What a distiller, or a scheme that is a control, is called on a page."""
    known: Any = available("distillers").get(distiller) or available("schemes").get(distiller)
    return distiller if known is None else known.title.removeprefix("control: ")


def kinds(evidence: Evidence) -> list[Kinds]:
    """Read every student × regime; verdicts form one family, the distillers' gains another."""
    return evidence.derived("kinds", _kinds)


def _kinds(evidence: Evidence) -> list[Kinds]:
    validation = evidence.kept_losses()
    by = ["task", "scheme", "student"]
    own = evidence.students[~evidence.students["scheme"].isin(evidence.attached)]
    found = [_read(evidence, _with_controls(evidence, frame), validation) for _, frame in own.groupby(by, sort=False)]
    readings = iter(read_kinds([reading for group in found for reading in group.readings.values()]))
    found = [replace(group, readings={kind: next(readings) for kind in group.readings}) for group in found]
    tested = [[float(contrast(arm.gain).p) if len(arm.gain) > 1 else None for arm in group.arms] for group in found]
    values = iter(adjusted([p for group in tested for p in group]))
    found = [replace(group, p={arm.name: p for arm in group.arms if (p := next(values)) is not None}) for group in found]
    own = iter(adjusted([_p_of_own(group.best[kind]) for group in found for kind in group.readings]))
    return [replace(group, own={kind: p for kind in group.readings if (p := next(own)) is not None}) for group in found]


def _p_of_own(arm: Arm) -> float | None:
    """Of a teacher-specific part; None where too few seeds have one."""
    values = arm.specific[np.isfinite(arm.specific)]
    return float(contrast(values).p) if len(values) >= SEEDS_FOR_A_VERDICT else None


def _with_controls(evidence: Evidence, frame: Frame) -> Frame:
    """Students of a regime and, after them, of its controls, each under its scheme's name in the place of a distiller's."""
    first, students = frame.iloc[0], evidence.students
    scheme: Any = available("schemes").get(str(first["scheme"]))
    same = students[(students["task"] == first["task"]) & (students["student"] == first["student"])]
    controls = [same[same["scheme"] == name].assign(distiller=name) for name in ((scheme and scheme.controls) or ())]
    return pd.concat([frame, *controls], ignore_index=True)


def _read(evidence: Evidence, frame: Frame, validation: Frame) -> Kinds:
    first = frame.iloc[0]
    kind = str(first["kind"])
    columns = _columns(evidence, frame, kind, validation)
    beside = {knowledge_of(name) for name, text in zip(frame["distiller"], frame["loss_parameters"], strict=True) if _response(text)}
    frame = frame.assign(weight=[_weight(alpha, text) for alpha, text in zip(frame["alpha"], frame["loss_parameters"], strict=True)])
    options = sorted(dict.fromkeys(zip(frame["distiller"], frame["weight"], strict=True)), key=lambda o: (_order(o[0]), o))
    seeds = sorted(set(frame["seed"]))
    place = {option: i for i, option in enumerate(options)}
    grids = {name: np.full((len(seeds), len(options)), np.nan) for name in columns}
    ids = np.full((len(seeds), len(options)), "", dtype=object)
    for row, (distiller, alpha, seed) in enumerate(zip(frame["distiller"], frame["weight"], frame["seed"], strict=True)):
        for name, values in columns.items():
            grids[name][seeds.index(seed), place[distiller, alpha]] = values[row]
        ids[seeds.index(seed), place[distiller, alpha]] = frame["model_id"].iloc[row]
    whole = np.logical_and.reduce([np.isfinite(grids[name]) for name in ("gain", "score", "validation")])
    # an option that most seeds lack is left out; then a seed that lacks one, so that every contrast is between the same seeds
    kept = whole.mean(axis=0) >= 0.5
    rows = whole[:, kept].all(axis=1) & kept.any()
    grids = {name: grid[rows][:, kept] for name, grid in grids.items()}
    options, ids = [option for option, keep in zip(options, kept, strict=True) if keep], ids[rows][:, kept]
    arms = tuple(_arm(name, grids, ids, options, [name]) for name in dict.fromkeys(name for name, _ in options))
    best = {}
    for knowledge in (*KINDS, CONTROL):
        names = [arm.name for arm in arms if arm.knowledge == knowledge]
        if names:
            best[knowledge] = _arm(knowledge, grids, ids, options, names)
    # each control must be beaten: the validation loss that chooses among others is not calibrated, and would leave the strongest out
    rivals = [arm for arm in arms if arm.knowledge == CONTROL]
    control = np.stack([arm.gain for arm in rivals]) if rivals else None
    if rivals and rows.any():
        best[CONTROL] = max(rivals, key=lambda arm: float(arm.gain.mean()))
    twins = evidence.score(LOSS[kind]).reindex(frame["twin_id"].unique()).dropna()
    sd = float(twins.std(ddof=1)) if len(twins) > 1 else 0.0
    unit = evidence.unit(str(first["task"]), GAIN[kind])
    response = best["response"].gain if "response" in best else None
    readings = {
        name: read_kind(arm.gain, control, twin_sd=sd, beside=response if name in beside else None, unit=unit)
        for name, arm in best.items()
        if name != CONTROL
    }
    return Kinds(
        **{"task": str(first["task"]), "kind": kind, "scheme": str(first["scheme"]), "student": str(first["student"])},
        **{"student_size": int(first["size"]), "unit": unit, "arms": arms, "best": best, "readings": readings, "p": {}, "own": {}},
        seeds=int(rows.sum()),
        left_out=int((~rows).sum()),
        response_beside=bool(beside),
        temperature=None if frame["temperature"].isna().all() else float(frame["temperature"].dropna().iloc[0]),
    )


def _weight(alpha: float, parameters: str) -> float:
    """Weight of the own loss: where a response loss stands beside it, its share of the two."""
    return alpha / (1 + _response(parameters))


def _response(parameters: str) -> float:
    """Weight of the response loss beside a loss on hidden layers."""
    return json.loads(parameters).get("response", 0.0)


def _columns(evidence: Evidence, frame: Frame, kind: str, validation: Frame) -> dict[str, np.ndarray]:
    """What is known of each student of a frame, (students,)."""
    score, primary = evidence.score(SCORE[kind]), PRIMARY[kind]

    def of(values: Frame, column: str = "model_id") -> np.ndarray:
        return values.reindex(frame[column]).to_numpy(dtype=float)

    found = {
        "gain": of(evidence.value(GAIN[kind], "panel")),
        "score": of(score) - of(score, "twin_id"),
        "specific": of(specific(evidence, str(frame["task"].iloc[0]), primary)),
        "validation": of(validation),
    }
    if kind == "classification":
        found["raw"] = of(evidence.value("gain", "panel"))
    return found


def _arm(name: str, grids: dict[str, np.ndarray], ids: np.ndarray, options: Sequence[tuple[str, float]], names: Sequence[str]) -> Arm:
    """Choose among the options of some distillers, for each seed by the validation losses of the others."""
    mine = [i for i, (distiller, _) in enumerate(options) if distiller in names]
    validation = grids["validation"][:, mine]
    picked = np.array(mine, dtype=int)[crossfitted(validation)] if len(validation) else np.empty(0, dtype=int)
    rows = np.arange(len(validation))
    values = {column: grid[rows, picked] for column, grid in grids.items()}
    return Arm(
        name=name,
        knowledge=knowledge_of(names[0]),
        gain=values["gain"],
        raw=values.get("raw"),
        score=values["score"],
        specific=values["specific"],
        chosen=tuple(options[i][0] for i in picked),
        models=tuple(ids[rows, picked]),
        alphas=np.array([options[i][1] for i in picked]),
    )


def _order(distiller: str) -> int:
    order = (*KINDS, CONTROL)
    knowledge = knowledge_of(distiller)
    return order.index(knowledge) if knowledge in order else len(order)


def by_knowledge(arms: Sequence[Arm]) -> Iterator[tuple[str, list[Arm]]]:
    """Arms of each kind of knowledge, in the order of the page."""
    for knowledge in dict.fromkeys(arm.knowledge for arm in arms):
        yield knowledge, [arm for arm in arms if arm.knowledge == knowledge]
