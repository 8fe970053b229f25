"""What `optimal_ratio.py` trains: each study is one plan of a sweep, so that a command asks the same of other data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import kdprobe
from kdprobe import GapPlan, theory
from kdprobe.core.axes import AXES

ALPHA, TEMPERATURE = float(AXES["alpha"].default), float(AXES["temperature"].default)
SOFT = 2.0
"""A temperature that is often used, beside the one that is the default: what a gap owes to it is one of the questions."""

CLASSES_TEACHERS = (8, 16, 32, 64, 128, 256)
STUDENT = 8
FEATURES_TEACHERS = (15, 30, 60, 120, 240, 300, 480, 960)
FEATURES_STUDENT, FEATURES_ROWS = 30, 300
LADDER, LADDER_TEACHER = ("transfer_rows", "self_pseudo_labels", "step_matched_twin", "true_labels"), 32
NO_RIDGE = 1e-9
DECAYS, STOPS, SCHEDULES = (1e-4, 1.0), (300, 1200), (1200, 4800)
FRESH_STEPS = (600, 1200, 2400, 4800)


@dataclass(frozen=True)
class Study:
    """One zoo."""

    title: str
    plan: GapPlan
    tune: tuple[str, ...] = ()


def studies(*, quick: bool) -> dict[str, Study]:
    """Every study by name; the quick ones have the same shape and too few seeds for anything."""
    seeds, pilots = (5, 1) if quick else (20, 3)
    alone: dict[str, Any] = {"beside": {}}  # each study crosses what it is about
    letters: dict[str, Any] = {
        "tasks": ("letters",),
        "teacher_widths": CLASSES_TEACHERS,
        "student_widths": (STUDENT,),
        "seeds": seeds,
    } | alone
    features: dict[str, Any] = {
        "tasks": ("fashion_mnist",), "family": "random_features", "teacher_widths": FEATURES_TEACHERS,
        "student_widths": (FEATURES_STUDENT,), "train_rows": FEATURES_ROWS, "seeds": 5 if quick else 40,
    } | alone  # fmt: skip
    letters |= alone
    if quick:
        letters |= {"teacher_widths": (8, 32, 128), "steps": 200}
    same, fresh = {"schemes": ("same_rows",)}, {"schemes": ("transfer_rows",)}
    either = {"schemes": ("same_rows", "transfer_rows")}
    both = {"temperature": (TEMPERATURE, SOFT)}
    stops, schedules, lengths = ((100, 200), (200, 400), (100, 200)) if quick else (STOPS, SCHEDULES, FRESH_STEPS)
    found = {
        "letters, own rows": Study(
            "letters, the teacher's own 2,000 rows",
            GapPlan(
                **letters, **same, alpha=(ALPHA, 0.3), temperature=(TEMPERATURE, SOFT, 4), tune=("alpha", "temperature"), tune_seeds=pilots
            ),
            tune=("alpha", "temperature"),
        ),
        "letters, fresh rows": Study(
            "letters, unlabelled rows", GapPlan(**letters, **fresh, **both, transfer_rows=(300, 1000, 2000, 8000))
        ),
        "letters, ladder": Study(
            "letters, what the unlabelled rows are worth",
            GapPlan(**(letters | {"teacher_widths": (LADDER_TEACHER,)}), schemes=LADDER, transfer_rows=(300, 1000, 2000, 8000)),
        ),
        "letters, decay": Study("letters, teachers with weight decay", GapPlan(**letters, **same, **both, teacher_weight_decay=DECAYS)),
        "letters, stopped": Study(
            "letters, teachers of fewer steps", GapPlan(**(letters | {"steps": stops[-1]}), **same, **both, teacher_steps=stops)
        ),
        "letters, schedule": Study(
            "letters, longer students", GapPlan(**(letters | {"steps": schedules}), **same, **both, teacher_steps=schedules[0])
        ),
        "letters, steps": Study(
            "letters, unlabelled rows, steps chosen for students and for twins",
            GapPlan(
                **(letters | {"teacher_widths": (LADDER_TEACHER, CLASSES_TEACHERS[-1]), "steps": lengths}), **fresh,
                transfer_rows=(300, 8000), teacher_steps=schedules[0],
            ),
        ),
        "bikeshare": Study(
            "bikeshare",
            GapPlan(
                tasks=("bikeshare",), teacher_widths=CLASSES_TEACHERS[:: 2 if quick else 1], student_widths=(STUDENT,), seeds=seeds,
                transfer_rows=(300, 1000, 3600), alpha=(ALPHA, 0.3), tune=("alpha",), tune_seeds=pilots,
                steps=60 if quick else None, **either, **alone,
            ),
            tune=("alpha",),
        ),
        "no ridge": Study(
            "Fashion-MNIST, random features without ridge",
            GapPlan(**(features | {"seeds": 5 if quick else 20}), **fresh, transfer_rows=(300, 3000), options={"ridge": NO_RIDGE}),
        ),
        "random features": Study(
            "Fashion-MNIST, random features", GapPlan(**features, **either, transfer_rows=(100, 300, 1000, 3000))
        ),
    }  # fmt: skip
    return found


def trained(study: Study, folder: Path, *, jobs: int) -> dict[str, pd.DataFrame]:
    """Tables of gains of a study by metric, under fixed settings and, with "tuned " before the metric, under chosen ones."""
    with kdprobe.sweep(study.plan, folder, jobs=jobs, similarity=False) as zoo:
        failed = zoo.provenance()["failed_cells"]
        if failed:
            raise SystemExit(f"{study.title}: {failed}")
        kinds = set(zoo.models()["kind"])
        metrics = ("nll", "nll_calibrated", "accuracy") if kinds == {"classification"} else ("mse", "r2")
        if study.plan.family == "random_features":
            metrics = ("accuracy", "nll_calibrated")  # outputs of a least-squares fit are no logits until they have a temperature
        tables = {metric: zoo.gains(metric=metric) for metric in metrics}
        if study.tune:
            tables |= {f"tuned {metric}": zoo.gains(metric=metric, tune=study.tune) for metric in metrics}
        models = zoo.models()
        return tables | {"models": models.assign(validation=models["model_id"].map(zoo.kept_losses())), "scores": zoo.scores()}


# ---- the law


def spectrum(decay: float, features: int = 60) -> np.ndarray:
    """Coefficients whose squares fall as a power: β_j² = j^-decay."""
    return np.arange(1, features + 1) ** (-decay / 2)


LAW_GRID = tuple(
    {"decay": decay, "noise": noise, "n": n, "p": p, "m": m}
    for decay in (1.0, 1.5, 2.5)
    for noise in (0.05, 0.25, 1.0)
    for n in (80, 160)
    for p in (2, 4, 8)
    for m in (40, 160, math.inf)
)


def best_ratio(cell: Mapping[str, Any]) -> float:
    """Teacher size over student size with the least expected risk of the student, exactly."""
    beta = spectrum(cell["decay"])
    sizes = range(cell["p"], min(len(beta), cell["n"] - 2) + 1)
    risks = [theory.nested_ols(beta, cell["noise"], n=cell["n"], p=cell["p"], q=q, m=cell["m"]).student for q in sizes]
    return sizes[int(np.argmin(risks))] / cell["p"]
