"""What does one draw of labelled rows leave out? Gains over draws against gains over seeds of one draw.

    python analyses/draws.py                                   # twelve draws of four seeds: about ten minutes on one core
    python analyses/draws.py --quick                           # letters alone, small: seconds, and shows nothing
    python analyses/draws.py --zoo zoos --out reports/draws.md --factors kdprobe/report/sections/draws.json

A sweep has one draw of labelled rows unless it is asked for more, so its intervals over seeds do not cover other draws. Fixed before any
result: α = .7 and T = 1, students of 8 and 32 units under teachers of 32 and 256, twelve draws with four seeds each. A gain is taken apart
into a part of the draw and a part of the seed (one-way analysis of variance; with θ the ratio of the two variances and F the ratio of mean
squares, θ = (F - 1)/k for k seeds a draw, and exact limits from the F distribution under normality). Two things follow:

* with as many runs, one seed in each of n draws has an interval √(1 + θ) times as wide as n seeds of one draw;
* for n seeds of one draw to cover what other draws would give, their interval has to be √(1 + nθ) times as wide.

Negative estimates of θ count as 0. Over the cells of a task F is averaged, and its interval leaves out each draw in turn (jackknife): cells
share draws.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from paired import interval, markdown, write
from scipy.stats import f, t

import kdprobe

TASKS = ("letters", "bikeshare", "digits")
REGIMES = {"same_rows": "teacher's labelled rows", "transfer_rows": "unlabelled rows"}
METRICS = {"classification": ("nll_calibrated", "nll"), "regression": ("mse",)}
TITLES = {"nll_calibrated": "NLL, calibrated", "nll": "NLL", "mse": "MSE"}
RUNS = 10
"""What half-widths are told for: the seeds of a default sweep."""


class Parts(NamedTuple):
    """A gain by draw and seed, taken apart."""

    ratio: float
    """F: mean square between draws over mean square within."""
    draws: int
    seeds: int
    between: float
    """Standard deviation between draws."""
    within: float
    """Standard deviation between seeds of one draw."""

    @property
    def theta(self) -> float:
        """Variance of draws over variance of seeds; below 0 by chance where there is none."""
        return (self.ratio - 1) / self.seeds

    def limits(self) -> tuple[float, float]:
        """Exact 95 % limits of θ for normal parts."""
        freedom = self.draws - 1, self.draws * (self.seeds - 1)
        low, high = (float(self.ratio / f.ppf(level, *freedom) - 1) / self.seeds for level in (0.975, 0.025))
        return low, high


def taken_apart(gains: np.ndarray) -> Parts:
    """Parts of gains (draws, seeds)."""
    draws, seeds = gains.shape
    between, within = seeds * gains.mean(axis=1).var(ddof=1), gains.var(axis=1, ddof=1).mean()
    return Parts(
        ratio=float(between / within),
        draws=draws,
        seeds=seeds,
        between=float(np.sqrt(max(0.0, (between - within) / seeds))),
        within=float(np.sqrt(within)),
    )


def widened(theta: float, seeds: int) -> float:
    """How many times as wide the interval over the seeds of one draw has to be to cover other draws."""
    return float(np.sqrt(1 + seeds * max(theta, 0.0)))


def pooled(cells: list[np.ndarray]) -> tuple[float, float, float]:
    """θ over cells (draws, seeds) that share their draws, with 95 % limits."""
    draws, seeds = cells[0].shape

    def theta(kept: np.ndarray) -> float:
        found = [taken_apart(cell[kept]) for cell in cells]
        freedom = len(kept) * (seeds - 1)
        # the mean of F is a little above 1 where draws have no part
        return float((np.mean([part.ratio for part in found]) * (freedom - 2) / freedom - 1) / seeds)

    value = theta(np.arange(draws))
    without = np.array([theta(np.delete(np.arange(draws), draw)) for draw in range(draws)])
    error = np.sqrt((draws - 1) / draws * np.sum((without - without.mean()) ** 2))
    reach = float(t.ppf(0.975, draws - 1) * error)
    return value, value - reach, value + reach


def sweep(task: str, folder: Path, *, quick: bool) -> tuple[str, dict[str, pd.DataFrame]]:
    """Kind of a task and gains of its students by metric."""
    sizes: dict[str, Any] = {"teacher_widths": (32, 256), "student_widths": (8, 32), "draws": 12, "seeds": 4}
    if quick:
        sizes = {"teacher_widths": (8, 16), "student_widths": (4,), "draws": 4, "seeds": 2, "steps": 60}
    plan = kdprobe.GapPlan(tasks=(task,), schemes=tuple(REGIMES), alpha=0.7, temperature=1.0, beside={}, **sizes)
    kind = kdprobe.available("tasks")[task].kind
    with kdprobe.sweep(plan, folder / task, similarity=False) as zoo:
        return kind, {metric: zoo.gains(metric=metric) for metric in METRICS[kind]}


def cells_of(table: pd.DataFrame) -> dict[tuple[str, int, str], np.ndarray]:
    """Gains (draws, seeds) by regime, student and teacher, and the difference of the teachers, which a capacity gap rests on."""
    found: dict[tuple[str, int, str], np.ndarray] = {}
    for (scheme, student), cell in table.groupby(["scheme", "student_width"], sort=False):
        wide = cell.pivot(index="draw", columns=["teacher_width", "seed"], values="gain")
        widths = sorted(cell["teacher_width"].unique())
        for width in widths:
            found[scheme, student, str(width)] = wide[width].to_numpy()
        found[scheme, student, f"{widths[0]} less {widths[-1]}"] = (wide[widths[0]] - wide[widths[-1]]).to_numpy()
    return found


def rows_of(cells: dict[tuple[str, int, str], np.ndarray]) -> pd.DataFrame:
    """One row a cell."""
    rows = []
    for (scheme, student, teacher), gains in cells.items():
        parts = taken_apart(gains)
        theta, (low, high) = parts.theta, parts.limits()
        reach = float(t.ppf(0.975, RUNS - 1)) / np.sqrt(RUNS)
        rows.append(
            {
                "learns from": REGIMES[scheme],
                "student": str(student),
                "teacher": teacher,
                "gain, over draws": str(interval(pd.Series(gains.mean(axis=1)))),
                "sd of draws": f"{parts.between:.4f}",
                "sd of seeds": f"{parts.within:.4f}",
                f"± of {RUNS} seeds, one draw": f"{reach * parts.within:.4f}",
                f"± of {RUNS} draws, a seed each": f"{reach * parts.within * widened(theta, 1):.4f}",
                "times as wide": told(theta, low, high, 1),
                f"{RUNS} seeds of one draw, to cover others": told(theta, low, high, RUNS),
            }
        )
    return pd.DataFrame(rows)


def told(theta: float, low: float, high: float, seeds: int) -> str:
    """A factor with its limits."""
    return f"{widened(theta, seeds):.2f} [{widened(low, seeds):.2f}, {widened(high, seeds):.2f}]"


def main() -> None:
    """Sweep, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--zoo", type=Path, help="folder for the zoos; a temporary one if none is given")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    parser.add_argument("--factors", type=Path, help="JSON file of θ by task, which reports read")
    arguments = parser.parse_args()
    texts: list[str] = []
    factors: dict[str, Any] = {}
    summary = []
    with tempfile.TemporaryDirectory() as temporary:
        for task in TASKS[:1] if arguments.quick else TASKS:
            kind, tables = sweep(task, arguments.zoo or Path(temporary), quick=arguments.quick)
            texts.append(f"## {task}")
            for metric, table in tables.items():
                cells = cells_of(table)
                texts.append(f"### {TITLES[metric]}\n\n{markdown(rows_of(cells))}")
                theta, low, high = pooled([gains for (_, _, teacher), gains in cells.items() if "less" not in teacher])
                gap = pooled([gains for (_, _, teacher), gains in cells.items() if "less" in teacher])
                summary.append(
                    {
                        "task": task,
                        "metric": TITLES[metric],
                        "gains: times as wide": told(theta, low, high, 1),
                        f"gains: {RUNS} seeds of one draw, to cover others": told(theta, low, high, RUNS),
                        f"teachers' difference: {RUNS} seeds of one draw, to cover others": told(*gap, RUNS),
                    }
                )
                if metric == METRICS[kind][0]:
                    draws, seeds = next(iter(cells.values())).shape
                    limits = {"theta": round(theta, 4), "low": round(low, 4), "high": round(high, 4)}
                    factors[task] = {"metric": metric, **limits, "draws": draws, "seeds": seeds}
    text = "\n\n".join([f"## Over the cells of a task\n\n{markdown(pd.DataFrame(summary))}", *texts])
    write(text, arguments.out)
    if arguments.factors:
        found = {"made by": "analyses/draws.py", "setting": "α = .7, T = 1", "tasks": factors}
        arguments.factors.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
