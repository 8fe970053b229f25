"""The warning of rows that are alike to the next: its null, how often it is false, and what raises it."""

import numpy as np
import pytest

from kdprobe.measures.cka.all_pairs import cka_of_all_pairs
from kdprobe.measures.cka.cka import cka
from kdprobe.measures.cka.neighbours import ALARM, Neighbours, likeness
from kdprobe.measures.cka.stream import CKAStream
from kdprobe.measures.similarity.procrustes import procrustes


def series(rng, n, d, by=0.9):
    """(n, d) autoregressive rows of variance 1."""
    x = rng.normal(size=(n, d))
    for i in range(1, n):
        x[i] = by * x[i - 1] + np.sqrt(1 - by**2) * x[i]
    return x


def warned(result):
    note = any(note.startswith("neighbouring rows are alike on both sides") for note in result.notes)
    assert note == ("neighbours_alike" in result.details)
    return note


@pytest.mark.parametrize("d", [1, 4, 40])
def test_z_is_that_of_all_orders(d):
    """By brute force: likeness of neighbours over random orders of the rows."""
    rng = np.random.default_rng(d)
    x = series(rng, 25, d, by=0.5) + 1e3
    found = likeness(x)
    if d <= 16:
        z = x - x.mean(axis=0)
        # U-centring takes the row sums off; without it the number of neighbours (two, one at the ends) would count
        kernel = z @ z.T
        np.fill_diagonal(kernel, 0.0)
        rows = kernel.sum(axis=1)
        u = kernel - rows[:, None] / 23 - rows / 23 + kernel.sum() / (24 * 23)
        np.fill_diagonal(u, 0.0)
        of_orders = [u[order[:-1], order[1:]].sum() for order in (rng.permutation(25) for _ in range(20_000))]
        observed = np.diagonal(u, offset=1).sum()
        assert found.z == pytest.approx((observed - np.mean(of_orders)) / np.std(of_orders), abs=0.06)
    assert likeness(1e-160 * (x - 1e3)).z == pytest.approx(found.z, abs=1e-6)
    assert likeness(1e160 * (x - 1e3)).z == pytest.approx(found.z, abs=1e-6)


def test_share_is_the_autocorrelation():
    rng = np.random.default_rng(0)
    for by in (0.0, 0.3, 0.8):
        assert likeness(series(rng, 20_000, 3, by)).share == pytest.approx(by, abs=0.02)
        assert likeness(series(rng, 20_000, 60, by)).share == pytest.approx(by, abs=0.02)


WORLDS = {
    "normal": lambda rng: rng.normal(size=(100, 5)),
    "scalars": lambda rng: rng.normal(size=(100, 1)),
    "t with 2 degrees": lambda rng: rng.standard_t(2, size=(100, 5)),
    "log-normal": lambda rng: np.exp(1.5 * rng.normal(size=(100, 5))),
    "Cauchy": lambda rng: rng.standard_cauchy(size=(100, 5)),
    "classes": lambda rng: 5 * np.eye(6)[rng.integers(0, 6, 100)] + 0.3 * rng.normal(size=(100, 6)),
    "a shuffled series": lambda rng: rng.permutation(series(rng, 100, 5)),
}


@pytest.mark.parametrize("world", WORLDS)
def test_independent_rows_raise_it_in_one_percent_at_most(world):
    rng = np.random.default_rng(7)
    alarms = np.mean([likeness(WORLDS[world](rng)).z > ALARM for _ in range(2000)])
    assert alarms <= 0.01


MEASURES = {
    "cka": cka,
    "RBF": lambda x, y, **rest: cka(x, y, kernel="rbf", **rest),
    "biased": lambda x, y, **rest: cka(x, y, debiased=False, **rest),
    "all pairs": lambda x, y, blocks=None: cka_of_all_pairs({"a": x}, {"b": y}, blocks=blocks)["a", "b"],
    "procrustes": procrustes,
}


@pytest.mark.parametrize("name", MEASURES)
def test_what_is_warned_of(name):
    rng, measure = np.random.default_rng(3), MEASURES[name]
    x, y = series(rng, 300, 4), series(rng, 300, 3)
    assert warned(measure(x, y))
    order = rng.permutation(300)
    assert not warned(measure(x[order], y[order]))
    assert not warned(measure(x, y, blocks=np.arange(300) // 30))
    # rows of one side that can change places are enough for the null
    assert not warned(measure(x, y[order]))
    assert not warned(measure(rng.normal(size=(300, 4)), rng.normal(size=(300, 3))))


def test_such_rows_are_found_alike_too_often():
    """Why it warns: independent series pass the test of independent rows far more often than 5 %."""
    rng = np.random.default_rng(11)
    found = [cka(series(rng, 100, 3), series(rng, 100, 3)) for _ in range(300)]
    small = np.array([result.details["p"] <= 0.05 for result in found])
    assert small.mean() > 0.15
    assert np.mean([warned(result) for result in found]) > 0.95


@pytest.mark.parametrize("d", [3, 40])
def test_sums_are_the_same_however_they_are_cut(d):
    rng = np.random.default_rng(5)
    x, shift, other = series(rng, 500, d), rng.normal(size=d), rng.normal(size=d)
    whole = likeness(x)
    cut, second = Neighbours(d), Neighbours(d)
    for part in np.split(x[:333], [1, 2, 200]):
        cut.add(part - shift)
    cut.add(x[:0])
    second.add(x[333:] - other)
    cut.follow(second, other - shift)
    assert cut.likeness() == pytest.approx(whole, rel=1e-9)
    empty = Neighbours(d)
    empty.follow(cut, np.zeros(d))
    assert empty.likeness() == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("rows", [300, 4000])
def test_a_stream_warns_too(rows):
    rng = np.random.default_rng(9)
    x, y = series(rng, rows, 5), series(rng, rows, 4)
    order = rng.permutation(rows)
    for a, b, expected in ((x, y, True), (x[order], y[order], False)):
        streams = [CKAStream({"x": 5}, {"y": 4}) for _ in range(2)]
        for first in range(0, rows, 100):
            streams[first >= rows // 2].update({"x": a[first : first + 100]}, {"y": b[first : first + 100]})
        streams[0].merge(streams[1])
        assert warned(streams[0].result()["x", "y"]) == expected


def test_constant_rows_are_not_alike():
    assert likeness(np.full((20, 3), 7.0)) == (0.0, 0.0)
    assert likeness(np.arange(3.0)[:, None]) == (0.0, 0.0)


def test_what_p_does_not_exclude_is_said():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 3))
    for result in (cka(x, y), procrustes(x, y)):
        assert any("never met" in note and "not that one model taught the other" in note for note in result.notes)
