"""The benchmark of mutations, on few of them: no change of a zoo stays silent, and no reader ends in a traceback."""

import importlib.util
from pathlib import Path

import pytest


def _benchmark():
    spec = importlib.util.spec_from_file_location("mutations", Path(__file__).parents[2] / "benchmarks" / "mutations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_no_mutation_stays_silent():
    found = _benchmark().run(150, seed=1)
    assert found["mutations"] > 140
    assert found["rows"] == []
    assert (found["silent"], found["tracebacks"]) == (0, 0)
    # neither everything nor nothing is a change
    assert found["noticed"] > 100
    assert found["no change"] > 0
