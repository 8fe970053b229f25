"""The exact interval of an explained share: against scipy where nothing is explained, against simulation, and at its ends."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.errors import DataError
from kdprobe.stats.multiple_correlation import explained_share, explained_share_cdf


def test_where_nothing_is_explained_it_is_the_f_test():
    for share, features, freedom in [(0.1, 1, 2), (0.3, 4, 30), (0.02, 7, 500)]:
        f = share / (1 - share) * (freedom - features) / features
        expected = stats.f.cdf(f, features, freedom - features)
        assert explained_share_cdf(share, 0.0, features=features, freedom=freedom) == pytest.approx(expected, abs=1e-12)
        assert explained_share_cdf(share, 1e-13, features=features, freedom=freedom) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("truth", "features", "freedom"), [(0.4, 3, 20), (0.7, 8, 30), (0.05, 5, 200)])
def test_the_distribution_is_that_of_least_squares(truth, features, freedom):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, freedom, features))
    y = np.sqrt(truth) * x[..., 0] + np.sqrt(1 - truth) * rng.normal(size=(3000, freedom))
    q = np.linalg.qr(x)[0]
    found = (np.einsum("sij,si->sj", q, y) ** 2).sum(axis=1) / (y**2).sum(axis=1)
    # of its own distribution function a sample is uniform
    places = [explained_share_cdf(share, truth, features=features, freedom=freedom) for share in found[:600]]
    assert stats.kstest(places, "uniform").pvalue > 0.001
    assert np.mean(places) == pytest.approx(0.5, abs=0.04)


def test_ends():
    assert explained_share(0.0, features=3, freedom=40) == (0.0, 0.0)
    low, high = explained_share(0.9999999, features=3, freedom=40)
    assert 0.999999 < low < 0.9999999 < high < 1
    low, high = explained_share(0.5, features=30, freedom=99_000)
    assert 0.49 < low < 0.5 < high < 0.51
    for share, features, freedom in [(0.5, 3, 40), (0.6, 10, 60), (0.9, 2, 12)]:
        low, high = explained_share(share, features=features, freedom=freedom, level=0.1)
        assert explained_share_cdf(share, low, features=features, freedom=freedom) == pytest.approx(0.95, abs=1e-8)
        assert explained_share_cdf(share, high, features=features, freedom=freedom) == pytest.approx(0.05, abs=1e-8)


def test_it_says_what_it_needs():
    with pytest.raises(DataError, match="features=3 and 3 degrees of freedom: give at least 1 feature and more rows"):
        explained_share(0.5, features=3, freedom=3)
