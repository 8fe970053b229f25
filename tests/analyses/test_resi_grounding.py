"""Grounding tests of similarities: their statistics by hand, and the quick tier on networks that are really trained."""

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from kdprobe import Refusal

FILE = Path(__file__).parent.parent.parent / "analyses" / "resi_grounding.py"


@pytest.fixture(scope="module")
def grounding():
    spec = importlib.util.spec_from_file_location("resi_grounding", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["resi_grounding"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["resi_grounding"]


def symmetric(rng, count):
    similar = rng.random((count, count))
    similar = similar + similar.T
    np.fill_diagonal(similar, np.nan)
    return similar


def test_a_share_of_mates_is_the_area_under_the_curve(grounding):
    similar = np.round(np.random.default_rng(0).random(30), 1)  # with ties
    similar[0] = np.nan
    mate = np.arange(30) < 12
    assert grounding.share_of_mates(similar, mate) == pytest.approx(roc_auc_score(mate[1:], similar[1:]), abs=1e-12)


def test_groups_that_are_alike_are_found_and_noise_is_at_chance(grounding):
    group = np.repeat([0, 1], 6)
    alike = symmetric(np.random.default_rng(1), 12) + 5 * (group[:, None] == group)
    found = grounding.told_apart(alike, group == 0)
    assert found.value == 1.0
    assert 0.3 < found.low < 0.6  # six networks are no certainty
    assert grounding.precision(alike, group) == pytest.approx(1.0)
    held, values = 0, []
    for seed in range(200):
        noise = grounding.told_apart(symmetric(np.random.default_rng(seed), 12), group == 0)
        held += noise.low <= 0.5 <= noise.high
        values.append(noise.value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.03)
    assert held / 200 > 0.95  # it counts networks, not pairs


def test_the_share_is_that_of_one_group_where_only_one_is_alike(grounding):
    group = np.repeat([0, 1], 5)
    similar = (
        symmetric(np.random.default_rng(2), 10) + 5 * ((group[:, None] == 0) & (group == 0)) - 5 * ((group[:, None] == 1) & (group == 1))
    )
    assert grounding.told_apart(similar, group == 0).value == 1.0
    assert grounding.told_apart(similar, group == 1).value == 0.0


def test_layers_on_a_line_are_in_order_and_a_swap_is_counted(grounding):
    def near(x, y):
        return -abs(float(x) - float(y))

    assert grounding.share_of_order(near, [np.array(i) for i in (0, 1, 2, 3)]) == 1.0
    places = (0, 2, 1, 3)
    by_hand = [
        near(places[a], places[b]) >= near(places[i], places[k])
        for i, j, k in itertools.combinations(range(4), 3)
        for a, b in ((i, j), (j, k))
    ]
    assert grounding.share_of_order(near, [np.array(i) for i in places]) == pytest.approx(np.mean(by_hand))
    assert np.mean(by_hand) < 1


def test_similarity_that_is_agreement_predicts_it(grounding):
    rng = np.random.default_rng(3)
    nets = [grounding.Network([], rng.integers(0, 2, 50) * (rng.random(50) < i / 8), 0.0) for i in range(8)]
    agreement = np.array([[np.mean(a.classes == b.classes) for b in nets] for a in nets])
    assert grounding.predicted(agreement, nets).value == pytest.approx(1.0)
    assert grounding.predicted(-agreement, nets).value == pytest.approx(-1.0)
    assert grounding.predicted(agreement[:3, :3], nets[:3]).reason == "3 networks have too few pairs"


def test_a_measure_that_refuses_a_pair_stops_with_its_reason(grounding):
    similarity = grounding.checked("CKA", lambda x, y: Refusal(reason="x is constant", advice="leave it out"))
    with pytest.raises(RuntimeError, match="CKA refused a pair of networks: x is constant"):
        similarity(np.zeros(3), np.zeros(3))


@pytest.mark.slow
def test_the_quick_tier_answers_for_every_measure(grounding, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Kept\n\nwords\n\n## digits\n\nold\n", encoding="utf-8")
    grounding.main(["--quick", "--out", str(page)])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Kept\n\nwords\n\n## digits\n\n3 networks in each group")
    assert "old" not in text
    rows = {name: [line for line in text.splitlines() if line.startswith(f"| {name} |")] for name in grounding.measures()}
    assert {len(lines) for lines in rows.values()} == {4}
    # the seen order of layers is plain in networks that were trained, whatever the number of them
    assert "1.00" in rows["CKA"][3]
    clean = text.split("clean labels ", 1)[1].split(" ", 1)[0]
    assert float(clean) > 0.6
