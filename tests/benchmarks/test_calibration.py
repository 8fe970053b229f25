"""The benchmark of the verdicts reads the committed sweep of gap.html for its pilots: every curve once, at the sweep's own setting."""

import importlib.util
import sys
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_pilots_of_the_default_sweep(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("calibration_benchmark", FOLDER / "calibration.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "calibration_benchmark", module)
    spec.loader.exec_module(module)
    named, possible = module.real_pilots(lambda what, where, rate, target=None: (what, where, rate))
    runs = pd.read_csv(FOLDER.parent / "reports" / "gap.runs.csv", low_memory=False)
    regimes = ("same_rows", "transfer_rows", "labelled_and_transfer_rows")
    curves = runs[runs["scheme"].isin(regimes)].groupby(["task", "scheme", "width"]).ngroups
    pairs = runs["seed"].nunique() * (runs["seed"].nunique() - 1) // 2
    assert named[1] == possible[1] == f"reports/gap.html, {curves * pairs} pairs of seeds"
    # half of the sizes holds the best more often than a coin
    assert 0.5 < named[2] <= possible[2] <= 1
