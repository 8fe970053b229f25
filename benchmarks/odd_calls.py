"""Do the public functions end well on odd data? A value that keeps its promises, or a refusal in words; no raw error, NaN or warning.

    python benchmarks/odd_calls.py             # 1,000 calls
    python benchmarks/odd_calls.py --quick     # 200
    python benchmarks/odd_calls.py --count 10000 --seed 1

Each turn draws data (constant, duplicated, huge, tiny, integers, float16, missing, wrong lengths) and a function, and asks it twice: of the
data, and of the same data after a change whose effect is known (rows in another order, another unit, the sides swapped, labels renamed).
Where the two answers do not agree as they must, one of them is wrong and silent about it. A call is one of the two.
"""

import argparse
import json
import math
import signal
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

import kdprobe
from kdprobe import DataError, Measurement, PlanError, Refusal, theory

RELATIVE = 1e-5
"""How far two answers may differ that are the same but for rounding."""
DISAGREE = "pairs that disagree"
SYMMETRIC = ("cka", "cca", "svcca", "procrustes", "mutual_knn", "neighbourhood_jaccard", "rsa")
SIMILARITIES = (*SYMMETRIC, "pwcca")

Pair = tuple[Callable[[], Any], Callable[[], Any], Callable[[Any, Any], bool]]


def array(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Rows of one of many kinds, some of which no function can read."""
    x = rng.normal(size=(rows, columns))
    kind = rng.integers(16)
    if kind == 0:
        x[:, 0] = 3.0
    elif kind == 1:
        x[:] = 1.5
    elif kind == 2:
        x = x[rng.integers(0, max(rows // 3, 1), rows)]
    elif kind == 3:
        x *= 10.0 ** rng.integers(-200, 200)
    elif kind == 4:
        x = x * 1e-3 + 1e6
    elif kind == 5 and x.size:
        x.flat[rng.integers(x.size)] = rng.choice([np.nan, np.inf, -np.inf])
    elif kind == 6:
        x = rng.integers(-3, 4, size=x.shape)
    elif kind == 7:
        x = x.astype(rng.choice(["float16", "float32"]))
    elif kind == 8:
        x = np.asfortranarray(x)[::-1]
    elif kind == 9:
        x = x > 0
    elif kind == 10:
        x = np.exp(4 * x)
    elif kind == 11 and columns:
        x = np.repeat(x[:, :1], columns, axis=1)
    return x


def near(one: Any, two: Any) -> bool:
    """Whether two answers are the same but for rounding; a refusal must be one on both sides."""
    if isinstance(one, Measurement) and isinstance(two, Measurement):
        return math.isclose(one.value, two.value, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return type(one) is type(two)


def similarity(rng: np.random.Generator) -> Pair:
    """A similarity of two sides, and the same with rows reordered, sides swapped, or one side in another unit."""
    rows = int(rng.choice([0, 1, 2, 3, 8, 30, 60]))
    x, y = (array(rng, rows, int(rng.choice([1, 2, 5, 40]))) for _ in range(2))
    name = str(rng.choice(SIMILARITIES))
    call = getattr(kdprobe, name)
    fast = {"permutations": 0} if name == "cka" else {"permutations": 19}
    order, change = rng.permutation(rows), rng.integers(3)
    if change == 0 and name in SYMMETRIC:
        return lambda: call(x, y, **fast), lambda: call(y, x, **fast), near
    if change == 1:
        return lambda: call(x, y, **fast), lambda: call(x * 4.0 if x.dtype == float else x, y, **fast), near
    # ties between neighbours are broken by place, so rows that are equal may change what is near
    ties = any(len(np.unique(side.astype(float), axis=0)) < rows for side in (x, y))
    same = (lambda one, two: type(one) is type(two)) if ties else near
    return lambda: call(x, y, **fast), lambda: call(x[order], y[order], **fast), same


def information(rng: np.random.Generator) -> Pair:
    """Mutual or usable information, and with renamed classes or swapped sides."""
    rows, classes = int(rng.choice([5, 30, 80])), int(rng.choice([1, 2, 3]))
    x, labels = array(rng, rows, int(rng.choice([1, 2]))), rng.integers(0, classes, rows)
    if rng.random() < 0.5:
        y = array(rng, rows, 1)
        return lambda: kdprobe.mutual_information(x, y), lambda: kdprobe.mutual_information(y, x), lambda a, b: type(a) is type(b)
    given = {"task": "classification", "inputs": "features", "family": "linear"}
    return (
        lambda: kdprobe.usable_information(x, labels, **given),
        lambda: kdprobe.usable_information(x, (labels + 1) % classes, **given),
        lambda a, b: type(a) is type(b),
    )


def outputs(rng: np.random.Generator) -> Pair:
    """Agreement or transfer of outputs, and with the rows in another order."""
    rows, classes = int(rng.choice([1, 2, 20, 60])), int(rng.choice([1, 2, 4]))
    teacher, student = (array(rng, rows, classes) for _ in range(2))
    order = rng.permutation(rows)
    if rng.random() < 0.5:
        task = str(rng.choice(["classification", "regression"]))
        return (
            lambda: kdprobe.agreement(teacher, student, task=task),
            lambda: kdprobe.agreement(teacher[order], student[order], task=task),
            lambda a, b: a.keys() == b.keys() and all(near(a[key], b[key]) for key in a),
        )
    twins = np.stack([np.asarray(array(rng, rows, classes), dtype=float) for _ in range(int(rng.integers(1, 4)))])
    return (
        lambda: kdprobe.transfer_coefficient(student, teacher, twins),
        lambda: kdprobe.transfer_coefficient(student, teacher, twins[::-1]),
        near,
    )


def runs(rng: np.random.Generator) -> Pair:
    """The gap of a table of runs, and with its rows in another order, its losses in another unit, or as scores."""
    seeds, sizes = int(rng.choice([1, 2, 5, 9])), [8, 16, 64, 256][: int(rng.integers(1, 5))]
    scale = 10.0 ** int(rng.choice([0, 0, -9, 9]))
    rows = [
        {
            "student_size": 4, "teacher_size": float(size), "seed": seed, "twin_loss": scale * float(rng.normal(1, 0.1)),
            "student_loss": scale * float(rng.normal(0.9, 0.1)), "teacher_loss": scale * float(rng.normal(0.5 + 1 / size, 0.05)),
        }
        for seed in range(seeds) for size in sizes
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    kind = rng.integers(9)
    if kind == 0:
        table = table.sample(frac=0.7, random_state=1)
    elif kind == 1:
        table.loc[0, "student_loss"] = rng.choice([np.nan, np.inf])
    elif kind == 2:
        table = pd.concat([table, table.iloc[:1]])
    elif kind == 3:
        table["twin_loss"] = table["student_loss"] = scale
    elif kind == 4:
        table = table.drop(columns="teacher_loss")

    def same(one: Any, two: Any, factor: float = 1.0) -> bool:
        a, b = one.verdict, two.verdict
        cost = [getattr(side, "cost", None) for side in (a, b)]
        values = [side.value for side in cost if isinstance(side, Measurement)]
        agree = len(values) < 2 or math.isclose(values[0] * factor, values[1], rel_tol=1e-4, abs_tol=1e-9 * scale * abs(factor))
        return str(a).split(".")[0].split(":")[0] == str(b).split(".")[0].split(":")[0] and agree

    losses = [name for name in table if str(name).endswith("_loss")]
    change = rng.integers(3)
    if change == 0:
        return lambda: kdprobe.runs_gap(table), lambda: kdprobe.runs_gap(table.sample(frac=1, random_state=2)), same
    if change == 1:
        larger = table.assign(**{name: table[name] * 8.0 for name in losses})
        return lambda: kdprobe.runs_gap(table), lambda: kdprobe.runs_gap(larger), lambda a, b: same(a, b, 8.0)
    scores = table.assign(**{name: -table[name] for name in losses})
    return lambda: kdprobe.runs_gap(table), lambda: kdprobe.runs_gap(scores, higher_is_better=True), same


def own_data(rng: np.random.Generator) -> Pair:
    """A task of a frame, and of the same frame with another order of its columns."""
    rows = int(rng.choice([0, 1, 5, 60, 200]))
    frame = pd.DataFrame({f"c{place}": list(array(rng, rows, 1)[:, 0]) for place in range(int(rng.integers(1, 4)))})
    frame["word"] = rng.choice(["x", "y", "", "NaN", "é" * 40], rows)
    frame["when"] = pd.date_range("2020-01-01", periods=rows)
    kind = rng.integers(6)
    if kind == 0 and rows:
        frame.loc[0, "word"] = None
    elif kind == 1:
        frame["word"] = frame["word"].astype("category")
    elif kind == 2:
        frame = frame.drop(columns="when")
    elif kind == 3:
        frame["nothing"] = np.nan
    given = {"target": str(rng.choice(["c0", "word", "missing"])), "drop_missing": bool(rng.integers(2)), "impute": bool(rng.integers(2))}
    given |= {"ignore": ["when"]} if rng.random() < 0.6 and "when" in frame else {}
    other = frame[list(frame.columns[::-1])]
    return (
        lambda: kdprobe.task_from_frame(frame.copy(), **given),
        lambda: kdprobe.task_from_frame(other.copy(), **given),
        lambda a, b: a.kind == b.kind,
    )


def advice(rng: np.random.Generator) -> Pair:
    """The advisor, and of the same rows in another order."""
    rows, columns = int(rng.choice([3, 20, 60, 150])), int(rng.choice([1, 4, 9]))
    x = array(rng, rows, columns)
    y = array(rng, rows, 1)[:, 0] if rng.random() < 0.3 else np.nan_to_num(x.astype(float)).sum(1) + rng.normal(size=rows)
    order = rng.permutation(rows)
    given = {"student": int(rng.integers(0, columns + 1))} if rng.random() < 0.4 else {}
    return lambda: theory.advise(x, y, **given), lambda: theory.advise(x[order], y[order], **given), lambda a, b: type(a) is type(b)


KINDS = (similarity, similarity, information, outputs, outputs, runs, runs, own_data, advice)


def numbers(value: Any, depth: int = 0) -> Iterator[float]:
    """Every number of an answer."""
    if isinstance(value, Measurement):
        yield from (value.value, value.low, value.high, *value.details.values())
    elif isinstance(value, dict) and depth < 3:
        for part in value.values():
            yield from numbers(part, depth + 1)


def asked(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How so many calls ended, and what is wrong with those that did not end well."""
    rng, found, wrong, told = np.random.default_rng(seed), Counter[str](), list[str](), 0
    while found.total() - found[DISAGREE] < count:
        print(*wrong[told:], sep="", file=sys.stderr, end="", flush=True)
        told = len(wrong)
        kind = KINDS[int(rng.integers(len(KINDS)))]
        state = rng.bit_generator.state["state"]["state"]
        first, second, same = kind(rng)
        answers = list[Any]()
        for call in (first, second):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    answer = call()
                bad = not all(map(math.isfinite, numbers(answer))) or "nan" in str(answer).split()
                ended = "NaN" if bad else "refusal" if isinstance(answer, Refusal) else "value"
            except (DataError, PlanError) as error:
                answer, ended = error, "error in words"
            except KeyboardInterrupt:
                return found, wrong
            except Exception:
                answer, ended = None, "raw error or warning"
                wrong.append(f"{kind.__name__} {state}: {traceback.format_exc(limit=-3)}")
            found[ended] += 1
            answers.append(answer)
            if ended == "NaN":
                wrong.append(f"{kind.__name__} {state}: {answer}")
        if all(isinstance(one, Exception) for one in answers) or None in answers:
            continue
        if any(isinstance(one, Exception) for one in answers) or not same(*answers):
            found[DISAGREE] += 1
            wrong.append(f"{kind.__name__} {state}: {' AGAINST '.join(str(one)[:300] for one in answers)}")
    return found, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found, wrong = asked(200 if options.quick else options.count, options.seed)
    if options.json:
        rows = [{"case": name, "ours": n, "peer": None, "peer_version": None, "ratio": None, "unit": "calls"} for name, n in found.items()]
        print(json.dumps({"rows": rows, "wrong": wrong, "missing_peers": []}))
        return
    for name, n in sorted(found.items()):
        print(f"{name}: {n}")
    print(*wrong[:40], sep="\n")


if __name__ == "__main__":
    main()
