"""The sampler of mutants changes what it says, and nothing else."""

import ast
import importlib.util
import signal
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
SOURCE = b"""\"\"\"A text with 1 < 2.\"\"\"
from dataclasses import dataclass


@dataclass(frozen=True)
class One:
    x: int = 3


def f(a, b=0.5, *, c: int = 7) -> int:
    if a < b <= c and not (a + b) * c:
        raise ValueError(f"{a - 1}")
    return max(a, -b, key=len) if a else c // 2  # \xc3\xa4
"""


@pytest.fixture
def mutants(monkeypatch):
    spec = importlib.util.spec_from_file_location("mutants_benchmark", FOLDER / "mutants.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mutants_benchmark", module)
    spec.loader.exec_module(module)
    return module


def changed_lines(mutants, monkeypatch, tmp_path):
    (tmp_path / "kdprobe" / "room").mkdir(parents=True)
    (tmp_path / "kdprobe" / "room" / "file.py").write_bytes(SOURCE)
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    found = mutants.mutants_of("kdprobe/room/file.py")
    after = [one.applied(SOURCE) for one in found]
    assert all(ast.dump(ast.parse(text)) != ast.dump(ast.parse(SOURCE)) for text in after)
    assert all(one.room == "room" for one in found)
    before = SOURCE.decode().splitlines()
    return [next(line for line, old in zip(text.decode().splitlines(), before, strict=True) if line != old).strip() for text in after]


def test_every_change_is_one_of_one_expression(mutants, monkeypatch, tmp_path):
    lines = changed_lines(mutants, monkeypatch, tmp_path)
    condition, value = "if a < b <= c and not (a + b) * c:", "return max(a, -b, key=len) if a else c // 2  # ä"
    assert sorted(lines) == sorted(
        [
            "x: int = 4",
            "def f(a, b=0.76, *, c: int = 7) -> int:",
            "def f(a, b=0.5, *, c: int = 8) -> int:",
            "if False:",
            condition.replace("a < b", "a <= b"),
            condition.replace("<= c", "< c"),
            "if (a < b <= c) or (not (a + b) * c):",
            "if a < b <= c and ((a + b) * c):",
            condition.replace("a + b", "a - b"),
            condition.replace(") * c", ") / c"),
            "return (max(a, -b, key=len))  # ä",
            "return (c // 2)  # ä",
            value.replace("max", "min"),
            value.replace("-b", "(b)"),
            value.replace(", key=len", ""),
            value.replace("//", "/"),
            value.replace("// 2", "// 3"),
        ]
    )


def test_a_sample_is_the_same_for_its_seed_and_as_large_in_each_room(mutants):
    one, other = (mutants.sample(("stats", "verdicts"), 7, seed) for seed in (3, 4))
    assert [mutant.room for mutant in one] == ["stats"] * 4 + ["verdicts"] * 3
    assert one == mutants.sample(("stats", "verdicts"), 7, 3)
    assert one != other


def test_the_tests_of_a_mutant_are_its_files_and_then_its_rooms(mutants):
    mutant = mutants.Mutant("kdprobe/measures/cka/cka.py", 1, "number", 0, 1, "2")
    own, near, others = mutants.tests_of(mutant)
    assert own == ["kdprobe/measures/cka/cka.py", "tests/measures/cka/test_cka.py"]
    assert "tests/measures/test_odd_arguments.py" in near  # it names cka
    assert "tests/measures/transfer/test_coefficient.py" in others
    every = {str(path.relative_to(mutants.ROOT)) for path in (mutants.ROOT / "tests" / "measures").rglob("test_*.py")}
    assert {*own[1:], *near, *others} == every
    assert len(own[1:]) + len(near) + len(others) == len(every)
    mutant = mutants.Mutant("kdprobe/measures/cka/hsic.py", 1, "number", 0, 1, "2")
    assert next(mutants.tests_of(mutant)) == ["kdprobe/measures/cka/hsic.py"]


@pytest.mark.slow
def test_a_fork_tells_a_test_that_passes_from_one_that_fails_and_one_that_never_ends(mutants, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_good():\n    pass\n")
    assert mutants.tested(["test_it.py"], tmp_path, 60) == (0, "")
    (tmp_path / "test_it.py").write_text("def test_bad():\n    assert 0\n")
    assert mutants.tested(["test_it.py"], tmp_path, 60) == (1, "FAILED test_it.py::test_bad")
    (tmp_path / "test_it.py").write_text("def test_endless():\n    while True:\n        pass\n")
    assert mutants.tested(["test_it.py"], tmp_path, 2)[0] == -signal.SIGXCPU


def test_the_table_counts_by_room(mutants):
    found = [(mutants.Mutant(f"kdprobe/{room}/x.py", 1, "number", 0, 1, "2"), by) for room, by in (("a", "t"), ("a", ""), ("b", "time"))]
    assert [(row["case"], row["ours"], row["of"]) for row in mutants.table(found)] == [("a", 1, 2), ("b", 1, 1)]
