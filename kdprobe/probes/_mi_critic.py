"""Held-out InfoNCE: a lower bound of I(X; Y) in nats from a critic that tells true pairs from mixed ones.

Van den Oord, Li and Vinyals (2018), arXiv:1807.03748; Poole et al. (2019), arXiv:1905.06922. On m rows the bound is the mean of
log(exp f(x_i, y_i) / mean_j exp f(x_i, y_j)). It holds for any critic f that has not seen these rows, and it cannot exceed log m. A critic
scored on the rows that it learned from bounds nothing, nor do variants that clip the mixed pairs (SMILE): neither is offered.

The critic starts as the log density ratio of Gaussian canonical variates of a simple expansion, which is hard to beat with few rows; a
small network is then trained on top, and kept only as far as rows kept aside say that it helps.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from kdprobe.probes._mi_expansions import RIDGES, Canonical, Expansion, columns, correlations, expansions, gaussian_score
from kdprobe.probes._mi_interval import Floor, HalfFloor, Halves

# mixed pairs a row at most: their matrix has this many rows and columns
BLOCK = 2048
_HIDDEN, _EMBEDDED = 64, 16
_BATCH, _MOST_STEPS, _CHECK_EVERY, _PATIENCE = 256, 400, 20, 2


def critic_floor(x: np.ndarray, y: np.ndarray, halves: Halves, rng: np.random.Generator) -> Floor:
    """Learn a critic on each half of normal scores x (n, dx) and y (n, dy), bound I(X; Y) on the other."""
    return Floor(*(_half(x, y, learn, held, rng) for learn, held in (halves, halves[::-1])))


def linear_floor(x: np.ndarray, y: np.ndarray, halves: Halves) -> Floor:
    """Bound of the critic of the columns themselves, without network: nothing is chosen, so that two samples compare."""
    found = []
    for learn, held in (halves, halves[::-1]):
        critic = _fitted(columns, columns, x, y, _parted(learn))
        found.append(HalfFloor(critic.checked, *_bound(critic, None, x, y, held)))
    return Floor(*found)


def cap(n: int) -> float:
    """Return the most in nats that the bound can be, from n rows in all."""
    return float(np.log(max(len(block) for block in _blocks(np.arange(n // 2)))))


def info_nce(scores: np.ndarray) -> np.ndarray:
    """Return one value a row (n,) from the critic's scores (n, n) of row i of X with row j of Y: mean of both directions.

    The mean is InfoNCE, at most log n: the true pair is one of those in the denominator.
    """
    true = np.diagonal(scores).astype(np.float64)
    missed = np.zeros(len(scores))
    for axis in (0, 1):
        most = scores.max(axis=axis, keepdims=True)
        missed += most.ravel() - true + np.log(np.exp(scores - most).sum(axis=axis, dtype=np.float64))
    return np.log(len(scores)) - missed / 2


def _half(x: np.ndarray, y: np.ndarray, learn: np.ndarray, held: np.ndarray, rng: np.random.Generator) -> HalfFloor:
    parts = _parted(learn)
    options = (_fitted(*expanded, x, y, parts) for expanded in expansions(x[parts.fit], y[parts.fit], rng))
    critic = max(options, key=lambda option: option.checked)
    network = _train(critic, x, y, parts, rng)
    if network.checked <= 0:
        # a critic that does worse than none: one that says the same of every pair bounds by 0
        return HalfFloor(0.0, 0.0, 0.0)
    return HalfFloor(network.checked, *_bound(critic, network if network.steps else None, x, y, held))


class _Parts(NamedTuple):
    """Rows to learn directions and weights from, rows for what directions overfit, rows to choose by."""

    fit: np.ndarray
    tune: np.ndarray
    check: np.ndarray


def _parted(learn: np.ndarray) -> _Parts:
    n = len(learn)
    return _Parts(*np.split(learn, [3 * n // 5, 4 * n // 5]))


@dataclass(frozen=True)
class _CanonicalCritic:
    """Log density ratio of Gaussian pairs (u, v) with correlation r: (r u v - r² (u² + v²) / 2) / (1 - r²), summed over pairs.

    Written as a product of embeddings of X and of Y, so that all pairs of rows cost one matrix product.
    """

    expand_x: Expansion
    expand_y: Expansion
    a: np.ndarray
    b: np.ndarray
    centre_x: np.ndarray
    centre_y: np.ndarray
    correlation: np.ndarray
    checked: float = 0.0

    def embed_x(self, x: np.ndarray) -> np.ndarray:
        u = self.expand_x(x) @ self.a - self.centre_x
        return np.hstack([u * self._slope, -(u**2) @ self._curvature, np.ones((len(u), 1))])

    def embed_y(self, y: np.ndarray) -> np.ndarray:
        v = self.expand_y(y) @ self.b - self.centre_y
        return np.hstack([v * self._slope, np.ones((len(v), 1)), -(v**2) @ self._curvature])

    @property
    def _slope(self) -> np.ndarray:
        return np.sqrt(self.correlation / (1 - self.correlation**2))

    @property
    def _curvature(self) -> np.ndarray:
        return (self.correlation**2 / (1 - self.correlation**2) / 2)[:, None]


def _fitted(expand_x: Expansion, expand_y: Expansion, x: np.ndarray, y: np.ndarray, parts: _Parts) -> _CanonicalCritic:
    """Fit the critic of an expansion: directions on rows of their own; ridge, correlations and scale, which these overfit, on others."""
    solve = Canonical(expand_x(x[parts.fit]), expand_y(y[parts.fit]))
    held_x, held_y = expand_x(x[parts.tune]), expand_y(y[parts.tune])
    options = []
    for ridge in RIDGES:
        a, b = solve(ridge)
        # the more pairs, the larger the largest of chance
        beyond = max(2.0, float(np.sqrt(2 * np.log(a.shape[1]))))
        correlation = correlations(held_x @ a, held_y @ b, beyond=beyond)
        options.append((gaussian_score(correlation), a, b, correlation))
    _, a, b, correlation = max(options, key=lambda option: option[0])
    a, b, correlation = a[:, correlation > 0], b[:, correlation > 0], correlation[correlation > 0]
    a, b = a / (held_x @ a).std(axis=0), b / (held_y @ b).std(axis=0)
    critic = _CanonicalCritic(expand_x, expand_y, a, b, (held_x @ a).mean(axis=0), (held_y @ b).mean(axis=0), correlation)
    return replace(critic, checked=_bound(critic, None, x, y, parts.check)[0])


@dataclass(frozen=True)
class _Network:
    """One hidden layer a side: (weights, offsets) of both layers, for X and for Y; the best on rows to choose by."""

    weights: tuple[np.ndarray, ...]
    checked: float
    steps: int

    def embed(self, values: np.ndarray, side: int) -> np.ndarray:
        inner, offset, outer, shift = self.weights[4 * side : 4 * side + 4]
        return np.maximum(values @ inner + offset, 0) @ outer + shift


def _train(start: _CanonicalCritic, x: np.ndarray, y: np.ndarray, parts: _Parts, rng: np.random.Generator) -> _Network:
    """Train the network on top of the canonical critic until the rows to choose by no longer gain."""
    import torch

    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))

    def single(values: np.ndarray) -> Any:
        return torch.from_numpy(values.astype(np.float32))

    sides = single(x), single(y)
    embedded = single(start.embed_x(x)), single(start.embed_y(y))

    def layers(columns: int, scale: float) -> list[Any]:
        inner = torch.randn(columns, _HIDDEN, generator=generator) * (2 / columns) ** 0.5
        outer = torch.randn(_HIDDEN, _EMBEDDED, generator=generator) * scale / _HIDDEN**0.5
        return [inner, torch.zeros(_HIDDEN), outer, torch.zeros(_EMBEDDED)]

    # nothing on one side: training starts exactly at the canonical critic
    weights = [*layers(x.shape[1], 1.0), *layers(y.shape[1], 0.0)]
    for weight in weights:
        weight.requires_grad_(True)

    def bound(rows: Any) -> Any:
        inner = [
            torch.relu(side[rows] @ w + offset) @ outer + shift
            for side, (w, offset, outer, shift) in zip(sides, (weights[:4], weights[4:]), strict=True)
        ]
        scores = inner[0] @ inner[1].T + embedded[0][rows] @ embedded[1][rows].T
        true, normal = scores.diagonal(), torch.logsumexp(scores, 0) + torch.logsumexp(scores, 1)
        return (true - normal / 2).mean() + np.log(len(rows))

    optimiser = torch.optim.AdamW(weights, lr=3e-3, weight_decay=1e-3, fused=True)
    checks = [torch.from_numpy(block) for block in _blocks(parts.check)]
    fit_rows = torch.from_numpy(np.concatenate([parts.fit, parts.tune]))
    best, kept, since, state = start.checked, 0, 0, [weight.detach().numpy().copy() for weight in weights]
    for step in range(1, _MOST_STEPS + 1):
        rows = fit_rows[torch.randperm(len(fit_rows), generator=generator)[:_BATCH]]
        optimiser.zero_grad()
        (-bound(rows)).backward()
        optimiser.step()
        if step % _CHECK_EVERY == 0:
            with torch.no_grad():
                checked = float(np.mean([float(bound(block)) for block in checks]))
            if checked > best:
                # a copy: training goes on in the same memory
                best, kept, since, state = checked, step, 0, [weight.detach().numpy().copy() for weight in weights]
            else:
                since += 1
                if since == _PATIENCE:
                    break
    return _Network(tuple(state), best, kept)


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, -(-len(rows) // BLOCK))


def _bound(critic: _CanonicalCritic, network: _Network | None, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Bound on these rows and its variance, a block of rows at a time."""
    terms = []
    for block in _blocks(rows):
        left, right = critic.embed_x(x[block]), critic.embed_y(y[block])
        if network is not None:
            left, right = np.hstack([left, network.embed(x[block], 0)]), np.hstack([right, network.embed(y[block], 1)])
        terms.append(info_nce(left.astype(np.float32) @ right.T.astype(np.float32)))
    values = np.concatenate(terms)
    return float(values.mean()), float(values.var(ddof=1) / len(values))
