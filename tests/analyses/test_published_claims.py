"""Published claims judged again: the rule on differences whose truth is chosen, and the page that is made of results."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parent.parent.parent / "analyses"
PARTS = ("_published_claims", "_published_page", "_published_runs", "_stacked", "published_claims")


@pytest.fixture(scope="module")
def analysis():
    sys.path.insert(0, str(FOLDER))
    import published_claims

    yield published_claims, sys.modules
    sys.path.remove(str(FOLDER))
    for name in PARTS:
        sys.modules.pop(name, None)


def differences(rules, *means, seeds=20, spread=1.0, margin=0.2):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(means), seeds))
    noise = (noise - noise.mean(axis=1, keepdims=True)) / noise.std(axis=1, ddof=1, keepdims=True)
    return [
        rules.Setting(claim="c", where=str(i), differences=mean + spread * one, margin=margin)
        for i, (mean, one) in enumerate(zip(means, noise, strict=True))
    ]


@pytest.mark.parametrize(
    ("means", "verdict"),
    [
        ((2.0, 2.0, 0.0), "SUPPORTED"),
        ((2.0, 0.1), "INCONCLUSIVE"),  # half is not more than half
        ((-2.0, -2.0, 2.0), "CONTRADICTED"),
        ((0.15, 0.15, 0.15), "INCONCLUSIVE"),
    ],
)
def test_more_than_half_of_the_settings_decide(analysis, means, verdict):
    rules = analysis[1]["_published_claims"]
    assert rules.judged(differences(rules, *means))[0] == verdict


def test_an_effect_below_the_margin_is_against(analysis):
    rules = analysis[1]["_published_claims"]
    assert rules.judged(differences(rules, 0.05, spread=0.01)) == ("CONTRADICTED", ["against"])


def test_too_few_seeds_settle_nothing(analysis):
    rules = analysis[1]["_published_claims"]
    assert rules.judged(differences(rules, 9.0, seeds=7))[0] == "INCONCLUSIVE"


def test_networks_are_trained_each_by_itself_and_twins_share_their_students_path(analysis):
    stacked = analysis[1]["_stacked"]
    given = stacked.data("digits", steps=20)
    plain = stacked.labels(given.train[1])

    def trained(seeds, loss, stream="student"):
        nets = stacked.Nets(64, (4,), given.outputs, seeds=seeds, stream=stream)
        return stacked.fit(nets, given.train[0], loss, steps=20, stream=stream).answers(given.probe[0])

    twin = trained(3, plain)
    held = stacked.Nets(64, (4,), given.outputs, seeds=3, stream="student")
    teacher = held.answers(given.train[0])
    taught = trained(3, stacked.mixed(0.0, stacked.soft(teacher), plain))
    assert np.allclose(twin.numpy(), taught.numpy(), atol=1e-5)
    assert not np.allclose(twin[0].numpy(), twin[1].numpy(), atol=1e-2)


def test_two_equal_temperatures_are_one(analysis):
    stacked = analysis[1]["_stacked"]
    given = stacked.data("digits", steps=20)
    nets = stacked.Nets(64, (4,), given.outputs, seeds=2, stream="teacher")
    answers, y = nets.answers(given.train[0]), given.train[1]
    rows, outputs = torch.arange(12).reshape(2, 6), torch.randn(2, 6, 10, generator=torch.Generator().manual_seed(0))
    one, same, other = (stacked.soft(answers, temperature=4.0, wrong=wrong, y=y)(outputs, [], rows).numpy() for wrong in (None, 4.0, 2.0))
    assert np.allclose(one, same, atol=1e-6)
    assert not np.allclose(one, other, atol=1e-4)


def test_a_page_of_all_claims(analysis):
    found = analysis[0].results(names=("digits",), quick=True, seeds=2)
    assert {one["name"] for one in found["claims"]} == {"assistant", "law", "stopped", "asymmetric", "smoothing"}
    assert {one["verdict"] for one in found["claims"] if one["name"] != "law"} == {"INCONCLUSIVE"}
    page = analysis[1]["_published_page"].page(json.loads(json.dumps(found)))
    text = re.sub(r"<[^>]+>", "", page)
    assert "What scale can this speak of?" in text
    assert not re.search(r"\b(nan|inf|None)\b", text)
    assert len(page) < 250_000


def test_what_is_not_trained_is_named_where_nothing_may_be(analysis, tmp_path):
    found = analysis[0].results(names=("digits",), only=("differences",), seeds=2, zoos=tmp_path, train=False)
    assert found["missing"] == ["digits: published-differences-digits-2 is not trained"]
    (tmp_path / "published-ratios-digits-4-2.json").write_text("[]", encoding="utf-8")
    found = analysis[0].results(names=("digits",), only=("ratios",), students=(4,), seeds=2, zoos=tmp_path, train=False)
    assert found["missing"] == []
