"""Do the tests notice a wrong line? Mutants of the source, sampled by room with a fixed seed, each run against its room's tests.

    make mutants                                                    # 30 of stats, measures and verdicts
    python benchmarks/mutants.py --rooms stats theory --count 50 --seed 7
    python benchmarks/mutants.py --quick                            # 3 of stats, a minute

A mutant is one change of one expression: a comparison, an operator, a number, a condition, a default, a keyword that is left out. Texts,
annotations and what is raised stay as they are. It is made in a copy of the repository, never in the checkout. The tests of a mutant are
those of its own file first (`tests/stats/test_paired.py` for `kdprobe/stats/paired.py`), then those of its room that name what is in it,
then all others of its room, until one fails, each in a fork of a process that has imported torch and the like already. More seconds than
`--seconds` count as noticed, for a loop that never ends is. What nothing notices is printed as a difference of one line: look at each, for
some change nothing that anybody could see.
"""

import argparse
import ast
import contextlib
import importlib
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("stats", "measures", "verdicts")
COMPARISONS = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
}  # fmt: skip
OPERATORS = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "/"), ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"),
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum", "argmin": "argmax"}
CALLS |= {"argmax": "argmin", "mean": "sum", "sum": "mean", "log": "log1p", "exp": "expm1", "sqrt": "square"}


UNSEEN = (None, "strict", "advice")
"""Keywords that are never left out: a check of the programmer's, and a text."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Parameters
    ----------
    start, end
        Offsets in the file's bytes of what is replaced.
    """

    file: str
    line: int
    kind: str
    start: int
    end: int
    text: str

    @property
    def room(self) -> str:
        """The folder of the package that it is in."""
        return Path(self.file).parts[1]

    def applied(self, source: bytes) -> bytes:
        """The file with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]


class _Finder(ast.NodeVisitor):
    """All changes of a file, in the order of its lines."""

    def __init__(self, file: str, source: bytes):
        self.file, self.source, self.found = file, source, list[Mutant]()
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def _at(self, node: Any, *, end: bool = False) -> int:
        line, column = (node.end_lineno, node.end_col_offset) if end else (node.lineno, node.col_offset)
        return self._lines[line - 1] + column

    def _text(self, node: Any) -> str:
        return self.source[self._at(node) : self._at(node, end=True)].decode()

    def _replace(self, node: Any, kind: str, text: str) -> None:
        self.found.append(Mutant(self.file, node.lineno, kind, self._at(node), self._at(node, end=True), text))

    def visit_Raise(self, node: ast.Raise) -> None:
        """What is raised is a text, and each has a test."""

    visit_Assert = visit_JoinedStr = visit_Import = visit_ImportFrom = visit_Raise

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """An annotation decides nothing."""
        if node.value is not None:
            self.visit(node.value)

    def visit_arguments(self, node: ast.arguments) -> None:
        """Defaults alone."""
        for default in (*node.defaults, *node.kw_defaults):
            if default is not None:
                self.visit(default)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Its body, without decorators."""
        for statement in node.body:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Arguments and body, without decorators and what it returns by its annotation."""
        self.visit(node.args)
        for statement in node.body:
            self.visit(statement)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Turn each comparison, the others of a chain as they are."""
        for operator, (left, right) in zip(node.ops, pairwise([node.left, *node.comparators]), strict=True):
            self._between(left, right, "comparison", *COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Another operator."""
        if type(node.op) in OPERATORS:
            self._between(node.left, node.right, "operator", *OPERATORS[type(node.op)])
        self.generic_visit(node)

    def _between(self, left: Any, right: Any, kind: str, own: str, other: str) -> None:
        """Replace the word between two sides, parentheses and all else as they are."""
        start = self._at(left, end=True)
        place = self.source[start : self._at(right)].find(own.encode())
        if place >= 0:
            self.found.append(Mutant(self.file, left.end_lineno, f"{kind} {own}", start + place, start + place + len(own), other))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Without its sign."""
        if isinstance(node.op, ast.USub | ast.Not | ast.Invert):
            self._replace(node, f"sign {type(node.op).__name__}", f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """And for or; or for and."""
        word = " or " if isinstance(node.op, ast.And) else " and "
        self._replace(node, f"condition {type(node.op).__name__}", word.join(f"({self._text(value)})" for value in node.values))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Another number, the other truth."""
        if isinstance(node.value, bool):
            self._replace(node, "truth", str(not node.value))
        elif isinstance(node.value, int | float):
            self._replace(node, "number", repr(_other(node.value)))

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Each of its two values whatever the condition."""
        for kind, side in (("always", node.body), ("never", node.orelse)):
            self._replace(node, kind, f"({self._text(side)})")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        """A branch that is never taken."""
        self._replace(node.test, "branch", "False")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """A neighbour of a function, and a call without one of its keywords."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        if name in CALLS:
            text = self._text(node.func)
            self._replace(node.func, f"call {name}", text.removesuffix(name) + CALLS[name])
        for keyword in node.keywords:
            others = [*node.args, *(one for one in node.keywords if one is not keyword)]
            if keyword.arg not in UNSEEN and not any(isinstance(one, ast.GeneratorExp) for one in others):
                text = f"{self._text(node.func)}({', '.join(map(self._text, others))})"
                self._replace(node, f"without {keyword.arg}", text)
        self.generic_visit(node)


def _other(value: float) -> float:
    """A number that is clearly another one."""
    if isinstance(value, int):
        return value + 1 if value <= 10 else 2 * value
    return 1.5 * value + 0.01


def mutants_of(file: str) -> list[Mutant]:
    """All mutants of a file of the package that are Python."""
    source = (ROOT / file).read_bytes()
    finder = _Finder(file, source)
    finder.visit(ast.parse(source))
    return [one for one in finder.found if _parses(one.applied(source))]


def _parses(source: bytes) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def sample(rooms: tuple[str, ...], count: int, seed: int) -> list[Mutant]:
    """So many mutants, as many of each room as of any other; of a room every one is as probable."""
    rng, found = random.Random(seed), list[Mutant]()
    for place, room in enumerate(rooms):
        files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "kdprobe" / room).rglob("*.py"))
        every = [one for file in files for one in mutants_of(file)]
        share = count // len(rooms) + (place < count % len(rooms))
        found += rng.sample(every, min(share, len(every)))
    return found


def tests_of(mutant: Mutant) -> Iterator[list[str]]:
    """What to run, one after the other: the tests of the file by its name and its own examples; those that name what is in it; the room."""
    folder = Path("tests", *Path(mutant.file).parts[1:-1])
    own = folder / f"test_{Path(mutant.file).stem}.py"
    done = {str(own)} if (ROOT / own).exists() else set[str]()
    yield [mutant.file, *done]
    files = [path for path in sorted((ROOT / "tests" / mutant.room).rglob("test_*.py")) if str(path.relative_to(ROOT)) not in done]
    tree = ast.parse((ROOT / mutant.file).read_bytes())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")}
    named = re.compile("|".join(rf"\b{name}\b" for name in sorted({Path(mutant.file).stem, *names})))
    near = [path for path in files if named.search(path.read_text())]
    for group in (near, [path for path in files if path not in near]):
        if group:
            yield [str(path.relative_to(ROOT)) for path in group]


def preload() -> None:
    """Import what every test needs but kdprobe itself: each mutant is a fork of this process, and pays for its own lines alone."""
    # any that is missing is imported by nobody
    for name in ("torch", "scipy.stats", "scipy.spatial", "sklearn.linear_model", "pandas", "cyclopts", "rich.progress"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def tested(paths: list[str], copy: Path, seconds: int) -> tuple[int, str]:
    """Exit code of these tests (minus a signal) in a fork that works in the copy, and the first that failed."""
    with tempfile.TemporaryFile() as output:
        if (child := os.fork()) == 0:
            # of the processor, not of the clock, and no limit by the clock: on a busy machine every mutant would seem to hang
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            # whoever started this may have put others in their place
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            os.chdir(copy)
            os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(copy)}
            sys.path.insert(0, str(copy))
            sys.dont_write_bytecode = True
            code = 70
            try:
                code = int(pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", "--timeout=0", *paths]))
            finally:
                sys.stdout.flush()
                os._exit(code)
        status = os.waitpid(child, 0)[1]
        output.seek(0)
        failed = [line for line in output.read().decode(errors="replace").splitlines() if line.startswith(("FAILED", "ERROR"))]
    return os.waitstatus_to_exitcode(status), failed[0].partition(" - ")[0] if failed else ""


def noticed(mutant: Mutant, copy: Path, seconds: int) -> str:
    """The first test that fails, "time" where the tests of a file or room take so much of it, or "" where nothing is noticed."""
    target, before = copy / mutant.file, (ROOT / mutant.file).read_bytes()
    target.write_bytes(mutant.applied(before))
    try:
        for paths in tests_of(mutant):
            code, failed = tested(paths, copy, seconds)
            if code in (-signal.SIGXCPU, -signal.SIGKILL):
                return "time"
            # 5: there are no tests
            if code not in (0, 5):
                return failed or f"exit code {code}"
    finally:
        target.write_bytes(before)
    return ""


def difference(mutant: Mutant) -> str:
    """The line before and after."""
    before = (ROOT / mutant.file).read_bytes()
    after = mutant.applied(before).decode().splitlines()
    return f"{mutant.file}:{mutant.line} ({mutant.kind})\n  - {before.decode().splitlines()[mutant.line - 1].strip()}\n  + " + (
        after[mutant.line - 1].strip()
    )


def table(found: list[tuple[Mutant, str]]) -> list[dict[str, Any]]:
    """One row a room."""
    every, killed = Counter(one.room for one, _ in found), Counter(one.room for one, by in found if by)
    return [
        {"case": room, "ours": killed[room], "of": count, "share": round(killed[room] / count, 3), "unit": "mutants noticed"}
        for room, count in every.items()
    ]


def main() -> None:
    """Print what no test noticed, and a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 of stats")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--rooms", nargs="+", default=ROOMS, help="folders of kdprobe")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=600, help="of the processor, for the tests of a file or a room")
    parser.add_argument("--check", action="store_true", help="first see whether the tests of the rooms pass without a mutant")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = sample(("stats",), 3, asked.seed) if asked.quick else sample(tuple(asked.rooms), asked.count, asked.seed)
    found: list[tuple[Mutant, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("kdprobe", "tests", "benchmarks", "reports"):
            shutil.copytree(ROOT / part, copy / part)
        for name in ("pyproject.toml", "conftest.py"):
            shutil.copy(ROOT / name, copy)
        preload()
        # where the tests fail as they are, every mutant would be noticed
        for room in sorted({mutant.room for mutant in chosen} if asked.check else ()):
            code, failed = tested([f"tests/{room}"], copy, asked.seconds)
            if code:
                sys.exit(f"tests/{room} fails without a mutant: {failed or code}; mend that first")
        # stopped before its end, it says what it has counted
        with contextlib.suppress(KeyboardInterrupt):
            for mutant in chosen:
                by = noticed(mutant, copy, asked.seconds)
                found.append((mutant, by))
                print(f"{'noticed' if by else 'SURVIVED':8s} {mutant.file}:{mutant.line} {mutant.kind} {by}", file=sys.stderr, flush=True)
    survivors = [difference(mutant) for mutant, by in found if not by]
    if asked.json:
        rows = [row | {"peer": None, "peer_version": None, "ratio": row["share"]} for row in table(found)]
        print(json.dumps({"rows": rows, "survivors": survivors, "missing_peers": []}))
        return
    print(*survivors, "", sep="\n")
    for row in table(found):
        print(f"{row['case']:12s} {row['ours']:4d} of {row['of']:4d} noticed ({row['share']:.0%})")


if __name__ == "__main__":
    main()
