"""Training of many students: CPU time beside an honest loop, a RepDistiller-like loop, torchdistill and equinox; a grid of 250 runs.

    python benchmarks/training.py                     # all parts without peers that are packages: about fifteen minutes
    python benchmarks/training.py --quick             # two small cases, no peers, under a minute
    python benchmarks/training.py --python torchdistill=TD/bin/python --python equinox=EQ/bin/python

The same students for all: one architecture, real teachers, soft targets at T = 2 with weight .7, AdamW with a cosine, the same passes over
the same rows, the loss on the same validation rows after each pass. Every student has its own initialisation and its own batch order in
every row of the table. A loop that asks the teacher anew for each batch pays for the teacher's size: the CNN learns from teachers of two
and of eight times its channels. Trainers are processes of their own (`benchmarks/trainers/`), one thread each, that take turns within one
run; times are CPU seconds by student, made networks and batch orders included, and ratios are medians over the rounds. Accuracies on test
rows must be equal: each row tells the difference of means, with intervals that hold all at once with 95 % (Bonferroni). Peers that are
packages need environments of their own:

    python -m venv TD && TD/bin/pip install torch numpy scipy pyyaml cython pillow
    TD/bin/pip install --no-deps torchvision torchdistill==1.1.5
    python -m venv EQ && EQ/bin/pip install equinox jax optax
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from kdprobe.core.errors import DataError
from kdprobe.core.registry import find
from kdprobe.core.task import SplitSizes
from kdprobe.tasks.splits import Split, split
from kdprobe.training.engines import train
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem
from kdprobe.training.teachers import Teachers

sys.path.insert(0, str(Path(__file__).parent / "trainers"))
from _work import Work, peak_mb

Row = dict[str, Any]
OURS = "kdprobe"
HONEST, REPDISTILLER, TORCHDISTILL, EQUINOX = "honest loop", "RepDistiller-like loop", "torchdistill", "equinox"
FILES = {OURS: "stack", HONEST: "honest_loop", REPDISTILLER: "repdistiller_like", TORCHDISTILL: "torchdistill_box", EQUINOX: "equinox_vmap"}
TEACHERS = 4
MEMORY, GRID_SECONDS = 2048, 15


@dataclass(frozen=True, kw_only=True)
class Case:
    """Students of one size on one task. `floors` and `goals` are times as fast as a peer."""

    title: str
    task: str
    family: str
    width: int
    teacher_width: int
    rows: int
    models: int
    floors: dict[str, float]
    goals: dict[str, float]


SMALL = {HONEST: 4.5, TORCHDISTILL: 15, REPDISTILLER: 19}, {HONEST: 6, TORCHDISTILL: 25, REPDISTILLER: 30}
WIDE = {HONEST: 1.7, TORCHDISTILL: 5, REPDISTILLER: 5}, {HONEST: 2.5, TORCHDISTILL: 8, REPDISTILLER: 8}
MAPS = {HONEST: 1.4, TORCHDISTILL: 12, REPDISTILLER: 12}, {HONEST: 2, TORCHDISTILL: 16, REPDISTILLER: 16}


def _case(title: str, task: str, family: str, width: int, teacher_width: int, rows: int, models: int, wanted: Any) -> Case:
    floors, goals = wanted
    return Case(
        title=title,
        task=task,
        family=family,
        width=width,
        teacher_width=teacher_width,
        rows=rows,
        models=models,
        floors=floors,
        goals=goals,
    )


CASES = {
    "mlp32": _case("MLP h=32, letters (16 inputs)", "letters", "mlp", 32, 128, 1920, 64, SMALL),
    "mlp128": _case("MLP h=128, letters (16 inputs)", "letters", "mlp", 128, 256, 1920, 64, WIDE),
    "pixels32": _case("MLP h=32, Fashion-MNIST (784 inputs)", "fashion_mnist", "mlp", 32, 128, 1920, 32, SMALL),
    "pixels128": _case("MLP h=128, Fashion-MNIST (784 inputs)", "fashion_mnist", "mlp", 128, 256, 1920, 16, WIDE),
    "cnn": _case("CNN with 8 channels, Fashion-MNIST (28×28), teachers of 16", "fashion_mnist", "cnn", 8, 16, 960, 8, MAPS),
    "cnn64": _case("CNN with 8 channels, Fashion-MNIST (28×28), teachers of 64", "fashion_mnist", "cnn", 8, 64, 960, 8, MAPS),
    "cnn128": _case("CNN with 8 channels, Fashion-MNIST (28×28), teachers of 128", "fashion_mnist", "cnn", 8, 128, 960, 8, MAPS),
}
PARTS = (*CASES, "grid")
AT_ONCE = {HONEST: 8, REPDISTILLER: 2, TORCHDISTILL: 2}
"""Students of a loop in one round; a stack trains all of a case."""


# ---- the work


def teachers_of(family: str, width: int, parts: Split, steps: int, seeds: range) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Real teachers on the train rows of a split: their parameters, and their outputs on these rows (teachers, n, c)."""
    found, jobs = find("families", family), [_job(family, width, "teacher", seed, steps) for seed in seeds]
    problem = _problem(parts, family, "none", None, [0] * len(jobs))
    state = train(jobs, problem).state
    outputs = []
    for place in range(len(jobs)):
        module = found.build(parts.input_shape, parts.outputs, width, torch.Generator(), **found.options).eval()
        module.load_state_dict({name: values[place] for name, values in state.items()})
        with torch.no_grad():
            outputs.append(module(problem.x)[0])
    return state, torch.stack(outputs)


def _job(family: str, width: int, role: Any, seed: int, steps: int, **more: Any) -> Job:
    options = dict(find("families", family).options)
    shared = {"task": "benchmark", "data": "rows", "draw": 0, "family": family, "width": width, "options": options, "batch_size": 64}
    return Job(**shared, role=role, seed=seed, steps=steps, learning_rate=0.01, weight_decay=1e-4, **more)


def _problem(parts: Split, family: str, distiller: str, outputs: torch.Tensor | None, teacher_of: list[int]) -> Problem:
    def labels(y: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.array(y, dtype=np.int64 if parts.kind == "classification" else np.float32))

    return Problem(
        kind=parts.kind,
        family=find("families", family),
        distiller=find("distillers", distiller),
        outputs=parts.outputs,
        x=torch.from_numpy(parts.train.x.copy()),
        y=labels(parts.train.y),
        teachers=None if outputs is None else Teachers(outputs=outputs),
        teacher_of=teacher_of,
        validation_x=torch.from_numpy(parts.validation.x.copy()),
        validation_y=labels(parts.validation.y),
    )


def work_of(case: Case, epochs: int) -> Work:
    """Rows and trained teachers of a case."""
    task = find("tasks", case.task)
    parts = split(task, sizes=SplitSizes(train=case.rows, transfer=0, validation=1000, probe_a=1000, probe_b=2000))
    state, logits = teachers_of(case.family, case.teacher_width, parts, epochs * case.rows // 64, range(TEACHERS))
    arrays = {"logits": logits.numpy()}
    for name, part in (("", parts.train), ("validation_", parts.validation), ("test_", parts.probe_b)):
        arrays |= {f"{name}x": part.x, f"{name}y": part.y}
    for place in range(TEACHERS):
        arrays |= {f"teacher{place}.{i}": values[place].numpy() for i, values in enumerate(state.values())}
    return Work(
        family=case.family,
        width=case.width,
        teacher_width=case.teacher_width,
        epochs=epochs,
        batch=64,
        rate=0.01,
        decay=1e-4,
        alpha=0.7,
        temperature=2.0,
        arrays=arrays,
    )


# ---- the run


@contextmanager
def trainer(name: str, python: str, folder: Path) -> Iterator[Any]:
    """Start a trainer; yields a function: seeds -> its answer."""
    command = [python, "-W", "ignore", str(Path(__file__).parent / "trainers" / f"{FILES[name]}.py"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(seeds: list[int]) -> dict[str, Any]:
            print(json.dumps(seeds), file=process.stdin, flush=True)
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{name} ended with {process.wait()}: its message is above")
            return json.loads(line)

        yield ask
        process.stdin.close()


def compare(case: Case, pythons: dict[str, str], *, epochs: int, models: int, rounds: int, comparisons: int) -> Iterator[Row]:
    """One case: all trainers take turns, in another order each round. `comparisons` are those of the whole table."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        work_of(case, epochs).save(Path(name))
        asked = {peer: stack.enter_context(trainer(peer, python, Path(name))) for peer, python in pythons.items()}
        counts = {peer: min(models, AT_ONCE.get(peer, models)) for peer in asked}
        answers: dict[str, list[dict[str, Any]]] = {peer: [] for peer in asked}
        for peer, ask in asked.items():
            ask(list(range(counts[peer])))  # warms caches and compilers
        for turn in range(rounds):
            order = list(asked)
            for peer in order[turn % len(order) :] + order[: turn % len(order)]:
                # every peer has students of all teachers, whether it trains many in a round or two
                first = 100 + turn * (TEACHERS * models + counts[peer])
                answers[peer].append(asked[peer](list(range(first, first + counts[peer]))))
        ours, *peers = asked
        for peer in peers:
            yield beside(case, answers[ours], answers[peer], peer, counts, 1 - 0.05 / comparisons)
        seconds = float(np.median([answer["cpu"] for answer in answers[ours]])) / counts[ours]
        yield compared(f"{case.title}: a student", seconds, "-", np.nan, "", "CPU s") | _told(answers[ours])
        memory = max(answer["memory"] or np.nan for answer in answers[ours])
        yield compared(f"{case.title}: peak memory", memory, "-", np.nan, "", "MB") | {"floor": MEMORY, "met": bool(memory < MEMORY)}


def beside(
    case: Case, ours: list[dict[str, Any]], theirs: list[dict[str, Any]], peer: str, counts: dict[str, int], confidence: float
) -> Row:
    """One peer of a case: times of a student, the ratio's range over rounds, and the difference of accuracies."""
    mine, other = (np.array([answer["cpu"] for answer in side]) / counts[who] for side, who in ((ours, OURS), (theirs, peer)))
    ratios = other / mine
    accuracies = [np.concatenate([answer["accuracy"] for answer in side]) for side in (ours, theirs)]
    test = stats.ttest_ind(*accuracies, equal_var=False) if min(map(len, accuracies)) > 1 else None
    interval = test.confidence_interval(confidence) if test is not None else (None, None)
    row = compared(case.title, float(np.median(mine)), peer, float(np.median(other)), theirs[0]["versions"], "CPU s by student")
    faster = float(np.median(ratios))
    return (
        row
        | {
            "ratio": 1 / faster,
            "faster": faster,
            "least": float(ratios.min()),
            "most": float(ratios.max()),
            "floor": case.floors.get(peer),
            "goal": case.goals.get(peer),
            "met": faster >= case.floors[peer] if peer in case.floors else None,
            "difference": float(accuracies[0].mean() - accuracies[1].mean()),
            "low": None if interval[0] is None else float(interval[0]),
            "high": None if interval[1] is None else float(interval[1]),
        }
        | _told(ours)
    )


def _told(ours: list[dict[str, Any]]) -> Row:
    accuracies = np.concatenate([answer["accuracy"] for answer in ours])
    return {"engine": ours[0]["engine"], "accuracy": float(accuracies.mean()), "models": len(accuracies)}


# ---- a grid of regression runs


def grid(*, rows: int = 8000, epochs: int = 8, teachers: int = 5, alphas: int = 5, seeds: int = 10) -> Iterator[Row]:
    """Students of h=32 on bikeshare: teachers × weights × seeds, batch 64."""
    # nearly all there are
    parts = split(find("tasks", "bikeshare"), sizes=SplitSizes(train=rows, transfer=0, validation=300, probe_a=100, probe_b=100))
    steps = epochs * rows // 64
    _, outputs = teachers_of("mlp", 128, parts, steps, range(teachers))
    jobs, teacher_of = [], []
    for teacher in range(teachers):
        for alpha in np.linspace(0.1, 0.9, alphas):
            for seed in range(seeds):
                taught = {"scheme": "same_rows", "distiller": "l2_imitation", "alpha": float(alpha), "teacher": f"{teacher:064d}"}
                jobs.append(_job("mlp", 32, "student", seed, steps, **taught))
                teacher_of.append(teacher)
    problem = _problem(parts, "mlp", "l2_imitation", outputs, teacher_of)
    wall, start = time.perf_counter(), time.process_time()
    trained = train(jobs, problem)
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    case = f"{len(jobs)} regression runs, {rows:,} rows × {epochs} epochs, {parts.input_shape[0]} inputs, h=32"
    told = {"engine": trained.engine, "wall": wall}
    yield compared(case, seconds, "-", np.nan, "", "CPU s") | {"floor": GRID_SECONDS, "met": seconds <= GRID_SECONDS} | told
    memory = peak_mb() or np.nan
    yield compared(f"{case}: peak memory", memory, "-", np.nan, "", "MB") | {"floor": MEMORY, "met": bool(memory < MEMORY)}


# ---- the table


def compared(case: str, ours: float, peer: str, theirs: float, version: str, unit: str) -> Row:
    """One row of the table; what is not known is None."""
    known = np.isfinite(theirs)
    return {
        "case": case,
        "ours": float(ours) if np.isfinite(ours) else None,
        "peer": peer,
        "theirs": float(theirs) if known else None,
        "peer_version": version,
        "ratio": float(ours / theirs) if known and theirs else None,
        "unit": unit,
    }


def line(row: Row) -> str:
    """A row for people."""
    if row["peer"] == "-":
        ours = "not known" if row["ours"] is None else f"{row['ours']:.4g}"
        wanted = f"  at most {row['floor']}: {'met' if row['met'] else 'MISSED'}" if row.get("floor") else ""
        wall = f", {row['wall']:.1f} s on the clock" if "wall" in row else ""
        engine = f", {row['engine']}" if "engine" in row else ""
        return f"{row['case']:82} {ours:>8} {row['unit']}{wall}{engine}{wanted}"
    times = f"{row['faster']:.1f} times ({row['least']:.1f} to {row['most']:.1f})"
    wanted = "" if row["floor"] is None else f"floor {row['floor']}: {'met' if row['met'] else 'MISSED'}, goal {row['goal']}"
    interval = "" if row["low"] is None else f"accuracy {row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"
    return f"{row['case']:44} {row['peer'] + ' (' + row['peer_version'] + ')':52} {times:26} {wanted:32} {interval}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="two small cases and a small grid, no peers, under a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--part", choices=PARTS, action="append", help="may be given several times; default: all")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH", help="Python of a peer's own environment")
    parser.add_argument("--rounds", type=int, help="turns of each trainer (default 4, quick 1)")
    parser.add_argument("--models", type=int, help="students of a stack (default by case)")
    parser.add_argument("--epochs", type=int, help="passes over the rows (default 20, quick 4)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    quick = options.quick
    pythons = {OURS: sys.executable, HONEST: sys.executable} | ({} if quick else {REPDISTILLER: sys.executable})
    pythons |= dict(entry.split("=", 1) for entry in options.python)
    if unknown := set(pythons) - set(FILES):
        parser.error(f"--python {unknown.pop()}=...: give {TORCHDISTILL} or {EQUINOX}")
    epochs, rounds = options.epochs or (4 if quick else 20), options.rounds or (1 if quick else 4)
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    asked = options.part or (("mlp32", "cnn", "grid") if quick else PARTS)
    comparisons = max(1, (len(pythons) - 1) * len(set(asked) & set(CASES)))
    for part in asked:
        if part == "grid":
            found = grid(rows=800, epochs=2, alphas=2, seeds=2) if quick else grid()
        else:
            case = CASES[part]
            models = options.models or (min(case.models, 16) if quick else case.models)
            found = compare(case, pythons, epochs=epochs, models=models, rounds=rounds, comparisons=comparisons)
        try:
            for row in found:
                # of little work no floor is asked: what is paid once weighs too much
                rows.append({"part": part} | row | ({"floor": None, "goal": None, "met": None} if quick else {}))
                if not options.json:
                    print(line(rows[-1]), flush=True)
        except DataError as error:  # its data is not on this machine, and the error says what brings it: what is done stands
            skipped[part] = str(error)
    missing = [name for name in FILES if name not in pythons]
    if options.json:
        print(json.dumps({"rows": rows, "missing_peers": missing, "not_run": skipped}, ensure_ascii=False))
        return
    for part, why in skipped.items():
        print(f"not run: {part}: {why}")
    if missing:
        print(f"not run: {', '.join(missing)}" + (" (--quick)" if quick else ": give --python, see the head of this file"))


if __name__ == "__main__":
    main()
