"""Do the numbers of a gap report follow from its runs? Worked out again from the table of runs alone, without kdprobe.

    python analyses/recompute.py                                     # reports/gap.html and reports/gap.runs.csv
    python analyses/recompute.py page.html page.runs.csv             # any other
    python analyses/recompute.py page.html page.runs.csv --every     # each number, not only those that differ

Exits with 1 where a number of the page is not the one found here, to the digits that the page prints. It uses csv, NumPy and Student's t,
and nothing of kdprobe; what it needs to know of the page is how its tables are called. Compared are

* gains over the paired twin under each teacher, with their intervals over seeds, in every metric;
* the first screen's largest gain, and that where one setting is changed, at a level that holds for all teacher sizes together (Bonferroni);
* what the largest teacher costs against the best smaller one (bootstrap-t of the largest |t|, 2,000 resamples, seed 0, and no narrower than
  Student's t), how much better a model it is, and the margin: a fifth of the sd of the twins' score over seeds;
* p of that cost: all 2^n sign flips of the largest t (10,000 random ones, seed 0, above 14 units), Holm over the claims of the family;
* the set of best sizes (each size against the best of the others, bootstrap-t);
* likeness to the own teacher less that to siblings, less the same of the twin where the page subtracts it.

Where runs are missing a page weighs seeds in a way of its own: such numbers are counted, and not compared.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _recompute_page import Ledger, Page, significant, span
from _recompute_runs import Row, Runs, arm_is_beside
from scipy.stats import t as student_t

REPORTS = Path(__file__).parent.parent / "reports"
METRICS = {"NLL": "nll", "NLL, calibrated": "nll_calibrated", "MSE": "mse", "accuracy": "accuracy", "R²": "r2"}
GAINS = {"Gain over the twin": ("nll", "mse"), "Gain, calibrated": ("nll_calibrated",), "Gain in accuracy or R²": ("accuracy", "r2")}
LIKENESS = {
    "Agreement": "agreement_top1",
    "R² to the teacher": "r2",
    "CKA, last hidden layer": "cka",
    "CKA, outputs": "cka_output",
    "Error consistency κ": "error_consistency",
    "Residual correlation": "residual_correlation",
    "KL(teacher‖student)": "kl",
}


class Claim(NamedTuple):
    """What is found of one curve of gains."""

    deficit: tuple[float, float, float]
    edge: tuple[float, float, float]
    rival: int
    best: list[int]
    p: float


def t_of(mean: np.ndarray, square: np.ndarray, n: int) -> np.ndarray:
    """Student's t from means of values and of squares."""
    return mean / np.sqrt(np.maximum((square - mean**2) / (n - 1), 1e-300))


def interval(values: np.ndarray, tests: int = 1) -> tuple[float, float, float]:
    """Mean with Student's interval at 95 % over so many tests."""
    reach = student_t.ppf(1 - 0.025 / tests, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - reach), float(values.mean() + reach)


def claim(gain: np.ndarray, teacher_loss: np.ndarray) -> Claim:
    """Cost of the largest teacher against the best smaller one, p, and the set of best sizes, of complete (units, sizes)."""
    n, sizes = gain.shape
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=2000) / n

    def resampled(values: np.ndarray) -> np.ndarray:
        centred = values - values.mean(axis=0)
        return t_of(weights @ centred, weights @ centred**2, n)

    behind = gain[:, :-1] - gain[:, -1:]
    mean, error = behind.mean(axis=0), behind.std(axis=0, ddof=1) / np.sqrt(n)
    alone = student_t.ppf(0.975, n - 1)
    if n < 8:
        low = high = student_t.ppf(1 - 0.025 / (sizes - 1), n - 1)
    else:
        t = resampled(behind)
        low, high = np.quantile(t.max(axis=1), 0.975), np.quantile(-t.min(axis=1), 0.975)
    rival = int(mean.argmax())
    deficit = (mean[rival], mean[rival] - max(low, alone) * error[rival], mean[rival] + max(high, alone) * error[rival])
    if n <= 14:
        flips = 1 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    else:
        flips = np.random.default_rng(0).integers(0, 2, size=(10_000, n)) * 2.0 - 1
        flips[0] = 1.0
    flipped = t_of(flips @ behind / n, np.mean(behind**2, axis=0), n).max(axis=1)
    reached = (mean / error).max()
    best = []
    for size in range(sizes):
        others = np.delete(gain, size, axis=1) - gain[:, [size]]
        beaten = (others.mean(axis=0) / (others.std(axis=0, ddof=1) / np.sqrt(n))).max()
        critical = student_t.ppf(1 - 0.05 / (sizes - 1), n - 1) if n < 8 else np.quantile(resampled(others).max(axis=1), 0.95)
        if beaten <= critical or size == gain.mean(axis=0).argmax():
            best.append(size)
    edge = interval(teacher_loss[:, rival] - teacher_loss[:, -1])
    return Claim(deficit, edge, rival, best, float(np.mean(flipped >= reached - 1e-9 * abs(reached))))


def holm(p: list[float]) -> list[float]:
    """Holm's adjusted p values."""
    order, running, found = np.argsort(p, kind="stable"), 0.0, [0.0] * len(p)
    for rank, place in enumerate(order):
        running = max(running, min(1.0, p[place] * (len(p) - rank)))
        found[place] = running
    return found


def cells(page: Page, runs: Runs, ledger: Ledger) -> None:
    """Gains and likeness under each teacher."""
    for row in page.rows(r".*: \d+ cells"):
        task = row["caption"].partition(":")[0]
        students = [one for one in runs.arm(task, row["student"], row["regime"]) if runs.teacher(one) == row["teacher"]]
        for title, shown in row.items():
            name, _, part = title.partition(": ")
            values = None
            if title in GAINS:
                values = next((runs.gain(m) for m in GAINS[title] if any(one[f"{m}.B"] for one in students)), None)
            elif name in LIKENESS and part in ("own − siblings", "teacher-specific"):
                probe = LIKENESS[name]
                values = runs.specific(probe, placebo=part == "teacher-specific" and runs.untaught(task, probe))
            if values is None or not shown:
                continue
            found = runs.grid(students, values)[0][:, 0]
            where = f"{task} · {row['student']} under {row['teacher']}, {row['regime']}: {title}"
            ledger.numbers(where, shown, interval(found) if np.isfinite(found).all() and len(found) > 1 else (np.nan,) * 3)


def curve(runs: Runs, task: str, student: str, arm: str, metric: str) -> tuple[np.ndarray, list[str], list[Row]]:
    """Gains (units, sizes) of an arm, the names of its teachers, and its students."""
    rows = runs.arm(task, student, arm)
    return *runs.grid(rows, runs.gain(metric)), rows


def claims(page: Page, runs: Runs, ledger: Ledger) -> dict[tuple[str, str, str], str]:
    """What the largest teacher costs, in every metric; returns the metric that the verdicts of each student and arm are of."""
    first: dict[tuple[str, str, str], str] = {}
    families: dict[tuple[str, bool], list[tuple[str, str, float]]] = {}
    rows = list(page.rows("Every claim with its numbers"))
    for row in rows:
        first.setdefault((*row["student"].split(" · "), row["regime"]), row["metric"])
    headlines = set(first.values())
    for row in rows:
        (task, student), arm, metric = row["student"].split(" · "), row["regime"], METRICS[row["metric"]]
        if arm.endswith(", tuned"):
            ledger.left += 1
            continue
        gain, teachers, own = curve(runs, task, student, arm, metric)
        family = "second" if metric in ("accuracy", "r2") else "first" if row["metric"] in headlines else "third"
        # what stands beside the plan's own setting is a family of its own
        key = family, arm_is_beside(runs, arm)
        where = f"{task} · {student}, {arm}, {row['metric']}"
        if not np.isfinite(gain).all() or min(gain.shape) < 2:
            ledger.left += 1
            families.setdefault(key, []).append((where, row["p"], np.nan))
            continue
        found = claim(gain, -runs.grid(own, runs.score(metric, "teacher_id"))[0])
        twins = runs.grid(own, runs.score(metric, "twin_id"))[0].mean(axis=1)
        ledger.numbers(f"{where}: largest costs", row["largest costs"], found.deficit)
        ledger.numbers(f"{where}: larger is better by", row["larger is better by"], found.edge)
        if len({one["draw"] for one in own}) == 1:
            ledger.numbers(f"{where}: negligible below", significant(row["negligible below"]), (0.2 * float(twins.std(ddof=1)),))
        names = [name.rpartition("-")[2] for name in teachers]
        ledger.text(f"{where}: best smaller", row["best smaller"].split()[-1], names[found.rival])
        ledger.text(f"{where}: best teachers", row["best teachers"].partition(" ")[2], span(names, found.best))
        if "a control" not in row["verdict"] and "direction only" not in row["verdict"]:
            families.setdefault(key, []).append((where, row["p"], found.p))
    for members in families.values():
        p = [value for _, _, value in members]
        if np.isfinite(p).all():
            for (where, shown, _), value in zip(members, holm(p), strict=True):
                ledger.text(f"{where}: p", shown, "< 0.001" if value < 0.001 else f"{value:.3f}")
        else:
            ledger.left += len(members)
    return first


def besides(page: Page, runs: Runs, ledger: Ledger, metrics: dict[tuple[str, str, str], str]) -> None:
    """Gains and costs where one setting is changed."""
    for row in page.rows("Beside each verdict.*"):
        task, student = row["student"].split(" · ")
        changed = re.fullmatch(r"at (\S+) (\S+)|with ([\d,]+) labelled rows", row["changed"])
        if changed is None:
            ledger.left += 1
            continue
        arm = f"{row['regime']} " + (f"{changed[1]}={changed[2]}" if changed[1] else f"n={changed[3].replace(',', '')}")
        metric, where = METRICS[metrics[task, student, row["regime"]]], f"{task} · {student}, {arm}"
        gain, teachers, _ = curve(runs, task, student, arm, metric)
        if not np.isfinite(gain).all() or min(gain.shape) < 2:
            ledger.left += 1
            continue
        best = int(gain.mean(axis=0).argmax())
        ledger.numbers(f"{where}: largest gain", row["largest gain"], interval(gain[:, best], tests=len(teachers)))
        ledger.text(f"{where}: under", row["under"].split()[-1], teachers[best].rpartition("-")[2])
        ledger.numbers(f"{where}: largest costs", row["largest costs"], claim(gain, np.zeros_like(gain)).deficit)
        if row.get("the same in NLL as it is"):
            raw, _, _ = curve(runs, task, student, arm, "nll")
            ledger.numbers(f"{where}: as it is", row["the same in NLL as it is"], claim(raw, np.zeros_like(raw)).deficit)


def largest_gains(page: Page, runs: Runs, ledger: Ledger, metrics: dict[tuple[str, str, str], str]) -> None:
    """The first screen's gains."""
    for headline, of, shown in page.first_screen():
        told, _, scope = of.partition(", ")
        parts = headline.split(" · ")
        if told != "teaching helps" or " under " not in shown:
            continue
        student, arm = parts[1].split()[1], parts[2] if len(parts) > 2 else scope
        metric = metrics.get((parts[0], student, arm))
        if metric is None or arm.endswith(", tuned"):
            ledger.left += 1
            continue
        gain, teachers, _ = curve(runs, parts[0], student, arm, METRICS[metric])
        if not np.isfinite(gain).all():
            ledger.left += 1
            continue
        best = int(gain.mean(axis=0).argmax())
        where = f"first screen, {parts[0]} · {student}, {arm}: largest gain"
        ledger.numbers(where, shown, interval(gain[:, best], tests=len(teachers)))
        under = re.search(r" under \w+ ([\w-]+)", shown)
        ledger.text(f"{where}, under", under[1] if under else "", teachers[best].rpartition("-")[2])


def main() -> int:
    """Compare a page with its runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, nargs="?", default=REPORTS / "gap.html")
    parser.add_argument("runs", type=Path, nargs="?", default=REPORTS / "gap.runs.csv")
    parser.add_argument("--every", action="store_true")
    arguments = parser.parse_args()
    page = Page(arguments.page.read_text(encoding="utf-8"))
    runs, ledger = Runs(arguments.runs, page), Ledger(every=arguments.every)
    cells(page, runs, ledger)
    metrics = claims(page, runs, ledger)
    besides(page, runs, ledger, metrics)
    largest_gains(page, runs, ledger, metrics)
    print(f"{ledger.agree} agree, {ledger.differ} differ, {ledger.left} not compared (runs missing, refused, or tuned)")
    return int(ledger.differ > 0 or not ledger.agree)


if __name__ == "__main__":
    sys.exit(main())
