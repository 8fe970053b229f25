"""Streams of batches give what all rows at once give, in any pieces, order and grouping."""

import tracemalloc

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.result import Measurement
from kdprobe.measures.cka.alignment import features_are_cheaper
from kdprobe.measures.cka.all_pairs import cka_of_all_pairs
from kdprobe.measures.cka.cka import cka
from kdprobe.measures.cka.gram_space import GramAccumulator
from kdprobe.measures.cka.hsic import hsic
from kdprobe.measures.cka.stream import CKAStream
from tests.measures.similarity_oracles import biased_cka, debiased_cka, latent_pair, linear

LEFT, RIGHT = {"early": 6, "scalar": 1, "late": 20}, {"narrow": 3, "wide": 30}


def layers(n, seed=0, mean=0.0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 5))

    def draw(widths):
        return {name: shared @ rng.normal(size=(5, d)) + rng.normal(size=(n, d)) + mean for name, d in widths.items()}

    return draw(LEFT), draw(RIGHT)


def streamed(left, right, batches, stream=None):
    stream = stream or CKAStream(LEFT, RIGHT)
    start = 0
    for rows in batches:
        stream.update(*({name: values[start : start + rows] for name, values in side.items()} for side in (left, right)))
        start += rows
    return stream


def cut(rng, n, most):
    sizes = []
    while sum(sizes) < n:
        sizes.append(int(min(rng.integers(1, most), n - sum(sizes))))
    return sizes


@pytest.mark.parametrize("n", [40, 643, 4000])
def test_equals_all_rows_at_once(n):
    left, right = layers(n, mean=50.0)
    found = streamed(left, right, cut(np.random.default_rng(n), n, 90)).result()
    assert list(found) == [(a, b) for a in LEFT for b in RIGHT]
    for (a, b), cell in found.items():
        whole = cka(left[a], right[b])
        assert cell.value == pytest.approx(whole.value, abs=1e-12)
        for name in ("null_sd", "z", "p", "effective_rank_x", "effective_rank_y"):
            assert cell.details[name] == pytest.approx(whole.details[name], rel=1e-5)
        assert 0.5 < cell.details["error"] / whole.details["error"] < 2.5 or n == 40


@pytest.mark.parametrize("mean", [0.0, 10.0, 1e3])
def test_float32_batches_with_a_far_mean(mean):
    left, right = ({k: v.astype(np.float32) for k, v in side.items()} for side in layers(3000, mean=mean))
    for (a, b), cell in streamed(left, right, [100] * 30).result().items():
        assert cell.value == pytest.approx(cka(left[a].astype(np.float64), right[b].astype(np.float64)).value, abs=1e-6)


def test_trap_8_every_batch_counts():
    left, right = layers(2000)
    whole = streamed(left, right, [250] * 8).result()
    last = streamed(*({k: v[-250:] for k, v in side.items()} for side in (left, right)), [250]).result()
    assert all(abs(float(whole[key]) - float(last[key])) > 1e-4 for key in whole)


@pytest.mark.parametrize("tail", [1, 2, 3])
def test_trap_11_a_tail_of_few_rows(tail):
    n = 1000 + tail
    left, right = layers(n)
    stream = streamed(left, right, [250] * 4 + [tail])
    assert stream.n == n
    for (a, b), cell in stream.result().items():
        assert cell.value == pytest.approx(cka(left[a], right[b]).value, abs=1e-12)
    # also where the answer was asked for in between
    stream = streamed(left, right, [250] * 4)
    stream.result()
    stream.update(*({k: v[1000:] for k, v in side.items()} for side in (left, right)))
    for (a, b), cell in stream.result().items():
        assert cell.value == pytest.approx(cka(left[a], right[b]).value, abs=1e-12)


def test_trap_7_averaging_cka_over_batches_misleads_where_summing_hsic_does_not():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 10))
    y = x + rng.normal(size=x.shape)
    averaged = np.mean([biased_cka(linear(x[i : i + 8]), linear(y[i : i + 8])) for i in range(0, 4000, 8)])

    def summed(a, b):
        ones = np.ones((8, 1))
        blocks = [np.hstack([z, ones, np.sum(z**2, axis=1, keepdims=True)]) for z in (a, b)]
        return hsic(blocks[0].T @ blocks[1], 8)

    pieces = np.array(
        [
            [summed(x[i : i + 8], y[i : i + 8]), summed(x[i : i + 8], x[i : i + 8]), summed(y[i : i + 8], y[i : i + 8])]
            for i in range(0, 4000, 8)
        ]
    )
    xy, xx, yy = pieces.sum(axis=0)
    truth = debiased_cka(linear(x), linear(y))
    assert averaged > truth + 0.2
    assert xy / np.sqrt(xx * yy) == pytest.approx(truth, abs=0.03)
    stream = CKAStream({"x": 10}, {"y": 10})
    for i in range(0, 4000, 8):
        stream.update({"x": x[i : i + 8]}, {"y": y[i : i + 8]})
    assert stream.result()["x", "y"].value == pytest.approx(truth, abs=1e-11)


def test_merging_is_exact_and_associative():
    left, right = layers(5000, mean=20.0)
    bounds = [(0, 1500), (1500, 1507), (1507, 3600), (3600, 5000)]

    def part(start, end):
        sides = ({k: v[start:end] for k, v in side.items()} for side in (left, right))
        return streamed(*sides, [end - start])

    def joined(order, *, from_right):
        streams = [part(*bounds[i]) for i in order]
        while len(streams) > 1:
            if from_right:
                second = streams.pop()
                streams[-1].merge(second)
            else:
                second = streams.pop(1)
                streams[0].merge(second)
        return streams[0].result()

    once = streamed(left, right, [5000]).result()
    for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
        for from_right in (False, True):
            for key, cell in joined(order, from_right=from_right).items():
                assert cell.value == pytest.approx(once[key].value, abs=1e-12)
    a, b = joined((0, 1, 2, 3), from_right=False), joined((0, 1, 2, 3), from_right=True)
    for key in a:
        assert a[key].details["error"] == pytest.approx(b[key].details["error"], rel=1e-9)


def test_merging_with_an_empty_stream_changes_nothing():
    left, right = layers(300)
    stream, empty = streamed(left, right, [300]), CKAStream(LEFT, RIGHT)
    want = stream.result()
    stream.merge(CKAStream(LEFT, RIGHT))
    empty.merge(stream)
    for key, cell in want.items():
        assert stream.result()[key].value == cell.value
        assert empty.result()[key].value == pytest.approx(cell.value, abs=1e-14)


def test_a_model_with_itself():
    left, _ = layers(900)
    stream = CKAStream(LEFT, LEFT)
    stream.update(left, left)
    found = stream.result()
    assert all(found[name, name].value == pytest.approx(1, abs=1e-12) for name in LEFT)
    assert found["early", "late"].value == pytest.approx(found["late", "early"].value, abs=1e-12)


@pytest.mark.slow
def test_the_interval_covers():
    rng = np.random.default_rng(2)
    draw, truth = latent_pair(rng, 800, 6, 10)
    covered = 0
    for _ in range(400):
        x, y = draw()
        stream = CKAStream({"x": 6}, {"y": 10})
        stream.update({"x": x}, {"y": y})
        cell = stream.result()["x", "y"]
        covered += cell.low <= truth <= cell.high
    assert 0.93 <= covered / 400 <= 0.99


def test_memory_does_not_grow_with_rows():
    def peak(batches):
        rng = np.random.default_rng(3)
        stream = CKAStream({"a": 40}, {"b": 60})
        tracemalloc.start()
        for _ in range(batches):
            stream.update({"a": rng.normal(size=(256, 40))}, {"b": rng.normal(size=(256, 60))})
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    peak(10)
    assert peak(60) == pytest.approx(peak(20), rel=0.1)


def test_constant_layers_are_refused_and_named():
    left, right = layers(200)
    left["scalar"] = np.full((200, 1), 0.1)
    found = streamed(left, right, [200]).result()
    assert found["scalar", "wide"].reason == "layer 'scalar' is constant: CKA is 0/0"
    assert isinstance(found["early", "wide"], Measurement)


def test_a_short_stream_is_answered_from_its_rows():
    left, right = layers(9)
    assert streamed(left, right, [4, 5]).result()["early", "wide"] == cka_of_all_pairs(left, right)["early", "wide"]
    few = {name: values[:7] for name, values in left.items()}, {name: values[:7] for name, values in right.items()}
    assert streamed(*few, [7]).result()["early", "wide"].reason == "7 rows are too few for CKA and its interval"


def test_wide_layers_stay_rows_until_sums_are_cheaper():
    """Flattened images: sums of products of features would take 8·(2·3000² + 3000²) bytes, 200 MB, for 900 rows."""
    rng = np.random.default_rng(5)
    left = rng.normal(size=(900, 3000)).astype(np.float32)
    right = (left[:, ::-1] + rng.normal(size=left.shape)).astype(np.float32)
    tracemalloc.start()
    stream, other = CKAStream({"flat": 3000}, {"flat": 3000}), CKAStream({"flat": 3000}, {"flat": 3000})
    for first in range(0, 900, 100):
        part = slice(first, first + 100)
        (stream if first < 600 else other).update({"flat": left[part]}, {"flat": right[part]})
    stream.merge(other)
    assert stream.n == 900
    found = stream.result()["flat", "flat"]
    high = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    whole = cka(left, right)
    assert found.value == pytest.approx(whole.value, abs=1e-6)
    assert found.details["error"] == pytest.approx(whole.details["error"], rel=1e-3)
    assert high < 75e6


def test_rows_become_sums_once_these_are_cheaper():
    widths = {"one": 300}, {"two": 200}
    rng = np.random.default_rng(6)
    x = rng.normal(size=(900, 300))
    y = x[:, :200] + rng.normal(size=(900, 200))
    enough = next(n for n in range(640, 900) if features_are_cheaper(n, (300,), (200,)))
    stream = CKAStream(*widths)
    stream.update({"one": x[: enough - 1]}, {"two": y[: enough - 1]})
    assert stream._shifts is None
    before = stream.result()["one", "two"]
    assert before.value == pytest.approx(cka(x[: enough - 1], y[: enough - 1]).value, abs=1e-6)
    stream.update({"one": x[enough - 1 :]}, {"two": y[enough - 1 :]})
    assert stream._shifts is not None
    assert stream.result()["one", "two"].value == pytest.approx(cka(x, y).value, abs=1e-12)


def wrong(side, name, values):
    left, right = layers(10)
    {"left": left, "right": right}[side][name] = values
    return left, right


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (wrong("left", "late", np.full((10, 20), np.nan)), "left layer 'late' holds NaN or an infinity, first in row 30: drop"),
        (wrong("right", "wide", np.ones((9, 30))), "right layer 'wide' has 9 rows, 'narrow' 10: rows must be paired"),
        (wrong("left", "late", np.ones((10, 21))), "left layer 'late' is 21 wide, 20 was announced: give the layer that was announced"),
        (({}, layers(10)[1]), "the batch has no left layer 'early': give early, scalar, late"),
        ((layers(10)[0], layers(11)[1]), "the left layers have 10 rows, the right ones 11: rows must be paired"),
    ],
)
def test_errors_name_the_layer_and_leave_the_stream_as_it_was(batch, text):
    left, right = layers(30)
    stream = streamed(left, right, [30])
    with pytest.raises(DataError) as caught:
        stream.update(*batch)
    assert text in str(caught.value)
    assert stream.n == 30
    assert stream.result()["early", "wide"].value == pytest.approx(cka(left["early"], right["wide"]).value, abs=1e-12)


def test_streams_of_different_layers_do_not_merge():
    with pytest.raises(DataError, match="streams of different layers do not merge"):
        CKAStream(LEFT, RIGHT).merge(CKAStream(RIGHT, LEFT))
    with pytest.raises(DataError, match="the stream has 0 rows: give at least 4"):
        CKAStream(LEFT, RIGHT).result()


def test_gram_accumulators_add_up_over_features():
    x = np.random.default_rng(4).normal(size=(50, 9000)) + 3
    whole = GramAccumulator(50)
    whole.update(x)
    parts = [GramAccumulator(50) for _ in range(3)]
    for part, columns in zip(parts, np.array_split(x, 3, axis=1), strict=True):
        part.update(columns)
    parts[1].merge(parts[2])
    parts[0].merge(parts[1])
    assert np.allclose(parts[0].kernel, whole.kernel, rtol=1e-12)
    centred = x - x.mean(axis=0)
    assert np.allclose(whole.kernel, centred @ centred.T, rtol=1e-10)
