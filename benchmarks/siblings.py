"""How wide is the interval of the teacher-specific part with k siblings a student, beside that with all of them?

    python benchmarks/siblings.py             # a minute of CPU: a zoo of 30 seeds, read with k = 3 to 29; writes benchmarks/siblings.csv
    python benchmarks/siblings.py --quick     # 12 seeds of one task, writes nothing

The part of a seed is likeness to the own teacher less the mean over k siblings, less the same of the paired twin. Where nothing differs
between seeds but the noise of a pair, its variance is in proportion to 1 + 1/k: `pairs_alone` is the ratio of widths that this gives. What
was transferred to one student more than to another is in the interval whatever k is, and draws the ratio toward 1. Of measures of
two networks every circle of seeds is as good as the plan's: widths are root mean squares over `CIRCLES` of them. The transfer
coefficient, whose reference twins are as many as siblings, is asked anew for each k, around the plan's own circle; it refuses a seed whose
teacher is not apart from so few twins.
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import kdprobe
from kdprobe.core.probe import Probe
from kdprobe.core.registry import find
from kdprobe.core.result import Result
from kdprobe.stats.paired import contrast
from kdprobe.sweep.circle import OTHERS, Circle
from kdprobe.sweep.measuring import Models

PROBES = {
    "letters": ("agreement_top1", "kl", "cka", "transfer_coefficient"),
    "bikeshare": ("r2", "residual_correlation", "cka", "transfer_coefficient"),
}
NUMBERS = (3, 5, OTHERS, 15)
CIRCLES = 200
FILE = Path(__file__).with_suffix(".csv")


def plan_of(task: str, seeds: int) -> kdprobe.GapPlan:
    """One teacher size, one student size."""
    return kdprobe.GapPlan(
        tasks=(task,), schemes=("same_rows",), teacher_widths=(32,), student_widths=(8,), seeds=seeds, steps=300, beside={}
    )


def models_of(zoo: kdprobe.Zoo, task: str) -> tuple[Models, dict[int, Any]]:
    """What students are read against, and the students' traces by seed."""
    table = zoo.models()
    roles = {role: table[table["role"] == role].set_index("seed")["model_id"].sort_index() for role in ("teacher", "twin", "student")}
    traces = {role: {int(seed): zoo.trace(model) for seed, model in ids.items()} for role, ids in roles.items()}
    rows = zoo.split(zoo.job(roles["student"].iloc[0]).data).probe_a
    return Models(traces["teacher"], traces["twin"], rows.y), traces["student"]


def parts(models: Models, students: dict[int, Any], probe: Probe, k: int) -> np.ndarray:
    """(seeds,) teacher-specific parts around the plan's own circle, with k siblings and references."""
    circle = Circle(tuple(sorted(students)), most=k)
    around = models._replace(circle=circle)

    def own_less_siblings(traces: Any, seed: int, *, itself: bool) -> float:
        own, *others = (_value(around.ask(probe, traces[seed], of, seed, itself=itself)) for of in (seed, *circle.siblings(seed)))
        return own - float(np.mean(others))

    return np.array(
        [own_less_siblings(students, seed, itself=False) - own_less_siblings(models.twins, seed, itself=True) for seed in circle.seeds]
    )


def _value(result: Result) -> float:
    """NaN of a refusal."""
    return np.nan if result.value is None else result.value


def widths(models: Models, students: dict[int, Any], probe: Probe, numbers: tuple[int, ...]) -> list[tuple[float, int]]:
    """Width of the interval over seeds with each number of siblings, and how many of the seeds have no value."""
    if probe.panel:
        found = [parts(models, students, probe, k) for k in numbers]
        return [(width(values[np.isfinite(values)]), int(np.isnan(values).sum())) for values in found]
    seeds = sorted(students)
    toward = np.array(
        [
            [_value(models.ask(probe, students[s], t, s)) - _value(models.ask(probe, models.twins[s], t, s, itself=True)) for t in seeds]
            for s in seeds
        ]
    )
    rng, squares = np.random.default_rng(0), np.zeros(len(numbers))
    for _ in range(CIRCLES):
        order = rng.permutation(len(seeds))
        turned = toward[np.ix_(order, order)]
        # column j is the likeness to the teacher j places further
        around = np.stack([np.roll(line, -place) for place, line in enumerate(turned)])
        squares += [width(around[:, 0] - around[:, 1 : k + 1].mean(axis=1)) ** 2 for k in numbers]
    return [(wide, 0) for wide in np.sqrt(squares / CIRCLES).tolist()]


def width(values: np.ndarray) -> float:
    """Of the 95 % interval of a mean over seeds."""
    low, high = contrast(values).interval()
    return float(high - low)


def rows_of(task: str, seeds: int) -> Iterator[dict[str, Any]]:
    """One row a probe and number of siblings."""
    numbers = tuple(k for k in (*NUMBERS, seeds - 1) if k < seeds)
    with tempfile.TemporaryDirectory() as folder, kdprobe.sweep(plan_of(task, seeds), folder, similarity=False) as zoo:
        models, students = models_of(zoo, task)
        for name in PROBES[task]:
            start = time.process_time()
            found = widths(models, students, find("probes", name), numbers)
            for k, (wide, refused) in zip(numbers, found, strict=True):
                pairs_alone = np.sqrt((1 + 1 / k) / (1 + 1 / (seeds - 1)))
                yield {
                    "case": f"{task}, {name}, {k} of {seeds - 1} siblings",
                    "ours": round(wide, 6),
                    "ratio": round(wide / found[-1][0], 4),
                    "pairs_alone": round(float(pairs_alone), 4),
                    "refused": refused,
                    "unit": "width of the 95 % interval, and by that with all",
                    "cpu": round(time.process_time() - start, 1),
                }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="12 seeds of one task, writes nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--seeds", type=int, default=30)
    asked = parser.parse_args()
    rows = []
    for task in ["bikeshare"] if asked.quick else PROBES:
        for row in rows_of(task, 12 if asked.quick else asked.seeds):
            rows.append(row)
            if not asked.json:
                told = f"{row['ratio']:.3f} × that with all; {row['pairs_alone']:.3f} of pairs alone; {row['refused']} seeds refused"
                print(f"{row['case']:58s} {row['ours']:9.5f}  {told}", flush=True)
    if asked.json:
        print(json.dumps([row | {"peer": None, "peer_version": None} for row in rows], ensure_ascii=False))
    if not asked.quick:
        with FILE.open("w", newline="", encoding="utf-8") as file:
            names = ["case", "ours", "ratio", "pairs_alone", "refused", "unit"]
            writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
