"""Where theory and networks part ways, and what distillation adds to regression: sweeps of small perceptrons, and random features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _theory_real import least_squares, said
from paired import Interval, interval

import kdprobe
from kdprobe import theory
from kdprobe.core.section import Column, Table
from kdprobe.report.theme.agreement import Cells
from kdprobe.theory.gains import nested_share

WIDTHS, STUDENT = (8, 32, 128), 8
HELPERS = ("l2_imitation", "outlier_rejection", "teacher_bounded")
NAMES = {"l2_imitation": "imitation", "outlier_rejection": "outlier rejection", "teacher_bounded": "teacher as bound"}


def plans(*, quick: bool) -> dict[str, kdprobe.GapPlan]:
    """The sweeps by name; their predictions are sealed before their first model."""
    same: dict[str, Any] = {"seeds": 4 if quick else 20, "beside": {}}
    steps = {"steps": 40 if quick else 300}
    curve = {"teacher_widths": WIDTHS, "student_widths": (STUDENT,), "schemes": ("same_rows", "transfer_rows")}
    noisy = {"tasks": ("bikeshare",), "teacher_widths": (64,), "student_widths": (16,), "train_rows": 300, "label_noise": (0.0, 0.7)}
    found = {
        "networks": kdprobe.GapPlan(tasks=("nested_ols",), **curve, **steps, **same),
        "random features": kdprobe.GapPlan(tasks=("nested_ols",), family="random_features", train_rows=400, **curve, **same),
        "law": kdprobe.GapPlan(
            tasks=("nested_ols",), family="nested_linear", **{**curve, "teacher_widths": (8, 14, 26, 40)}, **same
        ),
        "own rows": kdprobe.GapPlan(schemes=("same_rows", "multi_teacher"), distillers=HELPERS, **noisy, **steps, **same),
        "fresh rows": kdprobe.GapPlan(schemes=("transfer_rows", "multi_teacher_transfer"), **noisy, **steps, **same),
    }  # fmt: skip
    return found if not quick else {name: found[name] for name in ("law", "own rows")}


def trained(plan: kdprobe.GapPlan, folder: Path, *, jobs: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Gains of a plan, and what theory had predicted of it."""
    with kdprobe.sweep(plan, folder, jobs=jobs, similarity=False) as zoo:
        return zoo.gains(metric="mse"), dict(zoo.provenance()["predicted"])


def against(gains: pd.DataFrame, predicted: dict[str, Any], *, label: str, role: Any) -> tuple[Cells | None, list[dict[str, object]]]:
    """Predicted and observed gains on fresh rows, and what is told of every curve."""
    rows: list[dict[str, object]] = []
    cells: tuple[list[float], list[float], list[float]] = ([], [], [])
    for entry in predicted["entries"]:
        own = gains[gains["scheme"] == entry["scheme"]]
        for one, (_, runs) in zip(entry["teachers"], own.groupby("teacher_size"), strict=True):
            found = interval(runs["gain"])
            said_ = one["gain"]
            agrees = entry["reason"]
            if said_ is not None:
                agrees = "yes" if found.low <= said_[2] and said_[1] <= found.high else "no"
            rows.append(
                {
                    "kind": label, "regime": entry["scheme"].replace("_", " "), "teacher": one["width"],
                    "predicted": None if said_ is None else tuple(said_), "found": None if found.seeds < 2 else tuple(found[:3]),
                    "agrees": agrees,
                }
            )  # fmt: skip
            if said_ is not None and entry["scheme"] == "transfer_rows":
                for column, value in zip(cells, (said_[0], found.value, runs["gain"].std(ddof=1) / np.sqrt(len(runs))), strict=True):
                    column.append(float(value))
    if not cells[0]:
        return None, rows
    return Cells(label=label, role=role, predicted=np.array(cells[0]), observed=np.array(cells[1]), error=np.array(cells[2])), rows


def curves(rows: Sequence[dict[str, object]]) -> Table:
    """Every curve beside its sealed prediction."""
    columns = (
        Column(key="kind", title="networks"), Column(key="regime", title="regime"),
        Column(key="teacher", title="teacher's width", shown="number"),
        Column(key="predicted", title="predicted before", shown="interval", explains="gain over the twin, target variances"),
        Column(key="found", title="found", shown="interval", explains="95 %, over seeds"),
        Column(key="agrees", title="intervals meet", shown="prose", explains="or why theory is silent"),
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows), caption="Gains on the world of the law, students of width 8: predicted and found")


def nested_features(*, seeds: int) -> Cells:
    """Random ReLU features of which the student has the first 30: the law at their true residual variances, and fits."""
    rng = np.random.default_rng(23)
    weight, bias = rng.normal(size=(10, 240)) / np.sqrt(10), rng.normal(size=240)
    n, p, sizes = 400, 30, (60, 120, 240)

    def features(x: np.ndarray) -> np.ndarray:
        return np.maximum(x @ weight + bias, 0)

    def target(x: np.ndarray) -> np.ndarray:
        return np.sin(x[:, 0]) + x[:, 1] * x[:, 2]

    x = rng.normal(size=(20_000, 10))
    many, y = features(x), target(x)
    # what the first so many features leave, without noise: fitted on rows enough
    left = {q: float(np.mean((y - said(least_squares(many[:, :q], y), many)) ** 2)) for q in (p, *sizes)}
    predicted, observed, error = [], [], []
    for m, noise in ((300, 0.3), (2000, 0.3), (2000, 2.0)):
        found: dict[int, list[float]] = {q: [] for q in sizes}
        for seed in range(seeds):
            own = np.random.default_rng([23, m, seed])
            raw = own.normal(size=(n, 10))
            labels = target(raw) + np.sqrt(noise) * own.normal(size=n)
            labelled, free, test = features(raw), features(own.normal(size=(m, 10))), many[:4000]
            twin = np.mean((y[:4000] - said(least_squares(labelled[:, :p], labels), test)) ** 2)
            for q in sizes:
                teacher = least_squares(labelled[:, :q], labels)
                student = said(least_squares(free[:, :p], said(teacher, free)), test)
                found[q].append(float(twin - np.mean((y[:4000] - student) ** 2)))
        for q in sizes:
            ratio = (left[q] + noise) / (left[p] + noise)
            excess = (left[p] + noise) * (1 / n + (1 + 1 / n) * p / (n - p - 2))
            predicted.append(excess * nested_share(ratio, n=n, p=p, q=q, m=m))
            observed.append(float(np.mean(found[q])))
            error.append(float(np.std(found[q], ddof=1) / np.sqrt(seeds)))
    return Cells(label="random features", role="two", predicted=np.array(predicted), observed=np.array(observed), error=np.array(error))


def helps(tables: dict[str, pd.DataFrame]) -> tuple[Table, dict[tuple[str, str, float], Interval]]:
    """What each way to use a teacher gains where labels are clean and where they are noisy."""
    rows, found = [], {}
    for table in tables.values():
        for (scheme, distiller, noise), runs in table.groupby(["scheme", "distiller", "label_noise"], sort=False):
            gain = interval(runs["gain"])
            found[str(scheme), str(distiller), float(noise)] = gain
            rows.append(
                {
                    "way": f"{scheme}".replace("_", " "), "distiller": NAMES[str(distiller)], "noise": float(noise),
                    "gain": None if gain.seeds < 2 else tuple(gain[:3]), "word": gain.word,
                }
            )  # fmt: skip
    columns = (
        Column(key="way", title="teachers and rows"), Column(key="distiller", title="loss"),
        Column(key="noise", title="noise on labels", shown="number", explains="its standard deviation, in those of the labels"),
        Column(key="gain", title="gain over the twin", shown="interval", explains="target variances, 95 %, over seeds"),
        Column(key="word", title="which is"),
    )  # fmt: skip
    rows.sort(key=lambda row: (row["noise"], row["way"]))
    caption = "bikeshare, 300 labelled rows, teachers of width 64, a student of 16"
    return Table(columns=columns, rows=tuple(rows), caption=caption), found


def identity(seeds: int = 20) -> float:
    """Largest difference between the loss that mixes losses and the loss on mixed labels plus its constant, over random cases."""
    worst = 0.0
    for seed in range(seeds):
        rng = np.random.default_rng([1, seed])
        y, teacher, guess, alpha = rng.normal(size=50), rng.normal(size=50), rng.normal(size=50), float(rng.uniform(-1, 2))
        found = theory.relabelled(y, teacher, alpha)
        mixed = (1 - alpha) * np.mean((guess - y) ** 2) + alpha * np.mean((guess - teacher) ** 2)
        worst = max(worst, abs(float(mixed - np.mean((guess - found.targets) ** 2) - found.constant)))
    return worst
