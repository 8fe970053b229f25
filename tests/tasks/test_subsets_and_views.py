"""Whose rows are whose, and how rows are seen: each rule by hand."""

import numpy as np
import pytest

from kdprobe.core.errors import PlanError
from kdprobe.core.registry import find
from kdprobe.core.task import SplitSizes
from kdprobe.tasks.splits import split
from kdprobe.tasks.subsets import belongs, of_subset
from kdprobe.tasks.views import VIEWS, noisy, seen, shifted

SIZES = SplitSizes(train=300, transfer=200, validation=100, probe_a=100, probe_b=100)
CLIENTS = [f"client {number}" for number in range(1, 6)]


@pytest.fixture(scope="module", params=["letters", "bikeshare"])
def parts(request):
    return split(find("tasks", request.param), sizes=SIZES)


def test_halves_are_halves_of_the_classes_or_of_the_target(parts):
    lower, upper = (belongs(parts.train, parts, half) for half in ("first half", "second half"))
    assert (lower ^ upper).all()
    if parts.kind == "classification":
        assert set(parts.train.y[lower]) <= set(range(13))
        assert set(parts.train.y[upper]) <= set(range(13, 26))
    else:
        assert parts.train.y[lower].max() < np.median(parts.train.y) <= parts.train.y[upper].min()
        assert abs(int(lower.sum()) - int(upper.sum())) <= 2
        # other rows are cut where the train rows are
        assert (belongs(parts.validation, parts, "first half") == (parts.validation.y[:, 0] < np.median(parts.train.y))).all()


def test_clients_share_all_rows_and_are_unlike_each_other(parts):
    owned = np.stack([belongs(parts.train, parts, client) for client in CLIENTS])
    assert (owned.sum(axis=0) == 1).all()
    assert owned.sum(axis=1).min() >= 10
    target = parts.train.y.reshape(parts.train.n, -1)[:, 0]
    edges = np.arange(26) - 0.5 if parts.kind == "classification" else np.quantile(target, np.arange(10) / 10)
    classes = np.searchsorted(edges, target, side="right")

    def largest_share(client):
        """Of a class, what the client with most of it has: 1/5 of many rows that are dealt out blindly."""
        return np.mean([np.bincount(client[classes == name]).max() / (classes == name).sum() for name in np.unique(classes)])

    client = owned.argmax(axis=0)
    assert largest_share(client) > 0.5
    assert largest_share(client) > 1.2 * largest_share(np.random.default_rng(0).permutation(client))
    assert (belongs(parts.train, parts, "client 2") == owned[1]).all()


def test_too_few_rows_for_clients_are_told(parts):
    with pytest.raises(PlanError, match="40 rows are too few for 5 clients of 10 or more: give more train_rows"):
        belongs(parts.train.first(40), parts, "client 1")


def test_a_part_of_a_part_keeps_the_order_of_drawing(parts):
    half = of_subset(parts.train, parts, "first half")
    kept = belongs(parts.train, parts, "first half")
    assert (half.ids == parts.train.ids[kept]).all()
    drawn = [row for row in parts.train.ids[parts.train.order] if row in set(half.ids.tolist())]
    assert half.ids[half.order].tolist() == drawn
    assert set(half.first(20).ids.tolist()) == set(drawn[:20])


def test_half_of_a_row_and_of_an_image(parts):
    half = seen(parts.train.x, "half", parts)
    assert (half[:, 1::2] == 0).all()
    assert (half[:, ::2] == parts.train.x[:, ::2]).all()
    image = np.ones((2, 1, 4, 5), dtype=np.float32)
    assert seen(image, "half", parts)[0, 0, 0].tolist() == [1, 1, 1, 0, 0]
    assert seen(parts.train.x, "own", parts) is parts.train.x


def test_neighbours_are_the_five_nearest_by_brute_force(parts):
    rows = parts.probe_b.x[:20]
    others = np.concatenate([parts.train.x, parts.transfer.x]).astype(np.float64)
    wanted = []
    for row in rows.astype(np.float64):
        nearest = np.argsort(((others - row) ** 2).sum(axis=1), kind="stable")[:5]
        wanted.append((row + others[nearest].sum(axis=0)) / 6)
    found = seen(rows, "neighbours", parts)
    # rows as near as the fifth may stand in its place
    assert (np.abs(found - np.array(wanted)).max(axis=1) < 1e-5).mean() > 0.8


def test_a_source_is_moved_the_same_way_everywhere(parts):
    moved = shifted(parts.train.x, parts) - parts.train.x
    np.testing.assert_allclose(np.abs(moved), 0.5, atol=1e-5)
    np.testing.assert_allclose(moved, np.broadcast_to(shifted(parts.probe_a.x[:1], parts) - parts.probe_a.x[:1], moved.shape), atol=1e-5)


def test_noisy_views_stand_beside_their_own_rows(parts):
    clean, x = noisy(parts.train, parts, 0.3)
    assert clean.n == len(x) == VIEWS * parts.train.n
    assert (clean.x == np.tile(parts.train.x, (VIEWS, 1))).all()
    noise = x - clean.x
    assert abs(float(noise.std()) - 0.3) < 0.01
    assert np.abs(np.corrcoef(noise[: parts.train.n].ravel(), noise[parts.train.n : 2 * parts.train.n].ravel())[0, 1]) < 0.05
    assert (noisy(parts.train, parts, 0.3)[1] == x).all()
