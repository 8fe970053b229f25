"""All pairs of layers at once give what each pair gives, in feature space and in packed Gram space."""

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.result import Measurement
from kdprobe.measures.cka import all_pairs
from kdprobe.measures.cka.cka import cka


def layers(widths, n=150, seed=0):
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(size=(n, 5))
    return {f"layer{i}": shared @ rng.normal(size=(5, d)) + rng.normal(size=(n, d)) + 10 for i, d in enumerate(widths)}


@pytest.mark.parametrize("blocks", [None, np.arange(150) // 7])
@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 1, 9), (4, 8)), ((300, 40, 5), (900,)), ((700,), (3, 400, 20))],
    ids=["features", "gram", "gram, more on the right"],
)
def test_each_cell_is_the_pair_alone(left, right, blocks):
    left, right = layers(left, seed=1), layers(right, seed=2)
    found = all_pairs.cka_of_all_pairs(left, right, blocks=blocks)
    assert list(found) == [(a, b) for a in left for b in right]
    for (a, b), cell in found.items():
        alone = cka(left[a], right[b], blocks=blocks)
        for got, want in ((cell.value, alone.value), (cell.low, alone.low), (cell.high, alone.high)):
            assert got == pytest.approx(want, abs=2e-7)
        assert cell.details.get("z", 0) == pytest.approx(alone.details.get("z", 0), rel=1e-5)
        assert cell.details.get("p", 0) == pytest.approx(alone.details.get("p", 0), rel=0.05, abs=1e-12)
        assert cell.details["effective_rank_x"] == pytest.approx(alone.details["effective_rank_x"], rel=1e-4)


def test_a_model_with_itself_has_ones_on_the_diagonal():
    left = layers((400, 700, 300))
    found = all_pairs.cka_of_all_pairs(left, left)
    assert all(found[name, name].value == pytest.approx(1, abs=1e-9) for name in left)


def test_constant_and_lonely_rows_are_refused_and_named():
    left, right = layers((400, 500)), layers((600,))
    left["layer0"] = np.full((150, 400), 0.3)
    left["layer1"] = np.zeros((150, 500))
    left["layer1"][4] = 1
    found = all_pairs.cka_of_all_pairs(left, right)
    assert found["layer0", "layer0"].reason == "layer 'layer0' is constant: CKA is 0/0"
    assert found["layer1", "layer0"].reason == "layer 'layer1' varies in a single row only: CKA is 0/0"


def test_rows_far_out_are_done_in_float64():
    left, right = layers((400,)), layers((500,), seed=3)
    left["layer0"][7] *= 1e4
    cell = all_pairs.cka_of_all_pairs(left, right)["layer0", "layer0"]
    assert cell.value == pytest.approx(cka(left["layer0"], right["layer0"]).value, abs=1e-9)


def test_spatial_layers_and_few_rows():
    left = {"conv": np.random.default_rng(4).normal(size=(12, 3, 5, 5))}
    assert isinstance(all_pairs.cka_of_all_pairs(left, left)["conv", "conv"], Measurement)


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ({"a": np.ones(9)}, {}, "a model has no layers: give at least one"),
        ({"a": np.ones(9)}, {"b": np.ones(8)}, "left layer 'a' has 9 rows, right layer 'b' 8: rows must be paired"),
        ({"a": np.ones(9)}, {"b": np.r_[np.ones(8), np.nan]}, "right layer 'b' holds NaN or an infinity, first in row 8"),
        ({"a": np.ones(5)}, {"b": np.ones(5)}, "have 5 rows: give at least 8"),
    ],
)
def test_errors_name_the_layer(left, right, text):
    with pytest.raises(DataError) as caught:
        all_pairs.cka_of_all_pairs(left, right)
    assert text in str(caught.value)
