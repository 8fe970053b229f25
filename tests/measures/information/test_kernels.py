"""Nearest neighbours, copulas and counts against definitions written out in plain NumPy."""

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import multivariate_normal, multivariate_t
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import adjusted_mutual_info_score

from kdprobe.measures.information.copula import (
    fit_elliptical,
    fit_gaussian,
    gaussian_information,
    informative_columns,
    rank_scores,
    student_excess,
    wishart_bias,
)
from kdprobe.measures.information.discrete import adjusted_information, codes
from kdprobe.measures.information.nearest_neighbours import TREE_COLUMNS, ksg1, ksg2, mixed, neighbourhood, ross
from kdprobe.testing.worlds.information import student, student_information


def distances(values, norm):
    gaps = values[:, None] - values[None]
    return np.abs(gaps).max(axis=2) if norm == "max" else np.sqrt((gaps**2).sum(axis=2))


def plain_ksg1(x, y, k, norm="max"):
    dx, dy = distances(x, norm), distances(y, norm)
    edge = np.sort(np.maximum(dx, dy), axis=1)[:, k, None]
    return digamma(k) + digamma(len(x)) - digamma((dx < edge).sum(axis=1)) - digamma((dy < edge).sum(axis=1))


def plain_mixed(x, y, k):
    dx, dy = distances(x, "max"), distances(y, "max")
    joint = np.maximum(dx, dy)
    found = []
    for i in range(len(x)):
        edge = np.sort(joint[i])[k]
        if edge > 0:
            found.append(digamma(k) - digamma(np.sum(dx[i] < edge)) - digamma(np.sum(dy[i] < edge)))
        else:
            found.append(digamma(np.sum(joint[i] == 0)) - digamma(np.sum(dx[i] == 0)) - digamma(np.sum(dy[i] == 0)))
    return digamma(len(x)) + np.array(found)


def plain_ksg2(x, y, k):
    dx, dy = distances(x, "max"), distances(y, "max")
    order = np.argsort(np.maximum(dx, dy), axis=1)[:, 1 : k + 1]
    rows = np.arange(len(x))[:, None]
    inside = [(d <= d[rows, order].max(axis=1)[:, None]).sum(axis=1) - 1 for d in (dx, dy)]
    return digamma(k) - 1 / k + digamma(len(x)) - digamma(inside[0]) - digamma(inside[1])


def pair(dim_x, dim_y, n=300, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dim_x))
    return x, rng.normal(size=(n, dim_y)) + 0.8 * x[:, :1]


@pytest.mark.parametrize(("dim_x", "dim_y"), [(1, 1), (1, 2), (3, 2), (5, 5)])
@pytest.mark.parametrize("k", [1, 4])
def test_ksg_is_its_definition(dim_x, dim_y, k):
    x, y = pair(dim_x, dim_y)
    np.testing.assert_array_equal(ksg1(x, y, k), plain_ksg1(x, y, k))
    np.testing.assert_array_equal(ksg2(x, y, k), plain_ksg2(x, y, k))


@pytest.mark.parametrize("scale", [1e-12, 1e8])
def test_neighbours_know_no_absolute_tolerance(scale):
    x, y = pair(1, 2)
    np.testing.assert_array_equal(ksg1(scale * x, scale * y, 3), plain_ksg1(scale * x, scale * y, 3))


def test_ksg_far_from_zero():
    """A column at 1e6 with a spread of one: the edge of the neighbourhood is a difference of two large numbers."""
    x, y = pair(1, 1)
    np.testing.assert_array_equal(ksg1(x + 1e6, y - 1e6, 3), plain_ksg1(x + 1e6, y - 1e6, 3))


def test_many_columns_use_euclidean_distances():
    x, y = pair(9, 9)
    assert x.shape[1] + y.shape[1] > TREE_COLUMNS
    assert neighbourhood(x, y, 3).norm == "euclidean"
    assert ksg1(x + 50, y, 3).mean() == pytest.approx(plain_ksg1(x, y, 3, "euclidean").mean(), abs=2e-3)


@pytest.mark.parametrize(("dim_x", "dim_y"), [(1, 1), (2, 1), (8, 8)])
def test_mixed_is_its_definition_with_ties(dim_x, dim_y):
    x, y = pair(dim_x, dim_y)
    # eighths are exact in binary, so that equal distances are equal
    x, y = np.round(x * 8) / 8, np.maximum(y, 0)
    np.testing.assert_allclose(mixed(x, y, 3), plain_mixed(x, y, 3), atol=1e-12)


def test_mixed_without_ties_is_ksg():
    x, y = pair(2, 1)
    np.testing.assert_array_equal(mixed(x, y, 3), ksg1(x, y, 3))


def test_ksg_is_scikit_learns():
    x, y = pair(1, 1, n=1000)
    x, y = x / x.std(), y / y.std()  # scikit-learn scales and adds noise of 1e-10
    theirs = mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0]
    assert ksg1(x, y, 3).mean() == pytest.approx(theirs, abs=2e-4)


def test_ross_is_scikit_learns():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 800)
    x = rng.normal(size=(800, 1)) + labels[:, None]
    theirs = mutual_info_classif(x, labels, n_neighbors=3, random_state=0)[0]
    assert ross(x, labels, 3).mean() == pytest.approx(theirs, abs=2e-4)


def test_ross_leaves_out_rows_without_their_kind():
    rng = np.random.default_rng(0)
    labels = np.r_[np.zeros(60, int), np.ones(60, int), 2]
    assert len(ross(rng.normal(size=(121, 1)), labels, 3)) == 120


@pytest.mark.parametrize("df", [np.inf, 2.5])
def test_pointwise_information_is_the_log_density_ratio(df):
    matrix = np.array([[1.0, 0.3, 0.5], [0.3, 1.0, 0.2], [0.5, 0.2, 1.0]])
    copula = fit_gaussian(*np.split(np.random.default_rng(0).multivariate_normal(np.zeros(3), matrix, 500), [2], axis=1))
    copula = type(copula)(matrix, 2, df, 0.0, 0.0)
    z = np.random.default_rng(1).normal(size=(50, 3))

    def density(part):
        return multivariate_normal(cov=part) if np.isinf(df) else multivariate_t(shape=part, df=df)

    expected = density(matrix).logpdf(z) - density(matrix[:2, :2]).logpdf(z[:, :2]) - density(matrix[2:, 2:]).logpdf(z[:, 2:])
    np.testing.assert_allclose(copula.pointwise(z), expected, atol=1e-10)


def test_gaussian_information_is_unbiased_where_chance_is_large():
    """Forty columns, 300 rows, no dependence: the sample information is 1.5 nats of chance."""
    rng = np.random.default_rng(0)
    found = [fit_gaussian(rng.normal(size=(300, 20)), rng.normal(size=(300, 20))) for _ in range(40)]
    values = np.array([copula.information for copula in found])
    assert wishart_bias(300, 20, 20) > 0.7
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(40)
    # and a sample of the copula has what the copula says, chance taken off
    remaining = np.mean([gaussian_information(copula.correlation, 20) for copula in found])
    assert remaining < 0.1


def test_numerical_rank_counts_in_the_bias():
    """Sixty columns of rank 8 are 8 columns: counted as 60, they would cost half a nat."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(2000, 8))
    x = latent @ rng.normal(size=(8, 60))
    y = latent[:, :4] + rng.normal(size=(2000, 4))
    reduced, rank = informative_columns(x)
    assert rank == 8
    assert fit_gaussian(reduced, y).information == pytest.approx(4 * 0.5 * np.log(2), abs=0.1)


def test_informative_columns_keep_what_is_small():
    x = np.random.default_rng(0).normal(size=(500, 3)) * [1e6, 1.0, 1e-9] + [0, 1e5, 0]
    reduced, rank = informative_columns(np.hstack([x, np.full((500, 1), 3.0)]))
    assert rank == 3
    assert np.abs(np.corrcoef(reduced, x, rowvar=False)[:3, 3:]).max(axis=0).min() > 0.999999


@pytest.mark.parametrize("df", [1.0, 2.0, 5.0])
def test_student_copula_finds_the_common_radius(df):
    world = student(3, 2, df)
    x, y = world.draw(np.random.default_rng(0), 3000)
    # any increasing map of a column leaves the copula as it is
    copula = fit_elliptical(rank_scores(np.arcsinh(x)), rank_scores(y))
    assert copula.df == pytest.approx(df, rel=0.15)
    assert copula.information == pytest.approx(world.information, abs=0.05)
    assert student_excess(df, 3, 2) == pytest.approx(student_information(3, 2, df))


def test_gaussian_data_get_no_radius():
    x, y = pair(2, 2, n=2000)
    assert np.isinf(fit_elliptical(rank_scores(x), rank_scores(y)).df)


def test_copula_draws_have_its_information():
    rng = np.random.default_rng(0)
    x, y = student(2, 2, 3.0).draw(rng, 2000)
    copula = fit_elliptical(rank_scores(x), rank_scores(y))
    truth = copula.draw(rng, 50_000)[2]
    assert truth.mean() == pytest.approx(copula.information, abs=0.02)


def test_adjusted_information_at_both_ends():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 100, 1000), rng.integers(0, 100, 1000)
    value, chance = adjusted_information(a, b)
    assert chance > 2.2  # what the plug-in estimate would have read
    assert abs(value) < 0.05
    assert adjusted_information(a, 99 - a)[0] == pytest.approx(np.log(100), abs=0.1)


def test_adjusted_information_is_scikit_learns_before_scaling():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 5, 400)
    b = np.where(rng.random(400) < 0.6, a, rng.integers(0, 5, 400))
    entropies = [-(p * np.log(p)).sum() for p in (np.bincount(v) / 400 for v in (a, b))]
    theirs = adjusted_mutual_info_score(a, b, average_method="min") * min(entropies)
    assert adjusted_information(a, b)[0] == pytest.approx(theirs, abs=1e-9)


def test_codes_number_distinct_rows():
    rows = np.array([[0.0, 1.0], [-0.0, 1.0], [2.0, 1.0], [0.0, 1.0]])
    labels, counts = codes(rows)
    assert labels[0] == labels[1] == labels[3] != labels[2]
    assert sorted(counts) == [1, 3]
