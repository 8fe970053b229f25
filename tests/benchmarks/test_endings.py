"""A seconds-long tier of benchmarks/endings.py: odd command lines end in words, and a killed sweep goes on to the same runs."""

import importlib.util
import random
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "endings.py"


@pytest.fixture(scope="module")
def endings():
    spec = importlib.util.spec_from_file_location("endings", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_odd_command_lines_end_in_words(endings):
    codes, broken = endings.odd_commands(60, random.Random(7))
    assert broken == []
    assert codes.total() == 60
    assert codes["2"] > 10


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_the_same_runs(endings, tmp_path):
    found = endings.kills(1, random.Random(7), tmp_path)
    assert found["went on to the same runs"] == 1
