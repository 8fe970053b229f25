"""Each world's information, checked by a route that does not use its formula."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, ndtr
from scipy.stats import multivariate_normal, multivariate_t, norm

from kdprobe.core.errors import PlanError
from kdprobe.testing.worlds import information as worlds


def mean_log_ratio(joint, x, y, part_x, part_y):
    """Monte Carlo of E log p(x, y) / p(x) p(y), with its standard error."""
    ratio = joint.logpdf(np.hstack([x, y])) - part_x.logpdf(x) - part_y.logpdf(y)
    return ratio.mean(), ratio.std() / np.sqrt(len(ratio))


@pytest.mark.parametrize("world", [worlds.bivariate_normal(0.75), worlds.multinormal_dense(3, 2), worlds.multinormal_pairs(3, 4, pairs=2)])
def test_normal_worlds_by_density(world):
    x, y = world.draw(np.random.default_rng(0), 40_000)
    # the covariance of a large sample, not the one the world was made with
    rng = np.random.default_rng(1)
    big = np.hstack(world.draw(rng, 400_000))
    covariance, d = np.cov(big, rowvar=False), world.dim_x
    joint, part_x, part_y = (multivariate_normal(cov=c) for c in (covariance, covariance[:d, :d], covariance[d:, d:]))
    found, error = mean_log_ratio(joint, x, y, part_x, part_y)
    assert abs(found - world.information) < 4 * error


@pytest.mark.parametrize(("dim_x", "dim_y", "df"), [(1, 1, 1), (2, 2, 2), (5, 5, 3), (3, 1, 4)])
def test_student_worlds_by_density(dim_x, dim_y, df):
    world = worlds.student(dim_x, dim_y, df)
    x, y = world.draw(np.random.default_rng(0), 60_000)
    joint, part_x, part_y = (multivariate_t(shape=np.eye(d), df=df) for d in (dim_x + dim_y, dim_x, dim_y))
    found, error = mean_log_ratio(joint, x, y, part_x, part_y)
    assert abs(found - world.information) < 4 * error


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.75, 2.0])
def test_additive_noise_by_entropies(epsilon):
    """H(Y) - H(Y | X) with the density of Y integrated numerically."""

    def density(y):
        return max(0.0, min(1.0, y + epsilon) - max(0.0, y - epsilon)) / (2 * epsilon)

    def surprise(y):
        return -density(y) * np.log(density(y)) if density(y) > 0 else 0.0

    entropy = quad(surprise, -epsilon, 1 + epsilon, points=sorted({epsilon, 1 - epsilon}), limit=200)[0]
    assert worlds.additive_noise(epsilon).information == pytest.approx(entropy - np.log(2 * epsilon), abs=1e-6)


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.0])
def test_gamma_exponential_by_density(shape):
    x, y = worlds.gamma_exponential(shape).draw(np.random.default_rng(0), 200_000)
    # Y alone is Lomax
    ratio = np.log(x) - x * y - (np.log(shape) - (shape + 1) * np.log1p(y))
    assert abs(ratio.mean() - worlds.gamma_exponential(shape).information) < 4 * ratio.std() / np.sqrt(len(x))


def test_uniform_mixture_by_entropies():
    world = worlds.uniform_mixture(5)
    _, y = world.draw(np.random.default_rng(0), 300_000)
    # Y is piecewise uniform on unit intervals, so its entropy is that of the interval
    share = np.bincount(np.floor(y[:, 0]).astype(int)) / len(y)
    assert -(share * np.log(share)).sum() - np.log(2) == pytest.approx(world.information, abs=0.005)


def test_increasing_maps_are_injective():
    grid = np.linspace(-6, 6, 200_001)
    for entrywise in (worlds.half_cube, worlds.wiggly_x, worlds.wiggly_y, np.arcsinh):
        assert (np.diff(entrywise(grid)) > 0).all()
    levels = np.linspace(0.001, 0.999, 400)
    quantile = worlds.bimodal_quantile((0.3, 0.7), (0.0, 5.0))(levels)
    assert (np.diff(quantile) > 0).all()
    np.testing.assert_allclose(0.3 * ndtr(quantile) + 0.7 * ndtr(quantile - 5), levels, atol=1e-9)


def test_spiral_can_be_undone():
    x = np.random.default_rng(0).normal(size=(100, 5))
    turned = worlds.spiral(x, plane=(1, 2), speed=0.4)
    assert np.abs(turned - x).max() > 0.5
    np.testing.assert_allclose(worlds.spiral(turned, plane=(1, 2), speed=-0.4), x, atol=1e-12)


def test_swiss_roll_can_be_unrolled():
    levels = np.linspace(0, 1, 1001)[:, None]
    rolled = worlds.swiss_roll(levels)
    angle = 21 * np.hypot(*rolled.T)
    np.testing.assert_allclose((angle / (1.5 * np.pi) - 1) / 2, levels[:, 0], atol=1e-12)


def test_benchmark_is_complete():
    found = worlds.beyond_normal()
    assert len({world.name for world in found}) == 40
    for world in found:
        x, y = world.draw(np.random.default_rng(0), 20)
        assert x.shape == (20, world.dim_x)
        assert y.shape == (20, world.dim_y)
        assert np.isfinite(x).all()
        assert np.isfinite(y).all()
        assert world.information > 0


def test_calibrated_classes_by_integration():
    """Two classes: the logit difference is normal, and the information one integral."""

    def uncertainty(difference):
        p = expit(difference)
        return -(p * np.log(p) + (1 - p) * np.log1p(-p)) * norm.pdf(difference, scale=2 * np.sqrt(2))

    exact = np.log(2) - quad(uncertainty, -30, 30)[0]
    assert exact == pytest.approx(0.3178, abs=1e-4)
    assert worlds.calibrated_information(2, 2.0) == pytest.approx(exact, abs=0.0025)
    logits, labels = worlds.calibrated_classes(np.random.default_rng(0), 50_000, classes=2, scale=2.0)
    sure = expit(logits[:, 1] - logits[:, 0])
    assert np.mean(labels) == pytest.approx(np.mean(sure), abs=0.01)
    assert np.mean(labels[sure > 0.9]) == pytest.approx(np.mean(sure[sure > 0.9]), abs=0.01)


def test_trivariate_normal_has_its_correlations():
    draws = worlds.trivariate_normal(np.random.default_rng(0), 100_000, teacher=0.8, student=0.56, between=0.7)
    np.testing.assert_allclose(np.corrcoef(draws)[np.triu_indices(3, 1)], [0.7, 0.8, 0.56], atol=0.01)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: worlds.bivariate_normal(1.0), r"correlation=1\.0 must lie between -1 and 1"),
        (lambda: worlds.additive_noise(0.0), r"epsilon=0\.0 must be positive"),
        (lambda: worlds.gamma_exponential(-1.0), r"shape=-1\.0 must be positive"),
        (lambda: worlds.multinormal_pairs(2, 3, pairs=4), r"pairs=4 must lie between 0 and the smaller dimension, 2"),
        (lambda: worlds.spiralled(worlds.multinormal_dense(2, 2)), "a spiral needs 2 columns in X and 3 in Y"),
        (lambda: worlds.trivariate_normal(np.random.default_rng(0), 9, teacher=0.9, student=-0.9, between=0.9), "are no correlations"),
    ],
)
def test_impossible_worlds_are_refused(make, text):
    with pytest.raises(PlanError, match=text):
        make()
