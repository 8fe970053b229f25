"""Tables and figures of the page that `optimal_ratio.py` writes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from _ratio_claims import Tables, grid, pick
from _ratio_studies import ALPHA, FEATURES_ROWS, FEATURES_STUDENT, SOFT, TEMPERATURE, spectrum

from kdprobe import capacity_gap, theory
from kdprobe.core.section import Column, Figure, Table
from kdprobe.report import words
from kdprobe.report.theme.plots import Panel, Role, Series, panels
from kdprobe.stats.paired import contrast

ROLES: tuple[Role, ...] = ("one", "two", "three", "four")
TITLES = {"nll": "NLL", "nll_calibrated": "NLL, calibrated", "accuracy": "accuracy", "mse": "MSE", "r2": "R²"}
UNITS = {"nll": "nats", "nll_calibrated": "nats", "accuracy": "", "mse": "target variances", "r2": ""}
SETTINGS = {
    "scheme": str, "unlabelled_rows": "m={:.0f}".format, "alpha": "α={:g}".format, "temperature": "T={:g}".format,
    "steps": "{:.0f} steps".format, "teacher_weight_decay": "teachers' weight decay {:g}".format,
    "teacher_steps": "teachers {:.0f} steps".format,
}  # fmt: skip


def verdicts(tables: Tables) -> Table:
    """One row a study, setting and metric."""
    rows = []
    for study, found in tables.items():
        for name, table in found.items():
            metric = name.removeprefix("tuned ")
            if metric not in TITLES or len(table["teacher_size"].unique()) < 2:
                continue
            tuned = name != metric
            by = [column for column in SETTINGS if not (tuned and column in ("alpha", "temperature"))]
            result = capacity_gap(table, by=by, unit=UNITS[metric])
            for setting, verdict in result.by_setting.items():
                student = float(table["student_size"].iloc[0])
                told = [
                    SETTINGS[column](value)
                    for column, value in zip(by, setting, strict=True)
                    if value is not None and (column == "scheme" or len(table[column].unique()) > 1)
                ]
                deficit, edge = verdict.details["deficit"], verdict.details["edge"]
                rows.append(
                    {
                        "study": study, "setting": ", ".join(told).replace("_", " ") + (", tuned" if tuned else ""),
                        "metric": TITLES[metric], "seeds": verdict.details["seeds"],
                        "verdict": verdict.verdict + (f": {verdict.details['qualifier']}" if verdict.details["qualifier"] else ""),
                        "sizes": ", ".join(f"{size / student:.1f}" for size in verdict.best_sizes),
                        "deficit": deficit and (deficit.value, deficit.low, deficit.high), "unit": UNITS[metric],
                        "edge": edge and (edge.value, edge.low, edge.high), "p": words.p_value(verdict.details["p"]),
                    }
                )  # fmt: skip
    columns = (
        Column(key="study", title="study"), Column(key="setting", title="setting"), Column(key="metric", title="metric"),
        Column(key="verdict", title="capacity gap"),
        Column(key="sizes", title="best ratios", explains="teacher size over student size: 95 % set of the best (Hsu, over seeds)"),
        Column(key="deficit", title="largest costs", shown="interval", explains="gain under the best smaller, minus under it"),
        Column(key="edge", title="larger is better by", shown="interval", explains="own loss of that smaller teacher minus of the largest"),
        Column(key="p", title="p", explains="sign-flip max-t over the smaller sizes, Holm-adjusted over a study's settings"),
        Column(key="seeds", title="seeds", shown="number"), Column(key="unit", title="unit"),
    )  # fmt: skip
    return Table(caption="Every setting with its verdict", columns=columns, rows=tuple(rows))


def ladder(tables: Tables) -> Table:
    """What unlabelled rows are worth, beside what else could have been done."""
    table = tables["letters, ladder"]["nll_calibrated"]
    rows = []
    for (scheme, count), own in table.groupby(["scheme", "unlabelled_rows"], dropna=False, sort=False):
        found = contrast(own["gain"].to_numpy(dtype=float)).measurement()
        rows.append(
            {
                "scheme": LADDER[scheme],
                "rows": None if math.isnan(count) else count,
                "gain": (found.value, found.low, found.high),
                "seeds": found.n,
            }
        )
    columns = (
        Column(key="scheme", title="student"), Column(key="rows", title="transfer rows", shown="number"),
        Column(key="gain", title="gain over the twin", shown="interval", explains="calibrated NLL, nats"),
        Column(key="seeds", title="seeds", shown="number"),
    )  # fmt: skip
    return Table(
        caption="letters, teacher of width 32, student of width 8: the ladder of the transfer rows", columns=columns, rows=tuple(rows)
    )


LADDER = {
    "transfer_rows": "taught by the teacher",
    "self_pseudo_labels": "taught by its own twin",
    "step_matched_twin": "untaught, labelled rows, twice the steps",
    "true_labels": "untaught, true labels of the rows",
}


def curve(table: pd.DataFrame, label: str, role: Role) -> Series:
    """Mean gains by size with 95 % intervals over seeds."""
    gain = grid(table)
    low, high = contrast(gain.T).interval()
    ratios = np.sort(table["teacher_size"].unique()).astype(float) / float(table["student_size"].iloc[0])
    return Series(label=label, role=role, mean=gain.mean(axis=0), low=low, high=high, x=np.log2(ratios))


def panel(title: str, lines: Mapping[str, pd.DataFrame]) -> Panel:
    """Curves of up to four tables of gains."""
    series = tuple(curve(table, label, role) for (label, table), role in zip(lines.items(), ROLES, strict=False))
    return Panel(title=title, zero="no gain", series=series)


def figure(title: str, stack: Sequence[Panel], prefix: str, caption: str) -> Figure:
    """Panels one above the other."""
    lines = [(drawn.title, series) for drawn in stack for series in drawn.series]
    sizes = np.unique(np.concatenate([series.x for _, series in lines if series.x is not None]).round(6))
    description = ". ".join(
        f"{name}, {series.label}: " + ", ".join(f"{value:.3f}" for value in series.mean) for name, series in lines
    )  # fmt: skip
    ticks = [f"{2**x:.1f}" if 2**x < 9.5 else f"{2**x:.0f}" for x in sizes]
    svg = panels(stack, x=sizes, ticks=ticks, x_label="teacher size / student size", prefix=prefix, title=title, description=description)
    return Figure(svg=svg, caption=caption)


def by_rows(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """One table for each number of unlabelled rows."""
    return {f"{rows:.0f} rows": own for rows, own in table.groupby("unlabelled_rows")}


def figures(tables: Tables, law: Sequence[tuple[float, float, float]]) -> tuple[Figure, ...]:
    """Every curve of gains."""
    own, decay, stopped, longer = (tables[f"letters, {name}"] for name in ("own rows", "decay", "stopped", "schedule"))
    fixed, fresh, recipes = [], [], []
    for metric in ("nll_calibrated", "nll"):
        title = f"gain, {TITLES[metric]} (nats)"
        lines = {f"α={ALPHA:g} T={t:g}": pick(own[metric], alpha=ALPHA, temperature=t) for t in (TEMPERATURE, SOFT, 4.0)}
        fixed.append(panel(title, lines | {"chosen": own[f"tuned {metric}"]}))
        fresh.append(panel(title, by_rows(pick(tables["letters, fresh rows"][metric], temperature=TEMPERATURE))))
        plain, stop, long = (pick(study[metric], temperature=TEMPERATURE) for study in (decay, stopped, longer))
        lines = {"plain": pick(plain, teacher_weight_decay=None), "weight decay": pick(plain, teacher_weight_decay=1.0)}
        lines["fewer steps"] = pick(stop, teacher_steps=stop["teacher_steps"].min())
        lines["longer student"] = pick(long, steps=long["steps"].max())
        recipes.append(panel(title, lines))
    chosen = "Chosen: α and T, for each teacher size, on validation rows of seeds set apart"
    other = "Teachers of weight decay 1, or of a quarter of the steps; students of four times the steps"
    few = "The fewest unlabelled rows are left out: there every student loses far more"
    bike = dict(list(by_rows(tables["bikeshare"]["mse"]).items())[1:])
    features = [
        panel(f"gain in accuracy, {name}", by_rows(tables[study]["accuracy"]))
        for name, study in (("ridge 1e-4", "random features"), ("no ridge", "no ridge"))
    ]
    return (
        figure("letters, own rows: fixed and chosen settings", fixed, "own", f"letters, the teacher's own rows. {chosen}"),
        figure("letters, unlabelled rows", fresh, "fresh", f"letters, unlabelled rows, α=1, T={TEMPERATURE:g}"),
        figure(
            "letters: other teachers, longer students", recipes, "recipes", f"letters, own rows, α={ALPHA:g}, T={TEMPERATURE:g}. {other}"
        ),
        figure(
            "bikeshare",
            [panel("gain, MSE (target variances)", {"own rows": pick(tables["bikeshare"]["tuned mse"], scheme="same_rows")} | bike)],
            "bike",
            f"bikeshare. On own rows α is chosen. {few}",
        ),
        figure(
            "Fashion-MNIST, random features",
            features,
            "features",
            f"Fashion-MNIST, {FEATURES_ROWS} labelled rows, student of {FEATURES_STUDENT} random features",
        ),
        law_figure(law),
    )


def law_figure(law: Sequence[tuple[float, float, float]]) -> Figure:
    """The law's own curves for the student, and how far simulations fall from it."""
    beta, sizes = spectrum(1.5), np.array([4, 6, 8, 11, 14, 20, 28, 40, 56])
    series: list[Series] = []
    lines: tuple[tuple[float, str, Role], ...] = ((40, "40 rows", "one"), (160, "160 rows", "two"), (math.inf, "no end of rows", "three"))
    for m, label, role in lines:
        risks = [theory.nested_ols(beta, 0.25, n=80, p=4, q=int(q), m=m) for q in sizes]
        gain = np.array([found.twin - found.student for found in risks])
        series.append(Series(label=label, role=role, mean=gain, low=gain, high=gain))
    svg = panels(
        [Panel(title="exact gain in excess risk", series=tuple(series), zero="no gain")],
        x=np.log2(sizes / 4),
        ticks=[f"{ratio:.1f}" for ratio in sizes / 4],
        x_label="teacher size / student size",
        prefix="law",
        title="The nested least-squares law",
        description="; ".join(f"{one.label}: best at {sizes[int(one.mean.argmax())] / 4:.1f}" for one in series),
    )
    typical = np.median([abs(observed - predicted) / error for predicted, observed, error in law])
    told = f"{len(law)} simulated settings lie {typical:.1f} standard errors from it in the median"
    return Figure(svg=svg, caption=f"The law with n=80, p=4, σ²=0.25, β²=j^−1.5. {told}")
