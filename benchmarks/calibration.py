"""How often kdprobe's verdicts are wrong, how often they find what is there, and how wide their sets are, on worlds with known truth.

    python benchmarks/calibration.py            # all worlds, and reports/calibration.md and the report's own table from them: 15 minutes
    python benchmarks/calibration.py --quick    # few sweeps of each world: under a minute, writes nothing
    python benchmarks/calibration.py --part law # the exact law against its simulation on 100 cells

Beside each false-positive rate of the capacity gap stands what the usual reading gives on the same sweeps: a one-sided paired t test of the
best smaller teacher against the largest, at .05 (scipy).
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from gap_worlds import MARGIN, WORLDS, GapWorld, pilot_worlds
from scipy import stats

from kdprobe.core.result import Measurement
from kdprobe.stats.best_sizes import best_sizes
from kdprobe.theory.nested_ols import nested_ols, simulate_nested_ols
from kdprobe.verdicts.gap import GapNumbers, decide, gap_numbers, reading_of
from kdprobe.verdicts.help import read_help, read_helps
from kdprobe.verdicts.knowledge import read_kind, read_kinds
from kdprobe.verdicts.pilot import LEAST_SEEDS, advise
from kdprobe.verdicts.transfer import SPECIFIC_SHARE, read_transfer, read_transfers

Row = dict[str, Any]
SEEDS = (8, 10, 20, 100)
PARTS = ("gap", "others", "pilot", "law")
ROOT = Path(__file__).parents[1]
TABLE = ROOT / "reports" / "calibration.md"
APPENDIX = ROOT / "kdprobe" / "report" / "sections" / "calibration.json"
RATIOS = 400
"""Sweeps whose ratio is read: it costs more than all else."""


def gap_rates(world: GapWorld, seeds: int, sweeps: int, rng: np.random.Generator) -> dict[str, float]:
    """Shares of the sweeps of a world by what is said of them."""
    gain, loss = world.draw(rng, sweeps, seeds)
    numbers = gap_numbers(gain, loss)
    said: dict[str, float] = {"degraded": 0.0, "ratio": 0.0, "ratio covers": 0.0, "ratio asked": 0.0}
    sizes = 2.0 ** np.arange(gain.shape[2])
    for r in range(sweeps):
        own = GapNumbers(*(values[r] for values in numbers))
        found = decide([reading_of(own, gain=gain[r], sizes=sizes, margin=world.margin)])[0]
        said[found.verdict] = said.get(found.verdict, 0.0) + 1 / sweeps
        said["degraded"] += (found.qualifier == "teacher degraded") / sweeps
        if r < RATIOS and found.verdict == "SUPPORTED":
            said["ratio asked"] += 1
            if isinstance(found.ratio, Measurement):
                said["ratio"] += 1
                if world.peak is not None:
                    said["ratio covers"] += found.ratio.low <= 2.0**world.peak * (1 + 1e-9) and 2.0**world.peak <= found.ratio.high * (
                        1 + 1e-9
                    )
    kept = numbers.best_set
    # of sizes that are equally good the set is to hold each; the largest, whose noise may be its own, is looked at alone
    held, smaller = kept.mean(axis=0), world.best[:-1]
    of_smaller = [float(held[:-1][smaller].mean())] if smaller.any() else []
    said["coverage"] = min(of_smaller + [float(held[-1])] * bool(world.best[-1]))
    said["set"] = float(np.median(kept.sum(axis=1)))
    deficits = gain[..., :-1] - gain[..., -1:]
    rival = deficits.mean(axis=1).argmax(axis=1)
    chosen = np.take_along_axis(deficits, rival[:, None, None], 2)[..., 0]
    said["naive"] = float((stats.ttest_1samp(chosen, 0, axis=1, alternative="greater").pvalue < 0.05).mean())
    return said


def gap_part(sweeps: int, seeds_tried: tuple[int, ...]) -> Iterator[Row]:
    """The capacity gap, its set of best sizes and its ratio."""
    rates = {}
    for place, world in enumerate(WORLDS.values()):
        for seeds in seeds_tried:
            count = sweeps if seeds < 50 else max(sweeps // 4, 20)
            rates[world.name, seeds] = gap_rates(world, seeds, count, np.random.default_rng([place, seeds]))
            print(f"  {world.name}, {seeds} seeds", file=sys.stderr)

    def covers(found: dict[str, float]) -> float:
        return found["ratio covers"] / found["ratio"] if found["ratio"] else math.nan

    def row(kind: str, what: str, name: str, key: str, target: float, naive: bool = False) -> Row:
        found = {seeds: rates[name, seeds].get(key, 0.0) for seeds in seeds_tried}
        beside = {seeds: rates[name, seeds]["naive"] for seeds in seeds_tried} if naive else {}
        return {"kind": kind, "verdict": what, "world": WORLDS[name].title, "target": target, "rates": found, "naive": beside}

    for world in WORLDS.values():
        if not world.gap:
            yield row("false positive", "capacity gap: SUPPORTED", world.name, "SUPPORTED", 0.05, naive=world.deficit <= 1e-9)
    for name in ("at the margin", "one size", "hump", "law far"):
        assert WORLDS[name].deficit >= WORLDS[name].margin, "what is below the margin may be called negligible"
        yield row("false positive", "capacity gap: CONTRADICTED", name, "CONTRADICTED", 0.05)
    for name in ("hump", "equal"):
        yield row("false positive", "capacity gap: teacher degraded", name, "degraded", 0.05)
    for name in ("hump", "steep", "one size", "falling", "two humps", "law far", "law"):
        yield row("power", "capacity gap: SUPPORTED", name, "SUPPORTED", 0.8)
    yield row("power", "capacity gap: teacher degraded", "degraded", "degraded", 0.8)
    for name in ("largest best", "rising", "law without gap", "flat", "law"):
        yield row("power", "capacity gap: CONTRADICTED", name, "CONTRADICTED", 0.8)
    for name in ("steep", "hump", "one size", "two humps", "largest best", "rising", "flat", "flat one skewed", "law", "law far"):
        yield row("coverage", "set of best sizes holds the best", name, "coverage", 0.93)
        yield row("size", "median size of the set, of 9", name, "set", 6)
    for name in ("two humps", "two unequal humps"):
        yield row("ratio", "share that is given one ratio", name, "ratio", 0.0) | {
            "rates": {seeds: rates[name, seeds]["ratio"] / max(rates[name, seeds]["ratio asked"], 1) for seeds in seeds_tried}
        }
    for name in ("steep", "hump"):
        yield row("ratio", "share that is given one ratio", name, "ratio", math.nan) | {
            "rates": {seeds: rates[name, seeds]["ratio"] / max(rates[name, seeds]["ratio asked"], 1) for seeds in seeds_tried}
        }
        yield row("coverage", "interval of the ratio holds the peak", name, "ratio covers", 0.93) | {
            "rates": {seeds: covers(rates[name, seeds]) for seeds in seeds_tried}
        }


def others_part(sweeps: int, seeds_tried: tuple[int, ...]) -> Iterator[Row]:
    """The other verdicts: teaching helps, this teacher's own knowledge arrived, a kind of knowledge helps."""

    def helps(rng: np.random.Generator, seeds: int, gain: float) -> str:
        values = gain + math.sqrt(0.5) * (rng.normal(size=(seeds, 1)) + rng.normal(size=(seeds, 9)))
        return read_helps([read_help(values, margin=MARGIN)])[0].verdict

    def transfer(rng: np.random.Generator, seeds: int, specific: float, moved: float = 5.0) -> str:
        # similarity of student i to teacher j; some students and some teachers are like everybody, which own and siblings share
        students, teachers = rng.normal(size=(seeds, 1)), rng.normal(size=(1, seeds))
        pairs = students + teachers + rng.normal(size=(seeds, seeds)) / math.sqrt(1 + 1 / (seeds - 1)) + moved
        own = np.diagonal(pairs) + specific
        siblings = (pairs.sum(axis=1) - np.diagonal(pairs)) / (seeds - 1)
        return read_transfers([read_transfer(own, siblings, 0.3 * rng.normal(size=seeds))])[0].verdict

    def kind(rng: np.random.Generator, seeds: int, gain: float, control: float) -> str:
        shared = math.sqrt(0.5) * rng.normal(size=seeds)
        gains, controls = (mean + shared + math.sqrt(0.5) * rng.normal(size=seeds) for mean in (gain, control))
        return read_kinds([read_kind(gains, controls, twin_sd=1.0)])[0].verdict

    cases: list[tuple[str, str, str, float, str, Any]] = [
        (
            "false positive",
            "teaching helps: SUPPORTED",
            "no gain under any of 9 teachers",
            0.05,
            "SUPPORTED",
            lambda r, n: helps(r, n, 0.0),
        ),
        ("false positive", "teaching helps: CONTRADICTED", "a gain of the margin", 0.05, "CONTRADICTED", lambda r, n: helps(r, n, MARGIN)),
        ("power", "teaching helps: SUPPORTED", "a gain of 1 sd", 0.8, "SUPPORTED", lambda r, n: helps(r, n, 1.0)),
        ("power", "teaching helps: CONTRADICTED", "a harm of 1 sd", 0.8, "CONTRADICTED", lambda r, n: helps(r, n, -1.0)),
        (
            "false positive",
            "own knowledge arrived: SUPPORTED",
            "as much from siblings",
            0.05,
            "SUPPORTED",
            lambda r, n: transfer(r, n, 0.0),
        ),
        (
            *("false positive", "own knowledge arrived: CONTRADICTED", "own part a fifth of the movement", 0.05, "CONTRADICTED"),
            lambda r, n: transfer(r, n, 1.0, 1.0 / SPECIFIC_SHARE - 1.0),
        ),
        ("power", "own knowledge arrived: SUPPORTED", "an own part of 1 sd", 0.8, "SUPPORTED", lambda r, n: transfer(r, n, 1.0)),
        (
            *("power", "own knowledge arrived: CONTRADICTED", "no own part, a movement of 5 sd", 0.8, "CONTRADICTED"),
            lambda r, n: transfer(r, n, 0.0),
        ),
        (
            "false positive",
            "this kind helps: SUPPORTED",
            "its control gains 1 sd too",
            0.05,
            "SUPPORTED",
            lambda r, n: kind(r, n, 1.0, 1.0),
        ),
        ("false positive", "this kind helps: SUPPORTED", "neither gains", 0.05, "SUPPORTED", lambda r, n: kind(r, n, 0.0, 0.0)),
        (
            *("false positive", "this kind helps: CONTRADICTED", "a gain of the margin, control none", 0.05, "CONTRADICTED"),
            lambda r, n: kind(r, n, MARGIN, 0.0),
        ),
        ("power", "this kind helps: SUPPORTED", "ahead of twin and control by 1 sd", 0.8, "SUPPORTED", lambda r, n: kind(r, n, 1.0, 0.0)),
    ]
    for place, (what, verdict, world, target, word, read) in enumerate(cases):
        found = {}
        for seeds in seeds_tried:
            rng = np.random.default_rng([100 + place, seeds])
            count = sweeps if seeds < 50 else max(sweeps // 4, 20)
            found[seeds] = float(np.mean([read(rng, seeds) == word for _ in range(count)]))
        yield {"kind": what, "verdict": verdict, "world": world, "target": target, "rates": found, "naive": {}}


def pilot_part(sweeps: int) -> Iterator[Row]:
    """Whether the half of the sizes that a pilot of 2 seeds names holds the best one."""

    def row(verdict: str, where: str, rate: float, target: float = math.nan) -> Row:
        return {"kind": "pilot", "verdict": verdict, "world": where, "target": target, "rates": {LEAST_SEEDS: rate}, "naive": {}}

    rng, each = np.random.default_rng(7), max(sweeps // 20, 4)
    groups = {f"{height} sd": [world for world in pilot_worlds() if world.name.endswith(f", {height} sd")] for height in (1, 2)}
    groups |= {WORLDS[name].title: [WORLDS[name]] for name in ("law", "law far", "law without gap")}
    whole: list[tuple[bool, float]] = []
    for title, worlds in groups.items():
        drawn = [(world, advise(gain)) for world in worlds for gain in world.draw(rng, each * (20 if len(worlds) == 1 else 1), 2).gain]
        found = [(int(world.gains.argmax()) in advice.named, advice.holds) for world, advice in drawn]
        hits, promised = np.mean(found, axis=0)
        whole += found if len(worlds) > 1 else []
        name = f"{len(worlds)} worlds of {title}" if len(worlds) > 1 else title
        yield row(f"named half holds the best (promised {100 * promised:.0f} %)", name, float(hits))
    hits, promised = np.mean(whole, axis=0)
    yield row(f"named half holds the best (promised {100 * promised:.0f} %)", f"all {len(pilot_worlds())} worlds", float(hits), 0.8)
    yield from real_pilots(row)


def real_pilots(row: Any) -> Iterator[Row]:
    """The same on real sweeps: every two seeds of the default sweep as the pilot, the best mean of the other eight as the truth."""
    import pandas as pd

    path = ROOT / "reports" / "gap.runs.csv"
    if not path.is_file():
        return
    runs = pd.read_csv(path)
    runs = runs[(runs["role"] == "student") & (runs["status"] == "done")]
    found = []
    for _, curve in runs.groupby(["task", "scheme", "distiller", "width"]):
        gain = curve.pivot(index="seed", columns="teacher_width", values="gain.panel").dropna().to_numpy()
        for pair in itertools.combinations(range(len(gain)), 2):
            rest, advice = np.delete(gain, pair, axis=0), advise(gain[list(pair)])
            named = list(advice.named)
            found.append((int(rest.mean(axis=0).argmax()) in named, bool(best_sizes(rest)[named].any()), advice.holds))
    hits, possible, promised = np.mean(found, axis=0)
    where = f"default sweep, {len(found)} pairs of seeds"
    yield row(f"named half holds the best mean of the other seeds (promised {100 * promised:.0f} %)", where, float(hits), 0.8)
    yield row("named half holds one that may be the best, by the 95 % set of the other seeds", where, float(possible))


def law_cells(cells: int, rng: np.random.Generator) -> Iterator[tuple[dict[str, Any], float, float, float]]:
    """(setting, law, simulated mean, its standard error) of random settings; as many fits as bring the error below 2 %."""
    while cells:
        features = int(rng.integers(20, 81))
        beta = np.arange(1, features + 1) ** -float(rng.uniform(0.3, 1.5))
        n = int(rng.integers(features // 2 + 10, 4 * features))
        most = min(features, n - 8)
        p, q = sorted(int(size) for size in rng.integers(1, most + 1, size=2))
        setting = {"n": n, "p": p, "m": math.inf if rng.random() < 0.2 else int(rng.integers(p + 8, 6 * p + 40))}
        setting |= {"teachers": int(rng.integers(1, 4)) if rng.random() < 0.3 else 1}
        noise = float(rng.uniform(0.05, 2.0))
        law = nested_ols(beta, noise, q=q, **setting).student
        found = np.empty(0)
        while len(found) < 500 or (error := found.std(ddof=1) / math.sqrt(len(found))) > 0.02 * law:
            found = np.append(found, simulate_nested_ols(beta, noise, q=(q,), seeds=500, rng=rng, **setting).student[:, 0])
        yield {"features": features, "noise": noise, "q": q, **setting}, law, float(found.mean()), float(error)
        cells -= 1


def law_part(cells: int) -> Iterator[Row]:
    """The exact law against least squares on simulated rows."""
    z = np.array([(mean - law) / error for _, law, mean, error in law_cells(cells, np.random.default_rng(11))])
    yield {
        **{
            "kind": "law",
            "verdict": "cells within 3 standard errors of the law",
            "world": f"{cells} cells, standard errors of at most 2 %",
        },
        **{"target": 0.95, "rates": {cells: float((np.abs(z) < 3).mean())}, "naive": {}, "largest": float(np.abs(z).max())},
    }


def met(row: Row) -> bool | None:
    """Whether a row reaches what was set out to reach; None where nothing was."""
    rates = {int(seeds): rate for seeds, rate in row["rates"].items()}
    if row["kind"] == "false positive":
        return all(rate <= row["target"] + 0.02 for rate in rates.values())
    if row["kind"] == "power":
        # the law's own gap is small, and what is negligible takes many seeds: shown, not promised
        return rates[20] >= row["target"] if 20 in rates and " sd" in row["world"] else None
    if row["kind"] == "coverage":
        # an interval that is never given covers nothing, and misses nothing
        return all(not rate < row["target"] for seeds, rate in rates.items() if seeds >= 10)
    if row["kind"] == "size":
        return all(rate <= row["target"] for seeds, rate in rates.items() if seeds >= 10) if " sd" in row["world"] else None
    if row["kind"] == "pilot":
        return None if math.isnan(row["target"]) else all(rate >= row["target"] for rate in rates.values())
    if row["kind"] == "ratio":
        return None if math.isnan(row["target"]) else max(rates.values()) <= row["target"]
    return all(rate >= row["target"] for rate in rates.values())


TITLES = {
    "false positive": "Said where it is false",
    "power": "Found where it is true",
    "coverage": "Held by the set or the interval",
    "size": "How large the sets are",
    "ratio": "Given one ratio",
    "pilot": "Named by a pilot",
    "law": "The law",
}


def markdown(rows: list[Row], sweeps: int, seconds: float) -> str:
    """The table for people."""
    errors = [100 * math.sqrt(rate * (1 - rate) / sweeps) for rate in (0.05, 0.8)]
    lines = [
        "# How often the verdicts are wrong",
        "",
        f"Made by `python benchmarks/calibration.py` ({seconds / 60:.0f} minutes on one core): {sweeps:,} simulated sweeps of 9 teacher "
        f"sizes for each world and number of seeds, a quarter of that at 100 seeds. A rate of 5 % is known to {errors[0]:.1f} points "
        f"(standard error), one of 80 % to {errors[1]:.1f}. 1 sd is the standard deviation over seeds of the paired difference of two "
        "teacher sizes; a deficit below .2 of it is called negligible. In brackets: a paired t test of the best smaller teacher against "
        "the largest at .05, on the same sweeps.",
    ]
    for kind, title in TITLES.items():
        own = [row for row in rows if row["kind"] == kind]
        if not own:
            continue
        columns = list(own[0]["rates"])
        unit = "cells" if kind == "law" else "seeds"
        lines += ["", f"## {title}", "", f"| what | world | {' | '.join(f'{n} {unit}' for n in columns)} | to reach |  |"]
        lines.append(f"|---|---|{'---:|' * len(columns)}---|---|")
        for row in own:
            cells = []
            for seeds in columns:
                rate = row["rates"][seeds]
                text = f"{rate:g}" if kind == "size" else "none given" if math.isnan(rate) else f"{100 * rate:.1f} %"
                cells.append(text + (f" ({100 * row['naive'][seeds]:.0f})" if row["naive"] else ""))
            reached = met(row)
            goal = {"false positive": f"≤ {100 * row['target'] + 2:.0f} %", "size": f"≤ {row['target']:g}", "ratio": "0"}
            goal = goal.get(
                kind, f"≥ {100 * row['target']:.0f} %" + (" at 20" if kind == "power" else " from 10" if kind == "coverage" else "")
            )
            mark = {True: "met", False: "**missed**", None: "shown"}[reached]
            lines.append(f"| {row['verdict']} | {row['world']} | {' | '.join(cells)} | {goal if reached is not None else ''} | {mark} |")
    missed = [row for row in rows if met(row) is False]
    lines += ["", f"{len(missed)} of {sum(met(row) is not None for row in rows)} goals are missed" + (":" if missed else ".")]
    lines += [f"* {row['verdict']}: {row['world']}" for row in missed]
    return "\n".join(lines) + "\n"


def appendix(rows: list[Row], sweeps: int) -> dict[str, Any]:
    """What a report shows: for each verdict its worst false-positive rate and, at 1 sd, its power."""
    found: dict[str, Row] = {}
    for row in rows:
        if row["kind"] not in ("false positive", "power"):
            continue
        entry = found.setdefault(row["verdict"], {"verdict": row["verdict"]})
        rates = {int(seeds): rate for seeds, rate in row["rates"].items()}
        if row["kind"] == "false positive":
            worst = max(rates, key=lambda seeds: rates[seeds])
            if rates[worst] >= entry.get("wrong", -1):
                entry |= {"wrong": round(rates[worst], 4), "where": f"{row['world']}, {worst} seeds"}
        elif " 1 sd" in row["world"] and "found" not in entry:
            entry |= {"found": {str(seeds): round(rates[seeds], 3) for seeds in (10, 20)}, "effect": row["world"]}
    return {"sweeps": sweeps, "rows": list(found.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few sweeps of each world, writes nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document in place of a table")
    parser.add_argument("--part", choices=PARTS, help="one part alone, writes nothing")
    parser.add_argument("--sweeps", type=int, help="sweeps of each world")
    arguments = parser.parse_args()
    sweeps = arguments.sweeps or (40 if arguments.quick else 2000)
    seeds = (10, 20) if arguments.quick else SEEDS
    start = time.process_time()
    makers = {
        "gap": lambda: gap_part(sweeps, seeds),
        "others": lambda: others_part(sweeps, seeds),
        "pilot": lambda: pilot_part(sweeps),
        "law": lambda: law_part(20 if arguments.quick else 100),
    }
    rows = [row for part, make in makers.items() if arguments.part in (None, part) for row in make()]
    if not (arguments.quick or arguments.part):
        TABLE.write_text(markdown(rows, sweeps, time.process_time() - start), encoding="utf-8")
        APPENDIX.write_text(json.dumps(appendix(rows, sweeps), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps([as_case(row, seeds, rate) for row in rows for seeds, rate in row["rates"].items()], ensure_ascii=False))
    else:
        print(markdown(rows, sweeps, time.process_time() - start))


def as_case(row: Row, seeds: int, rate: float) -> Row:
    """One number as a row of every benchmark's table."""
    naive = row["naive"].get(seeds)
    return {
        "case": f"{row['kind']}: {row['verdict']}, {row['world']}, {seeds} {'cells' if row['kind'] == 'law' else 'seeds'}",
        "ours": rate,
        "peer": "paired t test of the best smaller teacher (scipy)" if naive is not None else None,
        "peer_version": scipy.__version__ if naive is not None else None,
        "ratio": None if not naive else rate / naive,
        "unit": "sizes" if row["kind"] == "size" else "share",
    }


if __name__ == "__main__":
    main()
