"""Kernel alignment written from the papers, slowly and in float64, to test the fast code against."""

import numpy as np


def linear(x):
    x = np.asarray(x, dtype=np.float64)
    return x @ x.T


def hsic1_of_song(k, l):  # noqa: E741
    """Song et al. 2012, equation 5."""
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
    one = np.ones(n)
    return (np.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ l @ one)) / (n * (n - 3))


def u_centred(k):
    """Székely and Rizzo 2014, definition 2."""
    n = len(k)
    k = k - np.diag(np.diag(k))
    out = k - k.sum(0) / (n - 2) - k.sum(1)[:, None] / (n - 2) + k.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(out, 0)
    return out


def debiased_cka(k, l):  # noqa: E741
    return hsic1_of_song(k, l) / np.sqrt(hsic1_of_song(k, k) * hsic1_of_song(l, l))


def biased_cka(k, l):  # noqa: E741
    """Kornblith et al. 2019, equations 3 and 4."""
    centring = np.eye(len(k)) - 1 / len(k)
    k, l = centring @ k @ centring, centring @ l @ centring  # noqa: E741
    return np.sum(k * l) / np.sqrt(np.sum(k * k) * np.sum(l * l))


def rbf(x, bandwidth):
    """The kernel of the code that came with Kornblith et al. 2019."""
    from scipy.spatial.distance import cdist

    squared = cdist(x, x, "sqeuclidean")
    return np.exp(-squared / (2 * bandwidth**2 * np.median(squared)))


def public_case():
    rng = np.random.RandomState(1337)
    x = rng.randn(100, 10)
    return x, rng.randn(100, 10) + x


def latent_pair(rng, n, dx, dy, *, latent=4, strength=0.5):
    """Two noisy views of one latent, and the population CKA of the pair that `rng` drew."""
    a, b = rng.normal(size=(latent, dx)) * strength, rng.normal(size=(latent, dy)) * strength
    cross, own_x, own_y = a.T @ b, a.T @ a + np.eye(dx), b.T @ b + np.eye(dy)
    truth = np.sum(cross**2) / np.sqrt(np.sum(own_x**2) * np.sum(own_y**2))

    def draw(rows=None):
        z = rng.normal(size=(n, latent)) if rows is None else rng.normal(size=(rows.max() + 1, latent))[rows]
        return z @ a + rng.normal(size=(n, dx)), z @ b + rng.normal(size=(n, dy))

    return draw, truth
