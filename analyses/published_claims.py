"""Five published claims on distillation, judged again: an assistant, a constant ratio, teachers stopped early, two temperatures, smoothing.

    python analyses/published_claims.py                                        # the verdicts, printed: some minutes on two cores
    python analyses/published_claims.py --quick                                # one small set, too few steps for anything: seconds
    python analyses/published_claims.py --out reports/published_claims.html    # write the page, and its numbers beside it as JSON

Claims and rules are in `_published_claims.py`, and were committed before any result. Perceptrons with one hidden layer on letters, digits,
Fashion-MNIST and bikeshare; every student has its teacher's own labelled rows and α .5, and all are paired by seed.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _published_claims import CLAIMS, Setting, judged, majority
from _published_page import page
from _published_runs import SIZES, STUDENTS, Bench, curves, law, settings
from _stacked import data, kept

from kdprobe.core.errors import DataError
from kdprobe.core.files import write_atomically
from kdprobe.stats.paired import contrast

SEEDS = 10
PARTS = ("differences", "ratios")
LAW_ON = ("letters", "digits", "bikeshare")


def results(
    *,
    names: Sequence[str] = tuple(SIZES),
    only: Sequence[str] = PARTS,
    students: Sequence[int] = STUDENTS,
    quick: bool = False,
    seeds: int = SEEDS,
    zoos: Path | None = None,
    train: bool = True,
) -> dict[str, Any]:
    """Train what is not kept yet, and return the numbers of the page: plain values, so that they are kept as JSON."""
    found, curve, missing = list[tuple[Setting, Setting]](), list[dict[str, Any]](), list[str]()
    for name in names:
        units: dict[tuple[str, str], Callable[[], Any]] = {}
        if "differences" in only:
            units["differences", name] = partial(differences, name, quick=quick, seeds=seeds)
        for width in students if "ratios" in only and name in LAW_ON else ():
            units["ratios", f"{name}-{width}"] = partial(ratios, name, width, quick=quick, seeds=seeds)
        for (part, unit), make in units.items():
            try:
                own = kept(zoos, f"published-{part}-{unit}-{seeds}", make, train=train)
            except DataError as error:
                missing.append(f"{name}: {str(error).partition('. Three ways')[0].partition(': leave')[0]}")
                continue
            if part == "ratios":
                curve += own
            else:
                found += [tuple(Setting(**one | {"differences": np.array(one["differences"])}) for one in pair) for pair in own]
    return {"seeds": seeds, "claims": [claim(one.name, found, curve) for one in CLAIMS], "missing": missing}


def differences(name: str, *, quick: bool, seeds: int) -> list[list[dict[str, Any]]]:
    """Settings of one data set, by score and by loss, as plain values."""
    bench = Bench(data(name, steps=40 if quick else None), seeds=seeds)
    found = settings(bench, report=_reporter())
    return [[vars(one) | {"differences": one.differences.tolist()} for one in pair] for pair in found]


def ratios(name: str, width: int, *, quick: bool, seeds: int) -> list[dict[str, object]]:
    """What the curve of one student size on one data set says of the law, as plain values."""
    bench = Bench(data(name, steps=40 if quick else None), seeds=seeds)
    return law(curves(bench, width, report=_reporter()), name)


def _reporter() -> Callable[[str], None]:
    start = time.perf_counter()
    return lambda what: print(f"{time.perf_counter() - start:.0f} s: {what}", flush=True)


def claim(name: str, found: Sequence[tuple[Setting, Setting]], curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Verdict and settings of one claim."""
    if name == "law":
        return {"name": name, "verdict": majority([str(one["told"]) for one in curve]), "settings": list(curve)}
    own = [(score, loss) for score, loss in found if score.claim == name]
    if not own:
        return {"name": name, "verdict": "INCONCLUSIVE", "settings": []}
    verdict, told = judged([score for score, _ in own])
    by_loss, told_loss = judged([loss for _, loss in own])
    rows = [
        {
            "where": score.where, "score": interval(score), "margin": score.margin, "told": word, "loss": interval(loss),
            "loss_told": loss_word, "note": score.note, "seeds": [round(float(value), 6) for value in score.differences],
        }
        for (score, loss), word, loss_word in zip(own, told, told_loss, strict=True)
    ]  # fmt: skip
    return {"name": name, "verdict": verdict, "by_loss": by_loss, "settings": rows}


def interval(one: Setting) -> list[float]:
    """Mean and ends of the 95 % interval of one setting, by itself."""
    found = contrast(one.differences).measurement()
    return [round(float(value), 6) for value in (found.value, found.low, found.high)]


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small set, too few steps for anything")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="paired seeds; below 8 no claim is judged")
    parser.add_argument("--sets", default=",".join(SIZES), help="names of the sets, with commas between them")
    parser.add_argument("--parts", default=",".join(PARTS), help="differences, ratios (of the capacity-gap law) or both")
    parser.add_argument("--students", default=",".join(map(str, STUDENTS)), help="hidden units of the students of the ratios")
    parser.add_argument("--zoos", type=Path, default=Path("sweep-published-claims"), help="folder of what is trained; it is not repeated")
    parser.add_argument("--kept-only", action="store_true", help="judge what is trained already, and name what is not")
    parser.add_argument("--out", type=Path, help="write the page here, and its numbers beside it as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
    names = ("digits",) if options.quick else options.sets.split(",")
    found = results(
        names=names,
        only=options.parts.split(","),
        students=[int(one) for one in options.students.split(",")],
        quick=options.quick,
        seeds=options.seeds,
        zoos=None if options.quick else options.zoos,
        train=not options.kept_only,
    )
    for one in (one for one in found["claims"] if one["settings"]):
        words = [row["told"] for row in one["settings"]]
        print(f"{one['name']}: {one['verdict']} ({', '.join(f'{words.count(w)} {w}' for w in ('for', 'against', 'neither'))})")
    if options.out is not None:
        write_atomically(options.out.with_suffix(".json"), (json.dumps(found, indent=1) + "\n").encode())
        write_atomically(options.out, page(found).encode())
        print(f"{options.out} written")


if __name__ == "__main__":
    main()
