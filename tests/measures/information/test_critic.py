"""Held-out InfoNCE: a bound wherever it is scored, and each known way to make it none."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from kdprobe.core.errors import PlanError
from kdprobe.measures.information import continuous, critic
from kdprobe.measures.information.copula import fit_gaussian, held_out_correlations, rank_scores
from kdprobe.measures.information.critic import BLOCK, cap, critic_floor, info_nce
from kdprobe.measures.information.expansions import columns
from kdprobe.measures.information.interval import Floor, HalfFloor, halves_of, higher, standardised
from kdprobe.measures.information.mutual_information import mutual_information
from kdprobe.measures.information.nonlinearity import bend
from kdprobe.testing.worlds import information as worlds


def scores_of(world, n, seed=0):
    return tuple(rank_scores(side) for side in world.draw(np.random.default_rng(seed), n))


def test_info_nce_is_its_formula():
    scores = np.random.default_rng(0).normal(size=(7, 7)) * 3
    by_rows = [scores[i, i] - logsumexp(scores[i]) + np.log(7) for i in range(7)]
    by_columns = [scores[i, i] - logsumexp(scores[:, i]) + np.log(7) for i in range(7)]
    np.testing.assert_allclose(info_nce(scores), (np.array(by_rows) + by_columns) / 2)


@pytest.mark.parametrize("scale", [1e3, 1e30])
def test_a_perfect_critic_shows_the_logarithm_of_its_rows_and_no_more(scale):
    assert info_nce((scale * np.eye(50)).astype(np.float32)).mean() == pytest.approx(np.log(50))


@pytest.mark.parametrize(
    "world",
    [worlds.multinormal_pairs(4, 4), worlds.spiralled(worlds.multinormal_pairs(5, 5)), worlds.multinormal_pairs(8, 8, pairs=8)],
    ids=lambda world: world.name,
)
def test_it_is_a_lower_bound_and_a_near_one(world):
    found = [mutual_information(*world.draw(np.random.default_rng(seed), 1200), estimator="infonce") for seed in range(4)]
    values = np.array([m.value for m in found])
    assert {m.kind for m in found} == {"lower_bound"}
    assert {m.status for m in found} == {"ok"}
    assert values.mean() - 2 * values.std() / 2 < world.information
    assert values.mean() > 0.6 * world.information


def test_more_than_the_logarithm_of_the_rows_cannot_be_seen():
    world = worlds.multinormal_pairs(30, 30, pairs=30)
    result = mutual_information(*world.draw(np.random.default_rng(0), 800), estimator="infonce")
    assert world.information > 15
    assert result.details["cap"] == pytest.approx(np.log(400))
    assert result.details["cap"] - 1 < result.value < result.details["cap"]
    assert result.status == "capped"
    assert "meets 400 rows at once" in result.notes[-1]
    assert cap(100_000) <= np.log(BLOCK)


def test_a_deterministic_map_is_capped():
    x = np.random.default_rng(0).normal(size=(600, 2))
    assert mutual_information(x, np.tanh(x), estimator="infonce").status == "capped"


def test_on_its_own_rows_a_critic_would_bound_nothing():
    """Independent sides, 30 columns, 300 rows: on the rows it was fitted to the critic reads information, on others none."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 30)), rng.normal(size=(300, 30))
    fit, held = np.arange(200), np.arange(200, 300)
    fitted = critic._fitted(columns, columns, x, y, critic._Parts(fit, fit, fit))
    assert critic._bound(fitted, None, x, y, fit)[0] > 0.5
    assert critic._bound(fitted, None, x, y, held)[0] < 0
    assert critic_floor(x, y, halves_of(300, rng), rng).value == pytest.approx(0.0, abs=0.05)


def test_clipping_the_mixed_pairs_bounds_nothing():
    """SMILE clips the ratio of mixed pairs at e^τ. With the true log density ratio it reads more than there is; InfoNCE does not."""
    rng = np.random.default_rng(0)
    rho = np.full(4, 0.95)
    x = rng.normal(size=(1500, 4))
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=x.shape)
    truth = -0.5 * np.log1p(-(rho**2)).sum()
    slope, bend = rho / (1 - rho**2), (rho**2 / (1 - rho**2) / 2)
    ratio = (x * slope) @ y.T - (x**2 @ bend)[:, None] - (y**2 @ bend)[None] + truth
    clipped = np.diagonal(ratio).mean() - np.log(np.mean(np.exp(np.clip(ratio, -1, 1))))
    assert clipped > truth + 0.3
    assert info_nce(ratio).mean() < truth + 0.05
    with pytest.raises(PlanError, match="estimator='smile' is unknown"):
        mutual_information(x, y, estimator="smile")


def test_noise_in_many_directions_does_not_wreck_the_critic():
    """Two columns matter, sixty are noise of tiny variance, which whitening would blow up."""
    rng = np.random.default_rng(0)
    x, y = worlds.multinormal_pairs(2, 2).draw(rng, 3000)
    x = np.hstack([x, 1e-6 * rng.normal(size=(3000, 60))])
    result = mutual_information(x, np.hstack([y, rng.normal(size=(3000, 20))]), estimator="infonce")
    assert 0.85 < result.value < 1.06


def test_the_weights_kept_are_those_of_the_best_step():
    """Kept by reference, they would be those of the last step, which training has overfitted."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 2))
    y = np.cos(2 * x) + 0.1 * rng.normal(size=x.shape)
    x, y = rank_scores(x), rank_scores(y)
    parts = critic._parted(np.arange(1200))
    start = critic._fitted(columns, columns, x, y, parts)
    network = critic._train(start, x, y, parts, rng)
    assert network.steps > 0
    assert network.checked > start.checked + 0.3
    assert critic._bound(start, network, x, y, parts.check)[0] == pytest.approx(network.checked, abs=1e-4)


def test_gradients_by_hand_are_those_of_the_bound():
    """Central differences of InfoNCE along a random direction of each weight, float64."""
    rng = np.random.default_rng(0)
    shapes = [(3, 64), (64,), (64, 16), (16,), (2, 64), (64,), (64, 16), (16,)]
    weights = [0.2 * rng.normal(size=shape) for shape in shapes]
    sides, below = (rng.normal(size=(9, 3)), rng.normal(size=(9, 2))), rng.normal(size=(9, 9))

    def loss(weights):
        ends = [
            np.maximum(side @ w + offset, 0) @ outer + shift
            for side, (w, offset, outer, shift) in zip(sides, (weights[:4], weights[4:]), strict=True)
        ]
        return -info_nce(below + ends[0] @ ends[1].T).mean()

    for i, slope in enumerate(critic._slopes(weights, sides, below.copy())):
        direction = rng.normal(size=shapes[i])
        up, down = ([w + sign * 1e-6 * direction if j == i else w for j, w in enumerate(weights)] for sign in (1, -1))
        assert np.sum(slope * direction) == pytest.approx((loss(up) - loss(down)) / 2e-6, rel=1e-5, abs=1e-8)


def test_the_network_needs_no_torch():
    """The first call would wait seconds for its import."""
    code = """
import sys
import numpy as np
from kdprobe import mutual_information
x = np.random.default_rng(0).normal(size=(300, 4))
print(mutual_information(x, x + np.random.default_rng(1).normal(size=x.shape)).kind, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["bracket", "False"]


def test_same_answer_again_and_the_caller_keeps_torch_as_it_was():
    pair = worlds.multinormal_pairs(4, 4).draw(np.random.default_rng(0), 300)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        first = mutual_information(*pair, estimator="infonce")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert mutual_information(*pair, estimator="infonce") == first
    assert torch.equal(state, torch.get_rng_state())


def floor_of(checked, value, variance=0.01):
    return HalfFloor(checked=checked, value=value, variance=variance)


def test_the_floor_is_chosen_where_it_is_not_measured():
    one, other = Floor(floor_of(1.0, 0.2), floor_of(0.1, 0.4)), Floor(floor_of(0.9, 5.0), floor_of(0.3, 0.3))
    chosen = higher(one, other)
    assert (chosen.first.value, chosen.second.value) == (0.2, 0.3)
    assert chosen.value == pytest.approx(0.25)


def test_halves_that_disagree_are_no_evidence():
    steady, torn = Floor(floor_of(0, 1.0), floor_of(0, 1.0)), Floor(floor_of(0, 0.0), floor_of(0, 4.0))
    assert standardised(steady, torn) == pytest.approx(-0.5)
    assert standardised(steady, steady) == 0.0


def test_many_equal_correlations_are_not_spread_by_chance():
    """Forty pairs of correlation .5: the largest of the sample's is far higher, and a surrogate must not start from it."""
    x, y = scores_of(worlds.multinormal_pairs(40, 40, pairs=40, strength=1.0), 1000)
    model = fit_gaussian(x, y)
    left, right = (np.linalg.cholesky(part) for part in (model.correlation[:40, :40], model.correlation[40:, 40:]))
    cross = np.linalg.solve(left, model.correlation[:40, 40:]) @ np.linalg.inv(right).T
    assert np.linalg.svd(cross, compute_uv=False)[0] < 0.62
    sample = np.corrcoef(np.hstack([x, y]), rowvar=False)
    left, right = (np.linalg.cholesky(part) for part in (sample[:40, :40], sample[40:, 40:]))
    assert np.linalg.svd(np.linalg.solve(left, sample[:40, 40:]) @ np.linalg.inv(right).T, compute_uv=False)[0] > 0.67
    held_out = held_out_correlations(x, y)
    assert 0.4 < held_out[0] < 0.6
    assert (np.diff(held_out) <= 0).all()


def test_bends_are_seen_where_there_are_some():
    """Maps that turn as the row grows; elliptical laws, correlated or of one common radius, do not bend."""
    rng = np.random.default_rng(0)
    for world in (worlds.spiralled(worlds.multinormal_pairs(6, 6), 0.8), worlds.spiralled(worlds.multinormal_pairs(30, 30), 0.7)):
        assert bend(*(rank_scores(side) for side in world.draw(rng, 4000))) > 5
    x = rng.normal(size=(1000, 4))
    assert bend(rank_scores(x), rank_scores(x**2 + rng.normal(size=x.shape))) > 5
    straight = [
        worlds.multinormal_dense(5, 5),
        worlds.multinormal_dense(12, 12),
        worlds.multinormal_pairs(4, 4, pairs=4),
        worlds.student(4, 4, 2),
    ]
    found = [bend(*(rank_scores(side) for side in world.draw(rng, 400))) for world in straight for _ in range(25)]
    assert np.mean(np.array(found) > 3) <= 0.03  # .3 % are due: 4 of 100 have probability 2e-4
    assert min(found) >= 0
    assert bend(x, np.repeat(x[:, :1], 2, axis=1)) < 4  # nothing left to bend, only rounding


def test_a_bend_flags_the_bracket():
    world = worlds.spiralled(worlds.multinormal_pairs(12, 12), 1.3)
    result = mutual_information(*world.draw(np.random.default_rng(0), 1500))
    assert result.status == "unresolved"
    assert result.details["z_bend"] > 3
    assert any("does not follow the other along a line" in note or "looks different" in note or "misses" in note for note in result.notes)


def test_one_odd_sample_of_the_model_condemns_nobody(monkeypatch):
    x, y = worlds.multinormal_dense(4, 4).draw(np.random.default_rng(0), 300)
    gaps = [continuous._Gap(3.5, 0.0, 0.0, 0.0), continuous._Gap(1.0, 0.0, 0.0, 0.0)]
    monkeypatch.setattr(continuous, "_gap_to_surrogate", lambda *_: gaps.pop(0))
    assert mutual_information(x, y).status == "ok"
    assert not gaps
