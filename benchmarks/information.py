"""Mutual information: error, status, time and coverage on worlds whose information is known, beside scikit-learn and ennemi.

    python benchmarks/information.py                    # forty worlds at n = 4,000 and the speed of KSG: about two minutes
    python benchmarks/information.py --quick            # ten worlds at n = 1,000
    python benchmarks/information.py --part coverage --runs 2000      # how often the interval holds the truth
    python benchmarks/information.py --part redundancy --runs 1000    # how often the redundancy's limits hold it
    python benchmarks/information.py --part wide --runs 10            # narrow noise on wide signals: forty worlds
    python benchmarks/information.py --part drawn --runs 10           # the same: worlds drawn at random, which nobody had looked at

ennemi is no dependency: install it outside of the project (``pip install --no-deps --target DIR ennemi``) and run with PYTHONPATH=DIR.
The estimators were developed on the worlds of even number and on others of other parameters; the table shows all.
"""

import argparse
import importlib
import importlib.util
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import sklearn
from sklearn.feature_selection import mutual_info_regression

from kdprobe.core.trace import softmax
from kdprobe.measures.information.decomposition import information_decomposition
from kdprobe.measures.information.mutual_information import mutual_information
from kdprobe.measures.information.nearest_neighbours import ksg1
from kdprobe.measures.information.usable_information import usable_information
from kdprobe.testing.worlds import information as worlds
from kdprobe.testing.worlds.drawn_signals import drawn_signals
from kdprobe.testing.worlds.wide_signals import wide_signals

Row = dict[str, Any]
PARTS = ("accuracy", "speed", "calibrated", "coverage", "redundancy", "wide", "drawn")
# of `drawn_signals`: intervals were widened with a view to seeds 0 and 1, and flags set after looks at 100 and 101 too
FRESH = 102


def peers(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[str, Callable[[], float]]]:
    """Peers that take these sides: name -> (version, estimate), all KSG with 3 neighbours."""
    found: dict[str, tuple[str, Callable[[], float]]] = {}
    if x.shape[1] == y.shape[1] == 1:
        found["scikit-learn"] = sklearn.__version__, lambda: float(mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0])
    if importlib.util.find_spec("ennemi"):
        # its public function takes one variable at a time; the estimator behind it takes any number of columns
        estimate = importlib.import_module("ennemi._entropy_estimators")._estimate_single_mi
        found["ennemi"] = importlib.import_module("importlib.metadata").version("ennemi"), lambda: float(estimate(x, y, k=3))
    return found


def cpu(call: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    """Least CPU seconds of some calls, and the last answer."""
    best, answer = np.inf, None
    for _ in range(repeats):
        start = time.process_time()
        answer = call()
        best = min(best, time.process_time() - start)
    return best, answer


def accuracy(n: int, step: int, runs: int) -> Iterator[Row]:
    """Absolute error by world. The summary counts what the status missed."""
    errors, flags, seconds = [], [], []
    for number, world in list(enumerate(worlds.beyond_normal()))[::step]:
        for seed in range(runs):
            x, y = world.draw(np.random.default_rng(1000 * seed + number), n)
            spent, result = cpu(lambda x=x, y=y, seed=seed: mutual_information(x, y, seed=seed))
            error = abs(result.value - world.information)
            errors, flags, seconds = [*errors, error], [*flags, result.status != "ok"], [*seconds, spent]
            for name, (version, estimate) in (peers(x, y) or {"-": ("", lambda: np.nan)}).items():
                theirs = abs(estimate() - world.information)
                row = compared(world.name, error, name, theirs, version, "nats, absolute error")
                yield row | {"truth": world.information, "value": result.value, "status": result.status, "kind": result.kind, "cpu": spent}
    e, f = np.array(errors), np.array(flags)
    for case, value, unit in (
        ("mean error", e.mean(), "nats"),
        ("median error", np.median(e), "nats"),
        ("worst error", e.max(), "nats"),
        ("worst error with status ok", e[~f].max(), "nats"),
        ("errors above .1 without a flag", np.sum((e > 0.1) & ~f) / runs, "worlds"),
        ("flags on errors below .1", np.sum((e <= 0.1) & f) / runs, "worlds"),
        ("longest", max(seconds), "CPU s"),
    ):
        yield compared(case, float(value), "-", np.nan, "", unit)


def wide(named: Sequence[worlds.InformationWorld], n: int, step: int, runs: int) -> Iterator[Row]:
    """Narrow noise on wide signals: by world, errors, what the status missed, and how often the interval holds the truth."""
    found: list[tuple[float, bool, bool]] = []
    refusals = 0
    for number, world in list(enumerate(named))[::step]:
        results = [mutual_information(*world.draw(np.random.default_rng([12, seed, number]), n), seed=seed) for seed in range(runs)]
        answers = [result for result in results if result.value is not None]
        refusals += len(results) - len(answers)
        if not answers:
            yield compared(world.name, np.nan, "-", np.nan, "", "nats, mean absolute error") | {"truth": world.information}
            continue
        errors = np.array([result.value - world.information for result in answers])
        plain = errors - [result.details.get("extrapolated", 0.0) for result in answers]
        flags = np.array([result.status != "ok" for result in answers])
        held = [result.low <= world.information <= result.high for result in answers]
        found += zip(np.abs(errors), flags, held, strict=True)
        mean, unit = (float(np.abs(each).mean()) for each in (errors, plain)), "nats, mean absolute error"
        yield compared(world.name, next(mean), "not extrapolated", next(mean), "", unit) | {
            "truth": world.information,
            "bias": float(errors.mean()),
            "missed": float(np.mean((np.abs(errors) > 0.1) & ~flags)),
            "flagged": float(flags.mean()),
            "covered": float(np.mean(held)),
            "refused": 1 - len(answers) / len(results),
        }
    e, f, h = (np.array(column) for column in zip(*found, strict=True))
    share = f"share of {len(e):,} runs"
    for case, value, unit in (
        ("mean error", e.mean(), "nats"),
        ("errors above .1 without a flag", np.mean((e > 0.1) & ~f), share),
        ("the same, and the interval does not hold the truth", np.mean((e > 0.1) & ~f & ~h), share),
        ("errors above .1 with a flag", np.mean((e > 0.1) & f), share),
        ("flags on errors below .1", np.mean((e <= 0.1) & f), share),
        ("intervals that hold the truth", np.mean(h), share),
        ("intervals without a flag that hold the truth", np.mean(h[~f]), share),
        ("refused", refusals, "runs"),
    ):
        yield compared(case, float(value), "-", np.nan, "", unit)


def speed(sizes: tuple[int, ...], columns: tuple[int, ...]) -> Iterator[Row]:
    """CPU seconds of plain KSG, and its distance from the peers' value."""
    cases = [(n, 1) for n in sizes] + [(4000, d) for d in columns]
    for n, d in cases:
        x, y = worlds.multinormal_pairs(d, d, pairs=d, strength=1.2).draw(np.random.default_rng(0), n)
        spent, value = cpu(lambda x=x, y=y: float(np.mean(ksg1(x, y, 3))), 5)
        for name, (version, estimate) in peers(x, y).items():
            theirs, their_value = cpu(estimate, 3)
            yield compared(f"KSG {d}×{d}, n = {n:,}", spent, name, theirs, version, "CPU s") | {"difference": value - their_value}


def calibrated(n: int) -> Iterator[Row]:
    """Error on calibrated probabilities, and how far doubled logits move the answer."""
    for classes in (2, 5, 10, 30, 100):
        truth = worlds.calibrated_information(classes, 2.0)
        logits, labels = worlds.calibrated_classes(np.random.default_rng(classes), n, classes=classes, scale=2.0)
        once, twice = (usable_information(softmax(k * logits), labels, task="classification").value for k in (1, 2))
        unscaled = float(np.log(classes) + np.log(softmax(2 * logits)[np.arange(n), labels]).mean())
        error = abs(once - truth)
        row = compared(
            f"calibrated, C = {classes}",
            error,
            "log C - cross-entropy of doubled logits",
            abs(unscaled - truth),
            "",
            "nats, absolute error",
        )
        yield row | {"moved by doubling": abs(twice - once)}


def coverage(n: int, runs: int) -> Iterator[Row]:
    """Share of runs whose interval holds the truth."""
    # folds are redrawn with the data, and surrogates with their ranks: what they add to the error is in the interval
    cases: dict[str, tuple[float, Callable[[np.random.Generator], Any]]] = {}
    for rho in (0.0, 0.5, 0.9):
        world = worlds.bivariate_normal(rho)
        cases[f"mutual_information, ρ = {rho:g}"] = world.information, lambda rng, w=world: mutual_information(*w.draw(rng, n))
    logits_truth = worlds.calibrated_information(5, 2.0, draws=2_000_000)

    def classes(rng: np.random.Generator) -> Any:
        logits, labels = worlds.calibrated_classes(rng, n, classes=5, scale=2.0)
        return usable_information(softmax(logits), labels, task="classification", seed=int(rng.integers(2**31)))

    cases["usable_information, 5 classes"] = logits_truth, classes
    for case, (truth, measure) in cases.items():
        results = [measure(np.random.default_rng([7, seed])) for seed in range(runs)]
        held = float(np.mean([result.low <= truth <= result.high for result in results]))
        yield compared(f"{case}, n = {n:,}", held, "nominal", 0.95, "", f"share of {runs:,} runs")


def redundancy(n: int, runs: int) -> Iterator[Row]:
    """Share of runs whose limits hold the redundancy of a Gaussian world, the smaller of the two informations."""
    for name, teacher, student, between in (("degraded student", 0.8, 0.56, 0.7), ("two sources", 0.9, 0.3, 0.1), ("copy", 0.8, 0.8, 1.0)):
        truth = -0.5 * np.log(1 - min(teacher, student) ** 2)
        held = []
        for seed in range(runs):
            t, s, y = worlds.trivariate_normal(np.random.default_rng([9, seed]), n, teacher=teacher, student=student, between=between)
            parts = information_decomposition(t, s, y, task="regression", seed=seed)
            held.append(parts.status == "ok" and parts.redundancy.low <= truth <= parts.redundancy.high)
        yield compared(f"redundancy, {name}, n = {n:,}", float(np.mean(held)), "nominal", 0.95, "", f"share of {runs:,} runs")


def compared(case: str, ours: float, peer: str, theirs: float, version: str, unit: str) -> Row:
    """One row of the table; a peer that could not run has None."""
    known = np.isfinite(theirs)
    ratio = ours / theirs if known and theirs else None
    return {
        "case": case,
        "ours": ours,
        "peer": peer,
        "theirs": theirs if known else None,
        "peer_version": version,
        "ratio": ratio,
        "unit": unit,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller cases, under a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--part", choices=PARTS, action="append", help="may be given several times; default: accuracy, speed, calibrated")
    parser.add_argument("--runs", type=int, help="of coverage and redundancy (default 200), of wide and drawn (10), of accuracy (1)")
    options = parser.parse_args()
    quick, runs = options.quick, options.runs
    parts = {
        "accuracy": lambda: accuracy(1000 if quick else 4000, 4 if quick else 1, 1 if quick else runs or 1),
        "speed": lambda: speed((2000, 10_000) if quick else (2000, 10_000, 50_000), (3,) if quick else (3, 5, 10)),
        "calibrated": lambda: calibrated(2000 if quick else 10_000),
        "coverage": lambda: coverage(1000, 20 if quick else runs or 200),
        "redundancy": lambda: redundancy(1000, 20 if quick else runs or 200),
        "wide": lambda: wide(wide_signals(), 1000, 4 if quick else 1, 2 if quick else runs or 10),
        "drawn": lambda: wide(drawn_signals(FRESH), 1000, 6 if quick else 1, 2 if quick else runs or 10),
    }
    rows: list[Row] = []
    for part in options.part or PARTS[:3]:
        for row in parts[part]():
            rows.append({"part": part} | row)
            if not options.json:
                extra = "  ".join(
                    f"{name} {value:.3g}" if isinstance(value, float) else str(value)
                    for name, value in row.items()
                    if name not in ("case", "ours", "peer", "theirs", "peer_version", "ratio", "unit")
                )
                theirs = f"{row['peer']} {row['peer_version']} {row['theirs']:.4f}" if row["theirs"] is not None else ""
                print(f"{row['case']:52} {row['ours']:.4f}  {theirs:40} {row['unit']:22} {extra}", flush=True)
    missing = [] if importlib.util.find_spec("ennemi") else ["ennemi (pip install --no-deps --target DIR ennemi, then PYTHONPATH=DIR)"]
    if options.json:
        print(json.dumps({"rows": rows, "missing_peers": missing}, ensure_ascii=False))
    elif missing:
        print("not run: " + "; ".join(missing))


if __name__ == "__main__":
    main()
