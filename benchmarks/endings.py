"""Does kdprobe always end well? Sweeps that are killed and go on, and command lines that nobody would type.

    python benchmarks/endings.py             # 30 kills, 500 command lines
    python benchmarks/endings.py --quick     # 3 kills, 100 command lines
    python benchmarks/endings.py --kills 0 --commands 2000 --seed 1

A killed sweep must go on to the same runs.csv as one that nobody touched, but for the seconds that models took and the names of shards.
Main process and workers are killed in turn, at random moments. A command line must end with one of the promised exit codes, and never in
a traceback. What is counted is what happened, whatever it is.
"""

import argparse
import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import pandas as pd

from kdprobe.cli import run

SWEEP = [
    "sweep",
    "--gap",
    "--task",
    "bikeshare",
    "--scheme",
    "same_rows",
    "--teacher-widths",
    "2,4,8",
    "--student-widths",
    "2",
    "--seeds",
    "4",
    "--steps",
    "200",
    "--beside",
    "none",
    "--jobs",
    "2",
]
UNSPOKEN = re.compile(r"[:\[,] *-?(NaN|Infinity)\b")
CODES = {0, 1, 2, 3, 4, 130, 143}
WORDS = [
    *("", " ", "-", "--", "0", "-1", "1e9", "1e400", "nan", "inf", "-inf", "4.5", "²", "½", "letters", "leters", "true", "maybe", "none"),
    *(
        "8,32",
        "8,,32",
        ",",
        "a,b",
        "1:2",
        "x" * 300,
        "\x1b[2J",
        "../..",
        "/dev/null",
        ".",
        "nowhere",
        "tcp://",
        "ucx://x",
        "{}",
        "[1]",
        "α",
    ),
    *("99999999999999999999", "-0", "0x10", "1_000", "same_rows", "kd", "mlp", "cnn", "cpu", "cuda", "cuda:²", "stack", "loop", "alpha"),
]
FLAGS = [
    *("--gap", "--knowledge", "--pilot", "--quick", "--task", "--scheme", "--family", "--teacher-widths", "--student-widths", "--seeds"),
    *(
        "--first-seed",
        "--draws",
        "--distiller",
        "--batch-size",
        "--weight-decay",
        "--gradient-clip",
        "--patience",
        "--tune",
        "--tune-seeds",
    ),
    *("--alpha", "--temperature", "--steps", "--learning-rate", "--train-rows", "--transfer-rows", "--label-noise", "--teacher-steps"),
    *("--teacher-patience", "--teacher-weight-decay", "--options.depth", "--options", "--teacher-options.dropout", "--out", "--jobs"),
    *(
        "--scheduler",
        "--device",
        "--engine",
        "--probes",
        "--no-similarity",
        "--json",
        "--config",
        "--unit-timeout",
        "--target",
        "-o",
        "--help",
    ),
    *("--teacher-width", "--alphas", "--no-such-flag"),
]
COMMANDS = ["sweep", "sweep", "probe", "report", "zoo", "data", "gap", "advise", "gates", "tables", "ls", "swep", ""]
SECOND = {
    "zoo": ["ls", "show", "verify", "rebuild", "merge", "nothing"],
    "data": ["ls", "check", "check", "nothing"],
    "ls": ["probes", "tasks", "nothing"],
}
TABLES = {
    "runs.csv": "student_params,teacher_params,seed,student_loss,twin_loss\n"
    + "".join(f"100,{size},{seed},{0.5 + 0.01 * seed + 0.1 / size},0.6\n" for size in (200, 400, 800) for seed in range(5)),
    "scores.csv": "student,teacher,seed,gain,metric\n" + "".join(f"1.2M,{k}k,{seed},{k * seed},a\n" for k in (3, 9) for seed in range(4)),
    "own.csv": "a,b,word,price,group\n"
    + "".join(f"{row % 7},{row * 0.5},{'xyz'[row % 3]},{row * row % 11 + 0.5},{row % 9}\n" for row in range(90)),
    "twice.csv": "a,a,price\n1,2,3\n4,5,6\n",
    "holes.csv": "a,b,price\n" + "".join(f"{row},{'' if row % 4 else 'nan'},{row % 2}\n" for row in range(40)),
    "head.csv": "a,b,price\n",
    "empty.csv": "",
    "ragged.csv": "a,b,price\n1,2\n1,2,3,4\n",
    "semicolon.csv": "a;b;price\n" + "".join(f"{row},5;{row};{row},25\n" for row in range(40)),
    "huge.csv": "a,price\n" + "".join(f"{row}e307,{-row}e307\n" for row in range(60)),
    "constant.csv": "a,price\n" + "1,1\n" * 60,
    "logits.csv": "".join(f"{row % 3},{row % 5},{row % 2}\n" for row in range(40)),
    "short.csv": "1,2,3\n",
    "zero.csv": "\x00\x01\n\x00",
    "bytes.npz": "PK\x03\x04 no archive",
    "bytes.npy": "\x93NUMPY\x01",
}
"""Files that lie in the folder of the command lines: readable ones, and what people have in place of them."""
OWN = {
    "gap": [
        *("--student-size", "--teacher-size", "--seed", "--student-loss", "--twin-loss", "--teacher-loss", "--loss", "--gain", "--draw"),
        *(
            "--by",
            "--higher-is-better",
            "--lower-is-better",
            "--margin",
            "--unit",
            "--delimiter",
            "--decimal",
            "--template",
            "--json",
            "-o",
        ),
    ],
    "data": ["--target", "--kind", "--group", "--ignore", "--drop-missing", "--impute", "--delimiter", "--decimal", "--json", "--data"],
    "probe": ["--task", "--target", "--twin", "--sibling", "--require", "--json", "-o", "--teacher", "--student"],
    "advise": ["--target", "--student", "--alpha", "--temperature", "--seed", "--json", "--noise", "--help"],
}
COLUMNS = [
    "a",
    "b",
    "word",
    "price",
    "group",
    "seed",
    "gain",
    "teacher",
    "teacher_params",
    "student_loss",
    ";",
    ".",
    "gain>0",
    "1/2",
    "3/2",
]


def tables(folder: Path) -> None:
    """Write the tables."""
    for name, text in TABLES.items():
        (folder / name).write_text(text, encoding="latin-1")


def command_line(rng: random.Random) -> list[str]:
    """A command line of odd parts; sweeps and fetches are never carried out."""
    command = rng.choice(COMMANDS)
    words = [command, *([rng.choice(SECOND[command])] if command in SECOND else [])]
    values = [*WORDS, *COLUMNS, *TABLES] if command in OWN else [*WORDS, "1/2", "0/3", "3/2", "1/1"]
    if command == "sweep":
        words += [rng.choice(["--gap", "--gap", "--knowledge", "--transfer"]), "--dry-run"]
        own = rng.random() < 0.3
        data = ["--data", rng.choice(list(TABLES)), "--target", rng.choice(["price", "price", "a", "word"])]
        words += data if own else ["--task", "bikeshare"]
        words += ["--shard", rng.choice([*WORDS, "1/2", "2/3", "4/3", "0/1"])] if rng.random() < 0.2 else []
    elif command in OWN:
        words += rng.choices(list(TABLES), k=2 if command == "probe" else 1)
        words += ["--task", rng.choice(["classification", "regression"])] if command == "probe" else []
        words += ["--target", "price"] if command in ("data", "advise") and rng.random() < 0.5 else []
    for _ in range(rng.randint(0, 3)):
        flag = rng.choice(OWN.get(command, FLAGS) if rng.random() < 0.9 else FLAGS)
        words += [flag] if rng.random() < 0.2 else [flag, rng.choice(values)]
    return words + rng.choices(WORDS, k=rng.randint(0, 2) if command not in ("sweep", *OWN) else 0)


def odd_commands(count: int, rng: random.Random) -> tuple[Counter[str], list[str]]:
    """Exit codes of so many command lines, and those that ended in a traceback or with another code."""
    found, broken = Counter[str](), []
    tables(Path())
    for _ in range(count):
        words = command_line(rng)
        output = io.StringIO()
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                code: object = run(words)
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            code = traceback.format_exc(limit=-2)
        if code in (130, 143):
            break  # somebody stopped this: what was counted until then is said
        # neither tracebacks nor what JSON has no word for
        good = code in CODES and "Traceback" not in output.getvalue() and not ("--json" in words and UNSPOKEN.search(output.getvalue()))
        found[str(code) if good else "broken"] += 1
        if not good:
            print(words, file=sys.stderr, flush=True)
            broken.append(f"{words}: {code} {output.getvalue()[-300:]}")
    return found, broken


def runs_of(zoo: Path) -> pd.DataFrame:
    """What a sweep found, without what differs from run to run."""
    return pd.read_csv(zoo / "runs.csv").drop(columns=["seconds", "shard", "slot"]).sort_values("model_id").reset_index(drop=True)


def victims(process: subprocess.Popen[bytes], *, worker: bool) -> list[int]:
    """The process to kill: the main one, or one of the Python processes below it."""
    if not worker:
        return [process.pid]
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    parents = {int(pid): int(parent) for pid, parent, *_ in rows}

    def below(pid: int) -> bool:
        return pid == process.pid or (pid in parents and pid > 1 and below(parents[pid]))

    return [int(pid) for pid, _, *args in rows if int(pid) != process.pid and below(int(pid)) and "spawn_main" in " ".join(args)]


def kills(count: int, rng: random.Random, folder: Path) -> Counter[str]:
    """How sweeps that were killed ended when the same command was given again."""
    command = [sys.executable, "-m", "kdprobe", *SWEEP, "--out"]
    began = time.monotonic()
    subprocess.run([*command, "whole"], cwd=folder, capture_output=True, check=True)
    seconds, whole = time.monotonic() - began, runs_of(folder / "whole")
    found = Counter[str]()
    done = place = 0
    while done < count and place < 3 * count:
        place += 1
        worker, out = place % 3 == 0, f"killed{place}"
        process = subprocess.Popen([*command, out], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.3, 0.95) * seconds)
        chosen = victims(process, worker=worker)
        if chosen and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(chosen), signal.SIGKILL)
            done += 1
            found["workers killed" if worker else "main process killed"] += 1
        process.wait(timeout=300)
        again = subprocess.run([*command, out], cwd=folder, capture_output=True, text=True, timeout=300)
        same = again.returncode == 0 and runs_of(folder / out).equals(whole)
        found["went on to the same runs" if same else f"BROKEN: exit {again.returncode}"] += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--commands", type=int)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rng = random.Random(asked.seed)
    count = (3 if asked.quick else 30) if asked.kills is None else asked.kills
    lines = (100 if asked.quick else 500) if asked.commands is None else asked.commands
    before = Path.cwd()
    # a command that cannot write points file descriptor 1 elsewhere, so that Python does not complain at exit
    sys.stdout = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        codes, broken = odd_commands(lines, rng)
        ended = kills(count, rng, Path(folder)) if count else Counter[str]()
        os.chdir(before)
    rows = [{"case": f"command lines: {code}", "ours": n} for code, n in sorted(codes.items())]
    rows += [{"case": f"kills: {what}", "ours": n} for what, n in sorted(ended.items())]
    if asked.json:
        print(json.dumps([row | {"peer": None, "peer_version": None, "ratio": None, "unit": "count"} for row in rows]))
    else:
        for row in rows:
            print(f"{row['case']}: {row['ours']}")
        print(*broken[:20], sep="\n")


if __name__ == "__main__":
    main()
