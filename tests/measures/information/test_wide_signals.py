"""A narrow noise on a wide signal: nearest neighbours read too little, and the estimate by their number says so."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma

from kdprobe.measures.information import surrogate
from kdprobe.measures.information.copula import rank_scores
from kdprobe.measures.information.mutual_information import mutual_information
from kdprobe.measures.information.nearest_neighbours import ksg1, ksg1_means
from kdprobe.testing.worlds import wide_signals as worlds
from kdprobe.testing.worlds.drawn_signals import drawn_signals
from kdprobe.testing.worlds.information import bivariate_normal


def draws(world, runs, n=1000):
    return [mutual_information(*world.draw(np.random.default_rng([5, seed]), n)) for seed in range(runs)]


@pytest.mark.parametrize("signal", [stats.t(2), stats.laplace(scale=2)], ids=["t(2)", "Laplace(2)"])
def test_bounded_noise_is_read_right(signal):
    """At k = 5 alone both read .1 too little, with status ok."""
    world = worlds.additive("", signal, worlds.flat(1))
    found = draws(world, 4)
    assert np.mean([m.value for m in found]) == pytest.approx(world.information, abs=0.07)
    plain = [m.value - m.details["extrapolated"] for m in found]
    assert np.mean(plain) < world.information - 0.06
    assert all(m.low <= world.information <= m.high for m in found)
    assert {m.status for m in found} == {"ok"}


def test_a_step_too_long_to_trust_is_flagged():
    """A one-sided stable law of index 1/2: a tenth of the rows have nobody near."""
    world = worlds.additive("", stats.levy(), worlds.flat(1))
    for result in draws(world, 2):
        assert result.status == "unresolved"
        assert any("fewer neighbours show more: extrapolating to none moved the value by +" in note for note in result.notes)


def test_more_columns_are_flagged():
    """Two such pairs side by side: nearest neighbours in four columns read .7 too little."""
    pair = [worlds.additive("", stats.t(2), worlds.flat(1)), worlds.additive("", stats.norm(scale=3), worlds.flat(1))]
    world = worlds.side_by_side("", *pair)
    (result,) = draws(world, 1)
    assert result.value < world.information - 0.3
    assert result.status == "unresolved"
    assert any("too few rows for so narrow a noise: neighbours alone gained" in note for note in result.notes)


def test_gaussian_pairs_are_left_where_they_were():
    """Where the fall is noise the step is nothing, or small."""
    steps = [m.details.get("extrapolated", 0.0) for m in draws(bivariate_normal(0.6), 6)]
    assert np.median(np.abs(steps)) < 0.01
    assert np.max(np.abs(steps)) < 0.1


def test_weights_cancel_the_leading_terms_of_the_bias():
    ladder, weights = np.array(surrogate._LADDER, dtype=float), np.array(surrogate._TO_NONE)
    for power, sum_ in ((0, 1), (0.5, 0), (1, 0)):
        assert weights @ ladder**power == pytest.approx(sum_, abs=1e-6)
    # of three conditions on five weights two are free, and they buy a third of the noise of the shortest ladder that cancels as much
    shortest = np.linalg.solve(np.array([ladder[:3] ** power for power in (0, 0.5, 1)]), [1, 0, 0])
    assert np.sum(weights**2) < np.sum(shortest**2) / 3


@pytest.mark.parametrize("n", [200, 500])
def test_few_rows_have_a_ladder_of_their_own(n):
    x, y = worlds.additive("", stats.laplace(scale=2), worlds.flat(1)).draw(np.random.default_rng(0), n)
    found = surrogate.corrected_ksg(rank_scores(x), rank_scores(y), 5, np.random.default_rng(0))
    assert np.isfinite([found.value, found.variance, found.drift]).all()
    assert found.raw == pytest.approx(ksg1(rank_scores(x), rank_scores(y), 5).mean())


def test_rungs_are_ksg_at_each_number_of_neighbours():
    rng = np.random.default_rng(0)
    for columns in (1, 2):
        x = rng.normal(size=(300, columns))
        y = x + rng.normal(size=(300, columns))
        np.testing.assert_allclose(ksg1_means(x, y, (3, 7, 20)), [ksg1(x, y, k).mean() for k in (3, 7, 20)], atol=1e-12)


def spacing_entropy(values, m=20):
    """Vasicek's estimate of differential entropy with van Es's correction: it knows nothing of the density."""
    ranked = np.sort(values, axis=None)
    return np.mean(np.log(ranked[m:] - ranked[:-m])) - digamma(m) + digamma(len(ranked) + 1)


def test_truths_agree_with_spacings_of_many_draws():
    """h(Y) by the spacings of 200,000 draws, where the world has an integral: the two share no formula."""
    rng = np.random.default_rng(0)
    noises = {
        "Lévy (stable 1/2) + uniform": worlds.flat(1),
        "normals(.5, 5, 50) + uniform": worlds.flat(1),
        "Gumbel(2) + logistic(.5)": stats.logistic(scale=0.5),
        "t(4, 2) + arcsine": stats.arcsine(-1, 2),
        "normal(3) + exponential": stats.expon(),
        "Laplace(3) + three steps": worlds.Steps(((-1.2, -0.8), (-0.2, 0.2), (0.8, 1.2)), (0.25, 0.5, 0.25)),
    }
    found = {world.name: world for world in worlds.wide_signals()}
    for name, noise in noises.items():
        y = found[name].draw(rng, 200_000)[1]
        assert found[name].information == pytest.approx(spacing_entropy(y) - noise.entropy(), abs=0.02), name
    growing = found["t(2) + (1 + |X|) × uniform(.5)"]
    x, y = growing.draw(rng, 200_000)
    assert growing.information == pytest.approx(spacing_entropy(y) - np.mean(np.log(1 + np.abs(x))), abs=0.02)
    factored = found["Pareto(2) × (1 ± .5)"]
    y = np.log(factored.draw(rng, 200_000)[1])
    # the entropy of the logarithm of a uniform factor on .5 to 1.5 is minus its mean
    mean_log = 1.5 * np.log(1.5) - 0.5 * np.log(0.5) - 1
    assert factored.information == pytest.approx(spacing_entropy(y) + mean_log, abs=0.02)


def test_truths_with_closed_forms():
    two_normals = worlds.additive("", stats.norm(scale=2), stats.norm())
    assert two_normals.information == pytest.approx(0.5 * np.log(5), abs=1e-6)
    flats = worlds.additive("", stats.uniform(), worlds.flat(0.1))
    assert flats.information == pytest.approx(0.1 - np.log(0.2), abs=1e-5)
    # counts of a gamma mean are negative binomial
    levels = np.arange(400)
    p = stats.nbinom.pmf(levels, 2, 1 / 6)
    draws = stats.gamma(2, scale=5).ppf((np.arange(2000) + 0.5) / 2000)
    conditional = np.mean(stats.poisson(draws).entropy())
    counts = worlds.counted("", stats.gamma(2, scale=5), 400)
    assert counts.information == pytest.approx(-np.sum(p * np.log(p, where=p > 0, out=np.zeros(400))) - conditional, abs=1e-3)
    both = worlds.side_by_side("", two_normals, flats)
    assert both.information == pytest.approx(two_normals.information + flats.information)
    assert [side.shape for side in both.draw(np.random.default_rng(0), 5)] == [(5, 2), (5, 2)]
    signed = worlds.exponentiated("", two_normals, signed=True)
    x, y = signed.draw(np.random.default_rng(0), 50)
    assert signed.information == pytest.approx(two_normals.information + np.log(2))
    assert (np.sign(x) == np.sign(y)).all()


def test_drawn_worlds_are_others_for_another_seed_and_all_have_a_truth():
    first, second = drawn_signals(0, 24), drawn_signals(1, 24)
    assert [world.name for world in first] == [world.name for world in drawn_signals(0, 24)]
    assert not {world.name for world in first} & {world.name for world in second}
    assert any("exp(" in world.name for world in first + second)
    assert any("(1 + |X|)" in world.name for world in first + second)
    for world in first + second:
        x, y = world.draw(np.random.default_rng(0), 50)
        assert x.shape == y.shape == (50, 1)
        assert np.isfinite([*x, *y]).all()
        assert 0.05 < world.information < 6


@pytest.mark.parametrize(
    ("signal", "noise"),
    [
        (stats.uniform(-2, 4), stats.triang(0.5, -1, 2)),
        (stats.pareto(1.5), stats.norm(scale=0.4)),
        (stats.weibull_min(1, scale=2), stats.laplace(scale=0.3)),
        (stats.uniform(-1, 2), stats.arcsine(-1, 2)),
    ],
    ids=["uniform + triangular", "Pareto + normal", "exponential + Laplace", "uniform + arcsine"],
)
def test_truths_of_signals_with_an_edge_agree_with_spacings(signal, noise):
    """`drawn_signals` puts smooth noise on them: the integral then meets a density that jumps."""
    world = worlds.additive("", signal, noise)
    y = world.draw(np.random.default_rng(0), 400_000)[1]
    assert world.information == pytest.approx(spacing_entropy(y, 50) - noise.entropy(), abs=0.006)


def test_the_upper_end_holds_a_fall_that_may_be_noise():
    """The fall of half of what the noise's edges hide does not stand out: the value stays where it is, and the truth above it."""
    world = worlds.additive("", stats.uniform(), worlds.flat(0.75))
    x, y = world.draw(np.random.default_rng([77, 0, 7]), 1000)
    found = mutual_information(x, y)
    assert found.details.get("extrapolated", 0.0) == 0
    beyond = (found.high - found.value) - (found.value - found.low)
    assert 0.01 < beyond < 0.1
    corrected = surrogate.corrected_ksg(rank_scores(x), rank_scores(y), 5, np.random.default_rng(0))
    assert corrected.left_out > 0.01
    # where the whole step is taken nothing is left out
    whole = surrogate.corrected_ksg(*(rank_scores(side) for side in stepping()), 5, np.random.default_rng(0))
    assert whole.left_out < 0.1 * whole.extrapolated


def stepping():
    return worlds.additive("", stats.levy(), worlds.flat(1)).draw(np.random.default_rng(0), 1000)


def test_a_noise_that_holds_few_rows_is_flagged():
    """A wide and a rare wider signal under a sharp noise: .3 too little, with intervals that did not say so."""
    world = worlds.additive("", worlds.Mixture((0.83, 0.17), (stats.norm(scale=5.85), stats.norm(scale=109))), stats.laplace(scale=0.25))
    for result in draws(world, 2):
        assert result.value < world.information - 0.15
        assert result.status == "unresolved"
        assert any(note.startswith("too few rows for so narrow a noise: only ") for note in result.notes)
    (more,) = draws(world, 1, n=16_000)
    assert more.status == "ok"
    assert more.value == pytest.approx(world.information, abs=0.1)
