"""The benchmark of the advisor, on few worlds: it is right where it answers, and answers where there is something to tell."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest


def _benchmark():
    spec = importlib.util.spec_from_file_location("advisor_benchmark", Path(__file__).parents[2] / "benchmarks" / "advisor.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["advisor_benchmark"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_advisor_on_known_worlds():
    benchmark, rng = _benchmark(), np.random.default_rng(3)
    found = {row["what"]: row for row in benchmark.law_rates("compression", 25, rng)}
    assert found["sign right where it answers"]["share"] >= 0.9
    assert found["sign right where it answers"]["worlds"] > 10
    assert found["says helps, where its teacher hurts"]["share"] <= 0.1
    assert found["answers, where the effect is over 10 %"]["share"] >= 0.6
    ridge = {row["what"]: row for row in benchmark.ridge_rates(15, rng)}
    assert ridge["sign right where it answers"]["share"] >= 0.9
    for broken in benchmark.BROKEN:
        world = benchmark.draw(np.random.default_rng(4), broken)
        world = world._replace(transfer=len(world.fresh))
        assert benchmark.ask(world)["compression"].verdict == "NOT APPLICABLE", broken
