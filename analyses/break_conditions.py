"""Where do the survey's three mechanisms break? A poor teacher, features that do not match, two specialists that contradict each other.

    python analyses/break_conditions.py                                        # the outcomes, printed: some minutes on two cores
    python analyses/break_conditions.py --quick                                # one small set, too few steps for anything: seconds
    python analyses/break_conditions.py --out reports/break_conditions.html    # write the page, and its numbers beside it as JSON

Doses and rules are in `_break_rules.py`, and were committed before any result.
"""

import argparse
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from _break_page import page
from _break_rules import Curve, broke, summed
from _break_runs import SIZES, features, halves, quality
from _stacked import data, kept

from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically
from kdprobe.stats.paired import contrast

SEEDS = 10
MECHANISMS = {"M1": quality, "M2": features, "M3": halves}
SETS = {"M1": tuple(SIZES), "M2": ("digits", "fashion_mnist"), "M3": ("letters", "digits", "fashion_mnist")}
"""What each is asked of: M2 and M3 of classes alone, and M2 not of letters, whose deep students would take as long as all the rest."""


def results(
    *,
    names: Sequence[str] = tuple(SIZES),
    only: Sequence[str] = tuple(MECHANISMS),
    quick: bool = False,
    seeds: int = SEEDS,
    zoos: Path | None = None,
    train: bool = True,
) -> dict[str, Any]:
    """Train what is not kept yet, and return the numbers of the page: plain values, so that they are kept as JSON."""
    curves, missing = list[Curve](), list[str]()
    for name in names:
        for mechanism in (one for one in MECHANISMS if name in SETS[one] and one in only):
            make = partial(trained, name, mechanism, quick=quick, seeds=seeds)
            try:
                own = kept(zoos, f"break-{mechanism}-{name}-{seeds}", make, train=train)
            except DataError as error:
                missing.append(f"{name}: {str(error).partition('. Three ways')[0].partition(': leave')[0]}")
                continue
            curves += [Curve(**one | {"doses": tuple(one["doses"]), "differences": np.array(one["differences"])}) for one in own]
    found = []
    for mechanism in MECHANISMS:
        own = [curve for curve in curves if curve.mechanism == mechanism]
        outcomes = [broke(curve) for curve in own]
        rows = [told(curve) | {"told": outcome.told} for curve, outcome in zip(own, outcomes, strict=True)]
        found.append({"name": mechanism, "outcome": summed(outcomes), "curves": rows})
    return {"seeds": seeds, "mechanisms": found, "missing": missing}


def trained(name: str, mechanism: str, *, quick: bool, seeds: int) -> list[dict[str, Any]]:
    """Curves of one mechanism on one data set, as plain values."""
    start, given = time.perf_counter(), data(name, steps=20 if quick else None)

    def report(what: str) -> None:
        print(f"{time.perf_counter() - start:.0f} s: {what}", flush=True)

    curves = list(MECHANISMS[mechanism](given, seeds=seeds, report=report))
    return [vars(curve) | {"differences": curve.differences.tolist()} for curve in curves]


def told(curve: Curve) -> dict[str, Any]:
    """A curve with intervals that hold together."""
    found = contrast(curve.differences)
    low, high = found.interval(len(curve.doses))
    values = [[round(float(value), 6) for value in three] for three in zip(found.mean, low, high, strict=True)]
    seeds = [[round(float(value), 5) for value in own] for own in curve.differences]
    return {"where": curve.where, "doses": list(curve.doses), "values": values, "seeds": seeds}


def cells(found: dict[str, Any]) -> pd.DataFrame:
    """What M3 holds of the taxonomy: one student of two specialists that do not contradict each other, less these, in accuracy."""
    third = next(one for one in found["mechanisms"] if one["name"] == "M3")
    return pd.DataFrame(
        [
            {
                "objective": "enhancement", "knowledge": "response", "area": "classification", "task": curve["where"],
                "scheme": "two specialists", "distiller": "kd", **dict(zip(("value", "low", "high"), curve["values"][0], strict=True)),
                "seeds": found["seeds"],
            }
            for curve in third["curves"]
        ]
    )  # fmt: skip


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small set, too few steps for anything")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="paired seeds; below 8 nothing is judged")
    parser.add_argument("--sets", default=",".join(SIZES), help="names of the sets, with commas between them")
    parser.add_argument("--mechanisms", default=",".join(MECHANISMS), help="names of mechanisms, with commas between them")
    parser.add_argument("--zoos", type=Path, default=Path("sweep-break-conditions"), help="folder of what is trained; it is not repeated")
    parser.add_argument("--kept-only", action="store_true", help="judge what is trained already, and name what is not")
    parser.add_argument("--out", type=Path, help="write the page here, and its numbers beside it as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
    names = ("digits",) if options.quick else options.sets.split(",")
    found = results(
        names=names,
        only=options.mechanisms.split(","),
        quick=options.quick,
        seeds=options.seeds,
        zoos=None if options.quick else options.zoos,
        train=not options.kept_only,
    )
    for one in found["mechanisms"]:
        print(f"{one['name']} {one['outcome']}")
        for curve in one["curves"]:
            print(f"  {curve['where']}: {curve['told']}")
    if options.out is not None:
        write_atomically(options.out.with_suffix(".json"), (json.dumps(found, indent=1) + "\n").encode())
        write_atomically(options.out.with_suffix(".cells.csv"), cells(found).to_csv(index=False).encode())
        write_atomically(options.out, page(found).encode())
        print(f"{options.out} written")


if __name__ == "__main__":
    main()
