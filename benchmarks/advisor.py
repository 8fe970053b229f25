"""How often the advisor on distillation is right, on worlds whose truth is known.

    python benchmarks/advisor.py            # 600 worlds of each kind, and the clock: some minutes
    python benchmarks/advisor.py --quick    # few worlds: under a minute
    python benchmarks/advisor.py --json

Worlds are drawn at random within the ranges below, which were fixed before anything was run. Columns are Gaussian and correlated, labels
linear in them with noise; the truth of a world is the nested least-squares law at its own variances, for the teacher that the advisor
names. In the other worlds one assumption is broken, and the answer should be NOT APPLICABLE.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import math
import sys
import time
from typing import Any, NamedTuple

import numpy as np

from kdprobe.theory.advisor import advise
from kdprobe.theory.gains import nested_share
from kdprobe.theory.objectives import Objective
from kdprobe.theory.ridge import ridge_self_distillation

WORLDS, QUICK = 600, 40
BROKEN = ("bent", "heavy tails", "uneven noise", "linked rows", "outlying rows", "moved rows")
ANSWERED = ("SUPPORTED", "CONTRADICTED")


class World(NamedTuple):
    """Rows of one world, and what is true of it."""

    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray
    """(n,) labels without noise."""
    fresh: np.ndarray
    left: np.ndarray
    """(d + 1,) residual variance of the best predictor on the first so many features."""
    student: int
    transfer: float


def draw(rng: np.random.Generator, broken: str = "") -> World:
    """One world: 12 to 40 features, 50 to 1,000 labels, 8 to 50,000 unlabelled rows, R² of .2 to .95."""
    d = int(rng.choice([12, 24, 40]))
    n = int(np.exp(rng.uniform(math.log(max(50, d + 15)), math.log(1000))))
    p = int(rng.integers(2, d // 2 + 1))
    m = int(np.exp(rng.uniform(math.log(p + 6), math.log(50_000))))
    beta2 = np.arange(1, d + 1) ** -float(rng.choice([0.0, 0.5, 1.0, 2.0]))
    explained = float(rng.uniform(0.2, 0.95))
    beta = np.sqrt(explained * beta2 / beta2.sum()) * rng.choice([-1, 1], size=d)
    noise = 1 - explained
    if broken:
        n, m = max(n, 400), max(m, 400)
    mix = np.tril(0.5 * rng.normal(size=(d, d)), -1) / math.sqrt(d) + np.eye(d)
    seen = min(m, 3000)
    z, fresh = rng.normal(size=(n, d)), rng.normal(size=(seen, d))
    e = rng.normal(size=n)
    if broken == "heavy tails":
        e = rng.standard_t(2.5, size=n) / math.sqrt(5)
    elif broken == "linked rows":
        for row in range(1, n):
            e[row] = 0.5 * e[row - 1] + math.sqrt(0.75) * e[row]
    elif broken == "outlying rows":
        z *= np.where(rng.random(n) < 0.02, 12.0, 1.0)[:, None]
    elif broken == "uneven noise":
        e *= np.exp(0.8 * (z @ beta) / math.sqrt(explained))
    elif broken == "moved rows":
        fresh += 1.0
    y = z @ beta + math.sqrt(noise) * e
    if broken == "bent":
        y = y + 0.6 * (z @ beta) ** 2 / math.sqrt(explained)
    left = noise + np.append(np.cumsum((beta**2)[::-1])[::-1], 0.0)
    # least squares on the first features does not change when each column takes in some of those before it
    return World(z @ mix.T + 3, y, z @ beta, fresh @ mix.T + 3, left, p, m)


def truth(world: World, q: int) -> float:
    """True share of the twin's excess risk that a teacher of this size gains."""
    small, large = sorted((world.student, q))
    return nested_share(float(world.left[large] / world.left[small]), n=len(world.y), p=world.student, q=q, m=world.transfer)


def ask(world: World, **options: Any) -> dict[str, Objective]:
    """What the advisor says; where there are more unlabelled rows than were drawn, it is told their number."""
    unlabelled = world.fresh if world.transfer == len(world.fresh) else int(world.transfer)
    return dict(advise(world.x, world.y, unlabelled=unlabelled, student=world.student, order="columns", **options).objectives)


def law_rates(name: str, worlds: int, rng: np.random.Generator, *, one_size: bool = False) -> list[dict[str, Any]]:
    """How often the advice on one objective is right."""
    rows: list[tuple[str, float, float, bool, bool]] = []
    for _ in range(worlds):
        world = draw(rng)
        d = world.x.shape[1]
        options = {"teacher": d if name == "compression" else max(1, world.student // 2)} if one_size else {}
        found = ask(world, **options)[name]
        if not found.sizes:
            rows.append((found.verdict, math.nan, math.nan, False, True))
            continue
        truths = {one.teacher: truth(world, one.teacher) for one in found.sizes}
        all_held = all(one.share.low - 1e-9 <= truths[one.teacher] <= one.share.high + 1e-9 for one in found.sizes)
        rows.append((found.verdict, truths[found.teacher], max(truths.values()), all_held, found.verdict == "NOT APPLICABLE"))
    verdicts = np.array([row[0] for row in rows])
    named, best = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    held, refused = np.array([row[3] for row in rows]), np.array([row[4] for row in rows])
    answered = np.isin(verdicts, ANSWERED)
    right = np.where(verdicts == "SUPPORTED", named > 0, best <= 0)
    large = np.abs(best) > 0.1
    label = f"{name}, {'one size' if one_size else 'sizes tried'}"
    return [
        row(label, "sign right where it answers", right[answered], "≥ 90 %"),
        row(label, "says helps, where its teacher hurts", (verdicts == "SUPPORTED")[named <= 0], "≤ 5 %"),
        row(label, "says helps, where every size hurts", (verdicts == "SUPPORTED")[best <= 0], "≤ 5 %"),
        row(label, "answers, where the effect is over 10 %", answered[large], "≥ 60 %"),
        row(label, "the same, where the truth helps", answered[large & (best > 0)], ""),
        row(label, "all intervals hold the truth", held[~refused], "≥ 93 %"),
        row(label, "not applicable, though all holds", refused, "≤ 5 %"),
    ]


def broken_rates(worlds: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """How often a broken assumption is seen."""
    found = []
    for broken in BROKEN:
        seen = []
        for _ in range(worlds):
            world = draw(rng, broken)
            world = world._replace(transfer=len(world.fresh))
            seen.append(ask(world)["compression"].verdict == "NOT APPLICABLE")
        found.append(row("broken: " + broken, "not applicable", np.array(seen), "seen"))
    return found


def ridge_rates(worlds: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The same of one round of ridge self-distillation, whose truth is that of the rows at hand."""
    verdicts, signs, shares = [], [], []
    for _ in range(worlds):
        world = draw(rng)
        ridge = float(len(world.y) * 10 ** rng.uniform(-3, 1))
        verdicts.append(ask(world, ridge=ridge)["self-distillation"].verdict)
        x = (world.x - world.x.mean(axis=0)) / world.x.std(axis=0)
        left, roots, _ = np.linalg.svd(x, full_matrices=False)
        signal = (left.T @ world.mean) ** 2
        found = ridge_self_distillation(roots**2, signal, float(world.left[-1]), ridge)
        signs.append(found.mixing > 0)
        shares.append(1 - found.distilled / found.ridge)
    verdict, positive, large = np.array(verdicts), np.array(signs), np.array(shares) > 0.1
    answered = np.isin(verdict, ANSWERED)
    return [
        row("ridge self-distillation", "sign right where it answers", ((verdict == "SUPPORTED") == positive)[answered], "≥ 90 %"),
        row("ridge self-distillation", "says helps, where every positive weight hurts", (verdict == "SUPPORTED")[~positive], "≤ 5 %"),
        row("ridge self-distillation", "answers, where the effect is over 10 %", answered[large], "≥ 60 %"),
    ]


def row(case: str, what: str, hits: np.ndarray, goal: str) -> dict[str, Any]:
    """One line of the table."""
    count = len(hits)
    return {"case": case, "what": what, "share": float(hits.mean()) if count else None, "worlds": count, "to reach": goal}


def clock() -> list[dict[str, Any]]:
    """Seconds for 100,000 rows of 50 columns, of this process and on the wall."""
    rng = np.random.default_rng(0)
    x, fresh = rng.normal(size=(100_000, 50)), rng.normal(size=(20_000, 50))
    y = x @ np.arange(1, 51) ** -0.75 + rng.normal(size=100_000)
    wall, cpu = time.perf_counter(), time.process_time()
    advise(x, y, unlabelled=fresh)
    return [
        {
            "case": "100,000 × 50",
            "what": "seconds",
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "to reach": "≤ 20 s",
        }
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--seed", type=int, default=17)
    given = parser.parse_args()
    worlds = given.worlds or (QUICK if given.quick else WORLDS)
    rng = np.random.default_rng(given.seed)
    rows = clock()
    for name in ("compression", "expansion"):
        for one_size in (False, True):
            rows += law_rates(name, worlds, rng, one_size=one_size)
    rows += ridge_rates(worlds, rng)
    rows += broken_rates(max(worlds // 6, 5), rng)
    if given.json:
        print(json.dumps(rows))
        return
    for one in rows:
        if "share" in one:
            found = "none" if one["share"] is None else f"{100 * one['share']:.1f} %"
            print(f"{one['case']:32s} {one['what']:48s} {found:>8s} of {one['worlds']:4d}   {one['to reach']}")
        else:
            print(f"{one['case']:32s} {one['what']:48s} {one['cpu']:.1f} CPU, {one['wall']:.1f} on the clock   {one['to reach']}")


if __name__ == "__main__":
    sys.exit(main())
