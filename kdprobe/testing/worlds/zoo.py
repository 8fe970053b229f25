"""Sweeps whose truth is known: the frames of a zoo, drawn from a simulation instead of from training.

What a page says of a trained zoo cannot be checked, because nobody knows what is true of it. Here the effects are chosen: the gain by
teacher size, what a student takes over from its own teacher and from any teacher of the recipe, the noise of a seed. For tests of
verdicts, and of report sections in plug-ins.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kdprobe.testing.worlds.simulated_zoo import SimulatedZoo

CLASSES, FEATURES = 26, 16
ENTRIES, STEPS = 20, 1000
HUMP = {8: -0.05, 16: 0.13, 32: 0.09, 64: 0.07, 128: 0.02, 256: -0.02}
RISING = {8: -0.10, 16: 0.05, 32: 0.08, 64: 0.10, 128: 0.11, 256: 0.13}
FLAT = {8: 0.0, 16: 0.0, 32: 0.0, 64: 0.0, 128: 0.0, 256: 0.0}
UNITS = {"classification": "nats", "regression": "target variances"}


@dataclass(frozen=True, kw_only=True)
class TrueArm:
    """One regime and its true effects.

    Parameters
    ----------
    scheme
        Name of the regime.
    gain
        Gain over the twin by teacher width, in nats for classification and in twentieths of the target's variance for regression. Under
        widths that are not in it there is no student: controls have the largest alone.
    over_confidence
        Part of the largest teacher's deficit that one temperature removes.
    recipe, specific
        What the student shares with any teacher of the recipe, and with its own only, on the scale of an agreement.
    unsteady
        Size of upward jumps in the student's training loss.
    slow
        How many times its twin's steps the student needs.
    temperature
        Of a classifier's teaching: several arms of one scheme differ in it.
    rows
        What the student learns from: "train", or "transfer", which has no labels.
    """

    scheme: str = "same_rows"
    gain: Mapping[int, float] = field(default_factory=lambda: HUMP)
    over_confidence: float = 0.1
    recipe: float = 0.04
    specific: float = 0.0
    unsteady: float = 0.0
    slow: float = 1.0
    temperature: float = 1.0
    rows: str = "train"


@dataclass(frozen=True, kw_only=True)
class ZooWorld:
    """A sweep with known effects.

    Parameters
    ----------
    seeds, draws
        Paired seeds in each draw.
    tasks
        (name, kind) of each task.
    noise
        Standard deviation over seeds of a gain, in the unit of `TrueArm.gain`.
    best_teacher
        Width of the teacher with the smallest own loss; by default the widest.
    failed
        (scheme, teacher width, student width, seed) of students that failed.
    reason
        Why they failed.
    unsound
        How much nearer models of one seed are than teaching makes them, with or without a teacher: what fails a placebo.
    extra_probe
        Name of one more similarity probe.
    beside
        What the plan has beside its own setting (T = 1), by axis.
    fitted
        Mean fitted temperature of classifiers by role; no scores of it where empty.
    text
        Put into every free-text field.
    seed
        Of the random generator.

    Examples
    --------
    >>> zoo = ZooWorld(seeds=2, tasks=(("letters", "classification"),), student_widths=(8,)).zoo()
    >>> zoo.models()["role"].value_counts().to_dict()
    {'student': 24, 'teacher': 12, 'twin': 2}
    """

    seeds: int = 10
    draws: int = 1
    tasks: tuple[tuple[str, str], ...] = (("letters", "classification"), ("bikeshare", "regression"))
    arms: tuple[TrueArm, ...] = (TrueArm(), TrueArm(scheme="transfer_rows", gain=RISING, over_confidence=0.0, specific=0.01))
    student_widths: tuple[int, ...] = (8, 16, 32)
    noise: float = 0.02
    best_teacher: int | None = None
    failed: tuple[tuple[str, int, int, int], ...] = ()
    reason: str = "the loss is not finite after step 350"
    unsound: float = 0.0
    extra_probe: str | None = None
    beside: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    fitted: Mapping[str, float] = field(default_factory=dict[str, float])
    text: str = ""
    seed: int = 0

    def zoo(self) -> SimulatedZoo:
        """Draw the frames."""
        drawing = _Drawing(self)
        for task, kind in self.tasks:
            for draw in range(self.draws):
                drawing.task(task, kind, draw)
        return drawing.finished()


class _Drawing:
    def __init__(self, world: ZooWorld):
        self.world = world
        self.rng = np.random.default_rng(world.seed)
        self.rng_information = np.random.default_rng([world.seed, 1])
        self.rng_placebo = np.random.default_rng([world.seed, 2])
        self.rng_fitted = np.random.default_rng([world.seed, 3])
        self.placebos: dict[tuple[str, str, str], float] = {}
        self.models: list[dict[str, Any]] = []
        self.scores: list[dict[str, Any]] = []
        self.measurements: list[dict[str, Any]] = []
        self.histories: list[tuple[str, TrueArm | None]] = []

    def task(self, task: str, kind: str, draw: int) -> None:
        world, rng = self.world, self.rng
        scale = 1.0 if kind == "classification" else 0.05
        widths = sorted(world.arms[0].gain)
        best = widths.index(world.best_teacher or widths[-1])
        teachers = {}
        for i, width in enumerate(widths):
            for seed in range(world.seeds):
                teachers[width, seed] = self.model(task, kind, "teacher", width, seed, draw)
                self.score(teachers[width, seed], scale * (0.5 + 0.15 * abs(i - best) + rng.normal(0, 0.01)))
        for width in world.student_widths:
            losses = scale * (0.55 + 0.9 * (8 / width) ** 0.5 + rng.normal(0, 0.05, world.seeds))
            twins = [self.model(task, kind, "twin", width, seed, draw) for seed in range(world.seeds)]
            for twin, loss in zip(twins, losses, strict=True):
                self.score(twin, loss)
                self.histories.append((twin["model_id"], None))
            for arm in world.arms:
                for (teacher_width, seed), teacher in ((key, teacher) for key, teacher in teachers.items() if key[0] in arm.gain):
                    pair = {"arm": arm, "teacher": teacher, "twin": twins[seed]}
                    student = self.model(task, kind, "student", width, seed, draw, **pair)
                    if student["status"] == "done":
                        share = widths.index(teacher_width) / max(len(widths) - 1, 1)
                        gain = arm.gain[teacher_width] + rng.normal(0, world.noise)
                        removed = arm.over_confidence * share + rng.normal(0, world.noise / 4)
                        self.score(student, losses[seed] - scale * gain)
                        self.panel(student, scale * gain, scale * (gain + removed), losses[seed] - scale * 0.5)
                        self.similarity(student, arm)
                        self.information(student, arm)
                        self.histories.append((student["model_id"], arm))

    def model(
        self,
        task: str,
        kind: str,
        role: str,
        width: int,
        seed: int,
        draw: int,
        *,
        arm: TrueArm | None = None,
        teacher: Any = None,
        twin: Any = None,
    ) -> dict[str, Any]:
        text = self.world.text
        scheme, teacher_id = ("", None) if arm is None else (arm.scheme, teacher["model_id"])
        failed = arm is not None and (scheme, teacher["width"], width, seed) in self.world.failed
        temperature = arm.temperature if arm is not None and kind == "classification" else None
        distiller = "twin" if arm is None else "kd" if kind == "classification" else "l2_imitation"
        size = (FEATURES + 1) * width + (width + 1) * CLASSES
        record = {
            "model_id": hashlib.sha256(repr((task, role, width, seed, draw, scheme, teacher_id, temperature)).encode()).hexdigest(),
            **{"kind": kind, "task": task + text, "role": role, "family": "mlp" + text, "width": width, "seed": seed, "draw": draw},
            **{"rows": arm.rows if arm else "train", "scheme": scheme and scheme + text, "distiller": distiller + text},
            **{"alpha": 1.0 if arm else 0.0, "steps": STEPS},
            **{"learning_rate": 0.01, "weight_decay": 1e-4, "batch_size": 64, "teacher_id": teacher_id, "data": "d" * 64},
            **{"patience": 0, "label_noise": 0.0, "matched": None, "row_count": 2000, "taught_row_count": None},
            **{"temperature": temperature, "loss_parameters": "{}" if temperature is None else f'{{"temperature": {temperature}}}'},
            **{"size": size, "flops": 2 * size},
            **{"twin_id": twin and twin["model_id"], "status": "failed" if failed else "done"},
            **{"reason": self.world.reason + text if failed else ""},
            **{"seconds": 0.4, "engine": "stack", "shard": None, "slot": 0},
        }
        self.models.append(record)
        return record

    def score(self, model: dict[str, Any], loss: float) -> None:
        classification = model["kind"] == "classification"
        values = {"nll": loss, "nll_calibrated": loss, "accuracy": np.exp(-loss)} if classification else {"mse": loss, "r2": 1 - loss}
        keys = {name: model[name] for name in ("model_id", "task", "role", "width", "size", "seed", "draw", "scheme", "distiller")}
        self.scores += [keys | {"metric": metric, "rows": rows, "value": value} for metric, value in values.items() for rows in "AB"]
        if classification and model["role"] in self.world.fitted:
            temperature = self.world.fitted[model["role"]] * np.exp(self.rng_fitted.normal(0, 0.02))
            self.scores.append(keys | {"metric": "temperature", "rows": "validation", "value": temperature})

    def panel(self, student: dict[str, Any], gain: float, calibrated: float, room: float) -> None:
        unit = UNITS[student["kind"]]
        self.measure(student, "gain", "panel", gain, unit)
        if student["kind"] == "classification":
            self.measure(student, "gain_calibrated", "panel", calibrated, unit)
        self.measure(student, "gain_second", "panel", gain / 3, "")
        self.measure(student, "recovered", "panel", gain / room, "")

    def similarity(self, student: dict[str, Any], arm: TrueArm) -> None:
        own = ("agreement_top1", "kl", "error_consistency") if student["kind"] == "classification" else ("r2", "residual_correlation")
        extra = (self.world.extra_probe,) if self.world.extra_probe else ()
        for probe in (*own, "cka", "cka_output", *extra):
            base, sign = {"kl": (0.40, -1.0), "cka": (0.90, 0.5)}.get(probe, (0.70, 1.0))
            level, (shared, *noise) = base + 0.01 * np.log2(student["width"]), self.rng.normal(0, [0.003, *[0.001] * 4])
            for (comparison, shift), error in zip(_shifts(arm).items(), noise, strict=True):
                value = level + sign * shift + error + (shared if comparison in ("own", "siblings") else 0.0)
                value += sign * self.world.unsound * (comparison in ("own", "twin"))
                self.measure(student, probe, comparison, value, "nats" if probe == "kl" else "", sign * self.world.unsound)

    def information(self, student: dict[str, Any], arm: TrueArm) -> None:
        """Of 2.6 nats that the teacher tells: what is shared (twins: 2 and more), left behind; and .03 of the student's own."""
        shared, *noise = self.rng_information.normal(0, [0.003, *[0.001] * 4])
        for (comparison, shift), error in zip(_shifts(arm).items(), noise, strict=True):
            value = 2.0 + 0.05 * np.log2(student["width"]) + shift + error + (shared if comparison in ("own", "siblings") else 0.0)
            for probe, nats in (("shared_information", value), ("left_behind", 2.6 - value), ("own_information", 0.03 + error)):
                self.measure(student, probe, comparison, nats, "nats")

    def measure(self, student: dict[str, Any], probe: str, comparison: str, value: float, unit: str, own: float = 0.0) -> None:
        row = {key: student[key] for key in ("model_id", "task", "scheme", "distiller", "seed", "draw")}
        row |= {"student_width": student["width"], "student_size": student["size"], "probe": probe, "comparison": comparison}
        row |= {"value": value, "low": value - 0.01, "high": value + 0.01, "n": 4000, "unit": unit, "status": "ok", "reason": ""}
        self.measurements.append(row)
        if comparison == "twin":
            noise = self.placebos.setdefault((student["twin_id"], student["teacher_id"], probe), self.rng_placebo.normal(0, 0.0005))
            self.measure(student, probe, "twin_siblings", value - own - noise, unit)

    def finished(self) -> SimulatedZoo:
        models, measurements = pd.DataFrame(self.models), pd.DataFrame(self.measurements)
        for name, column in (("teacher_width", "width"), ("teacher_size", "size")):
            of_teacher = {model["model_id"]: model[column] for model in self.models}
            models[name] = pd.array([of_teacher.get(model["teacher_id"]) for model in self.models], dtype="Int64")
            of_student = dict(zip(models["model_id"], models[name], strict=True))
            measurements[name] = [of_student[row["model_id"]] for row in self.measurements]
        for column in ("value", "low", "high"):
            measurements[column] = measurements[column].astype("Float64")
        tables = {"models": models, "scores": pd.DataFrame(self.scores), "measurements": measurements, "history": self.history()}
        return SimulatedZoo(tables, self.provenance())

    def history(self) -> pd.DataFrame:
        rng, shape = self.rng, (len(self.histories), ENTRIES)
        share = np.arange(1, ENTRIES + 1) / ENTRIES
        slow, unsteady = (
            np.array([[getattr(arm, name) if arm else same] for _, arm in self.histories])
            for name, same in (("slow", 1.0), ("unsteady", 0.0))
        )
        curve = 0.5 + 2.5 * np.exp(-6 * share / slow)
        loss = curve * (1 + rng.normal(0, 0.002, shape)) + unsteady * (rng.random(shape) < 0.25) * rng.random(shape)
        columns = {"loss": loss, "validation_loss": curve + 0.1 + rng.normal(0, 0.003, shape), "gradient_norm": 0.5 * curve}
        table = {
            "model_id": np.repeat([name for name, _ in self.histories], ENTRIES),
            "step": np.tile((STEPS * share).astype(int), len(curve)),
        }
        return pd.DataFrame(table | {name: values.ravel() for name, values in columns.items()})

    def provenance(self) -> dict[str, Any]:
        world, text = self.world, self.world.text
        cells = [f"{scheme}: teacher {teacher}, student {student}, seed {seed}" for scheme, teacher, student, seed in world.failed]
        return {
            **{"command": f"kdprobe sweep --gap --out sweep-gap {text}".strip(), "hardware": f"2 cores {text}".strip()},
            **{"seconds": 312.5, "runs": 1},
            "plan": {
                "tasks": [name for name, _ in world.tasks],
                "seeds": world.seeds,
                "draws": world.draws,
                "alpha": 0.7,
                "temperature": 1.0,
                "beside": {name: list(values) for name, values in world.beside.items()},
                "out": text or "sweep-gap",
            },
            **{"plan_hash": hashlib.sha256(repr(world).encode()).hexdigest(), "commit": "0123456789ab", "versions": {"kdprobe": "0.1.0"}},
            "failed_cells": [{"title": cell + text, "reason": world.reason + text} for cell in cells],
            "deviations": [{"from": "a" * 8, "to": "b" * 8, "changes": [text], "models_there": 10}] if text else [],
        }


def _shifts(arm: TrueArm) -> dict[str, float]:
    """What is shared beyond twins. A twin never met this teacher, nor did the student meet its siblings: they share the recipe only."""
    return {"own": arm.recipe + arm.specific, "siblings": arm.recipe, "twin": 0.0, "baseline": 0.0}
