"""The benchmark of training runs: real trainers in processes of their own, on little work."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from kdprobe.tasks.sources import FOLDER_VARIABLE

SCRIPT = Path(__file__).parent.parent.parent / "benchmarks" / "training.py"
FIELDS = {"part", "case", "ours", "peer", "theirs", "peer_version", "ratio", "unit"}


def test_trainers_take_turns_and_each_row_is_whole():
    command = [sys.executable, SCRIPT, "--quick", "--json", "--models", "3", "--epochs", "1"]
    done = subprocess.run([*command, "--part", "mlp32", "--part", "grid"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["missing_peers"] == ["RepDistiller-like loop", "torchdistill", "equinox"]
    rows = {row["case"]: row for row in document["rows"] if row["unit"] == "CPU s by student"}
    (row,) = rows.values()
    assert row.keys() >= FIELDS
    assert row["peer"] == "honest loop"
    assert row["ours"] > 0
    assert row["theirs"] > 0
    assert row["ratio"] == 1 / row["faster"]
    assert row["floor"] is None  # of little work no floor is asked
    # one pass over the letters: both learn, and neither learns more
    assert 0.1 < row["accuracy"] < 0.9
    assert row["low"] < 0 < row["high"]
    grid = [row for row in document["rows"] if row["part"] == "grid"]
    assert [row["unit"] for row in grid] == ["CPU s", "MB"]
    assert all(row["ours"] > 0 for row in grid)
    assert grid[0]["engine"].startswith("chain of")


def test_an_unknown_peer():
    command = [sys.executable, SCRIPT, "--python", "torch=python"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--python torch=...: give torchdistill or equinox" in done.stderr


def test_a_case_whose_data_is_missing_costs_no_other_row(tmp_path, monkeypatch, capsys):
    """It once ended in a traceback after the first cases, and their rows were lost."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.syspath_prepend(str(SCRIPT.parent / "trainers"))
    spec = importlib.util.spec_from_file_location("training_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "training_benchmark", module)
    spec.loader.exec_module(module)
    # no machine has these files in that folder
    monkeypatch.setitem(module.CASES, "cnn", module._case("CNN, CIFAR-10", "cifar10", "cnn", 8, 16, 960, 8, module.MAPS))
    monkeypatch.setattr(sys, "argv", ["training.py", "--quick", "--json", "--part", "cnn", "--part", "grid"])
    module.main()
    document = json.loads(capsys.readouterr().out)
    assert list(document["not_run"]) == ["cnn"]
    assert "kdprobe data fetch cifar10" in document["not_run"]["cnn"]
    assert [row["part"] for row in document["rows"]] == ["grid", "grid"]
