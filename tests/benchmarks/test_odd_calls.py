"""A seconds-long tier of benchmarks/odd_calls.py, and that it can see what it looks for."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kdprobe

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "odd_calls.py"


@pytest.fixture(scope="module")
def odd_calls():
    spec = importlib.util.spec_from_file_location("odd_calls", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_odd_calls_end_in_a_value_or_in_words(odd_calls):
    found, wrong = odd_calls.asked(120, 5)
    assert wrong == []
    assert found["value"] > 20
    assert found["error in words"] > 20


def test_what_is_wrong_is_seen(odd_calls, monkeypatch):
    def broken(rng):
        return lambda: 1 / 0, lambda: kdprobe.cka(np.eye(9), np.eye(9)), lambda one, two: False

    def unequal(rng):
        return lambda: 1, lambda: 2, lambda one, two: one == two

    monkeypatch.setattr(odd_calls, "KINDS", (broken,))
    assert odd_calls.asked(2, 0)[0]["raw error or warning"] == 1
    monkeypatch.setattr(odd_calls, "KINDS", (unequal,))
    found, wrong = odd_calls.asked(2, 0)
    assert found[odd_calls.DISAGREE] == 1
    assert "1 AGAINST 2" in wrong[0]
