"""The benchmark of comparisons at scale, on few rows: both cases run, and say what they spent beside the bare models."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_both_cases_run_on_few_rows(monkeypatch):
    path = Path(__file__).parents[2] / "benchmarks" / "compare_scale.py"
    spec = importlib.util.spec_from_file_location("compare_scale", path)
    benchmark = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "compare_scale", benchmark)
    spec.loader.exec_module(benchmark)
    monkeypatch.setenv("PYTHONPATH", str(path.parents[1]))
    for case, size in (("language models", 4 * benchmark.LENGTH), ("classes", 100)):
        time, memory = benchmark.rows_of(case, size)
        assert time["unit"] == "CPU s"
        assert time["ours"] > 0
        assert memory["unit"] == "GiB added"
        # of few rows hardly anything is kept
        assert memory["ours"] < 1.5
