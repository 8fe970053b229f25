"""Break conditions: each rule on curves whose truth is chosen, and the page that is made of results."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parent.parent.parent / "analyses"
PARTS = ("_break_page", "_break_rules", "_break_runs", "_stacked", "break_conditions")


@pytest.fixture(scope="module")
def analysis():
    sys.path.insert(0, str(FOLDER))
    import break_conditions

    yield break_conditions, sys.modules
    sys.path.remove(str(FOLDER))
    for name in PARTS:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("mechanism", "means", "told"),
    [
        ("M1", (0.1, 0.0, -0.1, -0.2), "broke at c"),
        ("M1", (0.1, 0.1, 0.05, 0.0), "did not break in this range"),
        ("M1", (-0.1, 0.0, -0.1, -0.2), "nothing to break: it is below from the first dose on"),
        ("M2", (0.1, 0.1, 0.0, 0.1), "broke at c"),
        ("M2", (0.1, 0.1, 0.1, 0.1), "did not break in this range"),
        ("M2", (0.0, 0.1, 0.1, 0.1), "nothing to break: features are not shown to add to response even between equal networks"),
        ("M3", (0.0, -0.01, -0.015, -0.1), "broke at d"),
        ("M3", (0.0, -0.01, -0.01, -0.01), "did not break in this range"),
        ("M3", (-0.1, -0.1, -0.1, -0.1), "nothing to break: it is below from the first dose on"),
    ],
)
def test_a_curve_breaks_where_its_rule_says(analysis, mechanism, means, told):
    rules = analysis[1]["_break_rules"]
    noise = 0.002 * np.random.default_rng(0).normal(size=(4, 20))
    noise -= noise.mean(axis=1, keepdims=True)
    curve = rules.Curve(mechanism=mechanism, where="a set", doses=tuple("abcd"), differences=np.array(means)[:, None] + noise)
    assert rules.broke(curve).told == told


def test_too_few_seeds_are_not_judged(analysis):
    rules = analysis[1]["_break_rules"]
    few = rules.broke(rules.Curve(mechanism="M1", where="a", doses=("0",), differences=np.full((1, 7), -1.0)))
    assert few.told == "not judged: fewer than 8 seeds"
    assert rules.summed([few]) == "nothing was there to break in any of 1 settings"


def test_labels_are_wrong_in_the_share_that_is_asked_and_nested(analysis):
    runs = analysis[1]["_break_runs"]
    y = torch.arange(26).repeat(200)
    less, more = runs.noisy(y, 0.2, 26) != y, runs.noisy(y, 0.6, 26) != y
    assert abs(float(less.float().mean()) - 0.2) < 0.02
    assert abs(float(more.float().mean()) - 0.6) < 0.02
    assert bool((more | ~less).all())
    assert int(runs.noisy(y, 0.6, 26).max()) < 26
    assert torch.equal(runs.noisy(y.float()[:, None], 0.0, 1), y.float()[:, None])


def test_accuracy_within_halves_is_asked_of_the_right_model(analysis):
    runs, stacked = analysis[1]["_break_runs"], analysis[1]["_stacked"]
    given = stacked.data("digits", steps=1)

    class Says:
        """Says one class of each half wherever it is asked."""

        def __init__(self, first, second):
            self.weights, self.said = [torch.zeros(2, 1, 1)], (first, second)

        def answers(self, x):
            out = torch.zeros(2, len(x), 10)
            out[..., self.said[0]], out[..., self.said[1]] = 1.0, 1.0
            return out

    y = given.probe[1]
    found = runs.within([Says(1, 9), Says(0, 7)], given, 5)
    assert found == pytest.approx([float(((y == 1) | (y == 7)).float().mean())] * 2)


def test_a_page_of_all_mechanisms(analysis):
    found = analysis[0].results(names=("digits",), quick=True, seeds=2)
    assert [one["name"] for one in found["mechanisms"]] == ["M1", "M2", "M3"]
    assert [len(one["curves"]) for one in found["mechanisms"]] == [4, 1, 1]
    (cell,) = analysis[0].cells(found).to_dict("records")
    assert (cell["objective"], cell["knowledge"], cell["area"], cell["task"]) == ("enhancement", "response", "classification", "digits")
    assert cell["low"] <= cell["value"] <= cell["high"]
    text = re.sub(r"<[^>]+>", "", analysis[1]["_break_page"].page(json.loads(json.dumps(found))))
    assert "What broke, and at which dose?" in text
    assert not re.search(r"\b(nan|inf|None)\b", text)
