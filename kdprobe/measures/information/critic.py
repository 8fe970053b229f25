"""Held-out InfoNCE: a lower bound of I(X; Y) in nats from a critic that tells true pairs from mixed ones.

Van den Oord, Li and Vinyals (2018), arXiv:1807.03748; Poole et al. (2019), arXiv:1905.06922. On m rows the bound is the mean of
log(exp f(x_i, y_i) / mean_j exp f(x_i, y_j)). It holds for any critic f that has not seen these rows, and it cannot exceed log m. A critic
scored on the rows that it learned from bounds nothing, nor do variants that clip the mixed pairs (SMILE): neither is offered.

The critic starts as the log density ratio of Gaussian canonical variates of a simple expansion, which is hard to beat with few rows; a
small network is then trained on top, and kept only as far as rows kept aside say that it helps.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kdprobe.measures.information.expansions import RIDGES, Canonical, Expansion, columns, correlations, expansions, gaussian_score
from kdprobe.measures.information.interval import Floor, HalfFloor, Halves

# mixed pairs a row at most: their matrix has this many rows and columns
BLOCK = 2048
_HIDDEN, _EMBEDDED = 64, 16
_BATCH, _MOST_STEPS, _CHECK_EVERY, _PATIENCE = 256, 400, 20, 2
_RATE, _DECAY = 3e-3, 1e-3


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
    """Train the network on top of the canonical critic until the rows to choose by no longer gain.

    By hand: torch's autograd and AdamW give the same bounds on twelve worlds, at 1.7 times the processor time and one more second where
    torch is not loaded yet.
    """
    sides = x.astype(np.float32), y.astype(np.float32)
    embedded = start.embed_x(x).astype(np.float32), start.embed_y(y).astype(np.float32)

    def layers(columns: int, scale: float) -> list[np.ndarray]:
        inner = rng.standard_normal((columns, _HIDDEN), dtype=np.float32) * np.float32((2 / columns) ** 0.5)
        outer = rng.standard_normal((_HIDDEN, _EMBEDDED), dtype=np.float32) * np.float32(scale / _HIDDEN**0.5)
        return [inner, np.zeros(_HIDDEN, np.float32), outer, np.zeros(_EMBEDDED, np.float32)]

    # nothing on one side: training starts exactly at the canonical critic
    weights = [*layers(x.shape[1], 1.0), *layers(y.shape[1], 0.0)]
    moments = [(np.zeros_like(weight), np.zeros_like(weight)) for weight in weights]
    fit_rows, checks = np.concatenate([parts.fit, parts.tune]), _blocks(parts.check)
    best = _Network(tuple(weight.copy() for weight in weights), start.checked, 0)
    since = 0
    for step in range(1, _MOST_STEPS + 1):
        rows = rng.choice(fit_rows, min(_BATCH, len(fit_rows)), replace=False)
        slopes = _slopes(weights, tuple(side[rows] for side in sides), embedded[0][rows] @ embedded[1][rows].T)
        for weight, slope, (mean, square) in zip(weights, slopes, moments, strict=True):
            _adam(weight, slope, mean, square, step)
        if step % _CHECK_EVERY == 0:
            # a copy: training goes on in the same memory
            network = _Network(tuple(weight.copy() for weight in weights), 0.0, step)
            checked = float(np.mean([_bound(start, network, x, y, block)[0] for block in checks]))
            if checked > best.checked:
                best, since = replace(network, checked=checked), 0
            else:
                since += 1
                if since == _PATIENCE:
                    break
    return best


def _slopes(weights: list[np.ndarray], sides: tuple[np.ndarray, ...], scores: np.ndarray) -> list[np.ndarray]:
    """Gradient of minus the bound on a batch by each weight; `scores` are those of the critic below, and are changed."""
    hidden = [np.maximum(side @ inner + offset, 0) for side, inner, offset in zip(sides, weights[::4], weights[1::4], strict=True)]
    ends = [values @ outer + shift for values, outer, shift in zip(hidden, weights[2::4], weights[3::4], strict=True)]
    scores += ends[0] @ ends[1].T
    # by each score: half the softmax along rows and half that along columns, less the true pairs
    by_score = np.zeros_like(scores)
    for axis in (0, 1):
        share = np.exp(scores - scores.max(axis=axis, keepdims=True))
        by_score += share / (2 * share.sum(axis=axis, keepdims=True))
    np.fill_diagonal(by_score, np.diagonal(by_score) - 1)
    by_score /= len(scores)
    found: list[np.ndarray] = []
    for i, by_end in enumerate((by_score @ ends[1], by_score.T @ ends[0])):
        by_hidden = (by_end @ weights[4 * i + 2].T) * (hidden[i] > 0)
        found += [sides[i].T @ by_hidden, by_hidden.sum(axis=0), hidden[i].T @ by_end, by_end.sum(axis=0)]
    return found


def _adam(weight: np.ndarray, slope: np.ndarray, mean: np.ndarray, square: np.ndarray, step: int) -> None:
    """Take one step of AdamW, in place (Loshchilov and Hutter 2019, arXiv:1711.05101)."""
    weight *= 1 - _RATE * _DECAY
    mean += 0.1 * (slope - mean)
    square += 0.001 * (slope**2 - square)
    weight -= _RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)


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
