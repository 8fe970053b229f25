"""A sweep whose truth is known: the frames of a zoo, drawn from a simulation instead of from training.

The pages and verdicts of a real zoo cannot be wrong in a way that a test would see, because nobody knows what is true of it. Here the
effects are chosen: the shape of the gain over teacher sizes, what a student takes from its own teacher and from any teacher, the noise
of a seed.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

CLASSES, FEATURES = 26, 16
HUMP = {8: -0.05, 16: 0.13, 32: 0.09, 64: 0.07, 128: 0.02, 256: -0.02}
RISING = {8: -0.10, 16: 0.05, 32: 0.08, 64: 0.10, 128: 0.11, 256: 0.115}
FLAT = {8: 0.0, 16: 0.0, 32: 0.0, 64: 0.0, 128: 0.0, 256: 0.0}


def size(width: int) -> int:
    """Parameters of a network with one hidden layer."""
    return (FEATURES + 1) * width + (width + 1) * CLASSES


@dataclass(frozen=True)
class Arm:
    """One regime of a task: its true effects."""

    scheme: str
    gain: dict[int, float] = field(default_factory=lambda: HUMP)
    """True gain of the student over its twin by teacher width, in the unit of the loss."""
    over_confidence: float = 0.1
    """How much of the largest teacher's deficit one temperature removes."""
    recipe: float = 0.04
    """What a student shares with any teacher of the recipe, on the scale of an agreement."""
    specific: float = 0.0
    """What it shares with its own teacher only."""
    unsteady: float = 0.0
    """Size of the upward jumps of the student's training loss."""
    slow: float = 1.0
    """How many times as many steps as its twin the student needs."""


@dataclass(frozen=True)
class World:
    """A zoo's worth of frames."""

    seeds: int = 10
    draws: int = 1
    tasks: tuple[tuple[str, str], ...] = (("letters", "classification"), ("bikeshare", "regression"))
    arms: tuple[Arm, ...] = (Arm("same_rows"), Arm("transfer_rows", gain=RISING, over_confidence=0.0, specific=0.01))
    student_widths: tuple[int, ...] = (8, 16, 32)
    noise: float = 0.02
    """Standard deviation over seeds of a gain."""
    failed: tuple[tuple[str, int, int, int, str], ...] = ()
    """(scheme, teacher width, student width, seed, reason) of students that failed."""
    extra_probe: str | None = None
    text: str = ""
    """Put into every free-text field: a payload, or nothing."""
    seed: int = 0

    def zoo(self) -> "Frames":
        """Draw the frames."""
        return _Draw(self).frames()


class Frames:
    """What `kdprobe.zoo.Zoo` gives."""

    def __init__(self, tables: dict[str, pd.DataFrame], provenance: dict[str, Any]):
        self._tables, self._provenance = tables, provenance

    def models(self) -> pd.DataFrame:
        return self._tables["models"].copy()

    def scores(self) -> pd.DataFrame:
        return self._tables["scores"].copy()

    def measurements(self) -> pd.DataFrame:
        return self._tables["measurements"].copy()

    def history(self, model_ids: list[str] | None = None) -> pd.DataFrame:
        table = self._tables["history"]
        return table.copy() if model_ids is None else table[table["model_id"].isin(model_ids)].copy()

    def runs(self) -> pd.DataFrame:
        return self._tables["models"].copy()

    def provenance(self) -> dict[str, Any]:
        return dict(self._provenance)


class _Draw:
    def __init__(self, world: World):
        self.world = world
        self.rng = np.random.default_rng(world.seed)
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("models", "scores", "measurements", "history")}

    def frames(self) -> Frames:
        for task, kind in self.world.tasks:
            for draw in range(self.world.draws):
                self.task(task, kind, draw)
        models = pd.DataFrame(self.rows["models"])
        widths = models.set_index("model_id")[["width", "size"]]
        models["teacher_width"] = models["teacher_id"].map(widths["width"]).astype("Int64")
        models["teacher_size"] = models["teacher_id"].map(widths["size"]).astype("Int64")
        measurements = pd.DataFrame(self.rows["measurements"])
        for name in ("teacher_width", "teacher_size"):
            measurements[name] = measurements["model_id"].map(models.set_index("model_id")[name])
        for column in ("value", "low", "high"):
            measurements[column] = measurements[column].astype("Float64")
        tables = {name: pd.DataFrame(rows) for name, rows in self.rows.items()} | {"models": models, "measurements": measurements}
        return Frames(tables, self.provenance())

    def provenance(self) -> dict[str, Any]:
        text = self.world.text
        return {
            "command": f"kdprobe sweep --gap --out sweep-gap {text}".strip(),
            "plan": {"tasks": [name for name, _ in self.world.tasks], "seeds": self.world.seeds, "alpha": 0.7, "note": text},
            "plan_hash": hashlib.sha256(repr(self.world).encode()).hexdigest(),
            "commit": "0123456789abcdef",
            "versions": {"kdprobe": "0.1.0", "torch": "2.13.0"},
            "hardware": f"2 cores {text}".strip(),
            "seconds": 312.5,
            "failed_cells": [{"title": f"{s} teacher {t} student {w} seed {n} {text}", "reason": r} for s, t, w, n, r in self.world.failed],
            "deviations": [text] if text else [],
        }

    def task(self, task: str, kind: str, draw: int) -> None:
        world, rng = self.world, self.rng
        scale = 1.0 if kind == "classification" else 0.05
        metrics = ("nll", "nll_calibrated", "accuracy") if kind == "classification" else ("mse", "r2")
        teacher_widths = sorted(world.arms[0].gain)
        loss = {w: scale * (0.43 + 0.9 * (8 / w) ** 0.5) for w in teacher_widths}
        teachers = {}
        for width in teacher_widths:
            for seed in range(world.seeds):
                value = loss[width] + scale * rng.normal(0, 0.01)
                teachers[width, seed] = (self.model(task, kind, "teacher", width, seed, draw), value)
                self.score(teachers[width, seed][0], value, metrics, scale)
        for width in world.student_widths:
            twin_losses = scale * (0.55 + 0.9 * (8 / width) ** 0.5) + scale * rng.normal(0, 0.05, world.seeds)
            twins = []
            for seed, value in enumerate(twin_losses):
                twins.append(self.model(task, kind, "twin", width, seed, draw))
                self.score(twins[-1], value, metrics, scale)
                self.history(twins[-1], rng, 1.0, 0.0)
            for arm in world.arms:
                for teacher_width in teacher_widths:
                    for seed in range(world.seeds):
                        teacher, teacher_loss = teachers[teacher_width, seed]
                        reason = next((r for s, t, w, n, r in world.failed if (s, t, w, n) == (arm.scheme, teacher_width, width, seed)), "")
                        model = self.model(
                            *(task, kind, "student", width, seed, draw), arm=arm, teacher=teacher, twin=twins[seed], reason=reason
                        )
                        if reason:
                            continue
                        gain = scale * (arm.gain[teacher_width] + rng.normal(0, world.noise))
                        loss_now = twin_losses[seed] - gain
                        self.score(model, loss_now, metrics, scale)
                        self.history(model, rng, arm.slow, arm.unsteady)
                        share = teacher_widths.index(teacher_width) / max(len(teacher_widths) - 1, 1)
                        calibrated = gain + scale * (arm.over_confidence * share + rng.normal(0, world.noise / 4))
                        recovered = None if abs(twin_losses[seed] - teacher_loss) < 1e-3 else gain / (twin_losses[seed] - teacher_loss)
                        self.panel(model, kind, gain, calibrated, recovered, scale)
                        self.similarity(model, kind, arm)

    def model(self, task, kind, role, width, seed, draw, *, arm=None, teacher=None, twin=None, reason="") -> dict[str, Any]:
        world = self.world
        key = repr((task, role, width, seed, draw, arm and arm.scheme, teacher and teacher["model_id"]))
        distiller = "twin" if arm is None else "kd" if kind == "classification" else "l2_imitation"
        record = {
            "model_id": hashlib.sha256(key.encode()).hexdigest(), "kind": kind, "task": task + world.text, "role": role,
            "family": "mlp" + world.text, "width": width, "seed": seed, "draw": draw, "rows": "train",
            "scheme": arm.scheme + world.text if arm else "", "distiller": distiller + world.text,
            "alpha": {"same_rows": 0.7}.get(arm.scheme, 1.0) if arm else 0.0, "steps": 1000, "learning_rate": 1e-3, "weight_decay": 0.01,
            "batch_size": 128, "teacher_id": teacher["model_id"] if teacher else None, "data": "d" * 64,
            "temperature": 2.0 if distiller == "kd" else None, "loss_parameters": "{}", "size": size(width), "flops": 2 * size(width),
            "twin_id": twin["model_id"] if twin else None, "status": "failed" if reason else "done",
            "reason": reason + world.text if reason else "", "seconds": 0.4, "engine": "stack", "shard": None, "slot": 0,
        }  # fmt: skip
        self.rows["models"].append(record)
        return record

    def score(self, model: dict[str, Any], loss: float, metrics: tuple[str, ...], scale: float) -> None:
        for metric in metrics:
            value = {"accuracy": np.exp(-loss), "r2": 1 - loss}.get(metric, loss)
            for rows in ("A", "B"):
                keys = ("model_id", "task", "role", "width", "size", "seed", "draw", "scheme", "distiller")
                noise = self.rng.normal(0, 0.002 * scale) if rows == "A" else 0.0
                self.rows["scores"].append({k: model[k] for k in keys} | {"metric": metric, "rows": rows, "value": value + noise})

    def history(self, model: dict[str, Any], rng: np.random.Generator, slow: float, unsteady: float) -> None:
        share = np.arange(1, 21) / 20
        curve = 0.5 + 2.5 * np.exp(-6 * share / slow)
        loss = curve * (1 + rng.normal(0, 0.002, 20)) + unsteady * (rng.random(20) < 0.25) * rng.random(20)
        validation = curve + 0.1 + rng.normal(0, 0.003, 20)
        for i in range(20):
            entry = {"loss": loss[i], "validation_loss": validation[i], "gradient_norm": 0.5 * curve[i]}
            self.rows["history"].append({"model_id": model["model_id"], "step": 50 * (i + 1), **entry})

    def panel(self, model, kind, gain, calibrated, recovered, scale) -> None:
        unit = "nats" if kind == "classification" else "target variances"
        self.measure(model, "gain", "panel", gain, unit)
        if kind == "classification":
            self.measure(model, "gain_calibrated", "panel", calibrated, unit)
        self.measure(model, "gain_second", "panel", gain / 3 + scale * self.rng.normal(0, 0.004), "")
        self.measure(model, "recovered", "panel", recovered, "", "the teacher is no better than the twin")

    def similarity(self, model: dict[str, Any], kind: str, arm: Arm) -> None:
        probes = ("agreement_top1", "kl", "error_consistency") if kind == "classification" else ("r2", "residual_correlation")
        extra = (self.world.extra_probe,) if self.world.extra_probe else ()
        for probe in (*probes, "cka", "cka_output", *extra):
            base, sign = {"kl": (0.40, -1.0), "cka": (0.90, 0.5)}.get(probe, (0.70, 1.0))
            level = base + 0.01 * np.log2(model["width"])
            student, *noise = self.rng.normal(0, 0.003, 5)
            # a twin never met this teacher, nor did the student meet its siblings: all they share is the recipe
            shifts = {"own": arm.recipe + arm.specific, "siblings": arm.recipe, "twin": 0.0, "baseline": 0.0}
            for (comparison, shift), own_noise in zip(shifts.items(), noise, strict=True):
                shared = student if comparison in ("own", "siblings") else 0.0
                self.measure(model, probe, comparison, level + sign * shift + shared + own_noise / 3, "nats" if probe == "kl" else "")

    def measure(self, model: dict[str, Any], probe: str, comparison: str, value: float | None, unit: str, reason: str = "") -> None:
        row = {key: model[key] for key in ("model_id", "task", "scheme", "distiller", "seed", "draw")}
        row |= {"student_width": model["width"], "student_size": model["size"], "probe": probe, "comparison": comparison}
        if value is None:
            row |= {
                "value": None,
                "low": None,
                "high": None,
                "n": None,
                "unit": "",
                "status": "refused",
                "reason": reason + self.world.text,
            }
        else:
            row |= {"value": value, "low": value - 0.01, "high": value + 0.01, "n": 4000, "unit": unit, "status": "ok", "reason": ""}
        self.rows["measurements"].append(row)


def with_text(world: World, text: str) -> World:
    """Return the same world with a payload in every free-text field."""
    return replace(world, text=text)
